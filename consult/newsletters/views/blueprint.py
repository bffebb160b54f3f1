"""The one blueprint of the pages about newsletters."""

from flask import Blueprint

bp = Blueprint("newsletters", __name__)
