"""Pages as browsers read them: by the algorithm of the standard, in C; a BeautifulSoup of them on request."""

from collections.abc import Iterator

from bs4 import BeautifulSoup, Comment
from bs4.builder import HTMLTreeBuilder
from selectolax.lexbor import LexborHTMLParser, LexborNode


class _Finished(HTMLTreeBuilder):
    """Hands a tree that is parsed already to BeautifulSoup, which parses four times as long in Python."""

    NAME = "finished"

    def feed(self, markup: str | bytes) -> None:
        root = LexborHTMLParser(markup).root
        if root is not None:
            self._add(root)

    def _add(self, node: LexborNode) -> None:
        soup = self.soup
        assert soup is not None
        if node.is_element_node:
            name = node.tag or ""
            soup.handle_starttag(name, None, None, attributes(node))
            # What a template holds lies beside the document.
            child = (node.template_fragments()[0] if name == "template" else node).child
            while child is not None:
                self._add(child)
                child = child.next
            soup.handle_endtag(name)
        elif node.is_text_node:
            soup.handle_data(node.text_content or "")
        elif node.is_comment_node:
            soup.endData()
            soup.handle_data(node.comment_content or "")
            soup.endData(Comment)


def soup(markup: str) -> BeautifulSoup:
    """The same tree as with BeautifulSoup's "html5lib" (a test compares them), in a quarter of the time."""
    # Without these, blanks between elements would shrink, and scripts would not count as text.
    return BeautifulSoup(markup, builder=_Finished(preserve_whitespace_tags={"html"}, string_containers={}))


def tree(markup: str) -> LexborHTMLParser:
    """For questions that are asked of every page. Keep it as long as its nodes."""
    return LexborHTMLParser(markup)


def attributes(node: LexborNode) -> dict[str, str]:
    """Those of an element; one without a value has an empty one."""
    return {name: value or "" for name, value in node.attributes.items()}


def _nodes(node: LexborNode) -> Iterator[LexborNode]:
    """Itself and everything in it, in order."""
    for part in node.traverse(include_text=True):
        yield part
        if part.tag == "template":
            child = part.template_fragments()[0].child
            while child is not None:
                yield from _nodes(child)
                child = child.next


def elements(parsed: LexborHTMLParser) -> Iterator[LexborNode]:
    """Every element, in order."""
    if parsed.root is not None:
        yield from (node for node in _nodes(parsed.root) if node.is_element_node)


def texts(node: LexborNode | None) -> Iterator[str]:
    """The pieces of text in an element, in order, as BeautifulSoup's `get_text` has them."""
    if node is not None:
        yield from (part.text_content or "" for part in _nodes(node) if part.is_text_node)
