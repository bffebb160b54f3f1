"""Scenery for tests of drafts: a circle with a mandate, its editors, and everybody around them."""

from sqlalchemy import select

from consult import clock
from consult.concept import drafts, operations
from consult.concept.models import DraftAct, DraftState
from consult.concept.operations import Text
from consult.concept.queries import placed_one, working_version
from consult.contributions import operations as contribution_ops
from consult.contributions.models import Contribution, Stance
from consult.extensions import db
from consult.processes.models import Activity, Function
from tests import factories
from tests.concept.factories import make_concept, publish

OLD, NEW = "Begegnung wird gefördert.", "Begegnung wird auch am Abend gefördert."
BEGIN = "/p/iko/e/lz-begegnung/draft"


def url(draft, rest=""):
    return f"/p/iko/drafts/{draft.id}{rest}"


def acts(draft):
    """What was done with this draft, in order."""
    return db.session.scalars(select(DraftAct.kind).where(DraftAct.draft_id == draft.id).order_by(DraftAct.id)).all()


def first_contribution():
    return db.session.scalars(select(Contribution)).first()


class Town:
    """A process with a published goal in the mandate of one circle, and the people around it."""

    def __init__(self, slug="iko", code="IK"):
        self.process = factories.make_process(slug=slug, code=code)
        factories.make_stage(self.process, Activity.comment)
        self.member, self.second, self.other, self.moderator, self.editor, self.colleague, self.lead = (
            factories.make_person(name)
            for name in ("Mitglied", "Zweite", "Andere", "Moderation", "Redaktion", "Kollegin", "Leitung")
        )
        self.citizen = factories.make_person("Bürgerin")
        self.circle = factories.make_group(
            self.process, Function.working, self.member, self.second, name="Initiativkreis Quartier"
        )
        self.neighbours = factories.make_group(self.process, Function.working, self.other, name="Fachforum")
        factories.make_group(self.process, Function.moderation, self.moderator)
        factories.make_group(self.process, Function.editing, self.editor, self.colleague)
        factories.make_group(self.process, Function.lead, self.lead)
        self.concept, self.goal = make_concept(self.process, text=OLD)
        self.theme_id = placed_one(working_version(self.concept.id).id, self.goal.id).parent_id
        publish(self.concept, self.process)
        drafts.change_mandate(self.circle, [self.theme_id or 0], actor=self.lead, process=self.process)

    def by(self, person=None):
        return {"actor": person or self.member, "process": self.process}

    def placed(self):
        return placed_one(working_version(self.concept.id).id, self.goal.id)

    def edit(self, text, reason="Redaktion"):
        return operations.edit(
            self.goal, self.placed().wording_id, Text(markdown=text), reason=reason, **self.by(self.editor)
        )

    def draft(self, text=NEW, *, state=DraftState.open, dissent="", reason="Schichtarbeit"):
        """A draft of the circle with these words, in this state."""
        found, _new = drafts.begin(self.circle, self.goal, **self.by())
        drafts.save(found, found.wording_id, Text(markdown=text), reason=reason, dissent=dissent, **self.by())
        if state != DraftState.open:
            drafts.submit(found, **self.by())
        if state == DraftState.returned:
            drafts.give_back(found, "Bitte kürzer.", **self.by(self.editor))
        return found

    def say(self, text="abends!", **fields):
        return contribution_ops.capture(
            self.process, actor=self.moderator, text=text, stance=Stance.change, element_id=self.goal.id,
            created_at=clock.now(), **fields,
        )  # fmt: skip
