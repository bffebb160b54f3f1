"""Two entries become one: nothing is lost, nobody gets in, and what may never change stays."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from consult import clock, personal
from consult.accounts import tokens
from consult.accounts.affiliations import Source, affiliate
from consult.accounts.models import (
    Account,
    Affiliation,
    LinkPurpose,
    LinkToken,
    NetworkMember,
    Organisation,
    Person,
    Representation,
)
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.audit.operations import record
from consult.contacts import folding, merging
from consult.contacts.audiences import renamed_in
from consult.contacts.merging import Choice
from consult.contacts.words import table_names
from consult.contributions import tallies
from consult.contributions.models import Contribution, Reaction, ReactionKind
from consult.errors import Refused
from consult.extensions import db
from consult.frozen import FROZEN
from consult.invitations import audience, campaigns
from consult.invitations.audience import Listed, Segment, SegmentKind
from consult.invitations.lists import Row
from consult.invitations.models import Invitation
from consult.invitations.operations import invite, organisations_named
from consult.meetings.models import Meeting, Origin, Registration, RegistrationState
from consult.meetings.registering import register
from consult.processes.models import Function
from tests.accounts.factories import make_lead
from tests.contacts.filling import Filler, named_in
from tests.factories import flushed, make_group, make_organisation, make_person, make_process
from tests.meetings.factories import make_meeting as meeting_of

NEVER = {rule.table for rule in FROZEN if not rule.when}


def actor() -> Person:
    return make_person(operator=True)


def make_meeting(**fields: Any) -> Meeting:
    """A meeting to come."""
    start = clock.now() + timedelta(days=3)
    return meeting_of(make_process(), starts_at=start, ends_at=start + timedelta(hours=3), **fields)


def guest(name: str | None = None, **fields: Any) -> Person:
    return make_person(name, account=False, **fields)


def filled(target: str, ident: int) -> set[tuple[str, str]]:
    """One row for each column that names the target, each naming this one."""
    filler = Filler()
    for link in folding.links_to(target):
        if link.table.name == "membership" and target == "organisation":
            filler.row(link.table, organisation_id=ident, person_id=None)
        elif link.table.name == "link_token":
            filler.row(link.table, **{link.column.name: ident, "purpose": LinkPurpose.stop_mail})
        else:
            filler.row(link.table, **{link.column.name: ident})
    return {(link.table.name, link.column.name) for link in folding.links_to(target)}


@pytest.mark.parametrize("target", ["person", "organisation"])
def test_every_column_that_names_one_names_the_kept_one_afterwards(session: Any, target: str) -> None:
    make = guest if target == "person" else make_organisation
    kept, other = make(), make()
    everywhere = filled(target, other.id)
    assert named_in(target, other.id) == everywhere
    lines, _clashes = folding.preview(target, kept.id, other.id)
    folding.fold(target, kept.id, other.id)
    left = named_in(target, other.id)
    assert left == {place for place in everywhere if place[0] in NEVER}
    assert named_in(target, kept.id) >= everywhere - left
    assert {line.table for line in lines if line.stays} == {table for table, _column in left}
    assert {line.table for line in lines if line.moves} == {table for table, _column in everywhere - left}


@pytest.mark.parametrize("target", ["person", "organisation"])
def test_where_a_key_leaves_room_for_one_only_the_kept_row_wins(session: Any, target: str) -> None:
    """Both have the same in every table with such a key: each merge leaves one, and says so before."""
    make = guest if target == "person" else make_organisation
    kept, other = make(), make()
    filler = Filler()
    doubled = set()
    for link in folding.links_to(target):
        for others, words in link.keys():
            if link.table.name in NEVER or not (others or words) or (link.table.name, target) == ("person", "person"):
                continue
            # Whatever else the key holds is the same in both rows.
            same: dict[str, Any] = {}
            for column in others:
                if column.foreign_keys:
                    same[column.name] = filler.one_of(next(iter(column.foreign_keys)).column.table)
                else:
                    same[column.name] = filler._value(column)
            if link.table.name == "invitation" and "group_id" in same:
                same["meeting_id"] = None
            if link.table.name in doubled and link.table.name != "invitation":
                continue
            filler.row(link.table, **{link.column.name: kept.id, **same})
            filler.row(link.table, **{link.column.name: other.id, **same})
            doubled.add(link.table.name)
    assert doubled >= (
        {"registration", "invitation", "affiliation", "reaction", "membership", "report", "outbox_message"}
        if target == "person"
        else {"affiliation", "network_member"}
    )
    lines, clashes = folding.preview(target, kept.id, other.id)
    assert {line.table for line in lines if line.goes} == doubled == {clash.table for clash in clashes}
    folding.fold(target, kept.id, other.id)
    assert named_in(target, other.id) == set()


def test_every_table_has_a_name_people_know(app: Any) -> None:
    with app.test_request_context():
        names = table_names()
    tables = {link.table.name for target in ("person", "organisation") for link in folding.links_to(target)}
    assert tables - names.keys() <= {"account", "recovery_code", "sign_in"}
    assert not names.keys() - tables


def test_no_unique_index_is_overlooked() -> None:
    """Keys are constraints; an index beside them that holds such a column would have to be thought of in folding."""
    for target in ("person", "organisation"):
        for link in folding.links_to(target):
            assert not [i for i in link.table.indexes if i.unique and link.column.name in i.columns], link


def test_what_hung_on_a_removed_row_hangs_on_the_kept_one(session: Any) -> None:
    kept, other = guest(), guest()
    meeting = make_meeting()
    filler = Filler()
    tables = folding.Base.metadata.tables
    mine = filler.row(tables["registration"], person_id=kept.id, meeting_id=meeting.id)[0]
    theirs = filler.row(tables["registration"], person_id=other.id, meeting_id=meeting.id)[0]
    filler.row(tables["check_in"], registration_id=theirs, meeting_id=meeting.id)
    merging.merge_people(kept, other, actor())
    assert db.session.scalar(select(tables["check_in"].c.registration_id)) == mine
    assert db.session.scalar(select(Registration.person_id)) == kept.id


def test_the_other_row_is_empty_and_leads_on(session: Any) -> None:
    kept, other = guest("Anna", email="anna@example.org"), guest("A. Weber", email="weber@example.org")
    other.postal_address, other.tell_answers = "Linde 3", False
    merging.merge_people(kept, other, actor())
    other = db.session.get_one(Person, other.id)
    assert (other.email, other.name, other.merged_into_id, other.postal_address) == (None, "", kept.id, None)
    assert other.erased_at is not None
    kept = db.session.get_one(Person, kept.id)
    assert (kept.email, kept.name, kept.postal_address) == ("anna@example.org", "Anna", "Linde 3")
    assert kept.tell_answers is False
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == Action.person_merged)).one()
    assert entry.facts["into"] == kept.id


def test_name_and_address_may_be_chosen(session: Any) -> None:
    kept, other = guest("Anna", email="old@example.org"), guest("Anna Weber", email="new@example.org")
    kept.mail_paused_at = clock.now()
    merging.merge_people(kept, other, actor(), Choice(name_of_other=True, email_of_other=True))
    kept = db.session.get_one(Person, kept.id)
    assert (kept.email, kept.name, kept.mail_paused_at) == ("new@example.org", "Anna Weber", None)


def test_who_has_an_account_is_kept_with_their_own_name_and_address(session: Any) -> None:
    """Else staff could give somebody's login to another address."""
    holder = make_person("Anna", email="anna@example.org")
    kept = merging.merge_people(
        guest("Other", email="o@example.org"), holder, actor(), Choice(name_of_other=True, email_of_other=True)
    )
    assert (kept.id, kept.email, kept.name) == (holder.id, "anna@example.org", "Anna")
    assert db.session.get(Account, holder.id) is not None


