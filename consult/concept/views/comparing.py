"""What differs between two versions: of the whole text, and of one part of it."""

from dataclasses import dataclass, field
from typing import Any

from flask import abort, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from consult import authz
from consult.authz import authorize, current_person
from consult.concept import policy, queries
from consult.concept.comparing import ComparedPart, Comparison, State, compare
from consult.concept.difference import PieceKind
from consult.concept.history import last_two_states
from consult.concept.models import ConceptKind, Version
from consult.concept.views.blueprint import bp
from consult.concept.word_changes import Form, Teller, WordChange
from consult.concept.words import detail_names, kind_names
from consult.contributions import sources
from consult.contributions.words import kind_names as source_names
from consult.i18n import format_day
from consult.pages import rendered_once
from consult.processes import policy as processes
from consult.processes.loading import load_process
from consult.processes.models import Process

#: The working text in a query string, where versions have their number.
WORKING = "working"
#: How much of a name a heading has room for.
NAME = 60
#: Reasons told beside one part; its history tells all of them.
REASONS = 12
#: On the page of the whole text longer passages that stayed are left out but for so many characters.
AROUND = 240


@dataclass
class Choice:
    """Which two versions are compared, and in which form."""

    old: Version
    new: Version
    form: Form
    #: All that may be chosen, as (value, name), newest first.
    options: list[tuple[str, str]]

    @staticmethod
    def value(version: Version) -> str:
        return WORKING if version.number is None else str(version.number)


def name_of(version: Version) -> str:
    if version.number is None:
        return _("Working text")
    return _("Version %(number)s", number=version.number)


def _choice(process: Process, concept_id: int, usual: tuple[int | None, int | None] = (None, None)) -> Choice | None:
    """What the address asks for; None when there are not two versions to compare. Aborts with 404 for others.

    `usual`: the numbers of the older and the newer version where the address does not say.
    """
    versions = queries.versions_of(concept_id, queries.audiences_open_to(current_person(), process))
    found: dict[str, Version] = {str(version.number): version for version in versions}
    if authz.allowed(policy.can_see_working_text, process):
        found = {WORKING: queries.working_version(concept_id), **found}
    asked = [request.args.get(name, "") for name in ("from", "to")]
    if any(value and value not in found for value in asked):
        abort(404)
    if len(found) < 2:
        return None
    newest = [*(str(version.number) for version in versions), WORKING]
    if not any(asked) and all(usual):
        asked = [str(number) for number in usual]
    asked[1] = asked[1] or newest[0]
    if not asked[0]:
        sealed = [str(version.number) for version in versions] or [WORKING]
        before = sealed.index(asked[1]) + 1 if asked[1] in sealed else 0
        asked[0] = sealed[min(before, len(sealed) - 1)]
    old, new = found[asked[0]], found[asked[1]]
    if old.number is None or (new.number is not None and old.number > new.number):
        old, new = new, old
    form = Form.side if request.args.get("view") == Form.side else Form.inline
    options = [
        (value, f"{name_of(v)}: {v.title}, {format_day(v.sealed_at)}" if v.number else name_of(v))
        for value, v in found.items()
    ]
    return Choice(old, new, form, options)


def state_names() -> dict[str, tuple[str, str]]:
    """What happened to a part, as (words, tone) of a badge."""
    return {
        State.new: (_("New"), "success"),
        "restored": (_("Taken in again"), "success"),
        State.gone: (_("Taken out"), "danger"),
        "replaced": (_("Replaced"), "danger"),
        State.words: (_("New wording"), "info"),
        State.moved: (_("Moved"), "change"),
        State.renumbered: (_("New number"), "neutral"),
        State.links: (_("Serves something else"), "accent"),
    }


def said() -> dict[str, str]:
    """Words that stand beside every part: looked up once, not hundreds of times."""
    return {
        "came_from": _("It came from:"),
        "became": _("It became:"),
        "now": _("It now serves:"),
        "no_longer": _("It no longer serves:"),
        "reason": _("Reason:"),
        "based": _("based on"),
        "history": _("How this text came about"),
        "before": _("Before"),
        "after": _("After"),
    }


@dataclass
class Link:
    name: str
    url: str | None


@dataclass
class ShownPart:
    """One changed part as the page tells it."""

    key: str
    kind: str
    heading: str
    depth: int
    states: list[tuple[str, str]]
    url: str
    history_url: str
    lang: str = "de"
    change: WordChange | None = None
    #: Sentences about number, place and order.
    facts: list[str] = field(default_factory=list)
    origins: list[Link] = field(default_factory=list)
    heirs: list[Link] = field(default_factory=list)
    serves_now: list[Link] = field(default_factory=list)
    serves_no_longer: list[Link] = field(default_factory=list)
    #: Each with its sources as (number, kind, address).
    reasons: list[tuple[str, list[tuple[str, str, str]]]] = field(default_factory=list)
    more_reasons: int = 0


