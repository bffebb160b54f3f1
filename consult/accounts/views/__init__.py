"""Pages about accounts, people and organisations."""

from consult.accounts import emails
from consult.accounts.views import (
    demo,
    entry,
    guard,
    links,
    my_data,
    organisations,
    own,
    people,
    second_factor,
    sign_ins,
)
from consult.accounts.views.blueprint import bp

__all__ = [
    "bp", "demo", "emails", "entry", "guard", "links", "my_data", "organisations", "own", "people", "second_factor",
    "sign_ins",
]  # fmt: skip
