"""Who may do what, and when it is open: two tables, asked of the running pages."""

from datetime import timedelta

import pytest

from consult import clock
from consult.contributions import operations
from consult.contributions.models import Contribution, State
from consult.contributions.rules import add_reason
from consult.moderation import operations as deciding
from consult.processes.models import Activity, Audience, Moderation, ProcessState
from tests.contributions.factories import make_town
from tests.factories import make_stage

CAST = ("guest", "citizen", "neighbour", "editor", "steering", "moderator", "lead", "stranger")

#: The contribution is the citizen's, published under post-moderation. 303: done, or "sign in first" for the guest.
#: The guest who sends the form of somebody signed in gets it back as one for guests: see test_submit_as_guest.py; where
#: an account is needed, a page that keeps the text (403): see test_keep_text.py.
WHO = """
                       guest   citizen neighbour editor steering moderator lead stranger
read                   200     200     200       200    200      200       200  200
read_pending           404     200     404       404    404      200       200  404
read_hidden            404     200     404       404    404      200       200  404
read_withdrawn         200     200     200       200    200      200       200  200
read_index             200     200     200       200    200      200       200  200
read_rules             200     200     200       200    200      200       200  200
create                 200     303     303       303    303      303       303  303
create_for_process     200     303     303       303    303      303       303  303
reply                  403     303     303       303    303      303       303  303
react                  sign-in 409     303       303    303      303       303  303
edit                   403     303     403       403    403      403       403  403
withdraw               sign-in 303     403       403    403      403       403  403
queue                  sign-in 403     403       403    403      200       200  403
approve                sign-in 403     403       403    403      303       303  403
hide                   sign-in 403     403       403    403      303       303  403
undo                   sign-in 403     403       403    403      303       303  403
create_reason          sign-in 403     403       403    403      403       303  403
edit_reason            sign-in 403     403       403    403      403       303  403
retire_reason          sign-in 403     403       403    403      403       303  403
"""

#: Read as: during this stage, this verb of the citizen (for approve and hide: of the moderator) is ...
WHEN = """
                       open-post  open-pre  members  nothing  before  after  archived
create                 published  pending   closed   closed   closed  closed refused
create_for_process     published  pending   closed   closed   closed  closed refused
reply                  published  pending   closed   closed   closed  closed refused
react                  done       done      closed   closed   closed  closed refused
edit                   published  pending   pending  pending  pending pending pending
withdraw               done       done      done     done     done    done   done
approve                done       done      done     done     done    done   done
hide                   done       done      done     done     done    done   done
"""


def table(text):
    head, *lines = text.strip("\n").splitlines()
    cases = []
    for line in lines:
        verb, *cells = line.split()
        for column, cell in zip(head.split(), cells, strict=True):
            cases.append(pytest.param(verb, column, cell, id=f"{verb}-{column}"))
    return cases


def request_of(town, verb, contribution, act_id=0):
    """(method, address, what is typed in) of a verb."""
    here = town.number_path(contribution)
    desk = town.path(f"/moderation/{contribution.number}")
    reason = town.path(f"/rules/reasons/{town.reason.id}")
    return {
        "read_index": ("get", town.path("/contributions"), {}),
        "read_rules": ("get", town.path("/rules"), {}),
        "create": ("post", town.path("/e/ankommen/comment"), {"stance": "support", "text": "Gut", "lang": "de"}),
        "create_for_process": ("post", town.path("/comment"), {"stance": "support", "text": "Gut", "lang": "de"}),
        "reply": ("post", f"{here}/reply", {"text": "Dazu", "lang": "de"}),
        "react": ("post", f"{here}/react", {}),
        "edit": ("post", f"{here}/edit", {"text": "Anders", "base": "0"}),
        "withdraw": ("post", f"{here}/withdraw", {}),
        "queue": ("get", town.path("/moderation"), {}),
        "approve": ("post", f"{desk}/approve", {}),
        "hide": ("post", f"{desk}/hide", {"reason_id": town.reason.id}),
        "undo": ("post", f"{desk}/undo", {"act_id": act_id}),
        "create_reason": ("post", town.path("/rules/reasons/new"), {"text": "Neu"}),
        "edit_reason": ("post", reason, {"text": "Besser"}),
        "retire_reason": ("post", f"{reason}/retire", {}),
    }.get(verb, ("get", here, {}))


def send(visitor, town, verb, contribution, act_id=0):
    """Do it with a valid token, so that access alone decides."""
    method, address, typed = request_of(town, verb, contribution, act_id)
    if method == "get":
        return visitor.client.get(address)
    token = visitor.get("/contact").form_fields()["csrf_token"]
    return visitor.client.post(address, data={**typed, "csrf_token": token})


@pytest.fixture
def visitor_of(browser, browser_of):
    return lambda town, who: browser if who == "guest" else browser_of(getattr(town, who))


@pytest.mark.parametrize(("verb", "who", "expected"), table(WHO))
def test_who(session, visitor_of, verb, who, expected):
    town = make_town()
    contribution = town.write()
    act_id = 0
    if verb == "retire_reason":
        add_reason(town.process, town.lead, "Ein anderer Grund")
    if verb == "undo":
        act_id = deciding.hide(contribution, town.moderator, town.reason).id
    if verb.startswith("read_") and verb[5:] in tuple(State):
        contribution.state = State(verb[5:])
        session.flush()
    answer = send(visitor_of(town, who), town, verb, contribution, act_id)
    if expected == "sign-in":
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/sign-in")
    else:
        assert answer.status_code == int(expected)


def situation(town, when):
    now = clock.now()
    activities = (Activity.comment, Activity.react)
    if when == "open-post":
        make_stage(town.process, *activities, moderation=Moderation.post)
    elif when == "open-pre":
        make_stage(town.process, *activities, moderation=Moderation.pre)
    elif when == "members":
        make_stage(town.process, *activities, audience=Audience.members)
    elif when == "nothing":
        make_stage(town.process)
    elif when == "before":
        make_stage(town.process, *activities, starts_at=now + timedelta(hours=1))
    elif when == "after":
        make_stage(town.process, *activities, starts_at=now - timedelta(days=2), ends_at=now - timedelta(seconds=1))
    elif when == "archived":
        make_stage(town.process, *activities)
        town.process.state = ProcessState.archived


@pytest.mark.parametrize(("verb", "when", "expected"), table(WHEN))
def test_when(session, visitor_of, verb, when, expected):
    town = make_town(open_now=False)
    others = verb in ("react", "reply")
    contribution = operations.capture(
        town.process,
        actor=town.citizen,
        author_id=(town.neighbour if others else town.citizen).id,
        text="Eins",
        stance="support",
        element_id=town.goal.id,
        created_at=clock.now(),
        channel="web",
        kind="comment",
        state=State.published,
    )
    visitor = visitor_of(town, "moderator" if verb in ("approve", "hide") else "citizen")
    situation(town, when)
    session.commit()
    answer = send(visitor, town, verb, contribution)
    latest = session.query(Contribution).order_by(Contribution.id.desc()).populate_existing().first()
    if expected == "closed":
        assert answer.status_code == 409
        assert latest.id == contribution.id
    elif expected == "refused":
        assert answer.status_code == 403
        assert latest.id == contribution.id
    else:
        assert answer.status_code == 303, answer.get_data(as_text=True)[:2000]
        if expected != "done":
            assert latest.state == expected
