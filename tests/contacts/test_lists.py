"""The lists: who finds whom, and politics apart in every count."""

from typing import Any

from sqlalchemy import true

from consult import clock
from consult.accounts.models import Affiliation, NetworkMember, Person, Representation
from consult.contacts import doubles, queries
from consult.contacts.queries import Count, Filters
from consult.groups.models import Membership, SeatHolder
from consult.invitations.models import Subscription, SubscriptionState
from tests.accounts.factories import make_lead
from tests.factories import flushed, make_group, make_member, make_organisation, make_person, make_process


def works(person: Person, organisation: Any) -> Any:
    return flushed(Affiliation(person_id=person.id, organisation_id=organisation.id, source="list"))


def found(**filters: Any) -> set[str]:
    return {row[0].name for row in queries.people(Filters(**filters), true()).rows}


def test_people_are_found_by_a_part_of_the_name_and_a_whole_address_only(session: Any) -> None:
    make_person("Amira Linde", email="amira@example.org", account=False)
    make_person("50%", email="other@example.org", account=False)
    assert found(words="lind") == {"Amira Linde"}
    assert found(words=" Amira@Example.org".strip()) == {"Amira Linde"}
    assert found(words="amira@") == found(words="@example.org") == found(words="ira@example.org") == set()
    assert found(words="%") == {"50%"}
    make_person("Özlem Şahin", email="oezlem@example.org", account=False)
    assert found(words="Özlem") == found(words="özlem") == found(words="şah") == {"Özlem Şahin"}


def test_filters_reach_people_through_work_seats_and_speaking(session: Any) -> None:
    umbrella, network = make_organisation("Dach"), make_organisation("Netz", kind="network")
    body = make_organisation("Verein", kind="religion", area="Nordstadt", umbrella_id=umbrella.id)
    flushed(NetworkMember(network_id=network.id, organisation_id=body.id))
    worker, speaker, holder, _nobody = (make_person(name) for name in ("Worker", "Speaker", "Holder", "Nobody"))
    works(worker, body)
    flushed(Representation(person_id=speaker.id, organisation_id=body.id))
    group = make_group()
    seat = flushed(Membership(group_id=group.id, organisation_id=body.id))
    flushed(SeatHolder(membership_id=seat.id, person_id=holder.id, starts_at=clock.now()))
    everybody = {"Worker", "Speaker", "Holder"}
    assert found(kind="religion") == found(area="Nordstadt") == everybody
    assert found(network=network.id) == found(umbrella=umbrella.id) == everybody
    assert found(kind="welfare") == set()
    make_member(group, worker)
    assert found(group=group.id) == {"Holder", "Worker"}
    assert {row[0].name for row in queries.organisations(Filters(group=group.id)).rows} == {"Verein"}


def test_paused_addresses_and_consents_are_filters(session: Any) -> None:
    paused, agreed, asked = (make_person(name) for name in ("Paused", "Agreed", "Asked"))
    paused.mail_paused_at = clock.now()
    process = make_process()
    for person, state in ((agreed, SubscriptionState.confirmed), (asked, SubscriptionState.pending)):
        flushed(Subscription(process_id=process.id, person_id=person.id, state=state))
    assert found(paused=True) == {"Paused"}
    assert found(newsletter=True) == {"Agreed"}


def test_politics_is_counted_apart(session: Any) -> None:
    party, club = make_organisation("Fraktion", kind="politics"), make_organisation("Verein")
    member, other = make_person(account=False), make_person(account=False)
    works(member, party)
    works(other, club)
    assert queries.people(Filters(), true()).count == Count(others=1, politics=1)
    assert queries.organisations(Filters()).count == Count(others=1, politics=1)


def test_pages_follow_each_other_without_gaps(session: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(queries, "PAGE", 2)
    people = [make_person("Same", account=False) for _ in range(3)] + [make_person("Zoe", account=False)]
    first = queries.people(Filters(), true())
    second = queries.people(Filters(), true(), first.next)
    assert [row[0].id for row in (*first.rows, *second.rows)] == [person.id for person in people]
    assert second.next is None


def test_doubles_are_the_same_mailbox_or_name_at_one_place(session: Any) -> None:
    one = make_person("A", email="anna.weber@example.org", account=False)
    two = make_person("B", email="annaweber+x@example.org")
    club, elsewhere = make_organisation("Frauentreff e. V."), make_organisation("FRAUENTREFF")
    three, four, five = (make_person(name, account=False) for name in ("Änne  Weber", "weber, Anne", "Änne Weber"))
    for person, body in ((three, club), (four, club), (five, elsewhere)):
        works(person, body)
    assert [(pair.kept, pair.other) for pair in doubles.people(true())] == [(two.id, one.id), (three.id, four.id)]
    assert [(pair.kept, pair.other) for pair in doubles.organisations()] == [(club.id, elsewhere.id)]


def test_two_accounts_are_no_suggestion(session: Any) -> None:
    make_person(email="anna.weber@example.org")
    make_person(email="annaweber@example.org")
    assert doubles.people(true()) == []


def test_lists_ask_few_questions(browser_of: Any, count_queries: Any) -> None:
    lead = make_lead()
    body = make_organisation(area="Nordstadt", kind="politics")
    for number in range(12):
        works(make_person(f"Guest {number}", account=False), body)
    browser = browser_of(lead)
    first = queries.people(Filters(), true()).rows[0][0].id
    for url in (
        f"/contacts?kind=politics&after={first}", "/contacts/organisations", "/contacts/doubles",
        f"/contacts/people/{first}", f"/contacts/organisations/{body.id}",
        f"/contacts/people/{first}/merge?other={first + 1}", f"/contacts/people/{first}/merge?q=guest",
    ):  # fmt: skip
        with count_queries() as asked:
            browser.get(url)
        assert len(asked) <= 15, (url, len(asked), asked)
