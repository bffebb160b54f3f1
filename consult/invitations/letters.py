"""Invitations on paper: letters as PDF and Word file, and a table for a mail merge of one's own.

Some dozens are made while somebody waits; more are made by the worker, as a file that is deleted after two days.
"""

import io
import logging
import unicodedata
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import docx
import segno
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt
from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from consult import clock, paper
from consult.accounts.models import Organisation, Person
from consult.extensions import db
from consult.i18n import direction, format_day, in_language, language
from consult.invitations import notes
from consult.invitations.export import Rows
from consult.invitations.models import Campaign, Invitation, InvitationState
from consult.invitations.queries import PURPOSE
from consult.meetings.mailing import sender
from consult.meetings.models import Meeting
from consult.meetings.words import day_words, when_words
from consult.outbox.links import link
from consult.processes.models import Process
from consult.signing import sign
from consult.site.queries import site_settings

log = logging.getLogger(__name__)

#: As many are made at once; the worker makes more.
AT_ONCE = 50
KEEP = timedelta(days=2)
#: A file that grows for longer than this was left behind by a worker that died.
PATIENCE = timedelta(minutes=10)
_STEP = 20
#: A Word file grows slow to make with its length; who has more letters takes the table and a mail merge.
WORD_AT_MOST = 300
#: What stands in the name of the file and is its type.
KINDS = {"pdf": "application/pdf",
         "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document"}  # fmt: skip


@dataclass(frozen=True)
class Letter:
    """One letter in the language of its reader, ready to be laid out."""

    lang: str
    rtl: bool
    address: list[str]
    date: str
    subject: str
    greeting: str
    opening: str
    title: str
    facts: list[list[str]]
    paragraphs: list[str]
    answer: str
    link: str
    qr_alt: str
    closing: str
    qr: str = field(default="", repr=False)


def printable(text: str) -> str:
    """Without what Word files cannot hold and paper cannot show: control signs, halves of pairs, no-characters."""
    if text.isprintable():
        return text
    return "".join(
        sign
        for sign in text
        if sign == "\n" or (unicodedata.category(sign) not in ("Cc", "Cs", "Cn") and ord(sign) & 0xFFFE != 0xFFFE)
    )


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_clean(one) for one in value]
    return value


def _to(campaign_id: int) -> Any:
    return select(Invitation).where(
        Invitation.campaign_id == campaign_id,
        Invitation.by_letter,
        Invitation.state != InvitationState.revoked,
        # Files made before somebody was erased are not handed out any more: `_state_of` counts these.
        Invitation.person_id.not_in(select(Person.id).where(Person.erased_at.is_not(None))),
    )


def number_of(campaign_id: int) -> int:
    """How many letters the campaign has."""
    return db.session.scalar(select(func.count()).select_from(_to(campaign_id).subquery())) or 0


def not_printed_whole(campaign_id: int) -> list[str]:
    """Names of those whose name or address has signs that this machine cannot print: as PDF these are left out."""
    ids = _to(campaign_id).with_only_columns(Invitation.person_id)
    people = db.session.execute(select(Person.name, Person.postal_address).where(Person.id.in_(ids))).all()
    signs = paper.lacking(text for person in people for text in (person.name, person.postal_address or ""))
    return [row.name for row in people if not signs.isdisjoint(f"{row.name}{row.postal_address or ''}")]


def compose(invitation: Invitation, meeting: Meeting, process: Process, campaign: Campaign, who: str) -> Letter:
    """The letter to one person, in the name of `who`. Needs `person` and `organisation` loaded."""
    guest, body = invitation.person, invitation.organisation
    with in_language(paper.language_on_paper(guest.locale), of_path=True):
        words = notes.words_for(campaign.subject, campaign.note, campaign.second_lang)
        url = link("invitations.respond", link=sign(PURPOSE, invitation.id, invitation.nonce), lang=None)
        facts = [[_("When"), when_words(meeting)], [_("Where"), meeting.place], [_("Languages"), meeting.languages]]
        letter = Letter(
            lang=language(),
            rtl=direction() == "rtl",
            address=address_of(guest, body),
            date=format_day(clock.now()),
            subject=words.subject
            or _("Invitation: %(title)s on %(day)s", title=meeting.title, day=day_words(meeting)),
            greeting=_("Hello %(name)s,", name=guest.name) if guest.name else _("Hello,"),
            opening=_("%(who)s invites you to:", who=who),
            title=meeting.title,
            facts=[[name, value] for name, value in facts if value],
            paragraphs=[block.strip() for block in words.text.split("\n\n") if block.strip()],
            answer=_("Please tell us whether you are coming: take a picture of this square with your phone, "
                     "or type in this address. It is for you alone."),
            link=url,
            qr_alt=_("Address of your answer as a square to photograph"),
            closing=_("Kind regards"),
        )  # fmt: skip
    return Letter(**{name: _clean(value) for name, value in asdict(letter).items()})


