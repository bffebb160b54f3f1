"""The one blueprint of the contributions' pages."""

from flask import Blueprint

from consult.contributions.words import stance_name
from consult.processes.words import influence_sentence

bp = Blueprint("contributions", __name__)
#: Beside every box stands how far the public's word reaches.
bp.add_app_template_filter(influence_sentence)
#: The kind that is promised an answer, whatever it is called.
bp.add_app_template_filter(stance_name)
