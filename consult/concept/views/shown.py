"""Elements as components/element.html wants them, and what stands around a text that is read."""

from collections.abc import Iterable
from typing import Any, Self

from flask import current_app, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from consult import authz
from consult.concept import marks, queries
from consult.concept.models import Concept, ConceptKind, ElementKind, Version
from consult.concept.words import detail_names, kind_names
from consult.contributions.words import stance_names
from consult.i18n import zone
from consult.processes import policy as processes
from consult.processes.models import Activity, Audience, Process
from consult.processes.queries import Opening


class Shown:
    """Turns placed elements into what the component shows. Plain words are looked up once for all parts of a page.

    `version_url`: on the page of a sealed version its parts are linked there, in this version, for good.
    """

    def __init__(self, process: Process, *, commentable: bool, version_url: str | None = None) -> None:
        self._process = process
        self._commentable = commentable
        self._version_url = version_url
        self._kinds = kind_names()
        self._stances = stance_names(process)
        self._cited = marks.Cited()
        self._details: dict[str, dict[str, str]] = {}
        # Made once and filled in: addresses of 600 parts cost more than their texts. A key needs no quoting.
        self._element_url = url_for("concept.element", slug=process.slug, key="-").removesuffix("-")
        self._comment_url = url_for("contributions.create", slug=process.slug, key="-").removesuffix("-/comment")

    def citing(self, rows: Iterable[queries.Placed]) -> Self:
        """Ask for the facts and pictures these parts cite, before they are turned; one query at most."""
        self._cited = marks.cited_in(self._process, ((row.concept_id, row.html) for row in rows))
        return self

    def element(self, row: queries.Placed, counts: dict[int, dict[str, int]]) -> dict[str, Any]:
        """One element with its counts by stance and its buttons."""
        url = self._element_url + row.key
        here = counts.get(row.element_id, {})
        return {
            "id": row.element_id,
            "label": row.label,
            "anchor": row.key,
            "title": row.title,
            "url": url,
            "link_url": f"{self._version_url}#{row.key}" if self._version_url else url,
            "kind": row.kind,
            "kind_label": self._kinds[row.kind],
            "body_html": self._words_of(row) if row.html else None,
            "facts": self._cited.facts_of(row.concept_id, row.html),
            "lang": row.lang,
            "plain": row.plain,
            "counts": [{"stance": s, "label": label, "count": here.get(s, 0)} for s, label in self._stances.items()],
            "thread_url": url + "#contributions",
            "comment_url": f"{self._comment_url}{row.key}/comment" if self._commentable else None,
            "is_sample": self._process.is_demo and not row.source,
            "source": row.source,
            "historic_on": None,
            "details": self._details_of(row),
            "depth": row.depth,
        }

    def _words_of(self, row: queries.Placed) -> Markup:
        return self._cited.resolve(row.concept_id, row.html, row.heading if "<table" in row.html else "")

    def _details_of(self, row: queries.Placed) -> list[tuple[str, Any]]:
        names = self._details.get(row.kind)
        if names is None:
            names = self._details[row.kind] = detail_names(row.kind)
        details = [(label, row.details[name]) for name, label in names.items() if row.details.get(name)]
        if row.kind == ElementKind.measure and not details:
            return [(_("Details"), _("not filled in yet"))]
        return details


def open_now(process: Process, activity: Activity, opened: dict[str, Opening]) -> bool:
    """Whether the button stands there for this visitor; guests are led to sign in by it."""
    opening = opened.get(activity)
    if opening is None:
        return False
    return Audience.public in opening.audiences or authz.allowed(processes.is_staff, process)


def which_of(concept: Concept) -> str:
    """How a concept is called in addresses: "charter" or "concept"."""
    return "charter" if concept.kind == ConceptKind.charter else "concept"


def citation(process: Process, concept: Concept, version: Version, *, held_its_day: bool) -> dict[str, Any]:
    """How to cite a version: number, day, checksum, and the addresses that keep it.

    They begin with the public address of this installation: the page is kept for visitors who came by another one.
    `held_its_day`: it was the newest version at the end of its day, so that the day alone leads to it as well.
    """
    base, which = current_app.config["PUBLIC_URL"], which_of(concept)
    sealed_at = version.sealed_at or version.created_at
    day = sealed_at.astimezone(zone()).date()
    dated = url_for("concept.on_day", slug=process.slug, day=day.isoformat(), which=which) if held_its_day else None
    return {
        "number": version.number,
        "title": version.title,
        "concept": concept.title,
        "day": day,
        "checksum": version.checksum,
        "url": base + url_for("concept.version", slug=process.slug, number=version.number, which=which),
        "dated": base + dated if dated else None,
    }
