"""Groups, members, seats: who belongs where, and what follows from it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from consult import clock
from consult.accounts.models import Person, SignIn
from consult.audit.models import AuditEntry
from consult.errors import Refused
from consult.extensions import db
from consult.groups import operations, queries
from consult.groups.models import Group, Membership, SeatHolder
from consult.processes.models import Function, ProcessGroup
from consult.processes.queries import functions_of, functions_of_group, people_with
from tests import factories


@pytest.fixture
def process(session):
    return factories.make_process()


@pytest.fixture
def lead(process):
    person = factories.make_person("Leitung")
    factories.make_group(process, Function.lead, person)
    return person


@pytest.fixture
def group(process):
    return factories.make_group(process, Function.steering, name="Steuerungsgruppe")


@pytest.fixture
def seats(group):
    organisation = factories.make_organisation("Verband")
    return factories.flushed(Membership(group_id=group.id, organisation_id=organisation.id, seats=1))


def path(process, group, rest=""):
    return f"/p/{process.slug}/groups/{group.id}{rest}"


def test_a_person_is_added_by_address_and_gets_the_rights(browser_of, process, lead, group):
    person = factories.make_person("Mina", email="mina@example.org")
    url = path(process, group, "/members/person")
    page = browser_of(lead).submit(url, {"email": " Mina@Example.org ", "office": "Vorsitz"})
    assert "Mina" in browser_of(lead).follow(page).text
    assert people_with(process.id, Function.steering) == [person.id]


def test_an_unknown_address_becomes_a_person_without_an_account(browser_of, process, lead, group):
    browser_of(lead).submit(path(process, group, "/members/person"), {"email": "neu@example.org", "name": "Neu"})
    person = db.session.scalars(select(Person).where(Person.email == "neu@example.org")).one()
    assert person.name == "Neu"
    assert people_with(process.id, Function.steering) == [person.id]


def test_the_name_of_somebody_known_is_not_overwritten(browser_of, process, lead, group):
    person = factories.make_person("Mina", email="mina@example.org")
    browser_of(lead).submit(path(process, group, "/members/person"), {"email": "mina@example.org", "name": "X"})
    db.session.refresh(person)
    assert person.name == "Mina"


@pytest.mark.parametrize("email", ["", "keine-adresse", "a@b", "zwei@x.example, drei@x.example"])
def test_what_is_no_address_is_shown_again(browser_of, process, lead, group, email):
    url = path(process, group, "/members/person")
    page = browser_of(lead).submit(url, {"email": email, "office": "Vorsitz"}, status=200)
    assert page.html.find(id="email-error")
    assert page.form_fields()["office"] == "Vorsitz"


def test_nobody_is_a_member_twice(browser_of, process, lead, group):
    person = factories.make_person(email="mina@example.org")
    factories.make_member(group, person)
    url = path(process, group, "/members/person")
    page = browser_of(lead).submit(url, {"email": "mina@example.org"}, status=200)
    assert page.html.find(class_="error-summary")
    with pytest.raises(Refused):
        operations.add_person(group, person.id, lead.id)


def test_somebody_who_left_may_come_back(process, lead, group):
    person = factories.make_person()
    membership = operations.add_person(group, person.id, lead.id)
    operations.end_membership(membership, lead.id)
    operations.add_person(group, person.id, lead.id)
    assert len(queries.members_of(group.id)) == 1


def test_a_facilitators_rights_end_by_themselves_after_the_last_day(browser_of, process, lead, group, at):
    person = factories.make_person(email="mina@example.org")
    today = clock.local_date(clock.now(), process.zone)
    browser_of(lead).submit(
        path(process, group, "/members/person"),
        {"email": "mina@example.org", "last_day": (today + timedelta(days=3)).isoformat()},
    )
    end = clock.end_of_day(today + timedelta(days=3), process.zone)
    at(end - timedelta(seconds=1))
    assert people_with(process.id, Function.steering) == [person.id]
    at(end)
    assert people_with(process.id, Function.steering) == []


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_a_day_nobody_means_is_refused(browser_of, process, lead, group, day):
    for url, values in (
        (path(process, group, "/members/person"), {"email": "m@example.org"}),
        (path(process, group, "/members/organisation"), {"organisation_id": str(factories.make_organisation(day).id)}),
    ):
        page = browser_of(lead).submit(url, {**values, "last_day": day}, status=200)
        assert page.html.find(class_="error-summary"), url


def test_a_last_day_that_is_over_is_refused(browser_of, process, lead, group):
    page = browser_of(lead).submit(
        path(process, group, "/members/person"), {"email": "m@example.org", "last_day": "2020-01-01"}, status=200
    )
    assert page.html.find(class_="error-summary")
    assert queries.members_of(group.id) == []


def test_a_new_role_ends_earlier_sign_ins(browser_of, process, lead, group):
    person = factories.make_person(email="mina@example.org")
    browser_of(person)
    browser_of(lead).submit(path(process, group, "/members/person"), {"email": "mina@example.org"})
    assert db.session.scalar(select(SignIn.id).where(SignIn.person_id == person.id)) is None


def test_who_adds_themselves_stays_signed_in(browser_of, process, lead, group):
    browser = browser_of(lead)
    browser.submit(path(process, group, "/members/person"), {"email": lead.email})
    browser.get(path(process, group))
    lead.__dict__.pop("_functions", None)
    assert functions_of(lead)[process.id] == {"lead", "steering"}


def test_a_membership_ends_now(browser_of, process, lead, group):
    person = factories.make_person()
    membership = factories.make_member(group, person)
    url = path(process, group, f"/members/{membership.id}/end")
    browser_of(lead).submit(url)
    assert people_with(process.id, Function.steering) == []
    assert db.session.get(Membership, membership.id).ends_at is not None


def test_the_last_lead_cannot_be_removed(browser_of, process, lead):
    group = db.session.scalars(select(Group).join(Membership).where(Membership.person_id == lead.id)).one()
    (membership,) = queries.members_of(group.id)
    browser_of(lead).submit(path(process, group, f"/members/{membership.id}/end"), status=409)
    assert people_with(process.id, Function.lead) == [lead.id]


def test_the_last_lead_cannot_be_removed_for_later_either(browser_of, process, lead):
    group = db.session.scalars(select(Group).join(Membership).where(Membership.person_id == lead.id)).one()
    (membership,) = queries.members_of(group.id)
    url, later = path(process, group, f"/members/{membership.id}/end"), clock.now() + timedelta(days=9)
    browser_of(lead).submit(url, {"last_day": later.date().isoformat()}, status=409)
    assert people_with(process.id, Function.lead, at=later + timedelta(days=9)) == [lead.id]

    factories.make_member(group, factories.make_person())
    browser_of(lead).submit(url, {"last_day": later.date().isoformat()})
    assert lead.id not in people_with(process.id, Function.lead, at=later + timedelta(days=9))


def test_the_last_day_of_a_membership_is_shown_as_it_was_entered(browser_of, process, lead, group):
    membership = factories.make_member(group, factories.make_person())
    url = path(process, group, f"/members/{membership.id}/end")
    browser_of(lead).submit(url, {"last_day": "2090-03-07"})
    page = browser_of(lead).get(path(process, group), headers={"Accept-Language": "en"})
    assert "until and including March 7, 2090" in page.text


def test_the_last_leading_group_cannot_lose_the_function(browser_of, process, lead):
    group = db.session.scalars(select(Group).join(Membership).where(Membership.person_id == lead.id)).one()
    url = path(process, group, "/functions")
    browser_of(lead).submit(url, {"functions": ["editing"]}, status=409)
    assert functions_of_group(process.id, group.id) == {"lead"}


def test_an_organisation_gets_seats_and_people_fill_them(browser_of, process, lead, group):
    organisation = factories.make_organisation("Verband")
    browser = browser_of(lead)
    browser.submit(
        path(process, group, "/members/organisation"), {"organisation_id": str(organisation.id), "seats": "1"}
    )
    (membership,) = queries.members_of(group.id)
    seat = path(process, group, f"/members/{membership.id}/seat")
    browser.submit(seat, {"email": "sitz@example.org", "name": "Sitz"})
    page = browser.submit(seat, {"email": "voll@example.org"}, status=200)
    assert page.html.find(class_="error-summary")
    browser.submit(seat, {"email": "vertretung@example.org", "name": "Vertretung", "deputy": "y"})
    page = browser.get(path(process, group))
    assert "Sitz" in page.text
    assert "Vertretung" in page.text
    assert len(people_with(process.id, Function.steering)) == 2


def test_a_seat_is_freed(browser_of, process, lead, group, seats):
    person = factories.make_person("Sitz")
    holder = operations.fill_seat(seats, person.id, lead.id)
    db.session.commit()
    url = path(process, group, f"/members/{seats.id}/seat/{holder.id}/vacate")
    browser_of(lead).submit(url, form_at=path(process, group))
    assert people_with(process.id, Function.steering) == []
    assert queries.members_of(group.id)[0].seat_holders == []


def test_seats_cannot_become_fewer_than_are_taken(process, lead, group, seats):
    operations.change_seats(seats, lead.id, 2)
    for _ in range(2):
        operations.fill_seat(seats, factories.make_person().id, lead.id)
    with pytest.raises(Refused):
        operations.change_seats(seats, lead.id, 1)
    assert seats.seats == 2


def test_seats_end_with_the_membership(process, lead, group, seats):
    operations.fill_seat(seats, factories.make_person().id, lead.id)
    operations.end_membership(seats, lead.id)
    assert people_with(process.id, Function.steering) == []


def test_a_lead_sets_up_a_group_and_chooses_what_it_does(browser_of, process, lead):
    browser = browser_of(lead)
    page = browser.submit(f"/p/{process.slug}/groups/new", {"name": "Redaktion", "kind": "working_group"})
    group = db.session.scalars(select(Group).where(Group.name == "Redaktion")).one()
    assert page.location == path(process, group)
    browser.submit(path(process, group, "/functions"), {"functions": ["editing", "answering"]})
    assert functions_of_group(process.id, group.id) == {"editing", "answering"}


def test_a_group_needs_a_function(browser_of, process, lead, group):
    page = browser_of(lead).submit(path(process, group, "/functions"), {"functions": []}, status=200)
    assert page.html.find(class_="error-summary")
    assert functions_of_group(process.id, group.id) == {"steering"}


def test_an_unknown_function_is_refused(browser_of, process, lead, group):
    browser_of(lead).submit(path(process, group, "/functions"), {"functions": ["king"]}, status=200)
    assert functions_of_group(process.id, group.id) == {"steering"}


def test_a_group_that_also_works_elsewhere_is_changed_only_by_who_leads_there_too(browser_of, process, lead, group):
    other = factories.make_process()
    factories.make_group(other, Function.lead, factories.make_person())
    factories.flushed(ProcessGroup(process_id=other.id, group_id=group.id, function=Function.lead))
    db.session.commit()
    browser_of(lead).get(path(process, group, "/members/person"), status=403)
    assert "/members/person" not in browser_of(lead).get(path(process, group)).html.main.decode()


def test_a_group_of_another_process_is_not_found(browser_of, process, lead):
    foreign = factories.make_group(factories.make_process(), Function.working)
    browser_of(lead).get(path(process, foreign), status=404)
    browser_of(lead).get(path(process, foreign, "/members/person"), status=404)


def test_members_are_seen_by_staff_and_addresses_by_the_lead(browser, browser_of, process, lead, group):
    member = factories.make_person("Mina", email="mina@example.org")
    factories.make_member(group, member)
    db.session.commit()
    url = path(process, group)
    browser.get(url, status=303)
    browser_of(factories.make_person()).get(url, status=403)
    assert "mina@example.org" not in browser_of(member).get(url).html.main.get_text()
    assert "mina@example.org" in browser_of(lead).get(url).html.main.get_text()


@pytest.mark.parametrize("rest", ["/edit", "/functions", "/members/person", "/members/organisation"])
def test_members_change_nothing(browser_of, process, group, rest):
    member = factories.make_person()
    factories.make_member(group, member)
    browser_of(member).get(path(process, group, rest), status=403)


def test_the_list_of_groups_takes_the_same_queries_for_many_groups(browser_of, process, lead, count_queries):
    browser, url = browser_of(lead), f"/p/{process.slug}/groups"

    def queries_with(number):
        for _ in range(number):
            factories.make_group(process, Function.working, factories.make_person())
        db.session.commit()
        with count_queries() as statements:
            browser.get(url)
        return len(statements)

    assert queries_with(1) == queries_with(10) <= 7


def test_a_group_takes_the_same_queries_for_many_members(browser_of, process, lead, group, count_queries):
    browser, url = browser_of(lead), path(process, group)

    def queries_with(number):
        for _ in range(number):
            factories.make_member(group, factories.make_person())
        db.session.commit()
        with count_queries() as statements:
            browser.get(url)
        return len(statements)

    assert queries_with(1) == queries_with(20) <= 9


def test_adding_is_on_record_with_ids_only(process, lead, group):
    operations.add_person(group, factories.make_person().id, lead.id, process_id=process.id)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "groups.member.added")).one()
    assert entry.facts == {"group_id": group.id}


def test_the_same_form_from_two_tabs_adds_one_member(browser_of, process, lead, group):
    browser = browser_of(lead)
    url = path(process, group, "/members/person")
    fields = {**browser.get(url).form_fields(), "email": "mina@example.org"}
    browser.post(url, fields)
    browser.post(url, fields)
    assert len(queries.members_of(group.id)) == 1


def test_a_place_is_filled_once_per_person(process, lead, group, seats):
    person = factories.make_person()
    operations.fill_seat(seats, person.id, lead.id)
    with pytest.raises(Refused):
        operations.fill_seat(seats, person.id, lead.id, deputy=True)
    assert len(list(db.session.scalars(select(SeatHolder)))) == 1
