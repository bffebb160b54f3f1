"""Commands about accounts."""

import click

from consult import i18n
from consult.accounts import passwords, staff, tokens
from consult.accounts.addresses import clean_email
from consult.extensions import db
from consult.outbox.links import link


@click.command("create-admin")
@click.option("--email", prompt="E-mail address", help="Address of the operator.")
@click.option("--name", prompt="Name", help="Name shown to others.")
@click.option("--password", default=None, help="Without one, a link to sign in is printed.")
def create_admin(email: str, name: str, password: str | None) -> None:
    """Make an operator: a confirmed account that may run the platform."""
    try:
        address = clean_email(email)
    except ValueError:
        raise click.ClickException(f"{email!r} is not an e-mail address.") from None
    if password is not None and len(password) < passwords.MIN_LENGTH:
        raise click.ClickException(f"The password needs at least {passwords.MIN_LENGTH} characters.")
    password_hash = passwords.hash_password(password) if password is not None else None
    token = staff.create_admin(email=address, name=name.strip(), password_hash=password_hash)
    db.session.commit()
    click.echo(f"{address} is an operator now.")
    if token is None:
        click.echo("Sign in with the password; the second factor is set up then.")
        return
    with i18n.in_language("de"):
        url = link("accounts.use_sign_in_link", link=tokens.link_of(token))
    click.echo(f"Sign in within 20 minutes: {url}")
