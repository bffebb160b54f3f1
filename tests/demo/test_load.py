"""The demonstration in the database: everything the texts promise is there, by rows and at its shifted date."""

import datetime as dt
from collections import Counter

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from consult.accounts.models import Account, Person
from consult.audit.operations import verify_chain
from consult.concept import queries as concept
from consult.concept import seal
from consult.concept.models import Change, Element, ElementHeir, Placement, Version, Wording
from consult.contributions import sources, tallies
from consult.contributions.due import due_on
from consult.contributions.models import (
    ChangeSource,
    Contribution,
    ContributionText,
    ContributionTranslation,
    State,
)
from consult.demo.loader import load
from consult.digests.models import Digest
from consult.groups.models import Group, Membership, SeatHolder
from consult.invitations.models import Invitation
from consult.meetings.models import Minutes, MinutesState, Registration
from consult.outbox.models import OutboxMessage
from consult.processes.models import Function, Stage
from consult.processes.queries import openings, people_with
from consult.site.models import Site
from consult.weighing.models import Disposition, DispositionRelease
from tests.demo.factories import (
    BERLIN,
    NOW,
    SHIFT,
    SPOKEN,
    TEXTS,
    arrivals_in_order,
    counts,
    element,
    meeting,
    said,
    the_process,
)


def test_loading_again_adds_nothing(demo):
    before = counts()
    assert load() is False
    assert counts() == before
    assert before["contribution"] > 60


def test_nothing_of_the_loading_is_left_for_the_worker(demo):
    states = Counter(demo.scalars(select(OutboxMessage.state)))
    assert states.keys() == {"sent", "failed"}
    assert states["failed"] == 2
    letter = demo.scalars(select(OutboxMessage).where(OutboxMessage.kind == "invitation").limit(1)).one()
    assert "Samstag" in (letter.sent_subject or "")
    assert letter.sent_at == letter.queued_at == dt.datetime(2026, 3, 7, 10, 0, tzinfo=BERLIN)
    old = demo.scalars(select(OutboxMessage).where(OutboxMessage.sent_at < NOW - dt.timedelta(days=90))).all()
    assert old
    assert not any(message.sent_text for message in old), "the retention would have removed these texts"


def test_meetings_keep_their_weekday_and_their_hour(demo):
    for row in TEXTS["meetings"]:
        found = meeting(row["id"])
        start = found.starts_at.astimezone(BERLIN)
        assert start.date() - row["date"] == SHIFT, row["id"]
        assert start.weekday() == row["date"].weekday()
        assert found.time_known == ("time" in row)
        if "time" in row:
            assert f"{start:%H:%M}-{found.ends_at.astimezone(BERLIN):%H:%M}" == row["time"]
        assert (found.historic_on, bool(found.source)) == ((row["date"], True) if row["fact"] else (None, False))
        assert found.created_at < found.starts_at


def test_a_stage_ends_at_the_midnight_after_its_last_day(demo):
    for row in TEXTS["stages"]:
        stage = demo.scalars(
            select(Stage).where(Stage.title == row["title"]).options(selectinload(Stage.activities))
        ).one()
        assert stage.starts_at.astimezone(BERLIN) == dt.datetime.combine(row["start"] + SHIFT, dt.time(), BERLIN)
        if row["end"] is None:
            assert stage.ends_at is None
        else:
            after = dt.datetime.combine(row["end"] + SHIFT + dt.timedelta(days=1), dt.time(), BERLIN)
            assert stage.ends_at == after.astimezone(dt.UTC)
        assert {a.activity for a in stage.activities} == {o["activity"] for o in row["open"]}
    open_now = openings(the_process().id)
    assert open_now["comment"].moderation == "pre"
    assert {"comment", "propose", "vote", "register"} == open_now.keys()


def test_numbers_follow_the_order_of_arrival(demo):
    assert arrivals_in_order()
    assert [said(name).number for name in ("c-01", "c-02", "c-03", "c-05", "c-04")] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", SPOKEN)
def test_a_contribution_is_there_with_everything_that_belongs_to_it(demo, name):
    row, found = SPOKEN[name], said(name)
    assert (found.kind, found.channel, found.lang, found.state) == (
        row["kind"], row["channel"], row["lang"], State.published,
    )  # fmt: skip
    local = found.created_at.astimezone(BERLIN)
    assert local.date() == row["date"] + SHIFT
    if name != "c-04":  # of its sitting only the day is known
        assert f"{local:%H:%M}" == row.get("time", "10:00")
    if row["target"] == "process":
        assert found.element_id is None
    else:
        assert found.element_id == element(row["target"]).id
    assert found.stance == (None if "reply_to" in row else row["stance"])
    assert found.parent_id == (said(row["reply_to"]).id if "reply_to" in row else None)
    assert (found.author_id is not None) == (row["channel"] == "web")
    german = demo.scalar(
        select(ContributionTranslation.body).where(ContributionTranslation.contribution_id == found.id)
    )
    assert german == row.get("de")


