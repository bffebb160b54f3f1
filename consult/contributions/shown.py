"""A contribution as pages show it: a plain row with everything the templates ask for, nothing lazy in the database.

Words and addresses are made when the template asks, in the language of the page.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy import Select, and_, case, func, null, select
from sqlalchemy.orm import aliased

from consult.accounts.models import Organisation, Person
from consult.concept.models import Wording
from consult.contributions.models import (
    EDIT_TIME,
    Channel,
    Contribution,
    ContributionText,
    ContributionTranslation,
    Kind,
    ModerationAct,
    ModerationKind,
    ModerationReason,
    Reaction,
    State,
)
from consult.contributions.proposals import as_difference
from consult.contributions.words import channel_names, kind_names, stance_name, state_names
from consult.html import plain_html
from consult.processes.models import Process


@dataclass
class Shown:
    """One contribution with its replies, in the shape of `components/contribution.html`."""

    slug: str
    code: str
    id: int
    number: int
    kind: str
    channel: str
    lang: str
    stance: str | None
    #: What it is called in this process, in the language of the page.
    stance_label: str
    state: str
    revision: int
    depth: int
    created_at: datetime
    edited_at: datetime | None
    published_at: datetime | None
    element_id: int | None
    parent_id: int | None
    root_id: int | None
    wording_id: int | None
    author_id: int | None
    agrees: int
    disagrees: int
    unsure: int
    parent_number: int | None
    given_name: str
    person_name: str | None
    #: The organisation it came from; shown as `organisation_name`.
    body_name: str | None
    #: What this reader said to it: agree, disagree, unsure, or nothing.
    reacted: str | None
    hidden_because: str | None
    body: str | None
    #: By a person who helps, in the language of the page; of an earlier text when `translated_revision` says so.
    translation: str | None
    translated_revision: int | None
    translator_name: str | None
    #: Of a wording proposal: the text as it should read, and the words it was made against.
    proposed: str | None
    base: str | None
    is_sample: bool
    #: Whether this reader may read the words although they are not public.
    reveal: bool = False
    mine: bool = False
    editable: bool = False
    may_reply: bool = False
    may_react: bool = False
    may_report: bool = False
    changed_since: bool = False
    #: Key of the element it is shown at: that of an heir, where its own was replaced.
    shown_at: str = ""
    disposition: Any = None
    target_label: str = ""
    target_key: str = ""
    replies: list["Shown"] = field(default_factory=list)
    #: Replies beyond those loaded here; the contribution's own page has them.
    more_replies: int = 0

    @property
    def number_label(self) -> str:
        return f"{self.code}-{self.number}"

    @property
    def parent_number_label(self) -> str:
        return f"{self.code}-{self.parent_number}" if self.parent_number else ""

    def _url(self, verb: str) -> str:
        return url_for(f"contributions.{verb}", slug=self.slug, number=self.number)

    @property
    def url(self) -> str:
        return self._url("show")

    @property
    def react_url(self) -> str:
        return self._url("react")

    @property
    def target_url(self) -> str:
        return url_for("concept.element", slug=self.slug, key=self.target_key) if self.target_key else ""

    @property
    def is_public(self) -> bool:
        return self.state == State.published

    @property
    def kind_label(self) -> str:
        """Said only where it is not the ordinary case."""
        return "" if self.kind == Kind.comment else kind_names().get(self.kind, "")

    @property
    def channel_label(self) -> str:
        plain = self.channel in (Channel.web, Channel.guest) or self.channel == self.kind
        return "" if plain else channel_names().get(self.channel, "")

    @property
    def day_only(self) -> bool:
        """Whether only its day is known: somebody else wrote it in later, from paper."""
        return self.channel in (Channel.card, Channel.minutes, Channel.letter, Channel.sheet)

    @property
    def state_label(self) -> str:
        return "" if self.is_public else state_names().get(self.state, "")

    @property
    def given(self) -> str:
        """The name that somebody gave with it, else the person's; empty where there is none and where none is shown."""
        if not (self.is_public or self.reveal):
            return ""
        # Who wrote without an account chose what stands there, also when it belongs to an account by now.
        if self.given_name or self._is_guests or self.author_id is None:
            return self.given_name
        return self.person_name or ""

    @property
    def _is_guests(self) -> bool:
        return self.channel in (Channel.guest, Channel.helper)

    @property
    def author_name(self) -> str:
        """What stands where the name belongs; nothing with words that are not shown."""
        if self.given or not (self.is_public or self.reveal):
            return self.given
        return _("Without a name") if self._is_guests or self.author_id is None else _("Deleted account")

    @property
    def organisation_name(self) -> str | None:
        """The organisation it came from; as the author, nothing with words that are not shown."""
        return self.body_name if self.is_public or self.reveal else None

    @property
    def body_html(self) -> Markup | None:
        if self.body is None or not (self.is_public or self.reveal):
            return None
        return plain_html(self.body)

    @property
    def is_proposal(self) -> bool:
        return self.kind == Kind.wording_proposal

    @property
    def change_html(self) -> Markup | None:
        """What it would change in the text, as insertions and deletions; nothing where its words are not shown."""
        if self.proposed is None or self.base is None or not (self.is_public or self.reveal):
            return None
        return as_difference(self.base, self.proposed)

    @property
    def proposal_status(self) -> tuple[str, str]:
        """What became of a proposal, in a few words, and how the mark is coloured."""
        kind = self.disposition.kind if self.disposition else ""
        if kind in ("adopt", "adopt_in_part"):
            # Not the words that stand where there is no name.
            by, whole = self.given or self.organisation_name, kind == "adopt"
            if not by:
                return _("Taken over") if whole else _("Taken over with changes"), "success"
            if whole:
                return _("Taken over, thanks to %(name)s", name=by), "success"
            return _("Taken over with changes, thanks to %(name)s", name=by), "success"
        known = {"": (_("Open"), "info"), "reject": (_("Not taken over"), "neutral")}
        return known.get(kind) or (self.disposition.kind_label, "neutral")

    @property
    def outcome_label(self) -> str:
        """What became of it; of a proposal in the words for proposals."""
        known = {
            "adopt": _("Taken over"), "adopt_in_part": _("Taken over with changes"), "reject": _("Not taken over")
        }  # fmt: skip
        label = str(self.disposition.kind_label)
        return known.get(self.disposition.kind, label) if self.is_proposal else label

    @property
    def since_url(self) -> str:
        """Where one reads how the text has changed since."""
        at = self.shown_at or None
        return url_for("contributions.since", slug=self.slug, number=self.number, at=at)

    @property
    def translation_html(self) -> Markup | None:
        if self.translation is None or self.body_html is None:
            return None
        return plain_html(self.translation)

    @property
    def translation_outdated(self) -> bool:
        """Whether the words were changed since somebody translated them."""
        return self.translated_revision is not None and self.translated_revision < self.revision

    @property
    def state_note(self) -> str:
        """What stands in the place of the words."""
        if self.state == State.hidden:
            if self.body is None:
                return _("The words were deleted for good. Reason: %(reason)s", reason=self.hidden_because or "–")
            if self.hidden_because:
                return _("Held back by the moderators. Reason: %(reason)s", reason=self.hidden_because)
            return _("Held back by the moderators.")
        if self.state == State.withdrawn:
            return _("Withdrawn by its author.")
        if self.state == State.pending:
            return _("Was changed and is being looked at again.")
        return _("Deleted at the author's request.")

    @property
    def actions(self) -> list[dict[str, str]]:
        links = []
        if self.may_reply and self.is_public:
            links.append({"label": _("Reply"), "url": self._url("reply")})
        if self.mine and self.editable:
            verb = "edit_proposal" if self.is_proposal and self.proposed is not None else "edit"
            links.append({"label": _("Change"), "url": self._url(verb)})
        if self.mine and self.state in (State.pending, State.published):
            links.append({"label": _("Withdraw"), "url": self._url("withdraw")})
        if self.may_report:
            # By hand: putting an address together costs more than all the rest of a contribution in a long list.
            links.append({"label": _("Report this"), "url": f"{self.url}/report"})
        return links

    def everything(self) -> Iterator["Shown"]:
        """This one and all loaded replies below it."""
        yield self
        for reply in self.replies:
            yield from reply.everything()


