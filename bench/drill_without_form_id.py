"""A pytest plugin for the drill: forms have no one-time id, so sending one twice has two effects."""

from consult import web


def pytest_configure() -> None:
    """Take the protection away before any application is made."""
    web._form_key = lambda: None  # type: ignore[assignment]
