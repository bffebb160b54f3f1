"""Bringing in a conversation held with Polis."""

import csv
from pathlib import Path

import pytest
from sqlalchemy import func, select

from consult.accounts.models import Person
from consult.contributions import operations, polis, tallies
from consult.contributions.cli import import_polis
from consult.contributions.models import (
    Contribution,
    ContributionText,
    ModerationAct,
    ModerationReason,
    Reaction,
    ReactionKind,
    State,
)
from consult.processes.models import Function
from tests.contributions.factories import make_town
from tests.factories import make_group, make_person

#: A real conversation; not part of the repository.
KLIMARAT = Path(__file__).parents[3] / "shared" / "data" / "klimarat-konsum"

COMMENTS = """timestamp,datetime,comment-id,author-id,agrees,disagrees,moderated,comment-body
1651071094558,x,2,7,1,1,-1,"Nein, danke"
1651045893819,x,0,0,2,0,1,Mehr Busse
1651071094559,x,3,8,0,0,0,Ungeprüft
1651071094560,x,4,8,0,0,2,Seltsamer Stand
1651071094561,x,drei,8,0,0,1,Keine Nummer
gestern,x,5,8,0,0,1,Keine Zeit
1651071094562,x,6,8,0,0,1,
1651071094563,x,3,8,0,0,1,Zweimal dieselbe Nummer
"""
VOTES = """timestamp,datetime,comment-id,voter-id,vote
1651045893900,x,0,0,1
1651045893901,x,0,7,-1
1651045893999,x,0,7,1
1651045893950,x,0,7,0
1651045893902,x,0,8,1
1651045893903,x,2,8,-1
1651045893904,x,2,9,0
1651045893905,x,77,9,1
1651045893906,x,2,9,5
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "comments.csv").write_text(COMMENTS)
    (tmp_path / "votes.csv").write_text(VOTES)
    (tmp_path / "summary.csv").write_text("topic,Busse\nurl,https://example.org/2abc\n")
    return tmp_path


def by_body(session, body):
    return session.scalars(
        select(Contribution)
        .join(ContributionText, ContributionText.contribution_id == Contribution.id)
        .where(ContributionText.body == body)
    ).one()


def test_comments_keep_their_state_their_author_and_their_moment(session, folder):
    town = make_town()
    polis.bring_in(polis.read(folder), town.process, actor=town.moderator)
    first, rejected, open_one = (by_body(session, body) for body in ("Mehr Busse", "Nein, danke", "Ungeprüft"))
    assert (first.state, rejected.state, open_one.state) == (State.published, State.hidden, State.pending)
    assert first.author_id is None
    assert first.author_name
    author = session.get_one(Person, rejected.author_id)
    assert (author.email, "7" in author.name) == (None, True)
    assert first.number < rejected.number, "numbers follow the order in which they came"
    assert first.created_at.isoformat().startswith("2022-04-27T07:51:33")


def test_the_last_vote_of_each_participant_counts_and_the_organisers_have_none(session, folder):
    town = make_town()
    done = polis.bring_in(polis.read(folder), town.process, actor=town.moderator)
    first, rejected = by_body(session, "Mehr Busse"), by_body(session, "Nein, danke")
    assert (first.agrees, first.disagrees, first.unsure) == (2, 0, 0)
    assert (rejected.agrees, rejected.disagrees, rejected.unsure) == (0, 1, 1)
    assert (done.reactions, done.export.replaced, done.export.not_counted) == (4, 2, 1)
    assert done.differing == 1, "the export says one agreed with the rejected one"
    assert tallies.recount_reactions() == []


def test_bad_rows_are_named_and_left_out(folder):
    bad = polis.read(folder).bad
    assert [line.split(":")[0] for line in bad] == [
        "comments.csv line 5", "comments.csv line 6", "comments.csv line 7", "comments.csv line 8",
        "comments.csv line 9", "votes.csv line 9", "votes.csv line 10",
    ]  # fmt: skip


def test_a_second_run_adds_nothing_and_keeps_a_changed_mind(session, folder):
    town = make_town()
    polis.bring_in(polis.read(folder), town.process, actor=town.moderator)
    first = by_body(session, "Mehr Busse")
    voter = session.scalars(select(Person).where(Person.import_key.endswith(":8"))).one()
    operations.react(first, voter, ReactionKind.disagree)
    again = polis.bring_in(polis.read(folder), town.process, actor=town.moderator)
    assert (again.contributions, again.persons, again.reactions) == (0, 0, 0)
    assert (by_body(session, "Mehr Busse").agrees, by_body(session, "Mehr Busse").disagrees) == (1, 1)
    assert session.scalar(select(func.count()).select_from(Reaction)) == 4


def test_rejected_ones_can_wait_for_moderation_here(session, folder):
    town = make_town()
    polis.bring_in(polis.read(folder), town.process, actor=town.moderator, rejected_wait=True)
    assert by_body(session, "Nein, danke").state == State.pending


def test_what_was_rejected_there_stays_out_of_sight_and_moderators_see_why(session, browser, browser_of, folder):
    town = make_town()
    polis.bring_in(polis.read(folder), town.process, actor=town.moderator)
    here = town.number_path(by_body(session, "Nein, danke"))
    browser.get(here, status=404)
    assert session.scalars(select(ModerationReason.text).where(ModerationReason.key == "import")).one() in (
        browser_of(town.moderator).get(here).text
    )


def test_the_command_asks_for_somebody_who_moderates(app, session, folder):
    town = make_town()
    session.flush()
    runner = app.test_cli_runner()
    for arguments, wanted in (
        ([str(folder), "--process", "nowhere", "--by", town.moderator.email], "no process"),
        ([str(folder), "--process", town.process.slug, "--by", town.citizen.email], "does not moderate"),
        ([str(folder.parent), "--process", town.process.slug, "--by", town.moderator.email], "no Polis export"),
    ):
        result = runner.invoke(import_polis, arguments)
        assert result.exit_code == 1
        assert wanted in result.output
    result = runner.invoke(import_polis, [str(folder), "--process", town.process.slug, "--by", town.moderator.email])
    assert result.exit_code == 0, result.output
    assert "Added 3 contributions, 3 participants, 4 reactions" in result.output


def test_without_a_name_the_only_lead_stands_in_the_record(app, session, folder):
    town = make_town()
    result = app.test_cli_runner().invoke(import_polis, [str(folder), "--process", town.process.slug])
    assert result.exit_code == 0, result.output
    assert f"In the record: {town.lead.name}." in result.output
    assert session.scalars(select(ModerationAct.actor_id).distinct()).all() == [town.lead.id]


def test_of_several_leads_one_is_to_be_named(app, session, folder):
    town = make_town()
    second = make_person(email="second-lead@example.org")
    make_group(town.process, Function.lead, second)
    result = app.test_cli_runner().invoke(import_polis, [str(folder), "--process", town.process.slug])
    assert result.exit_code == 1
    assert "More than one person leads this process." in result.output
    for address in (town.lead.email, second.email, town.moderator.email):
        assert address in result.output
    assert town.citizen.email not in result.output
    assert session.scalar(select(func.count()).select_from(Contribution)) == 0


@pytest.mark.skipif(not KLIMARAT.is_dir(), reason="the conversation klimarat-konsum is not on this machine")
def test_a_real_conversation_comes_in_whole(session):
    town = make_town()
    with (KLIMARAT / "comments.csv").open(newline="") as lines:
        wanted = [row["moderated"] for row in csv.DictReader(lines)]
    done = polis.bring_in(polis.read(KLIMARAT), town.process, actor=town.moderator)
    assert done.contributions == len(wanted) == 522
    assert done.export.bad == []
    states = dict(
        session.execute(
            select(Contribution.state, func.count()).where(Contribution.import_key.is_not(None))
            .group_by(Contribution.state)
        ).all()
    )  # fmt: skip
    assert states == {"published": wanted.count("1"), "hidden": wanted.count("-1")}
    assert done.reactions + done.export.replaced + done.export.not_counted == 61_936
    assert 0 < done.differing < len(wanted)
    assert tallies.recount_reactions() == []
