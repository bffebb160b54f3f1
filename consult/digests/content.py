"""The shape of what a digest stores: numbers and ids only.

Texts and names are loaded when it is shown, so that what is hidden or erased later is gone from it as well.
"""

from typing import Any, NotRequired, TypedDict


class Two(TypedDict):
    """New in the window, and in all."""

    new: int
    total: int


class Stocks(TypedDict):
    """What stands open at a moment; compared from digest to digest."""

    published: int
    replies: int
    waiting: int
    unanswered: int
    open: int


class Before(Stocks):
    digest_id: int
    as_of: str


class ElementFigures(TypedDict):
    #: Empty for contributions to the process as a whole.
    element_id: int | None
    #: Where it stood in the newest version that has it: gives its name, for good.
    placement_id: int | None
    #: What stands in its place today.
    heirs: list[int]
    stances: dict[str, Two]
    published: Two
    replies: Two
    waiting: int
    unanswered: int
    open: int
    contested: bool
    #: Numbers of the new contributions and replies.
    numbers: list[int]
    #: Numbers of those that are quoted.
    quotes: list[int]


class Content(TypedDict):
    """What `Digest.content` holds."""

    as_of: str
    #: The digest before this one; missing in the first.
    before: NotRequired[Before]
    stocks: Stocks
    overdue: int
    oldest_waiting: str | None
    new: int
    new_replies: int
    received: int
    edited: int
    withdrawn: int
    hidden: int
    #: Reason -> how many were hidden for it.
    hidden_by_reason: dict[str, int]
    stances: dict[str, Two]
    channels: dict[str, Two]
    languages: dict[str, Two]
    #: The ones with most news first.
    elements: list[ElementFigures]
    #: Numbers of unanswered questions, the oldest first.
    questions: list[int]
    #: Those of them whose day for an answer had passed; missing where no day is promised.
    questions_overdue: NotRequired[list[int]]
    #: [number, kind] of each decision.
    decisions: list[list[Any]]
    #: How many of them no sitting has taken yet.
    prepared: int
    versions: list[int]
    minutes: list[int]
    #: [meeting, how many were there, how many from politics besides]; of sittings whose minutes were approved, where
    #: somebody counted.
    attendance: NotRequired[list[list[int]]]
    answers: dict[str, int]
    #: [meeting, how many answered, first question with a scale, its mean]; missing where nobody did.
    surveys: NotRequired[list[list[Any]]]
