"""A backup taken while people write, put back on an empty machine; an old one brings nobody and no mail back."""

import io
import os
import tarfile
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import func, select

from consult import clock, create_app, files, personal
from consult.accounts.models import Consent, LinkPurpose, LinkToken, Person, SignIn
from consult.accounts.sessions import open_sign_in
from consult.accounts.tokens import issue
from consult.audit.operations import seal, verify_chain
from consult.backup import archive, erasures
from consult.contributions import operations as contributions
from consult.contributions.models import Contribution, ContributionText, ModerationReason
from consult.extensions import db
from consult.invitations.dates import on_paper
from consult.invitations.models import Subscription, SubscriptionState
from consult.meetings import reminders
from consult.meetings.models import Registration, Reminder
from consult.moderation import erasing
from consult.newsletters import subscribing
from consult.outbox import operations as outbox
from consult.outbox.models import OutboxMessage, State
from consult.processes.models import Process
from consult.weighing import stopping
from tests.conftest import database_url
from tests.contributions.factories import Town, make_town
from tests.factories import flushed
from tests.meetings.factories import make_meeting

FOLDER = str(Path(__file__).parents[2] / "migrations")
KEY = "key-of-this-instance-" + "0123456789" * 3
Machine = Callable[..., Flask]


@pytest.fixture
def machine(tmp_path: Path, worker_name: str) -> Iterator[Machine]:
    """`machine("a")`: an installation with an own data folder and an own, empty database."""
    made: list[Flask] = []

    def make(name: str, key: str = KEY) -> Flask:
        folder = tmp_path / name
        folder.mkdir()
        url = database_url(folder, f"backup_{name}_{worker_name}_{os.getpid()}")
        application = create_app(
            {"CONSULT_ENV": "test", "DATA_DIR": str(folder), "SECRET_KEY": key, "DATABASE_URL": url, "DEMO": "0",
             "MAIL_URL": f"file://{folder}/mail"}
        )  # fmt: skip
        made.append(application)
        return application

    yield make
    for application in made:
        with application.app_context():
            db.session.remove()
            db.engine.dispose()


def founded(application: Flask) -> Town:
    """Migrate it and put a process with its people in; call in its context."""
    upgrade(directory=FOLDER)
    town = make_town()
    town.write("Mehr Bänke.")
    db.session.commit()
    return town


def command(application: Flask, *words: str) -> Any:
    with application.app_context():
        return application.test_cli_runner().invoke(args=[*words])


def backup_of(application: Flask, folder: Path) -> Path:
    done = command(application, "backup", str(folder))
    assert done.exit_code == 0, done.output
    [found] = folder.glob("consult-*.tar")
    return found


def bodies() -> set[str]:
    return set(db.session.scalars(select(ContributionText.body).where(ContributionText.body.is_not(None))))


def test_nothing_acknowledged_before_a_backup_under_load_is_missing_after_the_restore(machine, tmp_path):
    first, second = machine("a"), machine("b")
    acknowledged: list[str] = []
    enough, stop = threading.Event(), threading.Event()
    with first.app_context():
        town = founded(first)
        held = files.store(db.session, b"%PDF-1.7 minutes", "Protokoll.pdf", "application/pdf", "public", None)
        digest = held.sha256
        db.session.commit()
        process_id, citizen_id, goal_id = town.process.id, town.citizen.id, town.goal.id

    def write() -> None:
        with first.app_context():
            for n in range(400):
                if stop.is_set():
                    break
                process, citizen = db.session.get_one(Process, process_id), db.session.get_one(Person, citizen_id)
                contributions.submit(process, actor=citizen, text=f"Satz {n}", stance="change", element_id=goal_id)
                db.session.commit()
                acknowledged.append(f"Satz {n}")
                if n == 15:
                    enough.set()
            db.session.remove()

    writer = threading.Thread(target=write)
    writer.start()
    assert enough.wait(60)
    before = set(acknowledged)
    taken = backup_of(first, tmp_path / "backups")
    during = len(acknowledged) - len(before)
    stop.set()
    writer.join(60)
    assert during > 0, "nobody wrote while the backup was taken"

    done = command(second, "restore", str(taken))
    assert done.exit_code == 0, done.output
    with second.app_context():
        assert before <= bodies()
        assert (files.folder() / digest[:2] / digest).read_bytes() == b"%PDF-1.7 minutes"
        assert verify_chain() == []
        # Life goes on: the next number follows the last one, and no two are the same.
        process, citizen = db.session.get_one(Process, process_id), db.session.get_one(Person, citizen_id)
        last = db.session.scalar(select(func.max(Contribution.number)))
        new = contributions.submit(process, actor=citizen, text="Danach", stance="change", element_id=goal_id)
        db.session.commit()
        assert new.number == last + 1
        seal()
        db.session.commit()
        assert verify_chain() == []


