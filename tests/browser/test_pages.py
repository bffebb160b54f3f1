"""Every page, as somebody who may see it: accessible, in the window, quiet, without other hosts, in German."""

import re
from collections.abc import Callable, Iterator

import pyotp
import pytest
from axe_playwright_python.sync_playwright import Axe
from babel.messages.pofile import read_po
from playwright.sync_api import Page

from deploy.messages import extract
from tests.browser.conftest import Visitor
from tests.browser.filling import main_button, press, send
from tests.browser.scenery import Scene
from tests.browser.town import Town, mailbox_server
from tests.browser.visits import NO_PAGES, VISITS, Visit
from tests.browser.watch import overflow

AXE = Axe()
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]},
    "resultTypes": ["violations"],
}
PHONE, DESKTOP, NARROW = (
    {"width": 375, "height": 800},
    {"width": 1280, "height": 900},
    {"width": 320, "height": 800},
)
WORD = re.compile(r"\w+")
Sentences = dict[tuple[str, ...], set[str]]
#: Words that make a sentence English; no German text has two of them.
ENGLISH = {"the", "and", "is", "are", "you", "your", "with", "this", "that", "for", "of", "to", "not", "please", "has"}


def accessible(page: Page, what: str) -> list[str]:
    """Violations of WCAG 2.0 to 2.2, A and AA, as axe sees them."""
    # Half a megabyte of script: once for a document, not once for each look at it.
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.axe_script)
    found = page.evaluate("options => axe.run(document, options).then(result => result.violations)", RULES)
    return [
        f"{what}: {violation['id']}: {node['html'][:160]} | {node['failureSummary'][:200]}"
        for violation in found
        for node in violation["nodes"][:3]
    ]


def looks(page: Page, turn: int) -> list[str]:
    """The page in light and dark, on a phone and on a desktop (which goes with which alternates), and narrow."""
    found = []
    sizes = (PHONE, DESKTOP) if turn % 2 else (DESKTOP, PHONE)
    for scheme, size in zip(("light", "dark"), sizes, strict=True):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size(size)
        found += accessible(page, f"{scheme}, {size['width']} px")
    page.set_viewport_size(NARROW)
    found += [f"wider than 320 px: {element}" for element in overflow(page)]
    return found


@pytest.fixture(scope="session")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> Sentences:
    """Pieces of the interface's English texts that are longer than two words, by their first three."""
    template = tmp_path_factory.mktemp("texts") / "messages.pot"
    extract(template)
    with template.open("rb") as file:
        catalogue = read_po(file)
    pieces: Sentences = {}
    for message in catalogue:
        if message.id and "/" not in message.flags:
            for text in message.id if isinstance(message.id, (list, tuple)) else [message.id]:
                for piece in re.split(r"%\(\w+\)[sd]|</?\w+[^>]*>|[\n\[\]*]|\(https?:\S+\)", text):
                    piece = " ".join(piece.split()).strip(" .,:;()")
                    if len(piece.split()) > 2:
                        pieces.setdefault(tuple(WORD.findall(piece)[:3]), set()).add(piece)
    return pieces


def english(page: Page, sentences: Sentences) -> list[str]:
    """English sentences in what a German reader sees and hears; texts of people marked as English may be English."""
    texts: list[str] = page.evaluate(
        """() => {
            const german = e => { const l = e.closest('[lang]'); return !l || l.lang.startsWith('de'); };
            const found = [document.title];
            for (const e of document.querySelectorAll('body, body *')) {
                if (['SCRIPT', 'STYLE', 'TEXTAREA'].includes(e.tagName) || !german(e)) continue;
                for (const a of ['aria-label', 'title', 'placeholder', 'alt', 'data-label'])
                    if (e.getAttribute(a)) found.push(e.getAttribute(a));
                if (e.tagName === 'INPUT' && ['submit', 'button'].includes(e.type)) found.push(e.value);
                for (const n of e.childNodes) if (n.nodeType === 3) found.push(n.textContent);
            }
            return found.map(t => t.replace(/\\s+/g, ' ').trim()).filter(t => t.includes(' '));
        }"""
    )
    bad = []
    for text in texts:
        words = set(re.findall(r"[a-z]+", text.lower()))
        in_order = WORD.findall(text)
        begun = (sentences.get(three, ()) for three in zip(in_order, in_order[1:], in_order[2:], strict=False))
        if len(words & ENGLISH) >= 2 or any(piece in text for pieces in begun for piece in pieces):
            bad.append(f"English: {text[:120]}")
    return bad


@pytest.fixture(scope="module")
def mailbox(here: Town) -> Iterator[str]:
    """The same instance without a mail server: its mail lies in a folder and is read in the browser."""
    with mailbox_server(here) as url:
        yield url


