"""Who needs a second factor gives or sets it up before anything else."""

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from consult import authz
from consult.accounts import policy
from consult.accounts.models import Person
from consult.accounts.sessions import current_sign_in
from consult.accounts.views.blueprint import bp
from consult.processes.models import Function
from consult.processes.queries import functions_of

_ALWAYS = {
    "static", "accounts.sign_out", "site.language", "site.display", "site.logo", "site.favicon", "site.imprint",
    "site.privacy", "site.accessibility",
}  # fmt: skip
_GIVING = _ALWAYS | {"accounts.enter_code"}
_SETTING_UP = _ALWAYS | {
    "accounts.second_factor", "accounts.start_second_factor", "accounts.second_factor_qr",
    "accounts.confirm_second_factor",
}  # fmt: skip


def needs_second_factor(person: Person | None) -> bool:
    """Operators, and whoever leads a process."""
    return policy.is_operator(person) or leads_somewhere(person)


def leads_somewhere(person: Person | None) -> bool:
    return any(Function.lead in functions for functions in functions_of(person).values())


def can_manage_organisations(person: Person | None) -> bool:
    """Operators, and process leads: they invite organisations and seat them in groups."""
    return policy.is_operator(person) or leads_somewhere(person)


@bp.before_app_request
def second_factor_first() -> Response | None:
    """Also asks those for a code who set up a second factor of their own accord."""
    # First what needs no answer: a static file must not cost a query.
    if request.endpoint is None or request.endpoint in _ALWAYS:
        return None
    sign_in = current_sign_in()
    if sign_in is None or sign_in.second_factor_at is not None:
        return None
    person = authz.current_person()
    if person.account.totp_confirmed_at is not None:
        exempt, page = _GIVING, "accounts.enter_code"
    elif needs_second_factor(person):
        exempt, page = _SETTING_UP, "accounts.second_factor"
    else:
        return None
    if request.endpoint in exempt:
        return None
    authz.decided()
    back = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for(page, next=back), 303)
