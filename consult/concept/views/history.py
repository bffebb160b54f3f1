"""How the text came about: all versions with what changed, and the life of one element."""

from dataclasses import dataclass, field

from flask import abort, render_template, request, url_for
from flask_babel import gettext as _

from consult import authz
from consult.authz import authorize, current_person
from consult.concept import history as past
from consult.concept import policy, queries
from consult.concept.difference import PieceKind
from consult.concept.history import HistoryEntry
from consult.concept.models import ChangeKind, DraftState, Element
from consult.concept.queries import Placed, excerpt
from consult.concept.views.blueprint import bp
from consult.concept.views.comparing import NAME, Link
from consult.concept.word_changes import Teller, WordChange, Words
from consult.concept.words import audience_names, change_names, detail_names, kind_names
from consult.contributions import sources
from consult.contributions.models import Kind
from consult.contributions.words import kind_names as source_names
from consult.meetings.models import Meeting
from consult.meetings.queries import meetings_behind
from consult.pages import rendered_once
from consult.processes import policy as processes
from consult.processes.loading import load_process
from consult.processes.models import Process
from consult.web import row_id

#: How much of a passage stands beside its source.
_PASSAGE = 90
#: Unchanged text around what changed in a step.
_AROUND = 160
#: What a version changed is folded when it is more than so many parts.
OPEN = 8


@bp.get("/p/<slug>/concept/versions")
@rendered_once
def versions(slug: str) -> str:
    """All versions, newest first, with what changed and why."""
    process = load_process(slug)
    authorize(processes.can_read, process)
    person = current_person()
    concepts = {concept.id: concept for concept in queries.concepts_of(process.id)}
    before = request.args.get("before", type=row_id)
    logs, more = past.changelogs(list(concepts), queries.audiences_open_to(person, process), before)
    names = queries.names_of(process, {ident for log in logs for ident in log.parts}, person)
    told = [change.change_id for log in logs for changes in log.parts.values() for change in changes]
    here = url_for("concept.versions", slug=slug)
    return render_template(
        "concept/versions.html", process=process, logs=logs, concepts=concepts, names=names,
        sources=sources.sources_of(told) if told else {}, audiences=audience_names(), changes=change_names(),
        source_names=source_names(), open=OPEN, next_url=f"{here}?before={more}" if more else None,
        newer_url=here if before else None,
    )  # fmt: skip


@dataclass
class ShownSource:
    """A contribution behind a step."""

    number: int
    kind: str
    #: The words it changed, if they were marked.
    passage: str
    meeting: Meeting | None


@dataclass
class Step:
    """One entry of a history as the page tells it."""

    entry: HistoryEntry
    #: What happened, in a few words.
    what: str
    #: What differs from the words before; for new words the words themselves.
    change: WordChange | None = None
    words: Words | None = None
    words_before: Words | None = None
    facts: list[str] = field(default_factory=list)
    origins: list[Link] = field(default_factory=list)
    heirs: list[Link] = field(default_factory=list)
    sources: list[ShownSource] = field(default_factory=list)


@dataclass
class Chapter:
    """The steps of one element: the page's own first, then each one it came from."""

    element_id: int
    heading: str
    link: Link | None
    steps: list[Step] = field(default_factory=list)