def address_of(guest: Person, body: Organisation | None) -> list[str]:
    """What stands in the window of the envelope."""
    if guest.postal_address:
        lines = [line.strip() for line in guest.postal_address.splitlines() if line.strip()]
        # An address as on an envelope may begin with the name already.
        return (lines if guest.name and guest.name in lines[0] else [guest.name, *lines])[:6]
    return [line for line in (body.name if body else "", guest.name) if line]


def _occasion(campaign: Campaign) -> tuple[Meeting, Process]:
    row = db.session.execute(
        select(Meeting, Process)
        .join(Process, Process.id == Meeting.process_id)
        .where(Meeting.id == campaign.meeting_id)
    ).one()
    return row[0], row[1]


def _whole(campaign_id: int) -> Any:
    """With all that a letter says."""
    return (
        _to(campaign_id)
        .order_by(Invitation.id)
        .options(joinedload(Invitation.person), joinedload(Invitation.organisation))
    )


def letters_of(campaign: Campaign, told: Any = None) -> list[Letter]:
    """All letters of a campaign, in the order of inviting. `told(done, all)` hears how far it is."""
    meeting, process = _occasion(campaign)
    who = sender() or process.title
    invitations = db.session.scalars(_whole(campaign.id)).all()
    made = []
    for place, invitation in enumerate(invitations, start=1):
        made.append(compose(invitation, meeting, process, campaign, who))
        if told is not None and place % _STEP == 0:
            told(place, len(invitations))
    return made


def as_pdf(letters: list[Letter], title: str) -> bytes:
    """All letters in one file, each beginning on a new sheet."""
    site = site_settings()
    who = sender() or title
    drawn = []
    for letter in letters:
        qr = segno.make(letter.link, error="m", micro=False).svg_inline(border=0)
        drawn.append({**asdict(letter), "qr": qr})
    told = {
        "title": printable(title),
        "sender": printable(who),
        "return_line": printable(" · ".join(dict.fromkeys(part for part in (who, site.city_name) if part))),
        "contact": printable(site.reply_to or ""),
        "city_lang": current_app.config["BABEL_DEFAULT_LOCALE"],
        "city_rtl": direction(current_app.config["BABEL_DEFAULT_LOCALE"]) == "rtl",
        "letters": drawn,
    }
    return paper.pdf("letter", told)


def as_docx(letters: list[Letter], title: str) -> bytes:
    """The same letters as a Word file, to be changed before they are printed."""
    document = docx.Document()
    document.core_properties.title = printable(title)
    document.core_properties.author = printable(sender())
    for section in document.sections:
        section.page_width, section.page_height = Cm(21), Cm(29.7)
        section.left_margin, section.right_margin = Cm(2.5), Cm(2)
        section.top_margin, section.bottom_margin = Cm(4.5), Cm(2)
    document.styles["Normal"].font.name = "Noto Sans"
    document.styles["Normal"].font.size = Pt(10.5)
    document.styles["Normal"].paragraph_format.space_after = Pt(8)
    for place, letter in enumerate(letters):
        _docx_letter(document, letter, first=place == 0)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _docx_letter(document: Any, letter: Letter, *, first: bool) -> None:
    def paragraph(text: str, *, bold: bool = False) -> Any:
        made = document.add_paragraph()
        run = made.add_run(text)
        run.bold = bold
        if letter.rtl:
            made._p.get_or_add_pPr().append(OxmlElement("w:bidi"))
            run._r.get_or_add_rPr().append(OxmlElement("w:rtl"))
        spoken = OxmlElement("w:lang")
        spoken.set(qn("w:bidi" if letter.rtl else "w:val"), letter.lang)
        run._r.get_or_add_rPr().append(spoken)
        return made

    address = paragraph("\n".join(letter.address))
    address.paragraph_format.page_break_before = not first
    address.paragraph_format.space_after = Pt(60)
    paragraph(letter.date)
    paragraph(letter.subject, bold=True)
    paragraph(letter.greeting)
    paragraph(letter.opening)
    paragraph(letter.title, bold=True)
    paragraph("\n".join(f"{name}: {value}" for name, value in letter.facts))
    for text in letter.paragraphs:
        paragraph(text)
    paragraph(letter.answer)
    picture = io.BytesIO()
    segno.make(letter.link, error="m", micro=False).save(picture, kind="png", scale=6, border=2)
    picture.seek(0)
    document.add_picture(picture, width=Cm(3.2))
    paragraph(letter.link)
    paragraph(letter.closing)
    paragraph(sender())


def render(campaign: Campaign, kind: str, told: Any = None) -> bytes:
    """The letters of a campaign as `pdf` or `docx`."""
    title = campaign.subject or _("Letters")
    letters = letters_of(campaign, told)
    return as_pdf(letters, title) if kind == "pdf" else as_docx(letters, title)


