"""The checksum of a sealed version, over a form that anybody can recompute."""

import hashlib
import json
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from consult.concept.models import Element, PlacedLink, Placement, Version, Wording
from consult.extensions import db

FORMAT = 1


def canonical(version: Version) -> str:
    """The version as canonical JSON: keys sorted, elements by key, no ids of our database, no HTML.

    Two installations that hold the same text under the same keys get the same form.
    """
    parent = aliased(Element)
    rows = db.session.execute(
        select(
            Element.key,
            Element.kind,
            parent.key,
            Placement.position,
            Placement.label,
            Wording.lang,
            Wording.title,
            Wording.markdown,
            Wording.details,
        )
        .join(Element, Element.id == Placement.element_id)
        .join(Wording, Wording.id == Placement.wording_id)
        .outerjoin(parent, parent.id == Placement.parent_id)
        .where(Placement.version_id == version.id)
    ).all()
    to = aliased(Element)
    links = db.session.execute(
        select(PlacedLink.kind, Element.key, to.key)
        .join(Element, Element.id == PlacedLink.from_element_id)
        .join(to, to.id == PlacedLink.to_element_id)
        .where(PlacedLink.version_id == version.id)
    ).all()
    content: dict[str, Any] = {
        "format": FORMAT,
        "number": version.number,
        "title": version.title,
        "note": version.note,
        "audience": version.audience,
        # Sorted here and not by the database: collations differ between servers.
        "elements": sorted([list(row) for row in rows], key=lambda row: row[0]),
        "links": sorted([list(row) for row in links]),
    }
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def checksum(version: Version) -> str:
    """SHA-256 of the canonical form, in hexadecimal."""
    return hashlib.sha256(canonical(version).encode()).hexdigest()


def is_intact(version: Version) -> bool:
    """Whether the sealed version still has the words it was sealed with."""
    return version.checksum is not None and version.checksum == checksum(version)
