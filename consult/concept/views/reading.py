"""Reading the concept: its newest text, its versions, one element with everything that belongs to it."""

from datetime import date
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from flask import abort, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult import authz
from consult.authz import authorize, current_person
from consult.concept import policy, queries, topics
from consult.concept.models import Concept, ElementKind, Version
from consult.concept.reading_order import day_of, order_of, version_held_on
from consult.concept.views.blueprint import bp
from consult.concept.views.shown import Shown, citation, open_now, which_of
from consult.concept.words import kind_names
from consult.contributions import choosing
from consult.contributions import queries as contributions
from consult.contributions.own import InThread, own_parts
from consult.errors import error_page
from consult.filled import filled_in, note
from consult.i18n import format_day
from consult.pages import fragments, rendered_once
from consult.processes import policy as processes
from consult.processes.loading import load_process
from consult.processes.models import Activity, Process
from consult.processes.queries import openings
from consult.weighing.queries import decisions_on

#: Elements that head a section of the page and its table of contents.
HEADINGS = (ElementKind.theme, ElementKind.field, ElementKind.chapter)
#: Parts from which on the page of the concept leads to a page per theme instead of showing every word at once.
LARGE = 150


def _sections(
    process: Process,
    parts: list[tuple[Concept, Version]],
    *,
    newest: bool,
    short: bool = False,
    version_url: str | None = None,
) -> list[dict[str, Any]]:
    """Concepts with their elements, grouped by theme. `short`: of large ones only themes and what stands right below.

    `newest`: the versions are the newest ones; only these are commented.
    """
    commentable = newest and open_now(process, Activity.comment, openings(process.id))
    shown = Shown(process, commentable=commentable, version_url=version_url)
    sections = []
    for concept, version in parts:
        order = order_of(version.id, version.checksum)
        keys = [p.key for p in order.parts if p.depth < 2] if short and len(order.parts) > LARGE else None
        rows = queries.placed_in(version.id, keys=keys)
        shown.citing(rows)
        counts = contributions.counts(process.id, [row.element_id for row in rows])
        groups: list[dict[str, Any]] = []
        for row in rows:
            if row.depth == 0:
                below = order.number_below(row.key)
                theme = newest and below and url_for("concept.theme", slug=process.slug, key=row.key)
                groups.append({"elements": [], "below": below, "theme_url": theme or None, "name": row.heading})
            groups[-1]["elements"].append(shown.element(row, counts))
        zone = ZoneInfo(process.zone)
        held = newest or _held_its_day(process, version, zone)
        sections.append(
            {"concept": concept, "version": version, "groups": groups, "is_short": keys is not None,
             "number": len(order.parts), "citation": citation(process, concept, version, held_its_day=held)}
        )  # fmt: skip
    return sections


def _held_its_day(process: Process, version: Version, zone: ZoneInfo) -> bool:
    if version.sealed_at is None:
        return False
    held = version_held_on(
        version.concept_id, version.sealed_at.astimezone(zone).date(), zone,
        queries.audiences_open_to(current_person(), process),
    )  # fmt: skip
    return held is not None and held.id == version.id


def _contents(sections: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "label": section["concept"].title,
            "url": f"#concept-{section['concept'].id}",
            "children": [
                {"label": top["title"] or top["kind_label"], "number": top["label"], "url": f"#{top['anchor']}"}
                for top in (group["elements"][0] for group in section["groups"])
                if top["kind"] in HEADINGS
            ],
        }
        for section in sections
    ]


def _newest(process: Process) -> list[tuple[Concept, Version]]:
    """Charter and concept with the newest versions this person may read."""
    newest = queries.newest_versions(process.id, queries.audiences_open_to(current_person(), process))
    return [(concept, newest[concept.id]) for concept in queries.concepts_of(process.id) if concept.id in newest]


@bp.get("/p/<slug>/concept")
@rendered_once
def read(slug: str) -> str:
    """The newest text this person may read: charter and concept."""
    process = load_process(slug)
    authorize(processes.can_read, process)
    sections = _sections(process, _newest(process), newest=True, short=True)
    return render_template(
        "concept/read.html", once=fragments.once, process=process, sections=sections, toc=_contents(sections),
        topics=topics.entries(process.id),
    )  # fmt: skip


