"""Receipt codes: how somebody without an account or an address finds their contribution again.

A code is made of two random values: a secret that lives only in the session of the browser that sends the form, and
the one-time name of the slip. Whoever reloads the slip gets the same code without it being kept anywhere; neither the
cookie nor the address nor the database holds it. The contribution keeps a keyed hash, by which it is found.
"""

import secrets
import unicodedata

from sqlalchemy import select

from consult.contributions.models import Contribution
from consult.contributions.shown import Shown
from consult.contributions.threads import shown_alone
from consult.extensions import db
from consult.processes.models import Process
from consult.processes.policy import can_read
from consult.signing import keyed_hash

#: Digits and letters without those that look like another: no I, L, O, U.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUPS, GROUP = 4, 4
#: What people type instead: letters that look like a digit or like another letter, also those of the Cyrillic alphabet
#: (A, V, Ye, K, M, N, O, R, S, T, U, Kh), whose shapes are read as Latin ones.
_ALIKE = str.maketrans(
    {"O": "0", "I": "1", "L": "1", "U": "V"}
    | dict(zip("\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425", "ABEKMH0PCTYX", strict=True))
)


def new_secret() -> str:
    """The part of the codes that stays in the browser's session."""
    return secrets.token_urlsafe(24)


def code_for(secret: str, slip: str) -> str:
    """The code on this slip, such as "7K3M-Q0TW-94XA-B2ZR": 80 bits, the same each time."""
    bits = int(keyed_hash("receipt code", f"{secret}|{slip}")[:20], 16)
    letters = [ALPHABET[bits >> 5 * place & 31] for place in range(GROUPS * GROUP)]
    return "-".join("".join(letters[n : n + GROUP]) for n in range(0, len(letters), GROUP))


def plain(typed: str) -> str:
    """A code as it is compared, however it was typed: small letters, spaces, digits of any script, look-alikes."""
    letters = (
        str(unicodedata.decimal(letter)) if letter.isdecimal() else letter
        for letter in unicodedata.normalize("NFKC", typed[:200]).upper()
    )
    return "".join(letter for letter in "".join(letters).translate(_ALIKE) if letter in ALPHABET)


def hash_of(code: str) -> str:
    """What the database keeps of a code."""
    return keyed_hash("receipt", plain(code))


def find(code: str) -> Contribution | None:
    """The contribution with this code. Unknown and impossible codes cost the same: one hash, one question."""
    return db.session.scalar(select(Contribution).where(Contribution.receipt_hash == hash_of(code)))


def opened(contribution_id: int) -> tuple[Contribution, Process] | None:
    """A contribution that was opened with its code, and its process; None when that is not for the public any more."""
    row = db.session.execute(
        select(Contribution, Process)
        .join(Process, Process.id == Contribution.process_id)
        .where(Contribution.id == contribution_id, Contribution.receipt_hash.is_not(None))
    ).first()
    if row is None or not can_read(None, row.Process):
        return None
    return row.Contribution, row.Process


def shown_to_holder(process: Process, contribution: Contribution) -> Shown:
    """The contribution with its words in whatever state it is, its place, and its public replies."""
    item = shown_alone(process, contribution, None)
    item.reveal = True
    return item
