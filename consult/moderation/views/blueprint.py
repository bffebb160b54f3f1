"""The one blueprint of the desk's pages."""

from flask import Blueprint

bp = Blueprint("moderation", __name__)
