"""The one blueprint of the pages about contacts."""

from flask import Blueprint

bp = Blueprint("contacts", __name__)