class Story:
    """Turns the life of an element into what the page shows."""

    def __init__(self, process: Process, element: Element, entries: list[HistoryEntry]) -> None:
        self._process, self._element, self._entries = process, element, entries
        self._changes, self._sources, self._teller = change_names(), source_names(), Teller(around=_AROUND)
        self._behind = sources.sources_of([entry.change_id for entry in entries])
        lines = {s.contribution_id for found in self._behind.values() for s in found if s.kind == Kind.minute_line}
        self._meetings = meetings_behind(lines)
        self._keys = {ident: key for entry in entries for ident, key in (*entry.origins, *entry.heirs)}
        parents = {ident for e in entries if e.is_moved for ident in (e.from_parent_id, e.to_parent_id) if ident}
        wanted = parents | set(self._keys) | {element.id} | {entry.element_id for entry in entries}
        self._names: dict[int, Placed] = queries.names_of(process, wanted, current_person())

    def name(self) -> str:
        """How the element is called now, or was called last."""
        placed = self._names.get(self._element.id)
        if placed is not None:
            return f"{placed.label} {excerpt(placed.title, placed.markdown, NAME)}".strip()
        words = next((e.after or e.before for e in self._entries if e.element_id == self._element.id), None)
        return excerpt(words.title, words.markdown, NAME) if words else self._element.key

    def chapters(self) -> list[Chapter]:
        """The element's own steps, then those of what it came from, the latest first."""
        chapters: dict[int, Chapter] = {}
        became: dict[int, str] = {}
        for entry in self._entries:
            for ident, _key in entry.origins:
                became.setdefault(ident, entry.kind)
        replaced: Step | None = None
        for entry in self._entries:
            owner = self._element.id if entry.heirs else entry.element_id
            chapter = chapters.get(owner) or self._chapter(owner, became.get(owner, ""))
            chapters[owner] = chapter
            # A split is one change for each part: told as one step with all of them.
            if entry.heirs and replaced and replaced.entry.kind == entry.kind == ChangeKind.split_:
                replaced.heirs[:0] = [self._link(ident) for ident, _key in entry.heirs]
                continue
            step = self._step(entry)
            replaced = step if entry.heirs else replaced
            chapter.steps.append(step)
        own = [chapter for ident, chapter in chapters.items() if ident == self._element.id]
        return own + [chapter for ident, chapter in chapters.items() if ident != self._element.id]

    def _chapter(self, ident: int, kind: str) -> Chapter:
        if ident == self._element.id:
            return Chapter(ident, "", None)
        heading = _("Before it was split") if kind == ChangeKind.split_ else _("Before parts were merged")
        return Chapter(ident, heading, self._link(ident))

    def _step(self, entry: HistoryEntry) -> Step:
        step = Step(entry, self._changes[entry.kind])
        step.origins = [self._link(ident) for ident, _key in entry.origins]
        step.heirs = [self._link(ident) for ident, _key in entry.heirs]
        step.facts = self._facts(entry)
        for found in self._behind.get(entry.change_id, ()):
            step.sources.append(self._source(found, entry.after))
        if entry.heirs:
            return step  # the words are told on the pages of its heirs
        before, after = entry.before, entry.after
        if entry.kind in (ChangeKind.edit, ChangeKind.merge) and before and after:
            step.change, step.words_before = self._teller.change(before, after), before
        elif entry.kind in (ChangeKind.create, ChangeKind.split_, ChangeKind.restore) and after:
            step.words = after
        elif entry.kind == ChangeKind.retire and before:
            step.change = self._teller.whole(before, PieceKind.deleted)
        return step

    def _facts(self, entry: HistoryEntry) -> list[str]:
        told = []
        if entry.is_moved:
            told.append(
                _("It stood below “%(old)s” and now stands below “%(new)s”.", old=self._place(entry.from_parent_id),
                  new=self._place(entry.to_parent_id))
            )  # fmt: skip
        elif entry.kind == ChangeKind.move:
            told.append(_("It stands at another place among its neighbours."))
        if entry.is_renumbered:
            told.append(
                _("The number was %(old)s and is now %(new)s.", old=entry.from_label or _("none"),
                  new=entry.to_label or _("none"))
            )  # fmt: skip
        if entry.group and entry.draft_state == DraftState.adapted:
            told.append(_("The draft came from %(group)s and was adopted with other words.", group=entry.group))
        elif entry.group:
            told.append(_("The draft came from %(group)s.", group=entry.group))
        return told

    def _place(self, ident: int | None) -> str:
        if ident is None:
            return _("the top of the text")
        return self._names[ident].heading if ident in self._names else _("a part that is not published")

    def _link(self, ident: int) -> Link:
        placed = self._names.get(ident)
        key = placed.key if placed else self._keys.get(ident)
        url = url_for("concept.element", slug=self._process.slug, key=key) if key and placed else None
        if placed is not None:
            return Link(placed.heading, url)
        words = next((e.after or e.before for e in self._entries if e.element_id == ident), None)
        return Link(excerpt(words.title, words.markdown) if words else _("a part that is not published"), url)

    def _source(self, found: sources.Source, after: Words | None) -> ShownSource:
        passage = ""
        if found.span and after:
            passage = excerpt("", sources.markable(after.title, after.markdown)[slice(*found.span)], _PASSAGE)
        return ShownSource(found.number, self._sources[found.kind], passage, self._meetings.get(found.contribution_id))


@bp.get("/p/<slug>/e/<key>/history")
@rendered_once
def history(slug: str, key: str) -> str:
    """How an element came about: every wording with its reason and its sources, newest first."""
    process = load_process(slug)
    authorize(processes.can_read, process)
    found = queries.element_or_404(process.id, key)
    include_working = authz.allowed(policy.can_see_working_text, process)
    audiences = queries.audiences_open_to(current_person(), process)
    before = request.args.get("before", type=row_id)
    entries, more = past.life(found, audiences, include_working=include_working, before=before)
    if not entries:
        abort(404)
    story = Story(process, found, entries)
    here = url_for("concept.history", slug=slug, key=key)
    return render_template(
        "concept/history.html", process=process, element=found, chapters=story.chapters(), name=story.name(),
        kind=kind_names()[found.kind], details=detail_names(), next_url=f"{here}?before={more}" if more else None,
        newer_url=here if before else None,
    )  # fmt: skip
