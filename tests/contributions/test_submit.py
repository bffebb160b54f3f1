"""Writing a contribution: where it lands, what it remembers, what is refused."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from consult import clock
from consult.audit.models import AuditEntry
from consult.concept.models import VersionAudience
from consult.contributions import operations, tallies
from consult.contributions.models import Contribution, ContributionTally, ContributionText, Kind, Stance, State
from consult.errors import Refused
from consult.extensions import db
from consult.processes.models import Activity, Audience, Moderation
from tests.contributions.factories import make_element, make_representation, make_town, make_version, make_wording
from tests.factories import make_organisation, make_process, make_stage


def tally(town):
    rows = select(ContributionTally).where(ContributionTally.process_id == town.process.id)
    found = db.session.scalars(rows.execution_options(populate_existing=True))
    return {row.stance: row.published for row in found}


def test_a_post_moderated_contribution_appears_at_once(session):
    town = make_town(moderation=Moderation.post)
    contribution = town.write()
    assert contribution.state == State.published
    assert contribution.published_at == contribution.created_at
    assert tally(town) == {"change": 1}


def test_a_pre_moderated_contribution_waits_and_is_not_counted(session):
    town = make_town(moderation=Moderation.pre)
    contribution = town.write()
    assert contribution.state == State.pending
    assert contribution.published_at is None
    assert tally(town) == {}


def test_the_stricter_moderation_of_overlapping_stages_wins(session):
    town = make_town(moderation=Moderation.post)
    make_stage(town.process, Activity.comment, moderation=Moderation.pre)
    assert town.write().state == State.pending


def test_the_text_is_revision_0_and_an_audit_entry_names_the_number(session):
    town = make_town()
    contribution = town.write("  Erste Zeile\r\nZweite\x07 Zeile ")
    assert operations.newest_text(contribution) == "Erste Zeile\nZweite Zeile"
    entry = session.scalars(select(AuditEntry).where(AuditEntry.subject_type == "contribution")).one()
    assert entry.facts == {"number": contribution.number, "element_id": town.goal.id}


def test_numbers_count_up_per_process_from_1_pending_ones_and_replies_too(session):
    town = make_town(moderation=Moderation.post)
    first, second = town.write(), town.write()
    reply = town.write(reply_to=first)
    assert [first.number, second.number, reply.number] == [1, 2, 3]
    other = make_town(moderation=Moderation.pre)
    assert other.write().number == 1


def test_it_remembers_the_version_and_wording_the_author_had_in_front_of_them(session):
    town = make_town()
    newer = make_wording(town.goal, "Neu Zugewanderte finden in drei Monaten eine Ansprechperson.")
    draft = make_version(town.concept, 2, (town.goal, newer, "2.1"), audience=VersionAudience.steering)
    from_outside, from_inside = town.write(), town.write(actor=town.steering)
    assert (from_outside.version_id, from_outside.wording_id) == (town.version.id, town.wording.id)
    assert (from_inside.version_id, from_inside.wording_id) == (draft.id, newer.id)


def test_before_the_first_publication_there_is_no_version_to_remember(session):
    town = make_town()
    unplaced = make_element(town.concept, "noch-ohne-text")
    contribution = town.write(element_id=unplaced.id)
    assert (contribution.version_id, contribution.wording_id) == (None, None)


def test_a_contribution_to_the_process_as_a_whole_has_no_element_and_no_tally(session):
    town = make_town()
    contribution = town.write(element_id=None)
    assert contribution.element_id is None
    assert tally(town) == {}


def test_an_element_of_another_process_is_not_accepted(session):
    town, other = make_town(), make_town()
    with pytest.raises(LookupError):
        town.write(element_id=other.goal.id)


@pytest.mark.parametrize("state", [State.pending, State.hidden, State.withdrawn])
def test_only_what_everybody_sees_can_be_answered(session, state):
    town = make_town()
    contribution = town.write()
    contribution.state = state
    with pytest.raises(Refused):
        town.write(reply_to=contribution)


def test_a_reply_of_another_process_is_refused(session):
    town, other = make_town(), make_town()
    with pytest.raises(Refused):
        town.write(reply_to=other.write())


def test_replies_know_root_parent_and_depth_and_deeper_ones_stay_on_the_third_level(session):
    town = make_town()
    root = town.write()
    chain = [root]
    for _ in range(5):
        chain.append(town.write(reply_to=chain[-1], stance=Stance.support))
    assert [c.depth for c in chain] == [0, 1, 2, 3, 3, 3]
    assert {c.root_id for c in chain[1:]} == {root.id}
    assert [c.parent_id for c in chain[1:]] == [c.id for c in chain[:-1]]
    assert {c.element_id for c in chain} == {town.goal.id}
    assert {c.stance for c in chain[1:]} == {None}, "the stance is towards the text, not towards people"
    assert tally(town) == {"change": 1}, "replies are not counted"


def test_nothing_can_be_written_when_no_stage_is_open(session):
    town = make_town(open_now=False)
    with pytest.raises(Refused, match="nicht möglich"):
        town.write()
    assert session.scalar(select(func.count()).select_from(Contribution)) == 0


def test_the_stage_is_open_from_its_first_instant_and_closed_at_its_end(session, at):
    town = make_town(open_now=False)
    start, end = clock.now(), clock.now() + timedelta(days=1)
    make_stage(town.process, Activity.comment, starts_at=start, ends_at=end)
    for moment, is_open in [
        (start - timedelta(microseconds=1), False),
        (start, True),
        (end - timedelta(microseconds=1), True),
        (end, False),
    ]:
        if is_open:
            town.write(now=moment)
        else:
            with pytest.raises(Refused):
                town.write(now=moment)


def test_a_wording_proposal_asks_for_its_own_activity(session):
    town = make_town(open_now=False)
    make_stage(town.process, Activity.comment)
    town.write()
    with pytest.raises(Refused):
        town.write(kind=Kind.wording_proposal, proposed="Alle werden gut informiert.")
    make_stage(town.process, Activity.propose)
    town.write(kind=Kind.wording_proposal, proposed="Alle werden gut informiert.")


def test_a_stage_for_members_lets_members_write_and_nobody_else(session):
    town = make_town(open_now=False)
    make_stage(town.process, Activity.comment, audience=Audience.members)
    assert town.write(actor=town.steering).number == 1
    for outsider in (town.citizen, town.stranger):
        with pytest.raises(Refused):
            town.write(actor=outsider)


def test_an_empty_text_and_one_that_is_too_long_are_refused(session):
    town = make_town()
    for text in ("", "  \n ", "\x01\x02", "x" * 4001):
        with pytest.raises(Refused):
            town.write(text)
    assert town.write("x" * 4000).number == 1, "a refused text takes no number"


def test_only_a_confirmed_representative_writes_for_an_organisation(session):
    town = make_town()
    club, other = make_organisation(), make_organisation()
    now = clock.now()
    make_representation(town.citizen, club)
    make_representation(town.citizen, other, starts_at=now - timedelta(days=2), ends_at=now)
    assert town.write(organisation_id=club.id).organisation_id == club.id
    for organisation, actor in [(other, town.citizen), (club, town.neighbour)]:
        with pytest.raises(Refused):
            town.write(actor=actor, organisation_id=organisation.id)


def test_captured_input_asks_no_stage_and_keeps_its_date(session):
    town = make_town(open_now=False)
    earlier = clock.now() - timedelta(days=400)
    card = operations.capture(
        town.process, actor=town.moderator, text="Mehr Sprachcafés", stance=None, created_at=earlier,
        element_id=town.goal.id, author_name="Karte,\u202e Tisch 4",
    )  # fmt: skip
    assert (card.kind, card.channel, card.state, card.number) == ("card", "card", "published", 1)
    assert card.created_at == card.published_at == earlier
    assert (card.author_id, card.entered_by_id) == (None, town.moderator.id)
    assert card.author_name == "Karte, Tisch 4"
    assert card.wording_id is None, "the text was published later than the card was written"
    assert session.scalar(select(ContributionText.created_at)) == earlier
    assert tally(town) == {"": 1}
    assert tallies.recount() == {}


def test_who_writes_a_letter_down_for_somebody_is_kept_beside_the_author(session):
    town = make_town()
    letter = operations.capture(
        town.process, actor=town.lead, author_id=town.citizen.id, text="Sehr geehrte ...", stance=Stance.concern,
        created_at=clock.now(), kind=Kind.letter, channel="letter",
    )  # fmt: skip
    assert (letter.author_id, letter.entered_by_id) == (town.citizen.id, town.lead.id)


def test_the_counter_of_a_process_made_without_one_begins_at_1(session):
    process = make_process()
    make_stage(process, Activity.comment)
    town = make_town()
    contribution = operations.submit(process, actor=town.citizen, text="Guten Tag", stance=None)
    assert contribution.number == 1
