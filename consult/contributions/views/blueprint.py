"""The one blueprint of the contributions' pages."""

from flask import Blueprint

bp = Blueprint("contributions", __name__)
