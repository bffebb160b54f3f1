"""The README's pictures: `python -m tests.browser.screenshots [FOLDER]` loads the demonstration and photographs it."""

import sys
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright
from sqlalchemy import select

import config
from consult.accounts.models import Person
from consult.concept.queries import element_or_404
from consult.contributions import guests
from consult.contributions.models import Stance
from consult.extensions import db
from consult.meetings import door, registrations
from consult.meetings.models import Meeting, Registration, RegistrationState
from consult.moderation.operations import approve
from consult.processes.models import Process
from consult.weighing.models import DispositionKind
from consult.weighing.operations import decide
from tests.browser.filling import send
from tests.browser.scenery import CAST, read_demo
from tests.browser.town import Town, town
from tests.conftest import CHROMIUM
from tests.services import chromium_program
from tests.sink import smtp_sink

FOLDER = config.ROOT / "docs" / "screenshots"
DESKTOP, PHONE = {"width": 1280, "height": 760}, {"width": 375, "height": 760}
#: Larger pictures make the repository heavy.
MAX_BYTES = 150_000


@dataclass(frozen=True)
class Shot:
    """One picture: who looks at which page, on what."""

    name: str
    role: str | None
    path: str
    phone: bool = False
    dark: bool = False
    #: Scroll this into view first.
    to: str = ""
    lang: str = "de"
    #: Opened with the receipt code of `answered`.
    code: bool = False


SHOTS = [
    Shot("home", None, "/"),
    Shot("home-phone-dark", None, "/", phone=True, dark=True),
    Shot("process", None, "/p/{slug}"),
    Shot("goal", None, "/p/{slug}/e/{key}"),
    Shot("goal-phone", None, "/p/{slug}/e/{key}", phone=True, to="article.contribution"),
    Shot("comment-phone", "demo_citizen", "/p/{slug}/e/{key}/comment", phone=True, to="form.form"),
    Shot("guest-arabic-phone", None, "/p/{slug}/e/{key}/comment", phone=True, to="form.form", lang="ar"),
    Shot("receipt-phone", None, "/receipt", phone=True, code=True, to="article.contribution"),
    Shot("answers", "demo_steering", "/p/{slug}/answers"),
    Shot("moderation", "demo_moderator", "/p/{slug}/moderation", to="#desk"),
    Shot("moderation-phone-dark", "demo_moderator", "/p/{slug}/moderation", phone=True, dark=True, to="#queue"),
    Shot("digest", "demo_steering", "/p/{slug}/digests/{digest_id}"),
    Shot("editing", "demo_lead", "/p/{slug}/e/{key}/edit"),
    Shot("difference", "demo_lead", "/p/{slug}/concept/difference?from=1&to=3"),
    Shot("history-phone", None, "/p/{slug}/e/{key}/history", phone=True),
    Shot("matrix", None, "/p/{slug}/concept/matrix"),
    Shot("editing-phone-dark", "demo_lead", "/p/{slug}/e/{key}/edit", phone=True, dark=True),
    Shot("working", "demo_lead", "/p/{slug}/concept/working"),
    Shot("tasks-dark", "demo_lead", "/tasks", dark=True),
    Shot("tasks-phone", "demo_moderator", "/tasks", phone=True),
    Shot("gaps", "demo_lead", "/p/{slug}/meetings/{invited}/gaps"),
    Shot("mailing", "demo_lead", "/p/{slug}/campaigns/{campaign_id}", to="main h1"),
    Shot("meetings-phone", None, "/p/{slug}/meetings", phone=True, to="main h2"),
    Shot("registration-phone", None, "/registration/{registration}", phone=True, to="main h1"),
    Shot("door-phone-dark", "demo_lead", "/p/{slug}/meetings/{invited}/door", phone=True, dark=True, to=".door-counts"),
]


CODE = "7K3M-Q0TW-94XA-B2ZR"


def answered(demo: dict[str, Any]) -> None:
    """What somebody wrote under `CODE`, published and answered."""
    process = db.session.scalars(select(Process).where(Process.slug == demo["slug"])).one()
    moderator, steering = (
        db.session.scalars(select(Person).where(Person.email == CAST[role])).one()
        for role in ("demo_moderator", "demo_steering")
    )
    contribution = guests.submit(
        process, code=CODE, element_id=element_or_404(process.id, demo["key"]).id, stance=Stance.change,
        text="Beispieltext: Bitte schreiben Sie Briefe so, dass auch meine Oma sie versteht.", author_name="Amsel",
    )  # fmt: skip
    approve(contribution, moderator)
    decide(
        contribution, DispositionKind.already_covered, "Teilziel 1.1.1: Briefe beginnen in einfacher Sprache.",
        plain_reason="Das steht schon im Text: Jeder wichtige Brief beginnt bald mit ein paar einfachen Sätzen.",
        actor=steering,
    )  # fmt: skip


def arriving(demo: dict[str, Any]) -> None:
    """Three are in already, at the meeting most are invited to; and somebody is coming to another one."""
    meeting = db.session.get_one(Meeting, demo["invited"])
    now = meeting.starts_at - timedelta(minutes=20)
    coming = select(Registration).where(Registration.state == RegistrationState.coming).order_by(Registration.id)
    host = db.session.scalars(select(Person).where(Person.email == CAST["demo_lead"])).one()
    entries = [
        door.Entry(f"picture-{guest.id}", door.Act.came, now, guest.id) for guest in door.guests(meeting.id)[:5:2]
    ]
    door.take_in(meeting, entries, host, now=now)
    elsewhere = db.session.scalars(coming.where(Registration.meeting_id != meeting.id).limit(1)).one()
    demo["registration"] = registrations.link_to(elsewhere)
    db.session.commit()


def take(here: Town, folder: Path) -> list[Path]:
    """All pictures; raises AssertionError for one that is too large or shows an error page."""
    with here.inside():
        demo = read_demo()
        answered(demo)
        arriving(demo)
    made = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_program(), args=CHROMIUM)
        for shot in SHOTS:
            context = browser.new_context(
                viewport=PHONE if shot.phone else DESKTOP,
                locale="de-DE",
                color_scheme="dark" if shot.dark else "light",
                reduced_motion="reduce",
            )
            context.add_cookies([{"name": "lang", "value": shot.lang, "url": here.url}])
            if shot.role:
                context.add_cookies([here.cookie_of(here.person(CAST[shot.role]))])
            page = context.new_page()
            answer = page.goto(here.url + shot.path.format(**demo))
            assert answer is not None
            assert answer.ok, f"{shot.name}: {answer.status}"
            if shot.code:
                send(page, code=CODE)
            if shot.to:
                page.locator(shot.to).first.evaluate("e => e.scrollIntoView()")
            path = folder / f"{shot.name}.png"
            page.screenshot(path=path, animations="disabled")
            assert path.stat().st_size <= MAX_BYTES, f"{shot.name}: {path.stat().st_size} bytes"
            made.append(path)
            context.close()
        browser.close()
    return made


def main(arguments: list[str]) -> None:
    """The program."""
    folder = Path(arguments[0]) if arguments else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="consult-screenshots-") as name, smtp_sink() as sink:
        data = Path(name)
        with town(data, sink, server=None, broker=f"sqla+sqlite:///{data}/broker.sqlite") as here:
            for path in take(here, folder):
                sys.stdout.write(f"{path} {path.stat().st_size // 1000} kB\n")


if __name__ == "__main__":
    main(sys.argv[1:])