@pytest.mark.parametrize("journal", [True, False], ids=["with the list", "without the list"])
def test_an_old_backup_brings_nobody_back_and_sends_nothing_twice(machine, tmp_path, journal):
    first = machine("a")
    with first.app_context():
        town = founded(first)
        words = town.write("Das hätte niemand schreiben sollen.", actor=town.citizen)
        outbox.queue("contribution_answered", words.id, town.citizen.id, process_id=town.process.id)
        open_sign_in(town.citizen.id)
        issue(LinkPurpose.reset, town.citizen.id)
        db.session.commit()
        ids = {"neighbour": town.neighbour.id, "words": words.id}
        name = town.neighbour.name
    taken = backup_of(first, tmp_path / "backups")
    with first.app_context():
        neighbour = db.session.get_one(Person, ids["neighbour"])
        personal.erase(neighbour, neighbour)
        contribution = db.session.get_one(Contribution, ids["words"])
        moderator = db.session.get_one(Person, town.moderator.id)
        reason = db.session.get_one(ModerationReason, town.reason.id)
        erasing.confirm(erasing.request(contribution, moderator, reason, ""), moderator)
        db.session.commit()
        assert erasures.note() == 2
        # A second look adds nothing.
        assert erasures.note() == 0
        db.session.remove()
    if not journal:
        erased = Path(first.config["DATA_DIR"]) / erasures.NAME
        erased.unlink()

    done = command(first, "restore", str(taken), "--replace")
    assert done.exit_code == 0, done.output
    with first.app_context():
        person = db.session.get_one(Person, ids["neighbour"])
        contribution = db.session.get_one(Contribution, ids["words"])
        assert (person.erased_at is not None, person.name == name) == (journal, not journal)
        assert erasing.is_erased(contribution) is journal
        assert db.session.scalar(select(func.count()).select_from(SignIn)) == 0
        assert db.session.scalar(select(LinkToken.used_at)) is not None
        states = set(db.session.scalars(select(OutboxMessage.state)))
        assert states <= {State.uncertain, State.dropped}
        assert outbox.sweep(person.created_at.replace(year=2099)) == 0
        assert verify_chain() == []


def test_a_number_given_to_somebody_new_after_a_restore_is_not_erased(machine, tmp_path):
    first = machine("a")
    with first.app_context():
        founded(first)
    taken = backup_of(first, tmp_path / "backups")
    with first.app_context():
        newcomer = Person(name="Später", email="spaeter@example.org")
        db.session.add(newcomer)
        db.session.flush()
        ident = newcomer.id
        line = f"{newcomer.created_at.replace(year=2001).isoformat(timespec='seconds')} person {ident}"
        db.session.commit()
        erasures.path().write_text(line + "\n")
        later = backup_of(first, tmp_path / "later")
    assert later != taken
    done = command(first, "restore", str(later), "--replace")
    assert done.exit_code == 0, done.output
    with first.app_context():
        assert db.session.get_one(Person, ident).erased_at is None


def subscription_of(person_id: int) -> Subscription:
    return db.session.scalars(select(Subscription).where(Subscription.person_id == person_id)).one()


