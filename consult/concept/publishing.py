"""What publishing would freeze, and freezing exactly that: nobody seals a text they have not seen."""

from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from consult.accounts.models import Person
from consult.concept import operations
from consult.concept.models import Change, ChangeKind, Concept, Element, Placement, Version, VersionAudience, Wording
from consult.concept.queries import excerpt, working_version
from consult.concept.working import lock_working, same_number
from consult.errors import Refused
from consult.extensions import db
from consult.processes.models import Process

#: Changes that are listed one by one; first versions have thousands.
LISTED = 300
_BEGINNING = 240


@dataclass(frozen=True)
class PendingChange:
    """One change that no version has yet."""

    change_id: int
    kind: str
    key: str
    heading: str
    reason: str
    #: The part stands in the working text; one that was taken out does not.
    stands: bool


@dataclass(frozen=True)
class Pending:
    """The working text against the newest version of it."""

    #: What `publish_seen` wants back: the state this was read from.
    seen: str
    last: Version | None
    parts: int
    #: How many changes, and how many of them wrote a new part.
    number: int
    created: int
    #: All but new parts, newest first, at most `LISTED`.
    changes: list[PendingChange]
    numbers_twice: list[str]
    #: Not a word, number, place or link differs from `last`.
    is_same: bool


def _newest(concept_id: int) -> Version | None:
    return db.session.scalar(
        select(Version)
        .where(Version.concept_id == concept_id, Version.number.is_not(None))
        .order_by(Version.number.desc())
        .limit(1)
    )


def _seen(working: Version, last: Version | None) -> str:
    return f"{last.number if last else 0}-{working.revision}"


def pending(concept: Concept) -> Pending:
    """What the next version would bring. Six queries."""
    working, last = working_version(concept.id), _newest(concept.id)
    head = last.change_head if last else 0
    since = [Element.concept_id == concept.id, Change.id > head, Change.id <= working.change_head]
    by_kind = {
        row[0]: row[1]
        for row in db.session.execute(
            select(Change.kind, func.count())
            .join(Element, Element.id == Change.element_id)
            .where(*since)
            .group_by(Change.kind)
        )
    }
    before, now = aliased(Wording), aliased(Wording)
    rows = db.session.execute(
        select(
            Change,
            Element.key,
            Placement.id,
            func.coalesce(Placement.label, Change.from_label, ""),
            func.coalesce(now.title, before.title, ""),
            func.substr(func.coalesce(now.markdown, before.markdown, ""), 1, _BEGINNING),
        )
        .join(Element, Element.id == Change.element_id)
        .outerjoin(before, before.id == Change.from_wording_id)
        .outerjoin(now, now.id == Change.to_wording_id)
        .outerjoin(Placement, (Placement.element_id == Element.id) & (Placement.version_id == working.id))
        .where(*since, Change.kind != ChangeKind.create)
        .order_by(Change.id.desc())
        .limit(LISTED)
    ).all()
    changes = [
        PendingChange(
            change.id, change.kind, key, f"{label} {excerpt(title, beginning)}".strip(), change.reason,
            placement_id is not None,
        )
        for change, key, placement_id, label, title, beginning in rows
    ]  # fmt: skip
    parts = db.session.scalar(select(func.count()).select_from(Placement).where(Placement.version_id == working.id))
    return Pending(
        seen=_seen(working, last),
        last=last,
        parts=parts or 0,
        number=sum(by_kind.values()),
        created=by_kind.get(ChangeKind.create, 0),
        changes=changes,
        numbers_twice=same_number(working.id),
        is_same=last is not None and last.revision == working.revision,
    )


def publish_seen(
    concept: Concept,
    seen: str,
    *,
    title: str,
    note: str,
    audience: VersionAudience,
    actor: Person | None,
    process: Process,
) -> Version:
    """Publish the working text if it still is what was `seen`.

    Of two who publish at the same time the lock lets one go first; the other is refused and told who it was. Refuses
    as well when the text changed since it was looked at, and to hand the steering group what everybody can read.
    """
    working, last = lock_working(concept.id), _newest(concept.id)
    if _seen(working, last) != seen:
        number = seen.partition("-")[0]
        if last is not None and str(last.number) != number:
            raise Refused(_overtaken(last))
        raise Refused(
            _("The working text has changed since you opened this page. Please look at the list of changes below, then "
              "publish once more.")
        )  # fmt: skip
    if (
        last is not None
        and last.revision == working.revision
        and (last.audience, audience) == (VersionAudience.public, VersionAudience.steering)
    ):
        raise Refused(_("Everybody can read these words already: version %(number)s has them.", number=last.number))
    return operations.publish(concept, title=title, note=note, audience=audience, actor=actor, process=process)


def _overtaken(last: Version) -> str:
    person = db.session.get(Person, last.actor_id) if last.actor_id else None
    if person is not None and person.name:
        return _(
            "Meanwhile %(name)s published version %(number)s, “%(title)s”. What you typed still stands here.",
            name=person.name, number=last.number, title=last.title,
        )  # fmt: skip
    return _("Meanwhile version %(number)s, “%(title)s”, was published. What you typed still stands here.",
             number=last.number, title=last.title)  # fmt: skip