@bp.get("/p/<slug>/concept/whole")
@rendered_once
def whole(slug: str) -> str:
    """The newest text on one page, however large: for printing and for searching in it."""
    process = load_process(slug)
    authorize(processes.can_read, process)
    sections = _sections(process, _newest(process), newest=True)
    return render_template(
        "concept/read.html",
        once=fragments.once,
        process=process,
        sections=sections,
        toc=_contents(sections),
        is_whole=True,
    )


@bp.get("/p/<slug>/concept/<key>")
@rendered_once
def theme(slug: str, key: str) -> str | Response:
    """One theme, field or chapter of the newest text, with all that stands below it."""
    process = load_process(slug)
    authorize(processes.can_read, process)
    texts = [(concept, version, order_of(version.id, version.checksum)) for concept, version in _newest(process)]
    found = next((text for text in texts if key in text[2] and text[2].part(key).depth == 0), None)
    if found is None:
        # Not a theme (any more): its own page knows where its words went.
        audiences = queries.audiences_open_to(current_person(), process)
        if queries.element_view(process.id, key, audiences) is None:
            abort(404)
        return redirect(url_for("concept.element", slug=slug, key=key), 303)
    concept, version, order = found
    start = order.parts.index(order.part(key))
    keys = [part.key for part in order.parts[start : start + 1 + order.number_below(key)]]
    rows = queries.placed_in(version.id, keys=keys)
    counts = contributions.counts(process.id, [row.element_id for row in rows])
    shown = Shown(process, commentable=open_now(process, Activity.comment, openings(process.id))).citing(rows)
    before, after = order.tops_around(key)
    toc = [
        {"label": top.title or top.name, "number": top.label, "current": top.key == key,
         "url": url_for("concept.theme", slug=slug, key=top.key) if order.number_below(top.key)
         else url_for("concept.element", slug=slug, key=top.key),
         "children": [{"label": part.name, "number": part.label, "url": f"#{part.key}"}
                      for part in order.parts if part.parent == key and top.key == key]}
        for top in order.tops
    ]  # fmt: skip
    return render_template(
        "concept/theme.html", once=fragments.once, process=process, concept=concept, version=version,
        part=order.part(key), toc=toc, elements=[shown.element(row, counts) for row in rows], before=before,
        after=after, number=len(rows) - 1,
        kinds=kind_names(),
    )  # fmt: skip


def _concept_or_404(process: Process, which: str) -> Concept:
    concept = next((c for c in queries.concepts_of(process.id) if c.kind == which), None)
    if concept is None:
        abort(404)
    return concept


def _version_page(process: Process, concept: Concept, found: Version, day: date | None = None) -> str:
    audiences = queries.audiences_open_to(current_person(), process)
    newest = queries.newest_versions(process.id, audiences).get(concept.id, found)
    address: dict[str, Any] = {"slug": process.slug, "which": which_of(concept)}
    url = url_for("concept.version", number=found.number, **address)
    sections = _sections(process, [(concept, found)], newest=newest.id == found.id, version_url=url)
    return render_template(
        "concept/read.html", once=fragments.once, process=process, sections=sections, toc=_contents(sections),
        number=found.number, day=day,
        canonical=sections[0]["citation"]["url"], newest=newest if newest.id != found.id else None,
        newest_url=url_for("concept.version", number=newest.number, **address),
        difference_url=url_for("concept.difference", **{**address, "from": found.number, "to": newest.number}),
    )  # fmt: skip


@bp.get("/p/<slug>/concept/versions/<int:number>", defaults={"which": "concept"})
@bp.get("/p/<slug>/charter/versions/<int:number>", defaults={"which": "charter"})
@rendered_once
def version(slug: str, number: int, which: str) -> str:
    """One sealed version, for good at this address."""
    process = load_process(slug)
    concept = _concept_or_404(process, which)
    found = queries.version_or_404(concept.id, number, queries.audiences_open_to(current_person(), process))
    authorize(policy.can_read_version, process, found)
    return _version_page(process, concept, found)