@pytest.mark.parametrize("name", [name for name, row in SPOKEN.items() if "due" in row])
def test_a_question_is_due_on_the_day_of_the_story(demo, name):
    found = said(name)
    assert due_on(the_process(), found.published_at) == SPOKEN[name]["due"] + SHIFT


@pytest.mark.parametrize("name", [name for name, row in SPOKEN.items() if "disposition" in row])
def test_a_decision_is_there_with_its_sitting_and_its_change(demo, name):
    made = SPOKEN[name]["disposition"]
    found = demo.scalars(select(Disposition).where(Disposition.contribution_id == said(name).id)).one()
    assert (found.kind, found.reason, found.plain_reason) == (
        made["kind"], made["reason"], made.get("plain_reason", ""),
    )  # fmt: skip
    assert found.element_id == (element(made["element"]).id if "element" in made else None)
    assert found.decided_in_id == (meeting("e-st-7").id if made["version"] == "v2" else None)
    assert (found.change_id is not None) == (made["kind"] in {"adopt", "adopt_in_part"})
    if found.change_id is not None:
        change = demo.get_one(Change, found.change_id)
        assert change.element_id == found.element_id
        assert change.created_at < found.created_at


def test_every_named_source_stands_behind_a_change(demo):
    pairs = {
        (row.key, row.contribution_id)
        for row in demo.execute(
            select(Element.key, ChangeSource.contribution_id)
            .join(Change, Change.id == ChangeSource.change_id)
            .join(Element, Element.id == Change.element_id)
        )
    }
    wanted = set()
    for goal in TEXTS["goals"]:
        wanted |= {(sub["id"], c) for sub in goal["sub_goals"] for c in sub.get("sources", [])}
        wanted |= {(goal["id"], c) for change in goal.get("changes", []) for c in change["sources"]}
        if split := goal.get("retired"):
            wanted |= {(heir, c) for heir in split["into"] for c in split["sources"]}
    for field in TEXTS["fields_nine"]:
        wanted |= {(field["id"], c) for c in field.get("sources", [])}
    wanted.add(("m-gesundheit-1", "c-38"))
    assert pairs == {(key, said(name).id) for key, name in wanted}
    marked = demo.scalar(select(func.count()).where(ChangeSource.to_start.is_not(None)))
    assert marked == len(TEXTS["passages"])


def test_a_card_and_a_line_of_minutes_lead_to_the_words_they_changed(demo):
    process = the_process()
    card = sources.trace(said("c-01"), process, None).changes
    assert [(c.element_key, c.label, c.version_number) for c in card] == [
        ("lz-ankommen", "2.1", 2),
        ("tz-uebersicht", "2.1.1", 2),
    ]
    assert card[1].passage == "gepflegte Angebotsübersicht"
    line = sources.trace(said("c-04"), process, None).changes
    assert ("tz-zeiten", 3) in {(c.element_key, c.version_number) for c in line}
    minutes = demo.scalars(select(Minutes).where(Minutes.meeting_id == meeting("e-ik3-4").id)).one()
    assert minutes.state == MinutesState.approved
    assert said("c-04").kind == "minute_line"


