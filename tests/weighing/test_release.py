"""Answers that appear together with a version of the text: once, in the same moment, and nowhere before."""

import time

import pytest
from sqlalchemy import func, select

from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.audit.operations import seal
from consult.concept.models import VersionAudience
from consult.contributions import operations as contributions
from consult.contributions.models import Contribution
from consult.digests import queries as digests
from consult.extensions import db
from consult.outbox.models import OutboxMessage
from consult.weighing.models import Disposition, DispositionKind, DispositionRelease
from consult.weighing.operations import decide, release
from consult.weighing.queries import course_of, decisions_on, held_number
from tests.contributions.factories import make_many, make_town
from tests.digests.factories import make_digest
from tests.weighing.factories import Draft, is_wanted, told

NEEDLE = "Nadel: das bleibt noch unter uns."


@pytest.fixture
def town(session):
    return make_town()


def hold(town, one, reason=NEEDLE, **fields):
    return decide(one, DispositionKind.adopt, reason, actor=town.steering, held=True, plain_reason=reason, **fields)


def test_publishing_releases_what_was_held_once_and_tells_the_authors(town):
    draft = Draft(town)
    one, other = town.write(), town.write("Zweiter", actor=town.neighbour)
    first, second = hold(town, one), hold(town, other)
    version = draft.publish()
    assert release(town.process, version, town.editor) == 2
    assert release(town.process, version, town.editor) == 0
    assert {d.id for d in decisions_on([one.id, other.id]).values()} == {first.id, second.id}
    step = course_of(one.id)[0]
    assert (step.version_number, step.version_of, step.decision.is_held) == (version.number, "concept", False)
    assert sorted((m.subject_id, m.recipient_id) for m in told()) == sorted(
        [(first.id, town.citizen.id), (second.id, town.neighbour.id)]
    )
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == Action.dispositions_released.value)).one()
    assert entry.facts == {"version_id": version.id, "dispositions": sorted([first.id, second.id])}


def test_a_version_for_the_steering_group_and_another_process_release_nothing(town):
    draft, elsewhere = Draft(town), make_town()
    one = town.write()
    hold(town, one)
    assert release(town.process, draft.publish(VersionAudience.steering), town.editor) == 0
    assert release(elsewhere.process, Draft(elsewhere).publish(), elsewhere.editor) == 0
    assert decisions_on([one.id]) == {}


def test_what_was_replaced_meanwhile_never_becomes_public(town):
    draft = Draft(town)
    one, two = town.write(), town.write("Zweiter")
    old, later = hold(town, one), hold(town, two)
    at_once = decide(one, DispositionKind.reject, "Doch nicht.", actor=town.lead)
    newer = hold(town, two, reason="Besser gesagt.")
    assert held_number(town.process.id) == 1
    assert release(town.process, draft.publish(), town.editor) == 1
    assert decisions_on([one.id])[one.id].id == at_once.id
    assert [step.decision.id for step in course_of(two.id)] == [newer.id]
    assert set(db.session.scalars(select(DispositionRelease.disposition_id))) == {at_once.id, newer.id}
    assert {old.id, later.id}.isdisjoint({m.subject_id for m in told()})


def test_the_page_for_publishing_says_so_and_does_it(town, browser_of):
    draft = Draft(town)
    one = town.write()
    made = hold(town, one)
    draft.change(one)
    db.session.commit()
    desk = browser_of(town.editor)
    path = town.path("/concept/publish")
    page = desk.get(path, headers={"Accept-Language": "en"})
    assert "1 answer waits for this version" in page.text
    page = desk.submit(path, {"title": "Dritter Entwurf", "audience": "public", "sure": "y"})
    assert "/version" in page.location
    assert decisions_on([one.id])[one.id].id == made.id
    assert [m.subject_id for m in told()] == [made.id]
    assert "answer waits" not in desk.get(path, headers={"Accept-Language": "en"}).text


PLACES = (
    "",
    "/contributions",
    "/contributions/{n}",
    "/e/ankommen",
    "/contributions?order=unanswered",
    "/contributions?mine=1",
)


@pytest.mark.parametrize("who", ["nobody", "citizen", "neighbour", "moderator", "editor"])
def test_a_held_decision_appears_on_no_page_of_others_before_its_version(town, browser, browser_of, who):
    draft = Draft(town)
    one = town.write("Bitte mehr Bänke.")
    hold(town, one)
    db.session.commit()
    visitor = browser if who == "nobody" else browser_of(getattr(town, who))
    pages = [town.path(place.format(n=one.number)) for place in PLACES]
    pages += ["/account/contributions"] if who != "nobody" else []
    for page in pages:
        assert NEEDLE not in visitor.get(page).text, page
    assert "Bitte mehr Bänke." in visitor.get(town.path("/contributions?order=unanswered")).text
    release(town.process, draft.publish(), town.editor)
    db.session.commit()
    assert NEEDLE in visitor.get(town.number_path(one)).text
    assert "Bitte mehr Bänke." not in visitor.get(town.path("/contributions?order=unanswered")).text


def test_those_who_decide_see_it_on_their_desk(town, browser_of):
    one = town.write()
    hold(town, one)
    db.session.commit()
    desk = browser_of(town.steering)
    assert NEEDLE in desk.get(town.path("/answers?list=held")).text
    assert NEEDLE in desk.get(town.path(f"/answers/decide?n={one.number}")).text
    assert NEEDLE not in desk.get(town.path("/answers")).text
    # On the public page they see what everybody sees.
    assert NEEDLE not in desk.get(town.number_path(one)).text


def test_the_digest_tells_of_it_when_it_is_public(town, at):
    draft = Draft(town)
    one = town.write()
    make_digest(town.process)
    made = hold(town, one)
    db.session.commit()
    assert digests.activity(town.process, 0, 10_000).decisions == []
    release(town.process, draft.publish(), town.editor)

    seal()
    assert digests.activity(town.process, 0, 10_000).decisions == [made.id]


def test_a_thousand_are_released_quickly_and_in_few_statements(town, count_queries):
    draft = Draft(town)
    make_many(town, 1000, every_reply=10**9)

    ids = list(db.session.scalars(select(Contribution.id).where(Contribution.process_id == town.process.id)))
    db.session.add_all(Disposition(contribution_id=ident, kind="note", reason="Gehört.", held=True) for ident in ids)
    db.session.commit()
    version = draft.publish()
    begun = time.monotonic()
    with count_queries() as queries:
        assert release(town.process, version, town.editor) == 1000
    took = time.monotonic() - begun
    assert len(queries) <= 12, queries
    assert took < 3, took
    assert db.session.scalar(select(func.count()).select_from(OutboxMessage)) == 1000


def test_withdrawn_meanwhile_it_is_released_but_nobody_is_told(town):
    draft = Draft(town)
    one = town.write()
    hold(town, one)
    contributions.withdraw(one, town.citizen)
    assert release(town.process, draft.publish(), town.editor) == 1

    assert not any(is_wanted(message) for message in told())
