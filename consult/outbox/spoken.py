"""Words in a mail that are in another language than the mail, so that programs that read aloud know it.

From the Markdown to both parts of the mail their beginning and their end are markers that nobody can write.
"""

import re

from consult.i18n import direction, language
from consult.outbox.kinds import marker

_END = marker("spoken")
_BEGIN = re.escape(marker("in-").removesuffix("x")) + "([a-z]+)x"
_BEGIN_AS_HTML = re.compile(f"<p>{_BEGIN}</p>")
_ALONE = re.compile(rf"(?:{_BEGIN}|{_END})\n*")


def spoken_in(lang: str, markdown: str) -> str:
    """These paragraphs, marked where they are in another language than the mail."""
    if not markdown or lang == language():
        return markdown
    return f"{marker(f'in-{lang}')}\n\n{markdown}\n\n{_END}"


def as_html(html: str, of_class: str = "") -> str:
    """What was marked becomes an element with its language and direction, on our own pages of a class."""
    more = f' class="{of_class}"' if of_class else ""
    return _BEGIN_AS_HTML.sub(
        lambda found: f'<div lang="{found[1]}" dir="{direction(found[1])}"{more}>',
        html.replace(f"<p>{_END}</p>", "</div>"),
    )


def as_text(text: str) -> str:
    """The words alone."""
    return _ALONE.sub("", text)
