"""What stands below a proposal on its own page: others for the same words, and what editors and the desk do with it."""

from dataclasses import dataclass

from flask import url_for

from consult.authz import allowed, current_person
from consult.concept.policy import can_edit_text
from consult.concept.queries import heirs_of, names_of
from consult.contributions.models import Contribution
from consult.contributions.proposals import Rival, rivals_of
from consult.contributions.shown import Shown
from consult.processes.models import Process
from consult.weighing.policy import can_decide


@dataclass(frozen=True)
class Tools:
    """Others for the same words, and links for those who may."""

    rivals: list[Rival]
    #: (name of the part, address of its form filled with the proposal).
    adopt: list[tuple[str, str]]
    #: Where it is declined, or answered in another way.
    answer_url: str | None


def tools_for(process: Process, contribution: Contribution, item: Shown) -> Tools | None:
    """None for what is no proposal, or whose words are not public. One query for the public, two more for editors."""
    if not item.is_public or item.base is None or item.proposed is None or contribution.element_id is None:
        return None
    adopt = []
    if allowed(can_edit_text, process):
        ids = heirs_of(contribution.element_id) or [contribution.element_id]
        adopt = [
            (row.heading, url_for("concept.edit", slug=process.slug, key=row.key, proposal=contribution.number))
            for row in names_of(process, ids, current_person()).values()
        ]
    return Tools(
        rivals_of(contribution, item.base, item.proposed),
        adopt,
        url_for("weighing.answer", slug=process.slug, n=contribution.number) if allowed(can_decide, process) else None,
    )