def test_every_page_is_visited(here: Town) -> None:
    routes = {rule.endpoint for rule in here.app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    visited = {visit.endpoint for visit in VISITS if visit.status == 200}
    assert not routes - visited - set(NO_PAGES), f"pages nobody looks at: {sorted(routes - visited - set(NO_PAGES))}"
    assert not set(NO_PAGES) - routes, f"exceptions that are gone: {sorted(set(NO_PAGES) - routes)}"
    assert not visited - routes, f"pages that are gone: {sorted(visited - routes)}"
    names = [str(visit) for visit in VISITS]
    assert len(names) == len(set(names)), "a visit stands in the list twice"


def test_the_checks_catch(here: Town, visit: Callable[..., Visitor], sentences: Sentences) -> None:
    """A page spoilt on purpose is noticed by each of them."""
    visitor = visit()
    page = visitor.go("/contact")
    spoil = """() => {
            const main = document.querySelector('main');
            main.insertAdjacentHTML('beforeend', '<img src="http://elsewhere.example/x.png"><p class="wide"></p>');
            const wide = document.querySelector('.wide');
            wide.textContent = 'Please give the day, for example 2026-05-09.';
            wide.setAttribute('style', 'color: red');
            wide.style.width = '600px';
        }"""
    with page.expect_request("http://elsewhere.example/**"), page.expect_console_message():
        page.evaluate(spoil)
    found = "\n".join(looks(page, 0) + english(page, sentences) + visitor.watch.take())
    for sign in ("image-alt", "wider than 320 px", "English:", "another host: http://elsewhere", "console:"):
        assert sign in found, f"{sign} is not noticed:\n{found}"


def arrive(visit: Callable[..., Visitor], scene: Scene, role: str | None) -> Visitor:
    """A browser of this role."""
    if role == "preview":
        visitor = visit()
        visitor.go(f"/preview/{scene.links['preview']}")
        return visitor
    if role == "second_factor_asked":
        return visit(scene.cast["second_factor"], second_factor=False)
    return visit(scene.cast[role] if role else None)


@pytest.mark.parametrize("place", VISITS, ids=str)
def test_a_page(
    here: Town, scene: Scene, visit: Callable[..., Visitor], sentences: Sentences, place: Visit, mailbox: str
) -> None:
    visitor = arrive(visit, scene, place.role)
    url = place.url(here.app, scene)
    if place.endpoint.startswith("outbox.mail") and place.endpoint != "outbox.messages":
        visitor.watch.host = mailbox.partition("//")[2]
        url = mailbox + url
    page = visitor.go(url, place.status)
    assert page.url.partition("?")[0].endswith(url.partition("?")[0]), f"led away to {page.url}"
    assert page.get_attribute("html", "lang") == "de"
    found = looks(page, VISITS.index(place)) + english(page, sentences) + visitor.watch.take()
    assert not found, "\n".join(found)


#: Pages with a form that cannot be sent empty.
FORMS = {
    "accounts.register", "accounts.sign_in", "accounts.ask_reset", "accounts.change_email",
    "accounts.change_password", "accounts.profile", "accounts.people_invite", "accounts.create_organisation",
    "accounts.enter_code", "accounts.reset", "site.contact", "site.settings", "site.text", "contributions.create",
    "contributions.reply", "contributions.create_reason", "concept.create_part", "concept.create_charter",
    "concept.edit", "concept.split", "concept.retire", "concept.restore", "concept.renumber", "concept.publish",
    "meetings.create", "invitations.invite", "groups.create", "groups.add_person", "processes.create",
    "processes.settings", "processes.stage_create",
}  # fmt: skip
_EMPTIED: dict[str, Visit] = {}
for _visit in VISITS:
    if _visit.endpoint in FORMS and _visit.status == 200 and "closed" not in _visit.name:
        _EMPTIED.setdefault(_visit.endpoint, _visit)


@pytest.mark.parametrize("place", _EMPTIED.values(), ids=str)
def test_a_form_sent_empty(
    here: Town, scene: Scene, visit: Callable[..., Visitor], sentences: Sentences, place: Visit
) -> None:
    """The answer says what is missing, in German, and the page with its errors is accessible as well."""
    visitor = arrive(visit, scene, place.role)
    page = visitor.go(place.url(here.app, scene))
    form = page.locator("main form.form").first
    for field in form.locator("textarea, input:not([type=hidden], [type=radio], [type=checkbox], [type=file])").all():
        if field.is_visible():
            field.fill("")
    press(page, main_button(form))
    assert page.locator(".error-summary").count() == 1, "nothing is said to be missing"
    assert page.locator("[aria-invalid=true], fieldset.invalid").count()
    found = accessible(page, "with errors") + english(page, sentences) + visitor.watch.take()
    assert not found, "\n".join(found)


def test_answers_that_have_no_address_of_their_own(
    here: Town, scene: Scene, visit: Callable[..., Visitor], sentences: Sentences
) -> None:
    """The dry run of a list, the page of a conflict, the recovery codes."""
    moderator = visit(scene.cast["moderator"])
    page = moderator.go(f"/p/offen/meetings/{scene.links['meeting_open']}/invite")
    send(page, text="Amira; trocken@example.org\nkeine Adresse\nAmira; trocken@example.org")
    assert page.locator("form[action$='/invite/send']").count() == 1
    found = looks(page, 0) + english(page, sentences) + moderator.watch.take()

    first, second = visit(scene.cast["editor"]), visit(scene.cast["editor"])
    for editor in (first, second):
        editor.go("/p/offen/e/lz-begegnung/edit")
    for n, editor in enumerate((first, second)):
        send(editor.page, markdown=f"Fassung {n}.", reason="Zwei zur gleichen Zeit.")
    assert second.page.locator("main .callout.tone-warning ~ .grid .words").count() == 2
    found += looks(second.page, 1) + english(second.page, sentences) + second.watch.take()

    owner = visit(scene.cast["second_factor"])
    send(owner.go("/account/second-factor/codes"), totp=pyotp.TOTP(scene.totp).now())
    assert page.locator("h1").count() == 1
    found += looks(owner.page, 0) + english(owner.page, sentences) + owner.watch.take()
    assert not found, "\n".join(found)
