"""The two-page rule, measured on paper: Chromium prints the page, and we count the sheets."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from consult import clock
from consult.audit import operations as audit
from consult.audit.actions import Action
from consult.contributions import operations as contributions
from consult.contributions import translating
from consult.contributions.models import Channel, Stance, State
from consult.digests.figures import MAX_ELEMENTS
from consult.processes.models import Moderation
from consult.weighing.models import DispositionKind
from consult.weighing.operations import decide
from tests.conftest import MONDAY
from tests.contributions.factories import make_element, make_version, make_wording
from tests.digests.factories import hide, issued, make_council, make_digest, stir

STATIC = Path(__file__).parent.parent.parent / "consult" / "static"
LONG = "Das ist ein langer Satz, der vieles zugleich will und darum kaum ein Ende findet. " * 12
LANGUAGES = ("de", "tr", "ar", "en", "fr", "uk", "zh", "ru", "fa")
FOREIGN = "Türkiye'de on iki yıl hemşire olarak çalıştım ve belgelerimin tanınması iki yıldan fazla sürdü. " * 8


def worst_week(council, lang):
    """As much of everything as a digest can be asked to show: long names, long texts, each with a translation."""
    town = council.town
    placed = []
    for n in range(9):
        element = make_element(town.concept, f"z{n}")
        name = f"Ziel {n} mit einem Namen, der über die ganze Zeile reicht und weiter"
        placed.append((element, make_wording(element, "Text", name), f"4.{n}"))
    version = make_version(town.concept, 2, *placed)
    for way, channel in enumerate(Channel):
        contributions.capture(
            town.process, actor=town.moderator, text=LONG, stance=Stance.question, created_at=clock.now(),
            channel=channel, lang=LANGUAGES[way % len(LANGUAGES)],
        )  # fmt: skip
    issued(make_digest(council.process, MONDAY - timedelta(days=7)))
    for element, _wording, _label in placed:
        for n in range(12):
            one = contributions.capture(
                town.process, actor=town.moderator, text=FOREIGN, stance=list(Stance)[n % 4],
                created_at=clock.now(), element_id=element.id, channel=list(Channel)[n % len(Channel)], lang="tr",
            )  # fmt: skip
            translating.translate(one, actor=town.moderator, lang=lang, body=LONG)
            contributions.submit(town.process, actor=town.neighbour, text="Ja.", stance=None, reply_to=one)
            if n < 6:
                decide(one, list(DispositionKind)[n], "Grund", actor=town.steering)
    for n in range(5):
        hide(town, town.write(f"Muss weg {n}"))
        audit.record(
            Action.version_published, None, version, process_id=town.process.id, number=2, audience="public", elements=9
        )
        stir(town.process, 100 + n)
    contributions.withdraw(town.write("Doch nicht."), town.citizen)
    contributions.edit(town.write("Zuerst so."), town.citizen, "Dann anders.", 0)
    contributions.capture(
        town.process, actor=town.moderator, text=LONG, stance=Stance.change, element_id=town.goal.id,
        created_at=clock.now() - timedelta(days=3), state=State.pending,
    )  # fmt: skip
    return issued(make_digest(council.process, MONDAY))


@pytest.mark.browser
@pytest.mark.parametrize("lang", ["de", "en"])
def test_the_main_part_fits_on_two_printed_pages_and_the_annex_begins_a_new_one(
    session, browser_of, chromium, tmp_path, lang
):
    council = make_council(moderation=Moderation.post)
    digest = worst_week(council, lang)
    page = browser_of(council.town.steering).get(
        council.town.path(f"/digests/{digest.id}"), headers={"Accept-Language": lang}
    )
    assert len(page.html.select(".report h3")) > MAX_ELEMENTS
    html = str(page.html).replace('href="/static/', f'href="{STATIC.as_uri()}/')
    whole, main = tmp_path / "whole.html", tmp_path / "main.html"
    whole.write_text(html)
    page.html.find(class_="annex").decompose()
    main.write_text(str(page.html).replace('href="/static/', f'href="{STATIC.as_uri()}/'))
    sheets = [printed(chromium, path) for path in (main, whole)]
    assert sheets[0] <= 2
    assert sheets[1] > 2


def printed(chromium, path):
    """How many A4 sheets the page takes."""
    tab = chromium.new_page()
    tab.goto(path.as_uri())
    assert tab.evaluate("getComputedStyle(document.querySelector('.stats')).display") == "grid", "no stylesheet"
    pdf = tab.pdf(format="A4", prefer_css_page_size=True)
    tab.close()
    return len(re.findall(rb"/Type\s*/Page[^s]", pdf))