class Telling:
    """Turns compared parts into what the page shows."""

    def __init__(self, process: Process, found: Comparison, form: Form, around: int | None, new: Version) -> None:
        self._process, self._found, self._teller = process, found, Teller(form, around)
        #: Parts that are only in the working text have no page of their own yet.
        self._has_pages = new.number is not None
        self._kinds, self._sources = kind_names(), source_names()
        self._element_url = url_for("concept.element", slug=process.slug, key="-").removesuffix("-")
        self._contribution_url = url_for("contributions.show", slug=process.slug, number=0).removesuffix("0")
        self._state_names = state_names()
        self._names: dict[int, queries.Placed] = {}
        self._behind: dict[int, list[sources.Source]] = {}

    def parts(self, wanted: list[ComparedPart]) -> dict[int, ShownPart]:
        """These parts by element. Two queries at most."""
        told = [reason.change_id for part in wanted for reason in part.reasons[-REASONS:]]
        self._behind = sources.sources_of(told) if told else {}
        linked = {ident for part in wanted for ident in (*part.serves_now, *part.serves_no_longer)}
        self._names = queries.names_of(self._process, linked - set(self._found.by_id), current_person())
        return {part.element_id: self._part(part) for part in wanted}

    def _part(self, part: ComparedPart) -> ShownPart:
        url = self._element_url + part.key
        shown = ShownPart(
            part.key, self._kinds[part.kind], part.spot.heading, part.depth, self._states(part), url, url + "/history",
            origins=self._links(part.origins), heirs=self._links(part.heirs),
            serves_now=self._links(part.serves_now), serves_no_longer=self._links(part.serves_no_longer),
            facts=self._facts(part), more_reasons=max(0, len(part.reasons) - REASONS),
            reasons=[(told.reason, self._sources_of(told.change_id)) for told in part.reasons[-REASONS:]],
        )  # fmt: skip
        words = self._found.words
        old = words.get(part.old.wording_id) if part.old else None
        new = words.get(part.new.wording_id) if part.new else None
        said = new or old
        shown.lang = said.lang if said else "de"
        if State.words in part.states and old and new:
            shown.change = self._teller.change(old, new)
        elif State.new in part.states and new:
            shown.change = self._teller.whole(new, PieceKind.inserted)
        elif State.gone in part.states and old:
            shown.change = self._teller.whole(old, PieceKind.deleted)
        if shown.change:  # otherwise its name says what it is about
            shown.heading = part.spot.short
        return shown

    def _states(self, part: ComparedPart) -> list[tuple[str, str]]:
        """Badges as (words, tone)."""
        names = self._state_names
        found = [names[state] for state in State if state in part.states]
        if part.restored and found:
            found[0] = names["restored"]
        if part.heirs and found:
            found[0] = names["replaced"]
        return found

    def _facts(self, part: ComparedPart) -> list[str]:
        told: list[str] = []
        if part.old is None or part.new is None:
            return told
        if State.renumbered in part.states:
            told.append(
                _("The number was %(old)s and is now %(new)s.", old=part.old.label or _("none"),
                  new=part.new.label or _("none"))
            )  # fmt: skip
        if State.moved in part.states:
            if part.old.parent_id == part.new.parent_id:
                told.append(_("It stands at another place among its neighbours."))
            else:
                told.append(
                    _("It stood below “%(old)s” and now stands below “%(new)s”.", old=self._place(part.old.parent_id),
                      new=self._place(part.new.parent_id))
                )  # fmt: skip
        return told

    def _place(self, parent_id: int | None) -> str:
        parent = self._found.by_id.get(parent_id) if parent_id else None
        return parent.spot.heading if parent else _("the top of the text")

    def _links(self, ids: list[int]) -> list[Link]:
        found = []
        for ident in ids:
            part, placed = self._found.by_id.get(ident), self._names.get(ident)
            if part is not None:
                known = self._has_pages or part.old is not None
                found.append(Link(part.spot.heading, self._element_url + part.key if known else None))
            elif placed is not None:
                found.append(Link(placed.heading, self._element_url + placed.key))
            else:
                found.append(Link(_("a part that is not published"), None))
        return found

    def _sources_of(self, change_id: int) -> list[tuple[str, str, str]]:
        code, url = self._process.code, self._contribution_url
        return [
            (f"{code}-{source.number}", self._sources[source.kind], f"{url}{source.number}")
            for source in self._behind.get(change_id, ())
        ]


@dataclass
class Section:
    """A theme, field or chapter with what changed in it."""

    key: str
    heading: str
    kind: str
    #: Changed parts, and numbers of unchanged ones that stand between them.
    entries: list[ShownPart | int] = field(default_factory=list)

    @property
    def changed(self) -> int:
        return sum(1 for entry in self.entries if isinstance(entry, ShownPart))