def test_published_versions_are_intact_and_hold_what_the_texts_say(demo):
    versions = demo.scalars(select(Version).where(Version.number.is_not(None)).order_by(Version.id)).all()
    assert all(seal.is_intact(version) for version in versions)
    main = [v for v in versions if v.concept_id == concept.main_concept(the_process().id).id]
    assert [(v.title, v.audience) for v in main] == [(v["title"], v["audience"]) for v in TEXTS["versions"]]
    assert [v.historic_on for v in main] == [None, None, dt.date(2018, 4, 12)]
    for version, row in zip(main, TEXTS["versions"], strict=True):
        assert version.sealed_at.astimezone(BERLIN).date() == row["date"] + SHIFT
        placed = {p.key: p for p in concept.placed_in(version.id)}
        for goal in TEXTS["goals"]:
            assert (goal["id"] in placed) == (row["id"] in goal["numbers"]), (row["id"], goal["id"])
            if row["id"] in goal["numbers"]:
                assert placed[goal["id"]].label == goal["numbers"][row["id"]]
            if text := goal["wordings"].get(row["id"]):
                assert placed[goal["id"]].markdown == text
        for goal in TEXTS["goals"]:
            labels = [p.label for p in placed.values() if p.kind == "goal" and p.parent_id == element(goal["theme"]).id]
            assert labels == sorted(labels)
            for sub in goal["sub_goals"]:
                assert placed[sub["id"]].label == sub["numbers"][row["id"]] if row["id"] in sub["numbers"] else True
    newest = [p.key for p in concept.placed_in(main[-1].id) if p.kind == "field"]
    assert newest == [field["id"] for field in TEXTS["fields_nine"]]
    tops = [p.key for p in concept.placed_in(main[-1].id) if p.depth == 0]
    assert (tops[0], tops[-1]) == ("kap-analyse", "kap-erfolg")
    assert len([v for v in versions if v not in main]) == 1, "the charter never changed after its publication"


def test_split_parts_have_their_heirs_and_changes_their_true_dates(demo):
    old, new = element("lz-begegnung-und-wohnen").id, {element("lz-begegnung").id, element("lz-wohnen").id}
    assert set(demo.scalars(select(ElementHeir.heir_id).where(ElementHeir.element_id == old))) == new
    for change in demo.scalars(select(Change).where(Change.element_id.in_(new))):
        assert change.created_at.astimezone(BERLIN).date() == dt.date(2018, 3, 20) + SHIFT
        assert change.reason
    assert not demo.scalar(select(func.count()).where(Change.created_at > NOW - dt.timedelta(days=8)))


def test_facts_name_their_source_and_sample_text_has_none(demo):
    found = dict(demo.execute(select(Element.key, Wording.source).join(Wording).where(Wording.plain.is_(False))).all())
    assert found["th-quartier"] == TEXTS["source_names"]["seed2"]
    assert found["m-wohnen-1"] == found["hf-gesundheit"] == TEXTS["source_names"]["seed1"]
    for key in ("lz-wohnen", "tz-raum", "ch-wir", "m-kultur-1", "kap-analyse-1"):
        assert found[key] is None
    names = dict(demo.execute(select(Group.name, Group.source)).all())
    assert names["Steuerungsgruppe Integration im Querschnitt"]
    assert names["Initiativkreis Quartier"] is None


def test_plain_language_hangs_on_the_newest_words(demo):
    main = concept.newest_versions(the_process().id, ["public"])[concept.main_concept(the_process().id).id]
    plain = {p.key: p.plain for p in concept.placed_in(main.id) if p.plain}
    wanted = {row["id"]: row["plain"] for row in [*TEXTS["themes"], *TEXTS["goals"]]}
    del wanted["lz-begegnung-und-wohnen"]
    assert plain == wanted


def test_the_invitations_of_the_forum_add_up(demo):
    campaign = TEXTS["campaign"]
    forum = meeting("e-ff-quartier")
    invitations = demo.scalars(select(Invitation).where(Invitation.meeting_id == forum.id)).all()
    assert len(invitations) == campaign["invited"]
    mails = dict(
        demo.execute(
            select(OutboxMessage.subject_id, OutboxMessage.state).where(OutboxMessage.kind == "invitation")
        ).all()
    )
    letters = {i.id for i in invitations if i.by_letter}
    assert len(letters) == campaign["by_letter"]
    assert mails.keys() == {i.id for i in invitations} - letters
    seen = Counter(
        "bounced" if mails.get(i.id) == "failed" else "silent" if i.state == "open" else i.state for i in invitations
    )
    assert seen == campaign["states"]
    coming = demo.scalars(select(Registration).where(Registration.meeting_id == forum.id)).all()
    words = ("interpreter", "childcare", "wheelchair")
    needs = Counter(word for r in coming for word in words if word in (r.needs or ""))
    assert needs == {"interpreter": 2, "childcare": 3, "wheelchair": 1}
    assert sum(r.deputy_for_id is not None for r in coming) == campaign["states"]["deputy_named"]
    assert sum(r.state == "coming" for r in coming) == 19 + 2