def test_two_accounts_are_never_put_together(session: Any) -> None:
    one, two = make_person(), make_person()
    with pytest.raises(Refused):
        merging.merge_people(one, two, actor())
    assert db.session.get_one(Person, two.id).merged_into_id is None


def test_nobody_is_merged_twice_or_with_themselves(session: Any) -> None:
    one, two, three = guest(), guest(), guest()
    with pytest.raises(Refused):
        merging.merge_people(one, one, actor())
    merging.merge_people(one, two, actor())
    one_gone, free = db.session.get_one(Person, two.id), db.session.get_one(Person, three.id)
    with pytest.raises(Refused):
        merging.merge_people(free, one_gone, actor())
    with pytest.raises(Refused):
        merging.merge_people(one_gone, free, actor())


def test_earlier_merges_lead_to_the_last_one(session: Any) -> None:
    one, two, three = guest(), guest(), guest()
    merging.merge_people(two, three, actor())
    merging.merge_people(db.session.get_one(Person, one.id), db.session.get_one(Person, two.id), actor())
    assert db.session.get_one(Person, three.id).merged_into_id == one.id


def test_old_links_open_nothing_of_the_kept_one(session: Any) -> None:
    kept, other = make_person(), guest()
    tokens.issue(LinkPurpose.claim, other.id, subject_id=1)
    tokens.issue(LinkPurpose.stop_mail, other.id, subject_id=1, expires_at=clock.now() + timedelta(days=1))
    merging.merge_people(kept, other, actor())
    assert list(db.session.scalars(select(LinkToken.purpose).where(LinkToken.person_id == kept.id))) == [
        LinkPurpose.stop_mail
    ]


