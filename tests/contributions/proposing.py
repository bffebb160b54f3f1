"""What tests of wording proposals begin with: a proposal for the goal of a small town, and its page."""

from consult.contributions import operations
from consult.contributions.models import Kind
from tests.contributions.guests import newest

BASE = "Neu Zugewanderte werden gut informiert."
WISH = "Neu Zugewanderte werden in ihrer Sprache gut informiert."
WHY = "Sonst versteht es niemand."
ADDRESS = "/e/ankommen/propose"


def propose(town, proposed=WISH, *, text=WHY, actor=None, **fields):
    """A wording proposal, by the operation."""
    return operations.submit(
        town.process, actor=actor or town.citizen, text=text, stance="change", element_id=town.goal.id,
        kind=Kind.wording_proposal, proposed=proposed, **fields,
    )  # fmt: skip


def send(visitor, town, proposed=WISH, text=WHY, status=303, **more):
    """The same through the form."""
    return visitor.submit(town.path(ADDRESS), {"proposed": proposed, "text": text, **more}, status=status)


def marked(tag):
    """(taken out, put in) on this part of a page, without the words for screen readers."""
    found = []
    for name in ("del", "ins"):
        texts = []
        for mark in tag.find_all(name):
            if mark.find_parent(class_="legend"):
                continue
            for hidden in mark.select(".visually-hidden"):
                hidden.extract()
            texts.append(mark.get_text().strip())
        found.append(texts)
    return tuple(found)


__all__ = ["ADDRESS", "BASE", "WHY", "WISH", "marked", "newest", "propose", "send"]
