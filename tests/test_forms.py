"""A refused form says at its head what is wrong where, in words that lead there."""

import pytest
from flask import Flask, render_template_string
from werkzeug.datastructures import MultiDict
from wtforms import DateField, IntegerField, StringField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from consult.forms import Form, RadioOne, named_error
from tests.client import Browser

ENGLISH = {"Accept-Language": "en"}


class Asked(Form):
    name = StringField("Your name", [DataRequired()])
    words = StringField("What is it about?", [DataRequired(), Length(max=5)])
    way = RadioOne("Way", [InputRequired()], words=("a", "b"), offered=lambda: {"a": "A", "b": "B"})
    day = DateField("First day", [Optional()])
    number = IntegerField("Number of people", [Optional(), NumberRange(1, 9)])
    place = StringField("Place", [DataRequired("Please say the place.")])


def refused(app: Flask, **typed: str) -> dict[str, str]:
    with app.test_request_context("/", method="POST", headers={"Accept-Language": "en"}):
        form = Asked(MultiDict(typed), meta={"csrf": False})
        form.validate()
        return {field.name: named_error(field) for field in form if field.errors}


def test_an_error_names_its_field_and_says_what_to_do(app: Flask) -> None:
    assert refused(app) == {
        "name": "Your name: Please give an answer here.",
        "words": "What is it about? Please give an answer here.",
        "way": "Way: Please give an answer here.",
        "place": "Please say the place.",
    }
    assert refused(app, name="x", words="longer", way="c", day="soon", number="many", place="x") == {
        "words": "What is it about? Please write at most 5 characters.",
        "way": "Way: Please choose from what is offered here.",
        "day": "First day: Please give a day, for example 2026-05-09.",
        "number": "Number of people: Please type in a whole number.",
    }
    assert refused(app, name="x", words="x", way="a", number="12", place="x") == {
        "number": "Number of people: Please enter a number from 1 to 9."
    }


def test_the_summary_leads_to_each_field_by_its_name(browser: Browser) -> None:
    page = browser.submit("/contact", {"body": "", "email": "nowhere"}, status=200, headers=ENGLISH)
    links = {link["href"]: link.get_text() for link in page.html.select(".error-summary a")}
    assert links
    for target, words in links.items():
        field = page.html.select_one(target)
        label = page.html.find("label", {"for": field["id"]}).find(string=True).strip()
        assert words.startswith(f"{label}: ") or words == "Please write your message."
        said = page.html.find(id=f"{field['id']}-error").get_text(" ", strip=True)
        assert said == f"Error: {words}", "summary and field do not say the same"
        assert f"{field['id']}-error" in field["aria-describedby"]
    summary = page.html.select_one(".error-summary")
    assert summary.has_attr("autofocus")
    assert summary["tabindex"] == "-1"


def test_the_title_of_a_refused_form_begins_with_the_word_error(browser: Browser) -> None:
    fine = browser.get("/contact", headers=ENGLISH)
    assert not fine.html.title.string.startswith("Error:")
    page = browser.submit("/contact", {"body": ""}, status=200, headers=ENGLISH)
    assert page.html.title.string == f"Error: {fine.html.title.string}"


@pytest.mark.parametrize("label", ["Name", "name"])
def test_a_message_that_names_its_field_does_not_do_so_twice(app: Flask, label: str) -> None:
    class Said(Form):
        field = StringField(label, [DataRequired("Please enter the name.")])

    with app.test_request_context("/", method="POST"):
        form = Said(MultiDict(), meta={"csrf": False})
        assert not form.validate()
        assert named_error(form.field) == "Please enter the name."
        form.field.errors = ["Rename it."]
        assert named_error(form.field).endswith(": Rename it.")
        assert render_template_string("{{ form_refused() }}") == "True"
