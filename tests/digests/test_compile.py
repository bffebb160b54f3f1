"""Making a digest: windows by the order of commits, nothing lost, nothing twice, one run per day."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from consult.accounts.models import Person
from consult.audit import operations as audit
from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.contributions import operations as contributions
from consult.contributions.models import Contribution, ModerationAct, State
from consult.digests import operations, queries, running
from consult.digests.models import Digest
from consult.errors import Refused
from consult.extensions import db
from consult.moderation import operations as deciding
from consult.outbox.models import OutboxMessage
from consult.processes.models import Moderation
from tests.conftest import DATABASE, MONDAY
from tests.contributions.factories import make_town
from tests.digests.factories import hide, issued, make_council, make_digest, recipients, stir, told_in
from tests.factories import make_process

DAY = timedelta(days=1)


def test_a_digest_closes_the_window_up_to_the_head_and_says_so_in_the_record(session):
    council = make_council()
    first = council.town.write()
    digest = issued(make_digest(council.process, MONDAY))
    assert (digest.from_seq, digest.local_date) == (0, MONDAY.date())
    assert told_in(digest) == [first.number]
    second = council.town.write("Und noch etwas.")
    later = issued(make_digest(council.process, MONDAY + DAY))
    assert later.from_seq == digest.to_seq
    assert told_in(later) == [second.number]
    entry = session.scalars(
        select(AuditEntry).where(AuditEntry.action == Action.digest_issued.value).order_by(AuditEntry.id)
    ).all()[-1]
    assert (entry.subject_id, entry.facts) == (later.id, {"from_seq": later.from_seq, "to_seq": later.to_seq})


def test_an_issued_digest_never_changes(session):
    council = make_council()
    council.town.write()
    digest = issued(make_digest(council.process, MONDAY))
    session.commit()
    for statement in ("UPDATE digest SET to_seq = to_seq + 1 WHERE id = :id", "DELETE FROM digest WHERE id = :id"):
        with pytest.raises(Exception, match="digest is frozen"), session.begin_nested():
            session.execute(text(statement), {"id": digest.id})


def test_every_member_of_the_steering_group_gets_one_mail_the_deputy_too(session):
    council = make_council()
    council.town.write()
    digest = issued(make_digest(council.process, MONDAY))
    assert recipients(digest) == sorted([council.town.steering.id, council.deputy.id])


def test_when_nothing_happened_no_mail_leaves_and_the_window_closes_all_the_same(session):
    council = make_council()
    stir(make_process())
    digest = make_digest(council.process, MONDAY)
    assert digest is not None
    assert digest.issued_at is None
    assert digest.to_seq == audit.head()
    assert recipients(digest) == []
    assert council.process not in queries.due(MONDAY)


def test_days_on_which_the_whole_record_stands_still_share_a_window(session):
    """The head has not moved, so the next window begins where this one begins."""
    council = make_council()
    council.town.write()
    first = issued(make_digest(council.process, MONDAY))
    make_digest(council.process, MONDAY + DAY)  # holds the entry of the first digest itself
    quiet = make_digest(council.process, MONDAY + 2 * DAY)
    assert quiet is not None
    assert quiet.from_seq == quiet.to_seq
    for days in (3, 4):
        still = make_digest(council.process, MONDAY + days * DAY)
        assert still is not None
        assert (still.id, still.local_date) == (quiet.id, (MONDAY + days * DAY).date())
        assert council.process not in queries.due(MONDAY + days * DAY)
    number = council.town.write("Nach der Pause.").number
    after = issued(make_digest(council.process, MONDAY + 5 * DAY))
    assert told_in(after) == [number]
    rows = session.scalars(select(Digest).where(Digest.process_id == council.process.id).order_by(Digest.to_seq)).all()
    assert rows[0].id == first.id
    assert [row.from_seq for row in rows[1:]] == [row.to_seq for row in rows[:-1]]


def test_the_same_day_is_made_only_once(session):
    council = make_council()
    council.town.write()
    issued(make_digest(council.process, MONDAY))
    council.town.write("Am selben Tag.")
    assert make_digest(council.process, MONDAY + timedelta(hours=3)) is None


def test_a_head_that_lies_behind_claims_nothing(session):
    council = make_council()
    council.town.write()
    issued(make_digest(council.process, MONDAY))
    assert operations.compile(council.process, 0, MONDAY + DAY) is None


def test_after_three_days_of_outage_one_digest_catches_up_with_everything(session, at):
    at(MONDAY)
    council = make_council()
    session.commit()
    assert running.run_due(MONDAY) == []
    numbers = []
    for day in (1, 2, 3):
        at(MONDAY + day * DAY)
        numbers.append(council.town.write(f"Am Tag {day} der Störung.").number)
        session.commit()
    back = at(MONDAY + 4 * DAY)
    (ident,) = running.run_due(back)
    assert running.run_due(back + timedelta(minutes=5)) == []
    assert told_in(db.session.get_one(Digest, ident)) == numbers


@pytest.mark.parametrize("step", ["activity", "figures", "record", "people_with", "queue"])
def test_a_worker_killed_at_any_step_leaves_nothing_and_the_next_run_makes_it_whole(session, monkeypatch, step):
    council = make_council()
    number = council.town.write().number
    session.commit()

    def killed(*_args, **_kwargs):
        raise SystemExit("killed")

    with monkeypatch.context() as fault:
        fault.setattr(operations.queries if step == "activity" else operations, step, killed)
        with pytest.raises(SystemExit):
            running.run_due(MONDAY)
        db.session.rollback()
    assert session.scalar(select(func.count()).select_from(Digest)) == 0
    assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 0
    (ident,) = running.run_due(MONDAY)
    assert told_in(db.session.get_one(Digest, ident)) == [number]
    assert len(recipients(db.session.get_one(Digest, ident))) == 2


def test_one_process_that_cannot_be_counted_does_not_stop_the_others(session, monkeypatch, caplog):
    broken, sound = make_council(), make_council()
    broken.town.write()
    sound.town.write()
    session.commit()
    counted = operations.figures

    def fails_for_one(process, *rest):
        if process.id == broken.process.id:
            raise RuntimeError("cannot count")
        return counted(process, *rest)

    with monkeypatch.context() as fault:
        fault.setattr(operations, "figures", fails_for_one)
        (ident,) = running.run_due(MONDAY)
    assert db.session.get_one(Digest, ident).process_id == sound.process.id
    assert "could not be made" in caplog.text
    assert broken.process.id in [process.id for process in queries.due(MONDAY)]


# --- nothing lost, nothing twice ----------------------------------------------------------------------


def test_a_contribution_is_new_on_the_day_it_appears_not_on_the_day_it_was_sent(session):
    council = make_council(moderation=Moderation.pre)
    town = council.town
    waiting = town.write()
    first = issued(make_digest(council.process, MONDAY))
    assert told_in(first) == []
    assert first.content["received"] == first.content["stocks"]["waiting"] == 1
    deciding.approve(waiting, town.moderator)
    assert told_in(issued(make_digest(council.process, MONDAY + DAY))) == [waiting.number]


def test_what_was_hidden_and_shown_again_is_not_new_a_second_time(session):
    council = make_council()
    town = council.town
    one = town.write()
    assert told_in(issued(make_digest(council.process, MONDAY))) == [one.number]
    hide(town, one)
    session.refresh(one)
    assert told_in(issued(make_digest(council.process, MONDAY + DAY))) == []
    deciding.undo(db.session.scalars(select(ModerationAct)).all()[-1], town.moderator)
    assert told_in(issued(make_digest(council.process, MONDAY + 2 * DAY))) == []


def test_what_was_hidden_before_anybody_was_told_is_new_when_it_comes_back(session):
    council = make_council()
    town = council.town
    one = town.write()
    hide(town, one)
    assert told_in(issued(make_digest(council.process, MONDAY))) == []
    deciding.undo(db.session.scalars(select(ModerationAct)).all()[-1], town.moderator)
    assert told_in(issued(make_digest(council.process, MONDAY + DAY))) == [one.number]


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "reply", "approve", "hide", "undo", "edit", "withdraw", "seal", "compile"]),
        st.integers(0, 30),
    ),
    min_size=5,
    max_size=40,
)


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(acts=ACTS, moderation=st.sampled_from([Moderation.pre, Moderation.post]))
def test_whatever_happens_each_public_contribution_is_told_of_exactly_once(session, acts, moderation):
    """Random acts, with the seal and the digest falling anywhere between them."""
    town = make_town(moderation=moderation)
    process, written = town.process, []
    told: list[int] = []
    day = MONDAY

    def compile_one():
        nonlocal day
        day += DAY
        digest = operations.compile(process, audit.head(), day)
        if digest is not None and digest.issued_at is not None:
            numbers = told_in(digest)
            assert digest.content["new"] + digest.content["new_replies"] == len(numbers)
            states = session.execute(
                select(Contribution.state).where(
                    Contribution.process_id == process.id, Contribution.number.in_(numbers)
                )
            ).all()
            assert {row.state for row in states} <= {State.published}
            told.extend(numbers)

    for act, pick in acts:
        one = written[pick % len(written)] if written else None
        if act == "write":
            written.append(town.write(f"Beitrag {len(written)}"))
        elif act == "seal":
            audit.seal(limit=1 + pick)
        elif act == "compile":
            compile_one()
        elif one is not None:
            try:
                if act == "reply":
                    written.append(town.write("Antwort", reply_to=one))
                elif act == "approve":
                    deciding.approve(one, town.moderator)
                elif act == "hide":
                    hide(town, one)
                elif act == "edit":
                    contributions.edit(one, town.citizen, f"Neu {pick}", one.revision)
                elif act == "withdraw":
                    contributions.withdraw(one, town.citizen)
                else:
                    last = deciding.last_act_id(one.id)
                    if last is not None:
                        deciding.undo(session.get_one(ModerationAct, last), town.moderator)
            except Refused:
                pass
            session.refresh(one)
    while audit.seal():
        pass
    compile_one()
    public = set(
        session.scalars(
            select(Contribution.number).where(
                Contribution.process_id == process.id, Contribution.state == State.published
            )
        )
    )
    assert len(told) == len(set(told)), "told of twice"
    assert public <= set(told), "never told of"
    rows = session.scalars(select(Digest).where(Digest.process_id == process.id).order_by(Digest.to_seq, Digest.id))
    windows = [(row.from_seq, row.to_seq) for row in rows]
    assert windows[0][0] == 0
    assert all(after[0] == before[1] for before, after in zip(windows, windows[1:], strict=False))


# --- real transactions side by side ---------------------------------------------------------------------


@pytest.mark.skipif(DATABASE != "postgres", reason="SQLite has one writer: no transaction overlaps another")
def test_what_began_before_a_digest_and_committed_after_it_is_in_the_next_one(own_app):
    """The slow transaction has the smaller ids and the earlier times; a window by either would lose it."""
    council = make_council(moderation=Moderation.pre)
    town, process_id = council.town, council.process.id
    question = town.write("Gibt es Kurse am Abend?")
    deciding.approve(question, town.moderator)
    # A reply is in no tally and has its number already: the two approvals do not wait for each other.
    slow_one, fast_one = town.write("Ja, dienstags.", reply_to=question), town.write("Mehr Bänke!")
    slow_id, slow_number, moderator_id = slow_one.id, slow_one.number, town.moderator.id
    db.session.commit()
    issued(make_digest(council.process, MONDAY))
    db.session.commit()
    written, digest_is_made = threading.Event(), threading.Event()

    def approve_slowly():
        with own_app.app_context():
            deciding.approve(db.session.get_one(Contribution, slow_id), db.session.get_one(Person, moderator_id))
            db.session.flush()
            written.set()
            digest_is_made.wait(30)
            db.session.commit()
            db.session.remove()

    thread = threading.Thread(target=approve_slowly)
    thread.start()
    assert written.wait(30)
    deciding.approve(fast_one, town.moderator)
    db.session.commit()
    between = issued(make_digest(council.process, MONDAY + DAY))
    db.session.commit()
    digest_is_made.set()
    thread.join(30)
    after = issued(make_digest(council.process, MONDAY + 2 * DAY))
    assert told_in(between) == [fast_one.number]
    assert told_in(after) == [slow_number]
    slow_entry, fast_entry = (
        db.session.scalar(
            select(AuditEntry.id).where(
                AuditEntry.process_id == process_id,
                AuditEntry.action == Action.contribution_approved.value,
                AuditEntry.subject_id == subject,
            )
        )
        for subject in (slow_id, fast_one.id)
    )
    assert slow_entry < fast_entry, "the slow one did not begin first"


def test_three_runs_at_the_same_moment_make_one_digest_and_one_mail_per_member(own_app, caplog):
    council = make_council()
    number = council.town.write().number
    process_id = council.process.id
    db.session.commit()
    db.session.remove()
    together, found, errors = threading.Barrier(3), [], []

    def run():
        try:
            with own_app.app_context():
                together.wait(30)
                found.extend(running.run_due(datetime(2026, 3, 16, 9, tzinfo=UTC)))
                db.session.remove()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert "could not be made" not in caplog.text
    assert len(found) == 1
    digests = db.session.scalars(select(Digest).where(Digest.process_id == process_id)).all()
    assert [digest.id for digest in digests] == found
    assert told_in(digests[0]) == [number]
    assert len(recipients(digests[0])) == 2
