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
    """Where a card hung, for everybody: "Need: card of “Kickoff”, table or wall 3, under the heading “Language”"."""
    parts = [_("card of “%(meeting)s”", meeting=meeting.title)]
    if card.place:
        parts.append(_("table or wall %(table)s", table=card.place))
    if card.cluster:
        parts.append(_("under the heading “%(cluster)s”", cluster=card.cluster))
    return f"{card_kind_names().get(card.kind, card.kind)}: {', '.join(parts)}"
