"""The one blueprint of the concept's pages."""

from flask import Blueprint

bp = Blueprint("concept", __name__)