@bp.get("/p/<slug>/concept/on/<day>", defaults={"which": "concept"})
@bp.get("/p/<slug>/charter/on/<day>", defaults={"which": "charter"})
@rendered_once
def on_day(slug: str, day: str, which: str) -> str | Response:
    """The text as it held at the end of a day."""
    process = load_process(slug)
    authorize(processes.can_read, process)
    concept = _concept_or_404(process, which)
    zone = ZoneInfo(process.zone)
    wanted = day_of(day, zone)
    if wanted is None:
        return error_page(404, message=_("An address with a day looks like this: 2018-04-12, a day that has begun."))
    found = version_held_on(concept.id, wanted, zone, queries.audiences_open_to(current_person(), process))
    if found is None:
        return error_page(
            404, message=_("On %(day)s nothing was published yet. The list of versions says when the first one came.",
                           day=format_day(wanted)),
        )  # fmt: skip
    authorize(policy.can_read_version, process, found)
    return _version_page(process, concept, found, wanted)


@bp.get("/p/<slug>/e/<key>")
@rendered_once
@filled_in(own_parts)
def element(slug: str, key: str) -> str | Response:
    """One element: its words, what it serves, what people say about it."""
    process = load_process(slug)
    authorize(processes.can_read, process)
    person = current_person()
    audiences = queries.audiences_open_to(person, process)
    view = queries.element_view(process.id, key, audiences)
    if view is None:
        if authz.allowed(policy.can_see_working_text, process):
            queries.element_or_404(process.id, key)
            return redirect(url_for("concept.history", slug=slug, key=key), 303)
        abort(404)
    placed = view.placed
    opened = openings(process.id)
    commentable = not view.retired and open_now(process, Activity.comment, opened)
    # Only public words are proposed to be other ones: everybody sees both.
    proposable = placed.is_public and placed.markdown and open_now(process, Activity.propose, opened)
    before, chosen = request.args.get("before", ""), choosing.choice_of(request.args)
    public_words = placed.wording_id if placed.is_public else None
    thread = contributions.chosen_thread(
        process,
        placed.element_id,
        person,
        chosen,
        before=before,
        wording_id=public_words,
        key=key,
        may_reply=commentable,
        may_react=open_now(process, Activity.react, opened),
    )
    thread.tell(decisions_on(thread.ids()))
    note(InThread.of(process, placed.element_id, thread, key=key, wording_id=public_words))
    counts = contributions.counts(process.id, [placed.element_id])
    heirs = queries.names_of(process, queries.heirs_of(placed.element_id), person) if view.retired else {}
    serves, served_by = queries.links_of(process.id, audiences, placed.element_id)
    url, choice = url_for("concept.element", slug=slug, key=key), choosing.address_of(chosen)
    by_stance = counts.get(placed.element_id, {})
    shown = Shown(process, commentable=commentable).citing([placed]).element(placed, counts)
    order = order_of(view.version_id, view.checksum)
    before_it, after_it = order.around(key)
    return render_template(
        "concept/element.html",
        process=process,
        view=view,
        placed=placed,
        serves=serves,
        served_by=served_by,
        element=shown | {"propose_url": url_for("contributions.propose", slug=slug, key=key) if proposable else None},
        above=order.above(key),
        themes=HEADINGS,
        before_it=None if view.retired else before_it,
        after_it=None if view.retired else after_it,
        thread=thread,
        next_url=f"{url}?{urlencode({**choice, 'before': thread.next_cursor})}#contributions"
        if thread.next_cursor
        else None,
        newer_url=f"{url}{'?' if choice else ''}{urlencode(choice)}#contributions" if before else None,
        once=fragments.once,
        choose=choosing.offered(process, chosen, by_stance) | {"url": url} if by_stance or choice else None,
        heirs=list(heirs.values()),
        commentable=commentable,
        kinds=kind_names(),
        can_edit_text=policy.can_edit_text,
        can_draft=policy.can_draft,
    )
