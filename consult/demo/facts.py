"""The figures the text cites, a picture of two of them, and the ways into the text from daily life."""

import io
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from flask_babel import format_decimal
from PIL import Image, ImageDraw, ImageFont

from consult.concept import facts, pictures, topics
from consult.demo.story import Story, Timeline

#: The topics are sorted when the newest version is out.
_LATER = timedelta(minutes=30)
_MARK = re.compile(r"\[\[([a-z][a-z0-9-]*)\]\]")
_PICTURE = re.compile(r"\(picture:([a-z][a-z0-9-]*)\)")
_SIZE = (1200, 675)
_GROUND, _INK, _BAR = "#ffffff", "#1d2b2e", "#0b6470"


def plan(story: Story, timeline: Timeline) -> None:
    """Facts and pictures are there before the first text cites them; topics come with the newest version."""

    def add_marks(now: datetime) -> None:
        _add_facts(story, now)
        _add_pictures(story, now)

    timeline.add(story.begin, add_marks)
    newest = max(row["date"] for row in story.texts["versions"])
    timeline.add(story.dates.moment(newest, "08:00") + _LATER, lambda _now: _sort_by_topic(story))


def marked(story: Story, text: str) -> str:
    """A text of the content with the numbers that its facts and pictures were given."""
    text = _MARK.sub(lambda found: f"[[F{story.marks[found[1]]}]]", text)
    return _PICTURE.sub(lambda found: f"(picture:{story.marks[found[1]]})", text)


def _figure_of(row: dict[str, Any]) -> str:
    return str(row.get("figure") or format_decimal(row["value"]))


def _by(story: Story) -> dict[str, Any]:
    return {"actor": story.people["p-leitung"], "process": story.process}


def _add_facts(story: Story, now: datetime) -> None:
    for row in story.texts["statistics"]:
        if "figure" not in row and "value" not in row:
            continue
        figure = facts.Figure(
            statement=row.get("statement") or row["text"], figure=_figure_of(row), unit=row.get("unit", ""),
            place=row["place"], year=row["year"], source=story.texts["source_names"][row["source"]],
        )  # fmt: skip
        fact = facts.add(story.concepts["concept"], figure, now=now, **_by(story))
        story.marks[row["id"]] = fact.number


def _add_pictures(story: Story, now: datetime) -> None:
    rows = {row["id"]: row for row in story.texts["statistics"]}
    for row in story.texts["pictures"]:
        drawn = _columns(row["title"], [rows[name] for name in row["bars"]])
        picture = pictures.add(
            story.concepts["concept"], drawn, row["alt"], row["credit"], now=now, **_by(story)
        )  # fmt: skip
        story.marks[row["id"]] = picture.number


def _columns(title: str, rows: Sequence[dict[str, Any]]) -> pictures.Rewritten:
    """A column per figure, with the figure on top and its year below."""
    image = Image.new("RGB", _SIZE, _GROUND)
    draw = ImageDraw.Draw(image)
    large, small = ImageFont.load_default(44), ImageFont.load_default(34)
    draw.text((60, 40), title, _INK, large)
    bottom, most = _SIZE[1] - 90, max(row["value"] for row in rows)
    step = (_SIZE[0] - 120) // len(rows)
    for place, row in enumerate(rows):
        middle = 60 + step * place + step // 2
        top = bottom - int((bottom - 190) * row["value"] / most)
        draw.rectangle((middle - 110, top, middle + 110, bottom), _BAR)
        draw.text((middle, top - 12), f"{_figure_of(row)} {row['unit']}", _INK, large, anchor="ms")
        draw.text((middle, bottom + 50), str(row["year"]), _INK, small, anchor="ms")
    draw.line((60, bottom, _SIZE[0] - 60, bottom), _INK, 3)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return pictures.Rewritten("image/png", *_SIZE, out.getvalue())


def _sort_by_topic(story: Story) -> None:
    actor, process = story.people["p-leitung"], story.process
    topics.take_usual(process, topics.usual_topics(), actor)
    for topic in topics.topics_of(process.id):
        wanted = [story.elements[key].id for key in story.texts["life_topics"][topic.key]]
        topics.change(topic, topic.title, wanted, process, actor)