def test_what_stays_under_the_old_number_is_still_handed_out_to_its_person(session: Any) -> None:
    kept, other = make_person("Anna"), guest()
    record(Action.signed_out_everywhere, other.id, ("person", other.id))
    merging.merge_people(kept, other, actor())
    found = personal.everything_about(db.session.get_one(Person, kept.id))
    assert [row["id"] for row in found["person"]] == [kept.id]
    assert [row["actor_id"] for row in found["audit_entry"]] == [other.id]


def test_a_place_both_had_goes_to_who_waits(session: Any) -> None:
    meeting = make_meeting(capacity=2)
    kept, other, waiting = guest(), guest(), guest()
    for person in (kept, other, waiting):
        register(meeting, person, origin=Origin.staff)
    assert _state(waiting) == RegistrationState.waiting
    merging.merge_people(kept, other, actor())
    assert _state(kept) == RegistrationState.coming
    assert _state(waiting) == RegistrationState.offered


def _state(person: Person) -> str:
    return db.session.scalars(select(Registration.state).where(Registration.person_id == person.id)).one()


def test_nobody_stands_in_for_themselves(session: Any) -> None:
    meeting = make_meeting()
    kept, other = guest(), guest()
    invite(meeting, rows=[Row(number=1, address=kept.email, name="")], by=None)
    invitation = db.session.scalars(select(Invitation)).one()
    invitation.deputy_for_id = other.id
    merging.merge_people(kept, other, actor())
    assert db.session.scalars(select(Invitation.deputy_for_id)).one() is None


def test_an_audience_that_waits_means_the_kept_one(session: Any) -> None:
    meeting = make_meeting()
    lead, kept, other = make_person(), guest(), guest()
    campaign = campaigns.draft(meeting, lead, "Einladung")
    campaigns.add_list(
        campaign, [Row(number=1, address=kept.email, name=""), Row(number=2, address=other.email, name="")], "", lead
    )
    merging.merge_people(kept, other, actor())
    db.session.refresh(campaign)
    assert [one.person_id for segment in audience.segments_of(campaign) for one in segment.people] == [kept.id]


def test_segments_follow_an_organisation() -> None:
    from_before = [
        Segment(SegmentKind.organisation, 7),
        Segment(SegmentKind.group, 7),
        Segment(SegmentKind.list, 1, people=(Listed(7, 7),)),
    ]
    assert renamed_in(from_before, "organisation", 3, 7) == [
        Segment(SegmentKind.organisation, 3),
        Segment(SegmentKind.group, 7),
        Segment(SegmentKind.list, 1, people=(Listed(7, 3),)),
    ]


def test_an_organisation_leads_on_by_its_old_name(session: Any) -> None:
    kept, other = make_organisation("Frauentreff e. V."), make_organisation("Frauentreff")
    other.email = "office@example.org"
    network = make_organisation("Netz", kind="network")
    flushed(NetworkMember(network_id=network.id, organisation_id=other.id))
    person = guest()
    flushed(Affiliation(person_id=person.id, organisation_id=other.id, source="list"))
    merging.merge_organisations(kept, other, actor(), name_of_other=True)
    kept, other = db.session.get_one(Organisation, kept.id), db.session.get_one(Organisation, other.id)
    assert (kept.name, kept.email) == ("Frauentreff", "office@example.org")
    assert (other.name, other.email, other.merged_into_id) == ("Frauentreff e. V.", None, kept.id)
    assert organisations_named(["Frauentreff", "Frauentreff e. V."]) == {
        "Frauentreff": kept.id, "Frauentreff e. V.": kept.id,
    }  # fmt: skip
    assert db.session.scalars(select(NetworkMember.organisation_id)).one() == kept.id


