"""The quick reading of pages gives what the reading in Python gives, above all where texts try to break out."""

import re

import pytest
from bs4 import BeautifulSoup, Doctype
from bs4.element import Tag

from tests import markup
from tests.payloads import ODD_TEXTS, PAYLOADS, inert

pytestmark = pytest.mark.pure

PAGE = """<!doctype html>
<html lang="de"><head><title>Titel – Stadt</title><link rel="canonical" href="/x"><script src="/static/x.js"></script>
</head><body><main><h1>Über  <em>schrift</em></h1> <p>Ein <b>Satz</b>.
<table><tr><td>1<td>2</table><form action="/a"><label for="x">X</label><input id="x" name="x" required><select name="y">
<option value="1">eins<option selected>zwei</select><textarea name="t">

zwei Zeilen</textarea></form><svg viewBox="0 0 1 1"><path d="M0"/></svg>{}<ul><li>a<li>b</ul></main></body></html>"""


def parts(parent: Tag) -> list[object]:
    found: list[object] = []
    for child in parent.contents:
        if isinstance(child, Doctype):
            continue
        if isinstance(child, Tag):
            found += [(child.name, dict(child.attrs)), parts(child)]
        else:
            found.append((type(child).__name__, str(child)))
    return found


@pytest.mark.parametrize("text", ["", "<p>in a <p>paragraph</div>", "<style>a</style><b>c", *PAYLOADS, *ODD_TEXTS])
def test_it_is_the_same_tree_and_text(text: str) -> None:
    page = PAGE.replace("{}", text)
    quick, slow = markup.soup(page), BeautifulSoup(page, "html5lib")
    assert parts(quick) == parts(slow)
    assert inert(quick) == inert(slow)
    assert [node.tag for node in markup.elements(markup.tree(page))] == [tag.name for tag in slow.find_all(True)]
    words = " ".join(markup.texts(markup.tree(page).root))
    assert re.sub(r"\s+", " ", words) == re.sub(r"\s+", " ", slow.get_text(" "))


def test_every_form_element_keeps_what_it_says() -> None:
    field = markup.soup(PAGE).find("input")
    assert field is not None
    assert field.has_attr("required")
    assert field["required"] == ""
