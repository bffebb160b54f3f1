"""The one blueprint of the pages about answers."""

from flask import Blueprint

bp = Blueprint("weighing", __name__)
