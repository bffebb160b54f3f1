"""The moderators' desk over HTTP."""

from consult.contributions import operations
from consult.contributions.models import ModerationAct, State
from consult.moderation import operations as deciding
from consult.processes.models import Moderation
from tests.contributions.factories import make_town


def test_approving_from_the_queue(browser, browser_of, session):
    town = make_town(moderation=Moderation.pre)
    contribution = town.write("Bitte mehr Bänke.")
    desk = browser_of(town.moderator)
    queue = town.path("/moderation")
    assert "Bitte mehr Bänke." in desk.get(queue).text
    answer = desk.submit(town.path("/moderation/1/approve"), form_at=queue)
    assert answer.location == queue
    assert "Bitte mehr Bänke." not in desk.follow(answer).html.find(id="queue").get_text()
    assert "Bitte mehr Bänke." in browser.get(town.number_path(contribution)).text


def test_holding_back_with_reason_and_note_which_the_author_reads(browser, browser_of, session):
    town = make_town(moderation=Moderation.pre)
    contribution = town.write("Frau Beispiel sagt nichts.")
    desk = browser_of(town.moderator)
    desk.submit(
        town.path("/moderation/1/hide"),
        {"reason_id": str(town.reason.id), "note": "Bitte ohne Namen, dann gern."},
        form_at=town.path("/moderation"),
    )
    mine = browser_of(town.citizen).get(town.number_path(contribution))
    assert "Bitte ohne Namen, dann gern." in mine.text
    assert "Enthält private Daten" in mine.text
    browser.get(town.number_path(contribution), 404)
    assert browser.get(town.path("/rules")).text.count("1 ") >= 1
    assert "Bitte ohne Namen" not in browser.get(town.path("/rules")).text


def test_without_a_reason_nothing_is_held_back_and_the_note_is_kept(browser_of, session):
    town = make_town(moderation=Moderation.pre)
    contribution = town.write()
    desk = browser_of(town.moderator)
    # Nothing is chosen beforehand; and a reason of another process is none of ours.
    for chosen in ({}, {"reason_id": "999999"}):
        page = desk.submit(
            town.path("/moderation/1/hide"),
            {"note": "Lange Begründung", **chosen},
            form_at=town.path("/moderation"),
            status=200,
        )
        assert "Lange Begründung" in page.html.find("textarea").get_text()
    session.refresh(contribution)
    assert contribution.state == State.pending


def test_undoing_from_the_list_of_recent_decisions(browser_of, session):
    town = make_town(moderation=Moderation.pre)
    contribution = town.write()
    deciding.approve(contribution, town.moderator)
    session.commit()
    desk = browser_of(town.lead)
    desk.submit(town.path("/moderation/1/undo"), form_at=town.path("/moderation?list=decided"))
    session.refresh(contribution)
    assert contribution.state == State.pending


def test_the_second_moderator_is_told_and_nothing_is_overwritten(browser_of, session):
    town = make_town(moderation=Moderation.pre)
    contribution = town.write()
    first, second = browser_of(town.moderator), browser_of(town.lead)
    queue, hide = town.path("/moderation"), town.path("/moderation/1/hide")
    late = {**second.get(queue).form_fields(hide), "reason_id": str(town.reason.id), "note": "Zu spät"}
    first.submit(town.path("/moderation/1/approve"), form_at=queue)
    second.post(hide, late, status=409)
    session.refresh(contribution)
    assert contribution.state == State.published
    assert session.query(ModerationAct).count() == 1


def test_a_text_changed_after_the_moderator_read_it_is_not_approved_unseen(browser_of, session):
    town = make_town(moderation=Moderation.pre)
    contribution = town.write("Harmlos")
    desk = browser_of(town.moderator)
    queue, approve = town.path("/moderation"), town.path("/moderation/1/approve")
    fields = desk.get(queue).form_fields(approve)
    operations.edit(contribution, town.citizen, "Nicht mehr harmlos", 0)
    session.commit()
    desk.post(approve, fields, status=409)
    session.refresh(contribution)
    assert contribution.state == State.pending


def test_what_appeared_at_once_is_looked_at_in_its_own_list(browser_of, session):
    town = make_town(moderation=Moderation.post)
    town.write("Schon sichtbar")
    desk = browser_of(town.moderator)
    unseen = town.path("/moderation?list=unseen")
    assert "Schon sichtbar" in desk.get(unseen).text
    answer = desk.submit(town.path("/moderation/1/approve"), form_at=unseen)
    assert answer.location == unseen
    assert "Schon sichtbar" not in desk.follow(answer).html.find(id="queue").get_text()


def test_deciding_twice_with_the_same_form_decides_once(browser_of, session):
    town = make_town(moderation=Moderation.pre)
    town.write()
    desk = browser_of(town.moderator)
    queue = town.path("/moderation")
    for verb, more in (("approve", {}), ("hide", {"reason_id": str(town.reason.id)})):
        address = town.path(f"/moderation/1/{verb}")
        fields = {**desk.get(queue).form_fields(address), **more}
        answers = [desk.post(address, fields).location for _ in range(2)]
        assert answers[0] == answers[1]
        undo = town.path("/moderation/1/undo")
        fields = desk.get(f"{queue}?list=decided").form_fields(undo)
        assert desk.post(undo, fields).location == desk.post(undo, fields).location
    assert session.query(ModerationAct).count() == 4


def test_leads_keep_the_published_reasons(browser, browser_of, session):
    town = make_town()
    lead = browser_of(town.lead)
    lead.submit(town.path("/rules/reasons/new"), {"text": "Werbung", "position": "5"})
    assert "Werbung" in browser.get(town.path("/rules")).text
    lead.submit(town.path(f"/rules/reasons/{town.reason.id}"), {"text": "Enthält Angaben über andere"})
    text = browser.get(town.path("/rules")).text
    assert "Enthält Angaben über andere" in text
    assert "Enthält private Daten" not in text
    assert "form" not in [tag.name for tag in browser.get(town.path("/rules")).html.find_all()]
    page = lead.submit(town.path("/rules/reasons/new"), {"text": "Weit unten", "position": "9" * 25}, status=200)
    assert page.html.find(class_="error-summary")


def test_a_way_back_with_heaps_of_parameters_leads_to_the_desk(browser_of, session):
    town = make_town(moderation=Moderation.pre)
    town.write("Bitte mehr Bänke.")
    back = town.path("/moderation?") + "&".join(f"a{n}=1" for n in range(30))
    approve = town.path("/moderation/1/approve")
    answer = browser_of(town.moderator).submit(approve, {"back": back}, form_at=town.path("/moderation"))
    assert answer.location == town.path("/moderation")
