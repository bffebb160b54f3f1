"""What every page's frame shows: the city's name, the menu, the languages, the signed-in person."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Attach the context of base.html."""
