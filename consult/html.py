"""The one place where text becomes HTML."""

import re
import unicodedata
from collections.abc import MutableMapping, Sequence
from typing import Any

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token
from markdown_it.utils import OptionsDict
from markupsafe import Markup, escape

#: A picture of the concept, by its number: the only kind of picture a text can show.
_PICTURE = re.compile(r"picture:0{0,5}([1-9]\d{0,5})")


def _image(
    _renderer: RendererProtocol,
    tokens: Sequence[Token],
    index: int,
    _options: OptionsDict,
    _env: MutableMapping[str, Any],
) -> str:
    """A picture of the concept; of any other only the words for who cannot see it."""
    token = tokens[index]
    alt = escape(" ".join(_words(token.children or []).split()))
    found = _PICTURE.fullmatch(str(token.attrs.get("src", "")))
    return f'<img src="picture:{found[1]}" alt="{alt}">' if found else str(alt)


def _words(tokens: Sequence[Token]) -> str:
    return "".join(
        " " if t.type in ("softbreak", "hardbreak") else _words(t.children) if t.children else t.content for t in tokens
    )


def _cell(
    _renderer: RendererProtocol,
    tokens: Sequence[Token],
    index: int,
    _options: OptionsDict,
    _env: MutableMapping[str, Any],
) -> str:
    """Heads of columns say so; columns of figures stand at the end of the line by class, not by style."""
    token = tokens[index]
    scope = ' scope="col"' if token.tag == "th" else ""
    figures = ' class="num"' if "right" in str(token.attrs.get("style", "")) else ""
    return f"<{token.tag}{scope}{figures}>"


def _parser(*, pictures: bool) -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True}).enable("table")
    parser.add_render_rule("th_open", _cell)
    parser.add_render_rule("td_open", _cell)
    if pictures:
        parser.add_render_rule("image", _image)
    else:
        parser.disable("image")
    return parser


_markdown, _with_pictures = _parser(pictures=False), _parser(pictures=True)

_TAGS = {
    "a", "abbr", "blockquote", "br", "code", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "td": {"class"}, "th": {"class", "scope"}}
_SCHEMES = {"http", "https", "mailto", "tel"}
#: Marks that turn the reading direction of what follows; harmless letters and joiners stay.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_LINE_END = re.compile("[\n\x85\u2028\u2029]")
_ZERO_WIDTH = re.compile("[\u200b\u2060\ufeff\u00ad]")
#: Marks that stand above and below letters; no language piles up more than `_PILE` of them on one.
_MARKS = (
    "\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u064b-\u065f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
)
_PILE = 5
_PILED = re.compile(f"([{_MARKS}]{{{_PILE}}})[{_MARKS}]+")
MAX_MARKDOWN = 200_000


def clean_text(value: str) -> str:
    """Text as people may enter it: NFC, one kind of line end, without control characters or heaps of accents."""
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    # Before putting them in order, which takes quadratic time for heaps.
    return _CONTROL.sub("", unicodedata.normalize("NFC", _PILED.sub(r"\1", value)))


#: Marks that force a direction on other people's words, and signs that hide inside words. Marks of direction that right
#: to left scripts need, and joiners of letters, stay.
_FORCING = re.compile("[\u202a-\u202e\u2066-\u2069\u2060\ufeff]")


#: Letters and signs by their category, which leave the paper white all the same.
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")


def _shows(value: str) -> bool:
    """Whether a sign of it can be seen."""
    return any(not c.isspace() and c not in _BLANK and unicodedata.category(c) not in ("Cf", "Mn", "Me") for c in value)


def clean_words(value: str) -> str:
    """`clean_text` for what citizens write: also without marks that force a direction or hide.

    Nothing at all where no sign of it could be seen.
    """
    words = _FORCING.sub("", clean_text(value))
    return words if _shows(words) else ""


def clean_line(value: str) -> str:
    """One line for names and titles: also without marks that change direction or hide letters.

    Nothing at all where no sign of it could be seen.
    """
    value = _ZERO_WIDTH.sub("", _BIDI.sub("", clean_text(value)))
    return " ".join(value.split()) if _shows(value) else ""