def test_the_second_report_holds_what_came_after_the_first(demo):
    first, second = demo.scalars(select(Digest).order_by(Digest.id)).all()
    assert (first.meeting_id, second.meeting_id) == (meeting("e-st-7").id, meeting("e-st-8").id)
    assert second.from_seq == first.to_seq
    fresh = sorted(n for e in second.content["elements"] for n in e["numbers"])
    late = [name for name, row in SPOKEN.items() if "disposition" not in row]
    assert fresh == sorted(said(name).number or 0 for name in late if name != "c-63")
    assert sorted(n for e in first.content["elements"] for n in e["numbers"]) == list(range(1, 40))
    assert [number for number, _kind in second.content["decisions"]] == list(range(4, 40))
    assert second.content["answers"] == {"accepted": 19, "declined": 4, "deputy_named": 2}
    steering = set(people_with(the_process().id, Function.steering))
    for digest in (first, second):
        told = demo.scalars(
            select(OutboxMessage.recipient_id).where(
                OutboxMessage.kind == "steering_digest", OutboxMessage.subject_id == digest.id
            )
        ).all()
        assert set(told) == steering
        assert len(told) == 13


def test_six_cases_wait_the_oldest_for_longer_than_promised(demo):
    waiting = demo.scalars(select(Contribution).where(Contribution.state == State.pending)).all()
    texts = dict(demo.execute(select(ContributionText.contribution_id, ContributionText.body)).all())
    cases = Counter(texts[c.id] for c in waiting)
    assert cases == {case["text"]: case.get("copies", 1) for case in TEXTS["moderation_cases"]}
    assert len({c.author_id for c in waiting}) == len(waiting) == 19
    assert NOW - min(c.created_at for c in waiting) == dt.timedelta(hours=26)


def test_roles_are_memberships_and_end_when_the_story_says(demo):
    process = the_process()
    people = {p.email: p for p in demo.scalars(select(Person).options(selectinload(Person.account)))}
    cast = {row["id"]: people[row["email"]] for row in TEXTS["cast"]}
    assert all(person.account.may_sign_in() and not person.account.password_hash for person in cast.values())
    assert {p.email for p in people.values() if p.account and p.account.operator} == {"betrieb@demo.invalid"}
    lead = set(people_with(process.id, Function.lead))
    assert lead == {cast["p-leitung"].id, cast["p-begleitung"].id}
    assert {cast["p-steuerung"].id, cast["p-stellvertretung"].id} <= set(people_with(process.id, Function.steering))
    ends = demo.scalars(select(Membership.ends_at).where(Membership.person_id == cast["p-begleitung"].id)).one()
    assert ends.astimezone(BERLIN) == dt.datetime.combine(dt.date(2018, 7, 12) + SHIFT, dt.time(), BERLIN)
    assert demo.scalar(select(func.count()).where(SeatHolder.deputy.is_(False))) == 12
    with_card = demo.scalars(
        select(Person.email).join(Account, Account.person_id == Person.id).where(Person.email.endswith("@demo.invalid"))
    ).all()
    assert set(with_card) == {row["email"] for row in TEXTS["cast"]}, "citizens get no card on the sign-in page"


def test_the_instance_keeps_the_name_it_had(demo):
    site = demo.scalars(select(Site)).one()
    assert site.city_name == "Prüfhausen"
    assert site.platform_name == TEXTS["site"]["platform_name"]


def test_record_and_counts_agree_with_the_rows(demo):
    assert verify_chain() == []
    assert tallies.recount() == {}
    orphans = select(func.count()).where(Placement.wording_id.not_in(select(Wording.id)))
    assert demo.scalar(orphans) == 0


@pytest.mark.parametrize("answer", TEXTS["held_answers"], ids=lambda answer: answer["contribution"])
def test_an_answer_that_waits_for_the_next_version_is_there_and_not_public(demo, answer):
    one = said(answer["contribution"])
    found = demo.scalars(select(Disposition).where(Disposition.contribution_id == one.id)).one()
    assert (found.held, found.kind, found.element_id) == (True, answer["kind"], element(answer["element"]).id)
    assert demo.get(DispositionRelease, found.id) is None


def test_authors_with_an_address_were_told_once_what_became_of_it(demo):
    told = demo.execute(
        select(OutboxMessage.subject_id, OutboxMessage.recipient_id).where(
            OutboxMessage.kind == "contribution_answered"
        )
    ).all()
    wanted = demo.execute(
        select(Disposition.id, Contribution.author_id)
        .join(Contribution, Contribution.id == Disposition.contribution_id)
        .join(DispositionRelease, DispositionRelease.disposition_id == Disposition.id)
        .join(Person, Person.id == Contribution.author_id)
        .where(Person.email.is_not(None))
    ).all()
    assert told
    assert sorted(told) == sorted(wanted)