_COLUMNS = (
    Contribution.id, Contribution.number, Contribution.kind, Contribution.channel, Contribution.lang,
    Contribution.stance, Contribution.state, Contribution.revision, Contribution.depth, Contribution.created_at,
    Contribution.edited_at, Contribution.published_at, Contribution.element_id, Contribution.parent_id,
    Contribution.root_id, Contribution.wording_id, Contribution.author_id, Contribution.agrees, Contribution.disagrees,
    Contribution.unsure,
)  # fmt: skip
_parent = aliased(Contribution)
_translator, _newer = aliased(Person), aliased(ContributionTranslation)
_AS_THEY_ARE = (
    *(column.key for column in _COLUMNS), "parent_number", "given_name", "person_name", "body_name",
    "reacted", "hidden_because", "body", "translation", "translated_revision", "translator_name",
    "proposed", "base",
)  # fmt: skip


def rows(person_id: Any, lang: Any) -> Select[*tuple[Any, ...]]:
    """Everything about contributions in one statement; add your own where, order and limit.

    The reader, None for a guest, and their language; bound parameters in statements that are made once.
    """
    reacted = (
        select(Reaction.kind)
        .where(Reaction.contribution_id == Contribution.id, Reaction.person_id == person_id)
        .scalar_subquery()
        .label("reacted")
        if person_id is not None
        else null().label("reacted")
    )
    reason = (
        select(ModerationReason.text)
        .join(ModerationAct, ModerationAct.reason_id == ModerationReason.id)
        .where(
            ModerationAct.contribution_id == Contribution.id,
            ModerationAct.kind.in_((ModerationKind.hide, ModerationKind.erase)),
        )
        .order_by(ModerationAct.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    # Asked of proposals only: a join would fetch the text of every contribution.
    base = select(Wording.markdown).where(Wording.id == Contribution.wording_id).scalar_subquery()
    # Looked for only where there is a translation: the key of the table leads to none for most.
    newest_translation = (
        select(func.max(_newer.revision))
        .where(
            _newer.contribution_id == Contribution.id,
            _newer.lang == ContributionTranslation.lang,
            _newer.body.is_not(None),
        )
        .correlate(Contribution, ContributionTranslation)
        .scalar_subquery()
    )
    return (
        select(
            *_COLUMNS,
            _parent.number.label("parent_number"),
            Contribution.author_name.label("given_name"),
            Person.name.label("person_name"),
            Organisation.name.label("body_name"),
            reacted,
            case((Contribution.state == State.hidden, reason)).label("hidden_because"),
            ContributionText.body,
            ContributionTranslation.body.label("translation"),
            ContributionTranslation.revision.label("translated_revision"),
            _translator.name.label("translator_name"),
            ContributionText.proposed,
            case((Contribution.kind == Kind.wording_proposal, base)).label("base"),
            Contribution.source,
        )
        .select_from(Contribution)
        .outerjoin(
            ContributionText,
            and_(
                ContributionText.contribution_id == Contribution.id,
                ContributionText.revision == Contribution.revision,
            ),
        )
        .outerjoin(
            ContributionTranslation,
            and_(
                ContributionTranslation.contribution_id == Contribution.id,
                ContributionTranslation.lang == lang,
                ContributionTranslation.revision == newest_translation,
            ),
        )
        .outerjoin(_translator, _translator.id == ContributionTranslation.translator_id)
        .outerjoin(Person, Person.id == Contribution.author_id)
        .outerjoin(Organisation, Organisation.id == Contribution.organisation_id)
        .outerjoin(_parent, _parent.id == Contribution.parent_id)
    )


@dataclass(frozen=True)
class Reader:
    """Who looks at a page and what is open to them: decides the links beside each contribution."""

    person_id: int | None
    now: datetime
    lang: str
    may_reply: bool = False
    may_react: bool = False
    #: Moderators read what waits or is held back.
    reveal: bool = False


def show(process: Process, row: Any, reader: Reader) -> Shown:
    """A row of `rows()` as pages show it."""
    mine = reader.person_id is not None and row.author_id == reader.person_id
    open_for_change = row.state in (State.pending, State.hidden) or (
        row.state == State.published and reader.now < row.created_at + EDIT_TIME
    )
    return Shown(
        slug=process.slug,
        code=process.code,
        stance_label=stance_name(process, row.stance),
        is_sample=process.is_demo and row.source is None,
        mine=mine,
        reveal=reader.reveal or mine,
        editable=mine and open_for_change and row.body is not None,
        may_reply=reader.may_reply,
        may_report=row.state == State.published and not mine,
        may_react=reader.may_react and not mine and row.state == State.published,
        **{name: getattr(row, name) for name in _AS_THEY_ARE},
    )


def nest(roots: list[Shown], replies: Iterable[Shown]) -> list[Shown]:
    """Hang replies below what they answer; what is not public stays only where something public hangs on it."""
    known = {item.id: item for root in roots for item in root.everything()}
    top = {root.id: root for root in roots}
    ordered = list(replies)
    known.update({reply.id: reply for reply in ordered})
    for reply in ordered:
        above = known.get(reply.parent_id or 0) or top.get(reply.root_id or 0)
        if above is not None:
            above.replies.append(reply)

    def kept(item: Shown) -> bool:
        item.replies = [reply for reply in item.replies if kept(reply)]
        return item.is_public or item.mine or bool(item.replies)

    for root in roots:
        root.replies = [reply for reply in root.replies if kept(reply)]
    return roots


def tell_outcomes(items: Iterable[Shown], outcomes: Mapping[int, Any]) -> None:
    """Put what became of each contribution beside it."""
    for item in items:
        for one in item.everything():
            one.disposition = outcomes.get(one.id)
