"""The one place where text becomes HTML."""

import re
import unicodedata

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False, "breaks": True}).enable("table")
_markdown.disable("image")

_TAGS = {
    "a", "abbr", "blockquote", "br", "code", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}}
_SCHEMES = {"http", "https", "mailto", "tel"}
#: Marks that turn the reading direction of what follows; harmless letters and joiners stay.
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]")
_ZERO_WIDTH = re.compile("[\u200b\u2060\ufeff\u00ad]")
MAX_MARKDOWN = 200_000


def clean_text(value: str) -> str:
    """Text as people may enter it: NFC, one kind of line end, without control characters (several lines)."""
    value = value.replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROL.sub("", unicodedata.normalize("NFC", value))


def clean_line(value: str) -> str:
    """One line for names and titles: also without marks that change direction or hide letters."""
    value = _ZERO_WIDTH.sub("", _BIDI.sub("", clean_text(value)))
    return " ".join(value.split())


def has_forbidden(value: str) -> bool:
    """NUL bytes and lone surrogates are never typed by people: such a request is refused, not repaired."""
    return "\x00" in value or any("\ud800" <= c <= "\udfff" for c in value)


def _own_or_named(_tag: str, name: str, value: str) -> str | None:
    """Links say where they lead: `//elsewhere` looks like a path of ours and is another host."""
    return None if name == "href" and value.strip().replace("\\", "/").startswith("//") else value


def sanitize(html: str) -> str:
    """Only what `_TAGS` allows; links without power over us."""
    return nh3.clean(
        html, tags=_TAGS, attributes=_ATTRIBUTES, url_schemes=_SCHEMES, link_rel="nofollow noopener ugc",
        attribute_filter=_own_or_named,
    )  # fmt: skip


def render_markdown(source: str) -> str:
    """Markdown of editors as safe HTML. Headings start at h3 because pages have their own h1 and h2."""
    html = str(_markdown.render(clean_text(source)[:MAX_MARKDOWN]))
    html = re.sub(r"<(/?)h([12])>", r"<\1h3>", html)
    return sanitize(html)


def plain_html(source: str) -> Markup:
    """What a citizen wrote: paragraphs and line breaks, nothing else; links are not made clickable."""
    blocks = [block for block in re.split(r"\n\s*\n", clean_text(source).strip()) if block.strip()]
    return Markup("").join(Markup("<p>{}</p>").format(Markup("<br>").join(escape(line) for line in block.splitlines()))
                           for block in blocks)  # fmt: skip


_MARKDOWN_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~])")


def escape_markdown(value: object) -> str:
    """A value put into a Markdown mail template, so that names cannot make links or headings."""
    return _MARKDOWN_SPECIAL.sub(r"\\\1", str(value)).replace("\n", " ")
