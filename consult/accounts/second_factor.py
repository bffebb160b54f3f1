"""The second factor: a code of an app (TOTP), or one of ten recovery codes."""

import io
import secrets
from typing import Any

import pyotp
import segno
from flask_babel import gettext as _
from sqlalchemy import delete, update

from consult import clock
from consult.accounts.models import Account, RecoveryCode, SignIn
from consult.audit.actions import Action
from consult.audit.operations import record
from consult.errors import Refused
from consult.extensions import db
from consult.signing import keyed_hash

STEP = 30
#: Clocks of telephones may be off by one step in either direction.
_TOLERANCE = (0, -1, 1)
RECOVERY_CODES = 10
#: Letters and digits that cannot be taken for one another.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def start(account: Account) -> None:
    """A new secret for the app; it counts once a code has proven it. Raises `Refused` when one is in use."""
    if account.totp_confirmed_at is not None:
        raise Refused(_("The second factor is set up already. Remove it first to change the device."))
    account.totp_secret = pyotp.random_base32()


def provisioning_uri(account: Account, label: str, issuer: str) -> str:
    """What the QR code holds."""
    return pyotp.TOTP(_secret(account)).provisioning_uri(name=label, issuer_name=issuer)


def qr_svg(text: str) -> bytes:
    """The QR code as an SVG document, dark on light whatever the colours of the page."""
    file = io.BytesIO()
    segno.make(text, error="m").save(file, kind="svg", xmldecl=False, scale=6, border=4, dark="#000", light="#fff")
    return file.getvalue()


def _secret(account: Account) -> str:
    if account.totp_secret is None:
        raise Refused(_("The second factor is not set up."))
    return account.totp_secret


def accept_code(account: Account, code: str) -> bool:
    """Whether this is a right code that was not used before; it is used up now."""
    totp = pyotp.TOTP(_secret(account))
    now = int(clock.now().timestamp()) // STEP
    digits = "".join(code.split())
    for offset in _TOLERANCE:
        if not pyotp.utils.strings_equal(totp.generate_otp(now + offset), digits):
            continue
        # One statement compares and sets: the same code sent twice at once counts once.
        result: Any = db.session.execute(
            update(Account)
            .where(Account.person_id == account.person_id, Account.totp_last_step < now + offset)
            .values(totp_last_step=now + offset)
        )
        return bool(result.rowcount == 1)
    return False


def _hash(person_id: int, code: str) -> str:
    plain = "".join(c for c in code.lower() if c.isalnum())
    return keyed_hash("recovery", f"{person_id}|{plain}")


def accept_recovery_code(account: Account, code: str) -> bool:
    """Whether this is one of the recovery codes, not used before; it is used up now."""
    result: Any = db.session.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.person_id == account.person_id,
            RecoveryCode.code_hash == _hash(account.person_id, code),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=clock.now())
    )
    if result.rowcount != 1:
        return False
    record(Action.recovery_code_used, account.person_id, account)
    return True


def accept(account: Account, code: str) -> bool:
    """A code of the app or a recovery code."""
    return accept_code(account, code) or accept_recovery_code(account, code)


def confirm(account: Account, code: str) -> list[str] | None:
    """Finish setting up with a first code; returns the recovery codes, or None when the code is wrong."""
    if account.totp_confirmed_at is not None:
        raise Refused(_("The second factor is set up already. Remove it first to change the device."))
    if not accept_code(account, code):
        return None
    account.totp_confirmed_at = clock.now()
    record(Action.second_factor_set, account.person_id, account)
    return new_recovery_codes(account)


def new_recovery_codes(account: Account) -> list[str]:
    """Ten new codes in place of the old ones. Only their hashes are kept: they can be shown this once."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == account.person_id))
    codes = ["".join(secrets.choice(_ALPHABET) for _n in range(12)) for _m in range(RECOVERY_CODES)]
    db.session.add_all(
        RecoveryCode(person_id=account.person_id, code_hash=_hash(account.person_id, code)) for code in codes
    )
    db.session.flush()
    return ["-".join((code[:4], code[4:8], code[8:])) for code in codes]


def mark_given(sign_in: SignIn) -> None:
    """In this sign-in the second factor was given."""
    sign_in.second_factor_at = clock.now()


def clear(account: Account) -> None:
    """No second factor any more; every sign-in has to give or set up one anew where it is required."""
    account.totp_secret = account.totp_confirmed_at = None
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.person_id == account.person_id))
    db.session.execute(update(SignIn).where(SignIn.person_id == account.person_id).values(second_factor_at=None))


def remove(account: Account) -> None:
    """The person removes the second factor, for instance to set it up on another device."""
    clear(account)
    record(Action.second_factor_removed, account.person_id, account)
