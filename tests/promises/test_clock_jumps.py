"""The machine's clock jumps and is put right again: nothing closes for good, nothing stays open for ever."""

from datetime import timedelta

import pytest

from consult import clock, limits
from consult.accounts import sessions, tokens
from consult.accounts.models import LinkPurpose
from consult.extensions import db
from consult.invitations.models import InvitationState
from tests.factories import make_person
from tests.invitations.factories import invitation_of, invite, link_of
from tests.meetings.factories import make_circle

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
JUMPS = pytest.mark.parametrize("jump", [HOUR, -HOUR, DAY, -DAY], ids=["+1h", "-1h", "+1d", "-1d"])
SECOND = timedelta(seconds=1)


@JUMPS
def test_a_link_lives_as_long_as_promised_when_the_clock_is_right_again(session, at, jump):
    person = make_person()
    now = at(clock.now())
    right = tokens.link_of(tokens.issue(LinkPurpose.reset, person.id))
    life = tokens.LIFETIMES[LinkPurpose.reset]
    at(now + jump)
    tokens.find(right, LinkPurpose.reset)
    at(now + life - SECOND)
    assert tokens.find(right, LinkPurpose.reset) is not None
    at(now + life)
    assert tokens.find(right, LinkPurpose.reset) is None


@JUMPS
def test_a_link_made_under_a_wrong_clock_ends(session, at, jump):
    person = make_person()
    now = at(clock.now())
    at(now + jump)
    wrong = tokens.link_of(tokens.issue(LinkPurpose.reset, person.id))
    at(now + max(jump, timedelta()) + tokens.LIFETIMES[LinkPurpose.reset])
    assert tokens.find(wrong, LinkPurpose.reset) is None


@JUMPS
def test_a_used_link_and_an_ended_sign_in_stay_dead(session, at, jump):
    person = make_person()
    now = at(clock.now())
    token = tokens.issue(LinkPurpose.sign_in, person.id)
    link = tokens.link_of(token)
    secret = sessions.open_sign_in(person.id)
    assert tokens.consume(token)
    sessions.close_all(person.id)
    at(now + jump)
    assert tokens.find(link, LinkPurpose.sign_in) is None
    assert sessions.load(secret) is None


@JUMPS
def test_somebody_signed_in_stays_so_and_not_for_ever(session, app, at, jump):
    person = make_person()
    now = at(clock.now())
    secret = sessions.open_sign_in(person.id)
    at(now + jump)
    sessions.load(secret)
    at(now + HOUR)
    assert sessions.load(secret) is not None, "ended by a clock that was wrong for a while"
    at(now + jump)
    strange = sessions.open_sign_in(person.id)
    at(now + max(jump, timedelta()) + app.config["SIGN_IN_ABSOLUTE"])
    assert sessions.load(strange) is None


@JUMPS
def test_invitations_can_be_answered_until_the_meeting_really_begins(session, browser, at, jump):
    circle = make_circle()
    starts = circle.meeting.starts_at
    at(starts - 10 * DAY)
    invite(circle)
    invitation = invitation_of("amira@example.org")
    session.commit()
    for moment in (starts - HOUR - SECOND, starts - HOUR - SECOND + jump):
        at(moment)
        browser.get(link_of(invitation))
    at(starts - HOUR)
    browser.submit(link_of(invitation, "/accept"), form_at=link_of(invitation))
    db.session.expire_all()
    assert invitation_of("amira@example.org").state == InvitationState.accepted
    at(starts)
    assert invitation.may_answer(starts, clock.now()) is False


@JUMPS
def test_who_was_stopped_under_a_wrong_clock_is_let_in_when_it_is_right(session, at, jump):
    now = at(clock.now().replace(minute=30))
    at(now + jump)
    for _ in range(20):
        limits.hit("try", "somebody", HOUR)
    at(now)
    assert limits.hit("try", "somebody", HOUR) == 1