def test_who_wanted_no_more_mails_since_gets_none_and_who_wanted_them_again_does(machine, tmp_path):
    first = machine("a")
    with first.app_context():
        town = founded(first)
        people = (town.citizen, town.neighbour, town.moderator)
        for person in people:
            subscribing.subscribe(town.process, person, "de")
            stopping.turn(person, tell_monthly=True)
        gone, back, stays = (person.id for person in people)
        # This one had said no before, and turned it on again.
        stopping.turn(town.moderator, tell_answers=False)
        stopping.turn(town.moderator, tell_answers=True)
        db.session.commit()
    taken = backup_of(first, tmp_path / "backups")
    with first.app_context():
        for ident in (gone, back):
            subscribing.end(subscription_of(ident))
            stopping.turn(db.session.get_one(Person, ident), tell_answers=False, tell_monthly=False)
            db.session.commit()
            erasures.note()
        returned = db.session.get_one(Person, back)
        subscribing.again(subscription_of(back))
        stopping.turn(returned, tell_monthly=True)
        db.session.commit()
        assert erasures.note() == 2
        assert erasures.note() == 0
        assert "@" not in erasures.path().read_text()

    for _time in range(2):
        done = command(first, "restore", str(taken), "--replace")
        assert done.exit_code == 0, done.output
        assert "0 erasures were repeated" in done.output
        assert "4 newsletters and switches for mails were turned off again" in done.output
        with first.app_context():
            wishes = {
                person.id: (person.tell_answers, person.tell_monthly, subscription_of(person.id).state)
                for person in db.session.scalars(select(Person).where(Person.id.in_((gone, back, stays))))
            }
            assert wishes == {
                gone: (False, False, SubscriptionState.ended),
                back: (False, True, SubscriptionState.confirmed),
                stays: (True, True, SubscriptionState.confirmed),
            }
            consent = db.session.get_one(Consent, subscription_of(gone).consent_id)
            assert consent.withdrawn_at is not None
            assert verify_chain() == []


def test_a_line_this_version_does_not_know_is_told_and_erases_nobody(machine, tmp_path):
    first = machine("a")
    with first.app_context():
        town = founded(first)
        ident = town.neighbour.id
    taken = backup_of(first, tmp_path / "backups")
    with first.app_context():
        erasures.path().write_text(f"{clock.now().isoformat()} letter {ident}\n")
    done = command(first, "restore", str(taken), "--replace")
    assert done.exit_code == 1
    assert f"letter {ident}" in done.output
    with first.app_context():
        assert db.session.get_one(Person, ident).erased_at is None


def changed(taken: Path, target: Path, part: str, content: bytes) -> Path:
    """The backup with one part replaced, or added."""
    with tarfile.open(taken) as source, tarfile.open(target, "w") as copy:
        for member in source:
            if member.name != part:
                copy.addfile(member, source.extractfile(member))
        added = tarfile.TarInfo(part)
        added.size = len(content)
        copy.addfile(added, io.BytesIO(content))
    return target


def test_what_is_no_whole_backup_of_this_instance_is_refused_and_changes_nothing(machine, tmp_path):
    first, other = machine("a"), machine("b", key="another-key-" + "x" * 40)
    with first.app_context():
        founded(first)
    taken = backup_of(first, tmp_path / "backups")
    damaged = changed(taken, tmp_path / "damaged.tar", archive.DATABASE, b"half a database")
    strange = changed(taken, tmp_path / "strange.tar", "../../etc/cron.d/x", b"* * * * * root true")
    text = tmp_path / "letter.tar"
    text.write_text("Dear city")
    for instance, file, words in (
        (first, taken, "not empty"),
        (first, damaged, "damaged"),
        (first, strange, "not a backup of ours"),
        (first, text, "cannot be read"),
        (other, taken, "SECRET_KEY"),
    ):
        replace = ["--replace"] if words not in ("not empty",) else []
        done = command(instance, "restore", str(file), *replace)
        assert done.exit_code == 1, (words, done.output)
        assert words in done.output
    with first.app_context():
        assert bodies() == {"Mehr Bänke."}


def test_a_backup_can_be_read_by_its_owner_alone(machine, tmp_path):
    first = machine("a")
    with first.app_context():
        founded(first)
    assert backup_of(first, tmp_path / "backups").stat().st_mode & 0o077 == 0


def test_mails_around_meetings_that_left_after_the_backup_do_not_leave_again(machine, tmp_path):
    first = machine("a")
    with first.app_context():
        town = founded(first)
        begins = clock.now() + timedelta(hours=20)
        meeting = make_meeting(town.process, starts_at=begins, ends_at=begins + timedelta(hours=2))
        flushed(Registration(meeting_id=meeting.id, person_id=town.citizen.id, state="coming"))
        flushed(
            Reminder(meeting_id=meeting.id, kind="reminder", minutes=-reminders.DAY, states="coming",
                     created_at=clock.now())
        )  # fmt: skip
        db.session.commit()
    taken = backup_of(first, tmp_path / "backups")
    done = command(first, "restore", str(taken), "--replace")
    assert done.exit_code == 0, done.output
    with first.app_context():
        assert reminders.run_due(clock.now(), on_paper) == 0
        mails = select(OutboxMessage.state).where(OutboxMessage.kind == "meeting_reminder")
        assert list(db.session.scalars(mails)) == [State.uncertain]
