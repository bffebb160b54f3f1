"""Where a moderator is: which list, narrowed how, how long a page. Every act at the desk leads back there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import request, url_for
from werkzeug.datastructures import MultiDict

from consult.contributions.forms import LANGUAGES
from consult.contributions.models import Channel
from consult.moderation.queue import SIZES, WHOLE, DeskList, Narrowed
from consult.web import MAX_ID, safe_next

_KEY = re.compile(r"[\w-]{1,80}")
_CURSOR = re.compile(r"([01])-(\d{1,10})")
_NUMBER = re.compile(r"(?:[^\W_]{1,20}[- ]|[^\W\d_]{1,20})?([0-9]{1,9})")


def number_in(typed: str) -> int | None:
    """The number in `IK-17`, `ik 17` or `17`; None when there is none."""
    found = _NUMBER.fullmatch(typed.strip())
    return int(found[1]) if found and 0 < int(found[1]) <= MAX_ID else None


@dataclass(frozen=True)
class Here:
    """A page of the desk."""

    slug: str
    which: DeskList = DeskList.pending
    by: Narrowed = Narrowed()
    size: int = SIZES[0]
    #: Rank and number of the last one of the page before.
    after: tuple[int, int] | None = None
    #: In the list of decisions: the act to go on from.
    before: int | None = None
    #: All boxes of the page are ticked.
    all_ticked: bool = False

    def url(self, **changes: Any) -> str:
        """The address of this page, or of one that differs from it by `changes`."""
        it = replace(self, **changes)
        parts: dict[str, Any] = {
            "list": it.which if it.which != DeskList.pending else None,
            "place": it.by.place or None,
            "lang": it.by.lang or None,
            "channel": it.by.channel or None,
            "new": "y" if it.by.new_author else None,
            "number": it.by.number,
            "size": it.size if it.size != SIZES[0] else None,
            "after": f"{it.after[0]}-{it.after[1]}" if it.after else None,
            "before": it.before,
            "ticked": "all" if it.all_ticked else None,
        }
        return url_for("moderation.queue", slug=it.slug, **parts)

    def list_url(self, which: str) -> str:
        """The beginning of another list, as long as this one."""
        return Here(self.slug, DeskList(which), size=self.size).url()


def here_of(slug: str, args: Mapping[str, str]) -> Here:
    """The page that these parts of an address mean; what is not known is left out."""
    which = args.get("list", "")
    place, lang, channel = args.get("place", ""), args.get("lang", ""), args.get("channel", "")
    cursor = _CURSOR.fullmatch(args.get("after", ""))
    size, before = args.get("size", ""), args.get("before", "")
    return Here(
        slug,
        DeskList(which) if which in set(DeskList) else DeskList.pending,
        Narrowed(
            place=place if place == WHOLE or _KEY.fullmatch(place) else "",
            lang=lang if lang in LANGUAGES or lang == "und" else "",
            channel=channel if channel in set(Channel) else "",
            new_author=args.get("new") == "y",
            number=number_in(args.get("number", "")),
        ),
        size=int(size) if size in map(str, SIZES) else SIZES[0],
        after=(int(cursor[1]), min(int(cursor[2]), MAX_ID)) if cursor else None,
        before=min(int(before), MAX_ID) if before.isascii() and before.isdigit() and len(before) < 11 else None,
        all_ticked=args.get("ticked") == "all",
    )


def back_of(slug: str) -> tuple[Here, str]:
    """Where a form was sent from: the page, and its address with the place on it. Never leads away from the desk."""
    desk = url_for("moderation.queue", slug=slug)
    target = safe_next(request.form.get("back"), desk)
    parts = urlsplit(target)
    if parts.path != desk:
        target, parts = desk, urlsplit(desk)
    try:
        asked = parse_qsl(parts.query, max_num_fields=20)
    except ValueError:
        # No page of the desk has so many: back to its beginning.
        asked = []
    here = here_of(slug, MultiDict(asked))
    fragment = f"#{parts.fragment}" if re.fullmatch(r"[\w-]{1,40}", parts.fragment) else ""
    return here, here.url() + fragment
