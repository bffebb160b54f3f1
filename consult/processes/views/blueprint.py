"""The blueprint of all pages about processes."""

from flask import Blueprint

bp = Blueprint("processes", __name__)