_FORBIDDEN = re.compile("[\x00\ud800-\udfff]")


def has_forbidden(value: str) -> bool:
    """NUL bytes and lone surrogates are never typed by people: such a request is refused, not repaired."""
    return _FORBIDDEN.search(value) is not None


def _attribute(tag: str, name: str, value: str) -> str | None:
    """What stays of an attribute. Links say where they lead: `//elsewhere` looks like a path of ours and is not."""
    if name == "href":
        address = value.strip().replace("\\", "/")
        return None if address.startswith("//") or address.lower().startswith("picture:") else value
    if name == "class":
        return value if value == "num" else None
    if name == "scope":
        return value if value == "col" else None
    return None if tag == "img" and name == "src" and not _PICTURE.fullmatch(value) else value


def sanitize(html: str, *, pictures: bool = False) -> str:
    """Only what `_TAGS` allows; links without power over us; pictures only those of the concept, where wanted."""
    more = {"img"} if pictures else set()
    return nh3.clean(
        html, tags=_TAGS | more, attributes={**_ATTRIBUTES, "img": {"src", "alt"}} if pictures else _ATTRIBUTES,
        url_schemes=_SCHEMES | {"picture"} if pictures else _SCHEMES, link_rel="nofollow noopener ugc",
        attribute_filter=_attribute,
    )  # fmt: skip


#: What marks of Markdown cost the parser, in millionths of a second on a slow machine.
_COSTS = {"[": 24, "]": 4, "!": 4, "*": 12, "_": 7, "`": 5, "|": 12, "\n": 12, "#": 10, "&": 4, "<": 5, ">": 3, "\\": 2}
_CELL_COST = 16
#: More than this is no text of a person; a whole concept with links, lists and tables stays far below.
_AFFORDABLE = 100_000
_DELIMITER_ROW = re.compile(r"^ {0,3}[|:\-][ \t|:\-]*$", re.MULTILINE)


def _is_affordable(source: str) -> bool:
    """Whether rendering takes a fraction of a second: the parser is fast for texts and slow for heaps of marks."""
    cost = sum(source.count(mark) * price for mark, price in _COSTS.items())
    for row in _DELIMITER_ROW.finditer(source):
        # Rows that are too short are filled up with empty cells, so a short text can make a huge table.
        end = source.find("\n\n", row.end())
        rows = source.count("\n", row.end(), end if end >= 0 else len(source))
        cost += _CELL_COST * rows * (row[0].count("|") + 1)
        if cost > _AFFORDABLE:
            return False
    return cost <= _AFFORDABLE


def render_markdown(source: str, *, pictures: bool = False) -> str:
    """Markdown of editors as safe HTML. Headings start at h3 because pages have their own h1 and h2.

    With `pictures`, `![words](picture:3)` becomes an `img` whose source is that mark, for `concept.marks` to resolve.
    What would keep the parser busy for long is shown as it was typed.
    """
    source = clean_text(source)[:MAX_MARKDOWN]
    if not _is_affordable(source):
        return str(plain_html(source))
    html = str((_with_pictures if pictures else _markdown).render(source))
    html = re.sub(r"<(/?)h([12])>", r"<\1h3>", html)
    return sanitize(html, pictures=pictures)


def plain_html(source: str) -> Markup:
    """What a citizen wrote: paragraphs and line breaks, nothing else; links are not made clickable."""
    blocks = [block for block in re.split(r"\n\s*\n", clean_text(source).strip()) if block.strip()]
    paragraphs = (_LINE_END.sub("<br>", str(escape(block))) for block in blocks)
    return Markup("".join(f"<p>{paragraph}</p>" for paragraph in paragraphs))  # noqa: S704  (escaped)


_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~])")


def escape_markdown(value: object) -> str:
    """A value put into a Markdown mail template, so that names cannot make links or headings."""
    return _MARKDOWN_SPECIAL.sub(r"\\\1", str(value)).replace("\n", " ")
