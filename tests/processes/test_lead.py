"""Setting up, changing, publishing and archiving a process."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from consult.audit.models import AuditEntry
from consult.errors import Refused
from consult.extensions import db
from consult.processes import operations
from consult.processes.models import Activity, Function, Process
from consult.processes.operations import Taken
from consult.processes.presets import usual_groups, usual_stages
from consult.processes.queries import functions_of, groups_at_work, stages_of
from tests import factories
from tests.conftest import MONDAY

NEW = {"title": "Klimaplan", "code": "kp", "slug": "Klimaplan-2027", "starts_on": "2027-01-04"}


@pytest.fixture
def operator(session):
    return factories.make_person("Betrieb", operator=True)


@pytest.fixture
def process(session):
    return factories.make_process(state="draft", published_at=None)


@pytest.fixture
def lead(process):
    person = factories.make_person("Leitung")
    factories.make_group(process, Function.lead, person)
    return person


def actions():
    return list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


def test_an_operator_sets_up_a_process_with_the_usual_course(browser_of, operator):
    page = browser_of(operator).submit("/processes/new", NEW)
    assert page.location == "/p/klimaplan-2027/settings"
    process = db.session.scalars(select(Process)).one()
    assert (process.code, process.state, process.zone) == ("KP", "draft", "Europe/Berlin")
    stages = stages_of(process.id)
    assert [stage.title for stage in stages] == [pattern.title for pattern in usual_stages()]
    assert stages[0].starts_at.date() == date(2027, 1, 3)  # midnight in Berlin is still Sunday in UTC
    groups = groups_at_work(process.id)
    assert len(groups) == len(usual_groups())
    assert [(g.functions, g.members) for g in groups if g.members] == [(("lead",), 1)]


def test_who_sets_it_up_leads_it(operator):
    process = operations.create_process(operator, "T", "TT", "t", date(2027, 1, 4), "Europe/Berlin")
    assert functions_of(operator) == {process.id: frozenset({"lead"})}


def test_every_stage_of_the_usual_course_begins_on_the_same_weekday(operator):
    process = operations.create_process(operator, "T", "TT", "t", date(2027, 1, 4), "Europe/Berlin")
    noon = timedelta(hours=12)
    assert {(stage.starts_at + noon).weekday() for stage in stages_of(process.id)} == {0}


def test_somebody_who_leads_a_process_may_set_up_another(browser_of, lead):
    browser_of(lead).submit("/processes/new", NEW)


def test_citizens_and_guests_set_up_nothing(browser, browser_of, session):
    assert "/sign-in" in browser.get("/processes/new", status=303).location
    browser_of(factories.make_person()).get("/processes/new", status=403)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title": " "}, "title"),
        ({"code": "K"}, "code"),
        ({"code": "1K"}, "code"),
        ({"code": "ÄÖ"}, "code"),
        ({"slug": "mit leerzeichen"}, "slug"),
        ({"slug": "-a"}, "slug"),
        ({"slug": "a/b"}, "slug"),
        ({"starts_on": "morgen"}, "starts_on"),
    ],
)
def test_what_was_typed_is_shown_again_with_what_is_wrong(browser_of, operator, wrong, field):
    page = browser_of(operator).submit("/processes/new", {**NEW, **wrong}, status=200)
    assert page.html.find(id=f"{field}-error")
    if field != "title":
        assert page.form_fields()["title"] == "Klimaplan"
    assert db.session.scalar(select(Process.id)) is None


@pytest.mark.parametrize("taken", ["slug", "code"])
def test_a_code_or_address_of_another_process_is_refused_at_its_field(browser_of, operator, taken):
    factories.make_process(slug="klimaplan-2027" if taken == "slug" else "x", code="KP" if taken == "code" else "X")
    page = browser_of(operator).submit("/processes/new", NEW, status=200)
    assert page.html.find(id=f"{taken}-error")
    assert page.form_fields()["title"] == "Klimaplan"
    assert db.session.query(Process).count() == 1


def test_the_form_sent_twice_sets_up_one_process(browser_of, operator):
    browser = browser_of(operator)
    fields = {**browser.get("/processes/new").form_fields(), **NEW}
    assert browser.post("/processes/new", fields).location == browser.post("/processes/new", fields).location
    assert db.session.query(Process).count() == 1


def test_a_lead_changes_the_basics(browser_of, process, lead):
    path = f"/p/{process.slug}/settings"
    browser_of(lead).submit(path, {"title": "Neuer Titel", "motto": "Alle!", "intro": "Text", "influence": "cooperate"})
    db.session.refresh(process)
    assert (process.title, process.motto, process.influence) == ("Neuer Titel", "Alle!", "cooperate")


def test_a_lead_says_from_how_many_people_on_a_mailing_needs_two(session, browser_of, process, lead):
    path = f"/p/{process.slug}/settings"
    browser_of(lead).submit(path, {"confirm_above": "50"})
    session.refresh(process)
    assert process.confirm_above == 50
    browser_of(lead).submit(path, {"confirm_above": "-1"}, status=200)
    session.refresh(process)
    assert process.confirm_above == 50


def test_a_lead_promises_by_when_questions_are_answered(session, browser_of, process, lead):
    path, browser = f"/p/{process.slug}/settings", browser_of(lead)
    for typed, kept in (("14", 14), ("0", 14), ("91", 14), ("bald", 14), ("90", 90), ("", None)):
        browser.submit(path, {"answer_days": typed}, status=303 if typed in ("14", "90", "") else 200)
        session.refresh(process)
        assert process.answer_days == kept, typed


def test_a_lead_chooses_how_contributions_can_be_meant(session, browser_of, process, lead):
    path, browser = f"/p/{process.slug}/settings", browser_of(lead)

    def ticked():
        return [box["value"] for box in browser.get(path).html.select("input[name=stances][checked]")]

    assert ticked() == ["support", "concern", "change", "question"]
    browser.submit(path, {"stances": ["question", "change"]})
    session.refresh(process)
    assert process.offered_stances == "change question"
    assert ticked() == ["change", "question"]
    for none in ([], ["unknown"]):
        browser.submit(path, {"stances": none}, status=200)
        session.refresh(process)
        assert process.offered_stances == "change question"
    browser.submit(path, {"stances": ["support", "concern", "change", "question"]})
    session.refresh(process)
    assert process.offered_stances == ""


def test_saving_the_same_leaves_no_trace(process, lead):
    assert operations.change_process(process, lead.id, {"title": process.title}) == []
    assert "processes.process.changed" not in actions()


def test_fields_that_are_not_on_the_form_cannot_be_set(browser_of, process, lead):
    path = f"/p/{process.slug}/settings"
    browser_of(lead).submit(
        path,
        {"state": "published", "is_demo": "1", "banner": "x", "id": "99", "published_at": "2020-01-01", "zone": "UTC"},
    )
    db.session.refresh(process)
    assert (process.state, process.is_demo, process.banner, process.published_at) == ("draft", False, "", None)
    assert process.zone == "Europe/Berlin"


def test_address_and_code_stay_once_the_process_is_public(browser_of, process, lead):
    process.state = "published"
    slug, code = process.slug, process.code
    path = f"/p/{slug}/settings"
    browser = browser_of(lead)
    assert "slug" not in browser.get(path).form_fields(path)
    browser.submit(path, {"slug": "anders", "code": "AN"})
    db.session.refresh(process)
    assert (process.slug, process.code) == (slug, code)


def test_before_that_they_can_be_corrected(browser_of, process, lead):
    page = browser_of(lead).submit(f"/p/{process.slug}/settings", {"slug": "besser", "code": "BE"})
    assert page.location == "/p/besser/settings"


def test_a_taken_address_keeps_the_old_one(process, lead):
    factories.make_process(slug="schon-da")
    with pytest.raises(Taken) as taken:
        operations.change_process(process, lead.id, {"slug": "schon-da"})
    assert taken.value.field == "slug"


def test_publishing_is_refused_with_all_that_is_missing(process, lead):
    with pytest.raises(Refused) as refusal:
        operations.publish_process(process, lead.id, reasons=0)
    assert len(operations.missing_for_publishing(process, reasons=0)) == 2
    assert all(sentence in refusal.value.message for sentence in operations.missing_for_publishing(process, reasons=0))


def test_a_stage_in_which_people_write_needs_moderators(process, lead):
    process.intro = "Worum es geht"
    factories.make_stage(process, Activity.comment)
    assert len(operations.missing_for_publishing(process, reasons=1)) == 1
    factories.make_group(process, Function.moderation, factories.make_person())
    assert operations.missing_for_publishing(process, reasons=1) == []


def test_where_people_write_reasons_for_holding_back_are_published_first(browser_of, process, lead):
    process.intro = "Worum es geht"
    factories.make_stage(process, Activity.comment)
    factories.make_group(process, Function.moderation, factories.make_person())
    db.session.commit()
    path = f"/p/{process.slug}"
    browser = browser_of(lead)
    settings = browser.get(f"{path}/settings")
    assert settings.html.find("a", href=f"{path}/rules/reasons/new")
    token = settings.form_fields(f"{path}/settings")["csrf_token"]
    browser.post(f"{path}/publish", {"csrf_token": token}, status=409)
    browser.submit(f"{path}/rules/reasons/new", {"text": "Enthält private Daten"})
    browser.submit(f"{path}/publish", form_at=f"{path}/settings")
    db.session.refresh(process)
    assert process.state == "published"


def test_a_complete_process_is_published_and_everybody_reads_it(browser, browser_of, process, lead):
    process.intro = "Worum es geht"
    factories.make_stage(process)
    db.session.commit()
    path = f"/p/{process.slug}"
    browser.get(path, status=404)
    page = browser_of(lead).submit(f"{path}/publish", form_at=f"{path}/settings")
    assert page.location == path
    browser.get(path)
    db.session.refresh(process)
    assert process.published_at is not None
    assert actions()[-1] == "processes.process.published"


def test_a_process_is_published_once(process, lead):
    process.state = "published"
    with pytest.raises(Refused):
        operations.publish_process(process, lead.id, reasons=0)


def test_an_archived_process_is_closed_and_readable(browser, browser_of, process, lead):
    process.state = "published"
    factories.make_stage(process, Activity.comment)
    db.session.commit()
    path = f"/p/{process.slug}"
    browser_of(lead).submit(f"{path}/archive", form_at=f"{path}/settings")
    page = browser.get(path)
    assert not page.html.find("a", href=f"{path}/comment")
    with pytest.raises(Refused):
        operations.archive_process(process, lead.id)


@pytest.mark.parametrize("function", [None, *[f for f in Function if f != Function.lead]])
@pytest.mark.parametrize("path", ["settings", "stages", "stages/new", "preview-links", "groups/new"])
def test_only_the_lead_sees_the_pages_of_the_lead(browser_of, process, function, path):
    process.state = "published"
    person = factories.make_person()
    if function is not None:
        factories.make_group(process, function, person)
    browser_of(person).get(f"/p/{process.slug}/{path}", status=403)


@pytest.mark.parametrize("verb", ["publish", "archive"])
def test_only_the_lead_publishes_and_archives(browser, browser_of, process, lead, verb):
    process.state = "draft" if verb == "publish" else "published"
    steering = factories.make_person()
    factories.make_group(process, Function.steering, steering)
    visitor = browser_of(steering)
    token = visitor.get("/contact").form_fields()["csrf_token"]
    visitor.post(f"/p/{process.slug}/{verb}", {"csrf_token": token}, status=403)


def test_the_lead_of_another_process_is_a_stranger_here(browser_of, process):
    stranger = factories.make_person()
    factories.make_group(factories.make_process(), Function.lead, stranger)
    browser_of(stranger).get(f"/p/{process.slug}/settings", status=404)


def test_rights_end_with_the_membership_to_the_second(session, process, at):
    at(MONDAY)
    facilitator = factories.make_person()
    group = factories.make_group(process, Function.lead)
    factories.make_member(group, facilitator, ends_at=MONDAY + timedelta(hours=1))
    at(MONDAY + timedelta(minutes=59, seconds=59))
    assert functions_of(facilitator)
    facilitator.__dict__.pop("_functions")
    at(MONDAY + timedelta(hours=1))
    assert functions_of(facilitator) == {}
