"""What is open when: half-open intervals, clocks that change, overlaps, the stricter moderation."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consult import clock
from consult.errors import Refused
from consult.processes import operations, words
from consult.processes.models import Activity, Audience, Function, Moderation, Stage, StageActivity
from consult.processes.operations import StagePlan
from consult.processes.presets import ACTIVITIES, Preset
from consult.processes.queries import merged, next_opening, open_in, openings, stage_or_404, stages_of
from tests import factories

SECOND = timedelta(seconds=1)


@pytest.fixture
def process(session):
    return factories.make_process(zone="Europe/Berlin")


@pytest.fixture
def lead(process):
    person = factories.make_person("Leitung")
    factories.make_group(process, Function.lead, person)
    return person


def plan(first, last, preset=Preset.feedback, **fields):
    return StagePlan(title="Rückmeldung", first_day=first, last_day=last, preset=preset, **fields)


def is_open(process, moment, activity=Activity.comment):
    return activity in openings(process.id, moment)


def test_a_stage_opens_with_its_first_second_and_closes_with_the_end_of_its_last_day(process, lead):
    operations.create_stage(process, lead.id, plan(date(2026, 5, 4), date(2026, 5, 27)))
    opens = datetime(2026, 5, 3, 22, 0, tzinfo=UTC)
    closes = datetime(2026, 5, 27, 22, 0, tzinfo=UTC)
    assert not is_open(process, opens - SECOND)
    assert is_open(process, opens)
    assert is_open(process, closes - SECOND)
    assert not is_open(process, closes)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 10, 24), 24)]
)
def test_a_day_on_which_clocks_change_is_open_as_long_as_it_lasts(process, lead, day, hours):
    stage = operations.create_stage(process, lead.id, plan(day, day))
    assert stage.ends_at - stage.starts_at == timedelta(hours=hours)
    assert words.first_day(stage, process.zone) == words.last_day(stage, process.zone) == day


def test_neither_gap_nor_overlap_between_stages_that_follow_each_other(process, lead):
    before = operations.create_stage(process, lead.id, plan(date(2026, 10, 1), date(2026, 10, 24)))
    after = operations.create_stage(process, lead.id, plan(date(2026, 10, 25), None))
    assert before.ends_at == after.starts_at


def test_a_stage_with_an_open_end_stays_open(process, lead):
    operations.create_stage(process, lead.id, plan(date(2026, 1, 1), None))
    assert is_open(process, datetime(2090, 1, 1, tzinfo=UTC))


def test_a_last_day_before_the_first_is_refused(process, lead):
    with pytest.raises(Refused):
        operations.create_stage(process, lead.id, plan(date(2026, 5, 2), date(2026, 5, 1)))


@pytest.mark.parametrize("preset", list(ACTIVITIES))
def test_a_preset_opens_what_it_says(process, lead, preset):
    operations.create_stage(process, lead.id, plan(date(2026, 1, 1), None, preset))
    assert set(openings(process.id, datetime(2026, 2, 1, tzinfo=UTC))) == set(ACTIVITIES[preset])


def test_changing_the_preset_leaves_registering_as_it_is(process, lead):
    stage = operations.create_stage(process, lead.id, plan(date(2026, 1, 1), None))
    stage.activities.append(StageActivity(activity=Activity.register, audience=Audience.invited))
    operations.change_stage(process, stage, lead.id, plan(date(2026, 1, 1), None, Preset.vote))
    found = openings(process.id, datetime(2026, 2, 1, tzinfo=UTC))
    assert set(found) == {Activity.vote, Activity.react, Activity.register}


def test_a_stage_set_up_by_hand_keeps_its_activities(process, lead):
    stage = factories.make_stage(process, Activity.vote, Activity.comment, preset=Preset.own)
    stage = stage_or_404(process.id, stage.id)
    day = clock.local_date(stage.starts_at, process.zone)
    operations.change_stage(process, stage, lead.id, plan(day, None, Preset.own, moderation=Moderation.pre))
    found = openings(process.id)
    assert set(found) == {Activity.vote, Activity.comment}
    assert {opening.moderation for opening in found.values()} == {Moderation.pre}


def test_nothing_is_open_in_a_process_that_is_not_public(process, lead, session):
    factories.make_stage(process, Activity.comment)
    for state in ("draft", "archived"):
        process.state = state
        session.flush()
        assert openings(process.id) == {}


def test_a_closed_door_says_when_it_opens(process, lead):
    stage = operations.create_stage(process, lead.id, plan(date(2090, 1, 1), None))
    assert next_opening(process.id, Activity.comment) == stage.starts_at
    assert next_opening(process.id, Activity.vote) is None


MOMENTS = st.integers(0, 40).map(lambda hours: datetime(2026, 3, 28, tzinfo=UTC) + timedelta(hours=hours))
ROWS = st.tuples(st.sampled_from(list(Activity)), st.sampled_from(list(Audience)), st.sampled_from(list(Moderation)))
STAGES = st.lists(st.tuples(MOMENTS, st.integers(1, 20) | st.none(), st.lists(ROWS, max_size=4)), max_size=5)


def built(drawn):
    return [
        Stage(
            starts_at=start,
            ends_at=None if hours is None else start + timedelta(hours=hours),
            activities=[StageActivity(activity=a, audience=who, moderation=m) for a, who, m in rows],
        )
        for start, hours, rows in drawn
    ]


@given(STAGES, MOMENTS)
def test_any_stage_opens_and_the_stricter_moderation_wins(drawn, now):
    stages = built(drawn)
    found = open_in(stages, now)
    for activity in Activity:
        rows = [row for s in stages if s.is_open(now) for row in s.activities if row.activity == activity]
        assert (activity in found) == bool(rows)
        if rows:
            strict = any(row.moderation == Moderation.pre for row in rows)
            assert found[activity].moderation == (Moderation.pre if strict else Moderation.post)
            assert found[activity].audiences == {row.audience for row in rows}


@given(st.permutations([("comment", "public", "post", None), ("comment", "members", "pre", None),
                        ("comment", "invited", "post", datetime(2026, 1, 1, tzinfo=UTC))]))  # fmt: skip
def test_the_order_of_stages_makes_no_difference(rows):
    (opening,) = merged(rows).values()
    assert opening.moderation == Moderation.pre
    assert opening.ends_at is None
    assert len(opening.audiences) == 3


@given(STAGES, MOMENTS)
def test_a_stage_is_open_from_its_first_to_before_its_end(drawn, now):
    for stage in built(drawn):
        inside = stage.starts_at <= now and (stage.ends_at is None or now < stage.ends_at)
        assert stage.is_open(now) == inside


def test_sql_and_python_say_the_same(process, lead):
    factories.make_stage(process, Activity.comment, Activity.react, moderation=Moderation.post)
    factories.make_stage(process, Activity.comment, audience=Audience.members, moderation=Moderation.pre)
    now = clock.now()
    assert openings(process.id, now) == open_in(stages_of(process.id), now)


def test_a_lead_adds_changes_and_removes_a_stage(browser_of, process, lead, session):
    browser = browser_of(lead)
    path = f"/p/{process.slug}/stages"
    browser.submit(
        f"{path}/new",
        {"title": "Lesen", "first_day": "2026-05-01", "last_day": "2026-05-31", "preset": "read"},
    )
    (stage,) = stages_of(process.id)
    page = browser.get(f"{path}/{stage.id}")
    assert page.form_fields()["last_day"] == "2026-05-31"
    browser.submit(f"{path}/{stage.id}", {"preset": "write", "moderation": "post", "audience": "members"})
    (stage,) = stages_of(process.id)
    assert {row.activity for row in stage.activities} == set(ACTIVITIES[Preset.write])
    assert {(row.moderation, row.audience) for row in stage.activities} == {("post", "members")}
    browser.submit(f"{path}/{stage.id}/remove", form_at=f"{path}/{stage.id}")
    assert stages_of(process.id) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""},
        {"first_day": ""},
        {"first_day": "31.12.2026"},
        {"last_day": "2026-04-30"},
        {"first_day": "0001-01-01"},
        {"last_day": "9999-12-31"},
        {"preset": "own"},
        {"moderation": "none"},
        {"audience": "nobody"},
    ],
)
def test_what_was_typed_is_kept_when_something_is_wrong(browser_of, process, lead, wrong):
    typed = {"title": "Meine Phase", "first_day": "2026-05-01", "last_day": "", "description": "Worte", **wrong}
    page = browser_of(lead).submit(f"/p/{process.slug}/stages/new", typed, status=200)
    assert page.html.find(class_="error-summary")
    assert page.form_fields()["description"] == "Worte"
    assert stages_of(process.id) == []


def test_a_stage_of_another_process_cannot_be_changed(browser_of, process, lead):
    foreign = factories.make_stage(factories.make_process(), Activity.comment)
    browser = browser_of(lead)
    browser.get(f"/p/{process.slug}/stages/{foreign.id}", status=404)
    token = browser.get(f"/p/{process.slug}/stages/new").form_fields()["csrf_token"]
    browser.post(f"/p/{process.slug}/stages/{foreign.id}/remove", {"csrf_token": token}, status=404)


def test_a_stage_sent_twice_from_two_tabs_exists_once(browser_of, process, lead):
    browser = browser_of(lead)
    path = f"/p/{process.slug}/stages/new"
    fields = {**browser.get(path).form_fields(), "title": "Einmal", "first_day": "2026-05-01"}
    browser.post(path, fields)
    browser.post(path, fields)
    assert len(stages_of(process.id)) == 1
