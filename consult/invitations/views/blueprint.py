"""The blueprint of all pages about invitations."""

from flask import Blueprint

bp = Blueprint("invitations", __name__)
