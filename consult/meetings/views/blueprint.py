"""The blueprint of all pages about meetings."""

from flask import Blueprint

bp = Blueprint("meetings", __name__)