def table_headings() -> list[str]:
    """Of the table for a mail merge."""
    return [
        _("Name"), _("Address 1"), _("Address 2"), _("Address 3"), _("Address 4"), _("Language"), _("Subject"),
        _("Greeting"), _("Meeting"), _("When"), _("Address for the answer"),
    ]  # fmt: skip


def table_rows(campaign_id: int, after: int, number: int) -> Rows:
    """What a mail merge needs, one line per letter: a piece of it, and where the next one begins."""
    campaign = db.session.get_one(Campaign, campaign_id)
    meeting, process = _occasion(campaign)
    some = db.session.scalars(_whole(campaign_id).where(Invitation.id > after).limit(number + 1)).all()
    rows, who = [], sender() or process.title
    for invitation in some[:number]:
        letter = compose(invitation, meeting, process, campaign, who)
        lines = [*letter.address[1:], "", "", "", ""][:4]
        name = letter.address[0] if letter.address else ""
        when = letter.facts[0][1] if letter.facts else ""
        rows.append([name, *lines, letter.lang, letter.subject, letter.greeting, letter.title, when, letter.link])
    return rows, some[number - 1].id if len(some) > number else None


# What the worker made.


def folder() -> Path:
    return Path(current_app.config["DATA_DIR"]) / "letters"


def _state_of(campaign: Campaign) -> str:
    """Changes with what the letters say and to whom."""
    number, newest = db.session.execute(
        select(func.count(), func.max(Invitation.id)).where(
            Invitation.id.in_(_to(campaign.id).with_only_columns(Invitation.id))
        )
    ).one()
    return f"{campaign.id}-{campaign.revision}-{number}-{newest or 0}"


@dataclass(frozen=True)
class Making:
    """How far the worker is with the file."""

    ready: bool = False
    #: (done, all) while it is being made.
    progress: tuple[int, int] | None = None


def making(campaign: Campaign, now: datetime) -> Making:
    """Whether the files of the worker are there, or how far they are."""
    name = _state_of(campaign)
    if (folder() / f"{name}.pdf").exists():
        return Making(ready=True)
    mark = folder() / f"{name}.making"
    try:
        if now.timestamp() - mark.stat().st_mtime < PATIENCE.total_seconds():
            done, whole = mark.read_text().split()
            return Making(progress=(int(done), int(whole)))
    except (OSError, ValueError):
        pass
    return Making()


def begin(campaign: Campaign, number: int) -> None:
    """Note that the worker is asked, so that the page shows it at once."""
    folder().mkdir(parents=True, exist_ok=True)
    (folder() / f"{_state_of(campaign)}.making").write_text(f"0 {number}")


def made(campaign: Campaign, kind: str) -> bytes | None:
    """The file of the worker, if it is there and says what the letters say now."""
    try:
        return (folder() / f"{_state_of(campaign)}.{kind}").read_bytes()
    except FileNotFoundError:
        return None


def make(campaign_id: int) -> None:
    """Make the files of a campaign. For the worker; twice and at once harms nobody."""
    campaign = db.session.get(Campaign, campaign_id)
    if campaign is None or campaign.meeting_id is None:
        return
    name = _state_of(campaign)
    folder().mkdir(parents=True, exist_ok=True)
    mark = folder() / f"{name}.making"

    def told(done: int, whole: int) -> None:
        mark.write_text(f"{done} {whole}")

    with current_app.test_request_context(base_url=current_app.config["PUBLIC_URL"]):
        # The Word file first: the page waits for the other one.
        for kind in ("docx", "pdf") if number_of(campaign_id) <= WORD_AT_MOST else ("pdf",):
            ready = folder() / f"{name}.{kind}"
            if not ready.exists():
                partial = ready.with_suffix(f".{clock.now().timestamp()}.part")
                partial.write_bytes(render(campaign, kind, told))
                partial.replace(ready)
    mark.unlink(missing_ok=True)
    db.session.rollback()


def forget(person_id: int) -> None:
    """Delete every file with a letter to this person; the worker makes them again without it."""
    if not folder().exists():
        return
    campaigns = select(Invitation.campaign_id).where(Invitation.person_id == person_id, Invitation.by_letter).distinct()
    for campaign_id in db.session.scalars(campaigns).all():
        for path in folder().glob(f"{campaign_id}-*"):
            path.unlink(missing_ok=True)


def purge_files(now: datetime) -> int:
    """Delete what the worker made two days ago: letters hold addresses and personal links."""
    gone = 0
    for path in folder().glob("*") if folder().exists() else ():
        if now.timestamp() - path.stat().st_mtime > KEEP.total_seconds():
            path.unlink(missing_ok=True)
            gone += 1
    return gone
