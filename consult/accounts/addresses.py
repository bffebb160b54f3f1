"""E-mail addresses: the form in which we keep them, and which of them are one mailbox."""

import contextlib

from email_validator import EmailNotValidError, validate_email

from consult.html import clean_line

#: Names of one provider's mailboxes: who has one of them is reached under all.
_SAME_HOST = {
    "googlemail.com": "gmail.com",
    "me.com": "icloud.com", "mac.com": "icloud.com",
    "protonmail.com": "proton.me", "protonmail.ch": "proton.me", "pm.me": "proton.me",
    "ya.ru": "yandex.ru", "yandex.com": "yandex.ru", "yandex.by": "yandex.ru", "yandex.kz": "yandex.ru",
}  # fmt: skip


def clean_email(value: str) -> str:
    """The address as we keep it: lower case, the domain in its ASCII form. Raises ValueError when it is none."""
    try:
        found = validate_email(
            clean_line(value), check_deliverability=False, allow_smtputf8=False, globally_deliverable=False
        )
    except EmailNotValidError as error:
        raise ValueError("not an e-mail address") from error
    domain = found.ascii_domain.lower()
    if "." not in domain:
        raise ValueError("not an e-mail address")
    return f"{found.local_part.lower()}@{domain}"


def mailbox_key(email: str) -> str:
    """The same for all spellings of one mailbox (case, dots, +tags, forms of the domain): for limits, and to show
    people what may be one person; never for finding somebody. Takes what was typed as well as what is kept."""
    local, _, domain = email.strip().lower().rpartition("@")
    domain = domain.rstrip(".")
    with contextlib.suppress(ValueError):
        domain = clean_email(f"x@{domain}").partition("@")[2]
    return f"{local.partition('+')[0].replace('.', '')}@{_SAME_HOST.get(domain, domain)}"
