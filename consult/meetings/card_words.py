"""Plain words for cards."""

from flask_babel import gettext as _

from consult.meetings.models import Card, CardKind, Meeting


def card_kind_names() -> dict[str, str]:
    return {
        CardKind.suggestion: _("Suggestion"),
        CardKind.need: _("Need"),
        CardKind.offer: _("Offer"),
    }


def origin_words(card: Card, meeting: Meeting) -> str:
    """Where a card hung, in one sentence for everybody: "Card (need), table 3, under the heading ..."."""
    kind = card_kind_names().get(card.kind, card.kind)
    values = {"kind": kind, "meeting": meeting.title, "table": card.place, "cluster": card.cluster}
    if card.place and card.cluster:
        return _(
            "%(kind)s on a card of “%(meeting)s”, table or wall %(table)s, under the heading “%(cluster)s”", **values
        )
    if card.place:
        return _("%(kind)s on a card of “%(meeting)s”, table or wall %(table)s", **values)
    if card.cluster:
        return _("%(kind)s on a card of “%(meeting)s”, under the heading “%(cluster)s”", **values)
    return _("%(kind)s on a card of “%(meeting)s”", **values)
