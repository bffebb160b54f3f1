"""E-mail addresses: the form in which we keep them, and which of them are one mailbox."""

from email_validator import EmailNotValidError, validate_email

from consult.html import clean_line

_SAME_HOST = {"googlemail.com": "gmail.com"}


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
    """The same for all spellings of one mailbox (dots, +tags): for limits only, never for finding a person."""
    local, _, domain = email.strip().lower().rpartition("@")
    return f"{local.partition('+')[0].replace('.', '')}@{_SAME_HOST.get(domain, domain)}"
