"""Who there is: organisations, the cast with its sign-ins, groups with members and seats."""

from datetime import datetime
from typing import Any

from flask import current_app
from slugify import slugify

from consult.accounts import bodies, staff
from consult.accounts.models import Person
from consult.accounts.operations import account_of, person_for
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.demo.story import Story
from consult.extensions import db
from consult.groups import operations as groups
from consult.groups.models import Membership
from consult.i18n import path_languages
from consult.processes.models import Function
from consult.processes.operations import grant_function

#: Citizens who wrote over the web; another domain than the cast's, whose members get a card on the sign-in page.
CITIZENS = "beispiel.invalid"


def person(story: Story, address: str, name: str, lang: str, since: datetime) -> Person:
    """The person at this address, the same wherever it appears."""
    known = story.people.get(address)
    if known is None:
        known = person_for(address, name=name, locale=lang)
        known.created_at = since
        story.people[address] = known
    return known


def with_account(someone: Person, since: datetime) -> Person:
    """Somebody who can sign in; without a password, so by mail link or by a card of the demonstration only."""
    account = account_of(someone)
    if account.confirmed_at is None:
        account.confirmed_at = account.created_at = since
        db.session.flush()
        record(Action.account_confirmed, someone.id, account)
    return someone


def spoken(languages: list[str]) -> str:
    """The first of these languages that we speak with citizens."""
    offered = path_languages()
    return next((lang for lang in languages if lang in offered), str(current_app.config["BABEL_DEFAULT_LOCALE"]))


def citizen(story: Story, pseudonym: str, lang: str, since: datetime) -> Person:
    """Somebody who registered to write under a name of their own choice."""
    address = f"{slugify(pseudonym)}@{CITIZENS}"
    return with_account(person(story, address, pseudonym, spoken([lang]), since), since)


def add_organisations(story: Story) -> None:
    """Networks first: others stand under them."""
    for row in [*story.texts["networks"], *story.texts["organisations"]]:
        umbrella = story.organisations.get(row.get("umbrella", ""))
        story.organisations[row["id"]] = bodies.create_organisation(
            None, name=row["name"], kind=row["kind"], area=row.get("area", ""),
            umbrella_id=umbrella.id if umbrella else None, source=story.source(row), now=story.begin,
        )  # fmt: skip


def add_cast(story: Story) -> None:
    """One sign-in each; what they may do follows from their memberships."""
    for row in story.texts["cast"]:
        someone = person(story, row["email"], row["name"], spoken(row["languages"]), story.begin)
        story.people[row["id"]] = with_account(someone, story.begin)
        if row.get("operator"):
            staff.grant_operator(None, account_of(someone))
        if "represents" in row:
            bodies.confirm_representation(
                story.people["p-leitung"].id, story.organisations[row["represents"]], someone, now=story.begin
            )


def add_groups(story: Story) -> None:
    """Groups, what each does in the process, their members and seats."""
    actor_id = story.people["p-leitung"].id
    for row in story.texts["groups"]:
        group = groups.create_group(
            actor_id, row["name"], row["kind"], "", process_id=story.process.id, source=story.source(row),
            now=story.begin,
        )  # fmt: skip
        story.groups[row["id"]] = group
        grant_function(story.process, group.id, Function(row["function"]), actor_id)
    _add_cast_members(story, actor_id)
    for row in story.texts["members"]:
        for member in row["people"]:
            someone = person(story, member["address"], member["name"], member["lang"], story.begin)
            groups.add_person(
                story.groups[row["group"]], someone.id, actor_id, office=_office(member),
                process_id=story.process.id, now=story.begin,
            )  # fmt: skip
    _add_seats(story, actor_id)


def _office(member: dict[str, Any]) -> str:
    return {"chair": "Leitung"}.get(member.get("office", ""), "")


def _add_cast_members(story: Story, actor_id: int) -> None:
    """Who holds an organisation's seat belongs to the group by it."""
    for row in story.texts["cast"]:
        ends_at = story.dates.end_of(row["to"]) if "to" in row else None
        for name in row.get("groups", []):
            if "seat_of" not in row:
                groups.add_person(
                    story.groups[name], story.people[row["id"]].id, actor_id, ends_at=ends_at,
                    process_id=story.process.id, now=story.begin,
                )  # fmt: skip


def _add_seats(story: Story, actor_id: int) -> None:
    seated: dict[tuple[str, str], Membership] = {}
    for group in story.texts["groups"]:
        for name, number in group.get("seats", {}).items():
            seated[group["id"], name] = groups.add_organisation(
                story.groups[group["id"]], story.organisations[name].id, actor_id, seats=number,
                process_id=story.process.id, now=story.begin,
            )  # fmt: skip
    for row in story.texts["seats"]:
        membership = seated[row["group"], row["organisation"]]
        if "person" in row:
            holder = story.people[row["person"]]
        else:
            holder = person(story, row["address"], row["name"], row["lang"], story.begin)
        places = [(holder, False)]
        if "deputy" in row:
            places.append((story.people[row["deputy"]], True))
        for someone, deputy in places:
            groups.fill_seat(
                membership, someone.id, actor_id, deputy=deputy, process_id=story.process.id, now=story.begin
            )
