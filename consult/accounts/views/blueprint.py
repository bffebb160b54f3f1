"""The blueprint, and what its pages share."""

from typing import Any

from flask import Blueprint, flash, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from consult import i18n
from consult.accounts import operations, sessions
from consult.accounts.models import Account, Person
from consult.authz import current_person
from consult.errors import error_page
from consult.web import commit_and_go, safe_next

bp = Blueprint("accounts", __name__)

#: Pages whose address is a secret: nothing they lead to learns it, and no browser keeps them.
LINK_PAGES = {
    "accounts.confirm", "accounts.use_sign_in_link", "accounts.reset", "accounts.confirm_email",
    "accounts.accept_staff_invitation",
}  # fmt: skip
#: Where to go after a link from a mail, when it is opened in the browser that asked for it.
_NEXT = "next"


@bp.after_request
def protect_link_pages(response: Response) -> Response:
    if request.endpoint in LINK_PAGES:
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
    return response


def target() -> str:
    """Where the visitor wanted to go; the start page when that is not a page of ours."""
    return safe_next(request.args.get("next"), url_for("processes.home"))


def next_values() -> dict[str, Any]:
    """`next=` for links between the pages about signing in, only when there is a wish."""
    home = url_for("processes.home")
    wish = safe_next(request.args.get("next"), home)
    return {} if wish == home else {"next": wish}


def remember_target() -> None:
    """Keep the wish until the link in the mail is opened. Always writes the same shape."""
    session[_NEXT] = target()


def remembered_target() -> str:
    """The wish that was kept, else the start page."""
    return safe_next(session.get(_NEXT), url_for("processes.home"))


def me() -> Person:
    """The signed-in person; call after `authorize(policy.is_signed_in)`."""
    person: Person = current_person()
    return person


def my_account() -> Account:
    return operations.account_of(me())


def used_up(again: str, label: str) -> Response:
    """The page for a link that does not count: the same for forged, used, expired and foreign ones."""
    return error_page(410, actions=[{"url": again, "label": label}])


def let_in(person: Person, location: str) -> Response:
    """Sign this browser in and go on. Only for accounts that `operations.may_sign_in` says yes to."""
    operations.note_sign_in(person)
    sessions.begin(person.id)
    return commit_and_go(location)


def language_choices() -> list[tuple[str, str]]:
    """Languages a person may choose: mails and pages of the citizen's path come in any of them."""
    return [(code, i18n.own_name(code)) for code in i18n.path_languages()]


def saved(endpoint: str, **values: Any) -> Response:
    flash(_("Saved."), "success")
    return commit_and_go(url_for(endpoint, **values))