def _sections(found: Comparison, shown: dict[int, ShownPart]) -> list[Section]:
    kinds = kind_names()
    sections: list[Section] = []
    for part in found.parts:
        if part.depth == 0 or not sections:
            sections.append(Section(part.key, part.spot.heading, kinds[part.kind]))
        entries = sections[-1].entries
        if part.element_id in shown:
            entries.append(shown[part.element_id])
        elif part.depth:  # the head of a section stands in its heading
            if entries and isinstance(entries[-1], int):
                entries[-1] += 1
            else:
                entries.append(1)
    return sections


def _counts(found: Comparison) -> list[str]:
    """What happened how often, in words; only what did happen."""
    n = {state: found.count(state) for state in State}
    told = {
        State.words: ngettext("%(num)s part with new words", "%(num)s parts with new words", n[State.words]),
        State.new: ngettext("%(num)s new part", "%(num)s new parts", n[State.new]),
        State.gone: ngettext(
            "%(num)s part taken out or replaced", "%(num)s parts taken out or replaced", n[State.gone]
        ),
        State.moved: ngettext("%(num)s moved part", "%(num)s moved parts", n[State.moved]),
        State.renumbered: ngettext(
            "%(num)s part with a new number", "%(num)s parts with a new number", n[State.renumbered]
        ),
        State.links: ngettext(
            "%(num)s part that serves something else", "%(num)s parts that serve something else", n[State.links]
        ),
    }
    return [words for state, words in told.items() if n[state]]


def _view_links(choice: Choice) -> list[dict[str, Any]]:
    """Links that show the same in the other form."""
    address: dict[str, Any] = {
        **(request.view_args or {}), "from": choice.value(choice.old), "to": choice.value(choice.new),
    }  # fmt: skip
    return [
        {
            "label": label,
            "url": url_for(request.endpoint or "", **address, view=form if form != Form.inline else None),
            "current": form == choice.form,
        }
        for form, label in ((Form.inline, _("In one text")), (Form.side, _("Side by side")))
    ]


@bp.get("/p/<slug>/concept/difference", defaults={"which": "concept"})
@bp.get("/p/<slug>/charter/difference", defaults={"which": "charter"})
@rendered_once
def difference(slug: str, which: str) -> str:
    """What changed from one version of the text to another: `?from=1&to=3`, `&view=side`."""
    process = load_process(slug)
    authorize(processes.can_read, process)
    concept = next((c for c in queries.concepts_of(process.id) if c.kind == which), None)
    if concept is None:
        abort(404)
    choice = _choice(process, concept.id)
    if choice is None:
        return render_template("concept/difference.html", process=process, concept=concept, choice=None, which=which)
    found = compare(choice.old, choice.new)
    shown = Telling(process, found, choice.form, AROUND, choice.new).parts(found.changed())
    return render_template(
        "concept/difference.html", process=process, concept=concept, choice=choice, which=which,
        sections=_sections(found, shown), counts=_counts(found), views=_view_links(choice),
        unchanged=len(found.parts) - len(shown), details=detail_names(), name_of=name_of, said=said(),
    )  # fmt: skip


@bp.get("/p/<slug>/e/<key>/difference")
@rendered_once
def element_difference(slug: str, key: str) -> str:
    """What changed in one part from one version to another; by default where its words changed last."""
    process = load_process(slug)
    authorize(processes.can_read, process)
    element = queries.element_or_404(process.id, key)
    audiences = queries.audiences_open_to(current_person(), process)
    usual = last_two_states(element, audiences)
    if usual is None and not authz.allowed(policy.can_see_working_text, process):
        abort(404)  # not published yet: strangers do not learn that it exists
    choice = _choice(process, element.concept_id, usual or (None, None))
    which = next((c.kind for c in queries.concepts_of(process.id) if c.id == element.concept_id), ConceptKind.concept)
    if choice is None:
        return render_template(
            "concept/element_difference.html", process=process, key=key, choice=None, name=key, which=which
        )
    found = compare(choice.old, choice.new, only=element.id)
    part = found.by_id.get(element.id)
    shown = Telling(process, found, choice.form, None, choice.new).parts([part])[element.id] if part else None
    spot = part.spot if part else None
    name = f"{spot.label} {queries.excerpt('', spot.name, NAME)}".strip() if spot else key
    return render_template(
        "concept/element_difference.html", process=process, key=key, choice=choice, which=which,
        part=shown, is_changed=bool(part and part.states), name=name, said=said(),
        kind=kind_names()[element.kind], views=_view_links(choice), details=detail_names(), name_of=name_of,
    )  # fmt: skip