def test_lines_between_two_bodies_end_without_a_circle(session: Any) -> None:
    kept, middle, other = make_organisation(kind="network"), make_organisation(), make_organisation(kind="network")
    kept.umbrella_id, middle.umbrella_id = middle.id, other.id
    flushed(NetworkMember(network_id=kept.id, organisation_id=other.id))
    _lines, clashes = folding.preview("organisation", kept.id, other.id)
    assert "network_member" in {clash.table for clash in clashes}
    merging.merge_organisations(kept, other, actor())
    assert db.session.scalar(select(NetworkMember.id)) is None
    assert db.session.get_one(Organisation, kept.id).umbrella_id is None
    assert db.session.get_one(Organisation, middle.id).umbrella_id == kept.id


def test_one_voice_of_two_is_counted_once(session: Any) -> None:
    contribution = flushed(
        Contribution(process_id=make_process().id, kind="comment", channel="web", state="published", author_name="")
    )
    kept, other = guest(), guest()
    for person in (kept, other):
        tallies.give(contribution, person.id, ReactionKind.agree, clock.now())
    merging.merge_people(kept, other, actor())
    assert db.session.scalars(select(Reaction.person_id)).all() == [kept.id]
    assert tallies.recount_reactions() == []


def test_a_lead_gives_nobody_a_role_elsewhere_by_merging(browser_of: Any) -> None:
    """Else whoever leads one process could take over the roles of another one."""
    lead = make_lead()
    stranger, colleague = guest(), guest()
    for contact in (stranger, colleague):
        affiliate(contact.id, make_organisation().id, Source.list)
    make_group(make_process(), Function.lead, stranger)
    browser = browser_of(lead)
    url = f"/contacts/people/{lead.id}/merge"
    assert not browser.get(f"{url}?other={stranger.id}").html.find("input", attrs={"name": "other"})
    address = f"/contacts/people/{colleague.id}/edit"
    fields = browser.get(address).form_fields(address)
    browser.post(url, {"csrf_token": fields["csrf_token"], "other": str(stranger.id)}, status=403)
    browser.get(f"/contacts/people/{stranger.id}/edit", status=403)
    assert db.session.get_one(Person, stranger.id).merged_into_id is None


def test_a_merge_is_seen_before_it_is_done(browser_of: Any) -> None:
    meeting = make_meeting(title="Auftakt")
    kept, other = guest("Anna"), guest("Anna Weber")
    register(meeting, kept, origin=Origin.staff)
    register(meeting, other, origin=Origin.staff)
    browser = browser_of(make_person(operator=True))
    url = f"/contacts/people/{kept.id}/merge?other={other.id}"
    page = browser.get(url)
    assert "Auftakt" in page.text
    assert db.session.get_one(Person, other.id).merged_into_id is None
    action = f"/contacts/people/{kept.id}/merge"
    done = browser.submit(action, {"name": "other", "email": "kept"}, form_at=url)
    assert done.location == f"/contacts/people/{kept.id}"
    assert db.session.get_one(Person, kept.id).name == "Anna Weber"
    moved = browser.get(f"/contacts/people/{other.id}", status=301)
    assert moved.location.endswith(f"/contacts/people/{kept.id}")
    assert db.session.scalar(select(Meeting.id)) == meeting.id


def test_pages_of_a_merged_organisation_lead_on(browser_of: Any) -> None:
    kept, other = make_organisation("Treff"), make_organisation("Der Treff")
    speaker = guest()
    flushed(Representation(person_id=speaker.id, organisation_id=other.id))
    browser = browser_of(make_lead())
    url = f"/contacts/organisations/{kept.id}/merge"
    browser.submit(url, {"name": "kept"}, form_at=f"{url}?other={other.id}")
    place = "/contacts/organisations"
    assert browser.get(f"{place}/{other.id}", status=301).location.endswith(f"{place}/{kept.id}")
    assert "Der Treff" not in browser.get(place).text
    assert db.session.scalars(select(Representation.organisation_id)).one() == kept.id
