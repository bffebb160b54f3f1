"""What the figures of a digest say in words; page, mail and preview use the same sentences."""

from collections.abc import Mapping

from flask_babel import gettext as _
from flask_babel import ngettext

from consult.concept.queries import excerpt
from consult.contributions.models import Stance
from consult.contributions.words import channel_names, is_called_otherwise, stance_name, stance_names
from consult.digests.content import Content, Two
from consult.digests.reading import SHORT, Part, Quote, Report
from consult.i18n import format_day, format_moment, format_number, language_name
from consult.invitations.models import InvitationState
from consult.processes.models import Process
from consult.weighing.words import disposition_names

#: How many versions or sittings are called by name.
MAX_TITLES = 3
#: How many numbers one paragraph of the annex lists.
MAX_NUMBERS = 120
#: What counts as open until it is decided.
OPEN = (Stance.concern, Stance.change)


def stances(process: Process) -> dict[str, str]:
    """In the words of the process, as everywhere about it."""
    return {**stance_names(process), "": _("Without a stance")}


def part_name(part: Part) -> str:
    """How an element is called in the lists."""
    if part.name is not None:
        return part.name.heading
    return _("The process as a whole") if part.is_whole else _("A part of the text that is no longer there")


def period(report: Report) -> str:
    """The window, as people think of it."""
    if report.since is None:
        return _("From the beginning until %(end)s", end=format_moment(report.as_of))
    return _("From %(start)s until %(end)s", start=format_moment(report.since), end=format_moment(report.as_of))


def change_since(now: int, before: int | None) -> str:
    """How a number that stands open has moved since the last report; empty in the first one."""
    if before is None:
        return ""
    if now == before:
        return _("as many as last time")
    if now > before:
        return _("%(number)s more than last time", number=format_number(now - before))
    return _("%(number)s fewer than last time", number=format_number(before - now))


def _with_change(sentence: str, now: int, before: int | None) -> str:
    change = change_since(now, before)
    return f"{sentence} ({change})" if change else sentence


def new_by_stance(process: Process, counts: Mapping[str, Two]) -> str:
    """ "3 × This should change, 1 × I have a question": what is new, zeros left out."""
    names = stances(process)
    return ", ".join(
        f"{format_number(two['new'])} × {names.get(stance, stance)}" for stance, two in counts.items() if two["new"]
    )


def unanswered_name(process: Process) -> str:
    """What waits for an answer, as the heading of a list or a column."""
    if is_called_otherwise(process, Stance.question):
        return _("“%(kind)s” without an answer", kind=stance_name(process, Stance.question))
    return _("Questions without an answer")


def all_unanswered_name(process: Process) -> str:
    if is_called_otherwise(process, Stance.question):
        return _("All “%(kind)s” without an answer, the oldest first", kind=stance_name(process, Stance.question))
    return _("All questions without an answer, the oldest first")


def _unanswered(process: Process, number: int) -> str:
    if is_called_otherwise(process, Stance.question):
        return f"{format_number(number)} × {unanswered_name(process)}"
    return ngettext("%(num)s question without an answer", "%(num)s questions without an answer", number)


def _open(process: Process, number: int) -> str:
    if is_called_otherwise(process, *OPEN):
        return _(
            "%(number)s × “%(concern)s” or “%(change)s” without a decision", number=format_number(number),
            concern=stance_name(process, Stance.concern), change=stance_name(process, Stance.change),
        )  # fmt: skip
    return ngettext(
        "%(num)s concern or wish for change without a decision",
        "%(num)s concerns and wishes for change without a decision",
        number,
    )


def news_of(process: Process, part: Part) -> str:
    """What is new on one element, in one line."""
    figures = part.figures
    words = []
    if figures["published"]["new"]:
        words.append(
            ngettext("%(num)s new contribution", "%(num)s new contributions", figures["published"]["new"])
            + f" ({new_by_stance(process, figures['stances'])})"
        )
    if figures["replies"]["new"]:
        words.append(ngettext("%(num)s new reply", "%(num)s new replies", figures["replies"]["new"]))
    words.append(_("%(number)s in all", number=format_number(figures["published"]["total"])))
    return ", ".join(words)


def both_sides(process: Process, part: Part) -> str:
    """ "5 like it, 6 want something else"; in the words of the process where it has its own."""
    if is_called_otherwise(process, Stance.support, *OPEN):
        names = stance_names(process)
        return _(
            "%(favour)s × “%(support)s”, %(against)s × “%(concern)s” or “%(change)s”",
            favour=format_number(part.in_favour), support=names[Stance.support],
            against=format_number(part.against), concern=names[Stance.concern], change=names[Stance.change],
        )  # fmt: skip
    return _(
        "%(favour)s like it, %(against)s are worried or want a change",
        favour=format_number(part.in_favour),
        against=format_number(part.against),
    )


def headline(report: Report) -> list[str]:
    """The figures everybody should know, one sentence each; what is zero is said only where that is news."""
    content, stocks = report.content, report.content["stocks"]
    before = content.get("before")
    new = ngettext("%(num)s new contribution", "%(num)s new contributions", content["new"])
    by_stance = new_by_stance(report.process, content["stances"])
    sentences = [f"{new}: {by_stance}" if by_stance else new]
    if content["new_replies"]:
        sentences.append(ngettext("%(num)s new reply", "%(num)s new replies", content["new_replies"]))
    sentences.append(
        _with_change(
            _unanswered(report.process, stocks["unanswered"]),
            stocks["unanswered"],
            before and before["unanswered"],
        )
    )
    sentences.append(
        _with_change(
            _open(report.process, stocks["open"]),
            stocks["open"],
            before and before["open"],
        )
    )
    sentences.append(moderation(report))
    return sentences


def moderation(report: Report) -> str:
    """What waits for the moderators: counts and age, never texts."""
    content, stocks = report.content, report.content["stocks"]
    if not stocks["waiting"]:
        return _("Nothing waits for moderation")
    before = content.get("before")
    sentence = _with_change(
        ngettext(
            "%(num)s contribution waits for moderation",
            "%(num)s contributions wait for moderation",
            stocks["waiting"],
        ),
        stocks["waiting"],
        before and before["waiting"],
    )
    if report.oldest_waiting is not None:
        sentence += ", " + _("the oldest since %(moment)s", moment=format_moment(report.oldest_waiting))
    if content["overdue"]:
        sentence += ", " + _(
            "%(number)s of them longer than the promised %(hours)s hours",
            number=format_number(content["overdue"]),
            hours=report.process.moderation_hours,
        )
    return sentence


def events(report: Report) -> list[str]:
    """What else happened in the window, one sentence each; nothing is said of what did not happen."""
    content = report.content
    sentences = []
    if report.versions:
        titles = [_("%(title)s (version %(number)s)", title=v.title, number=v.number) for v in report.versions]
        sentences.append(_("Published: %(titles)s", titles=_some(titles)))
    if report.minutes:
        titles = [title for _ident, title in report.minutes]
        sentences.append(_("Minutes approved: %(titles)s", titles=_some(titles)))
    counted = [(title, report.attendance[ident]) for ident, title in report.minutes if ident in report.attendance]
    for title, there in counted[:MAX_TITLES]:
        sentences.append(_("There at “%(title)s”: %(people)s", title=title, people=there.words()))
    for title, figures in report.surveys[:MAX_TITLES]:
        sentences.append(_("After “%(title)s”: %(result)s", title=title, result=figures.words()))
    if content["decisions"]:
        sentences.append(decided(content))
    if content["hidden"]:
        sentences.append(
            ngettext("%(num)s contribution was hidden", "%(num)s contributions were hidden", content["hidden"])
        )
    if content["withdrawn"]:
        sentences.append(
            ngettext(
                "%(num)s contribution was withdrawn by its author",
                "%(num)s contributions were withdrawn by their authors",
                content["withdrawn"],
            )
        )
    if content["edited"]:
        sentences.append(
            ngettext(
                "%(num)s contribution was changed by its author",
                "%(num)s contributions were changed by their authors",
                content["edited"],
            )
        )
    if content["answers"]:
        answers = answer_names()
        sentences.append(
            _("Answers to invitations:")
            + " "
            + ", ".join(
                f"{format_number(number)} × {answers.get(state, state)}"
                for state, number in sorted(content["answers"].items())
            )
        )
    return sentences


def _some(titles: list[str]) -> str:
    """The first few of them: the main part has two pages."""
    named = ", ".join(excerpt(title, "", 80) for title in titles[:MAX_TITLES])
    more = len(titles) - MAX_TITLES
    return f"{named} " + _("and %(number)s more", number=format_number(more)) if more > 0 else named


def decided(content: Content) -> str:
    names = disposition_names()
    kinds: dict[str, int] = {}
    for _number, kind in content["decisions"]:
        kinds[kind] = kinds.get(kind, 0) + 1
    sentence = ngettext("%(num)s decision recorded", "%(num)s decisions recorded", len(content["decisions"]))
    sentence += ": " + ", ".join(f"{format_number(number)} × {names.get(kind, kind)}" for kind, number in kinds.items())
    if content["prepared"]:
        sentence += ", " + _("%(number)s of them not yet taken by a sitting", number=format_number(content["prepared"]))
    return sentence


def answer_names() -> dict[str, str]:
    return {
        InvitationState.accepted: _("accepted"),
        InvitationState.declined: _("declined"),
        InvitationState.deputy_named: _("sends somebody else"),
        InvitationState.revoked: _("taken back"),
    }


def channels() -> dict[str, str]:
    return channel_names()


def bars(counts: Mapping[str, Two], names: Mapping[str, str], limit: int = 6) -> list[dict[str, object]]:
    """Rows of a bar chart of what is new; what is left over is one row, so that the sum is right."""
    rows = [(key, two["new"]) for key, two in counts.items() if two["new"]]
    shown = rows if len(rows) <= limit else rows[: limit - 1]
    result: list[dict[str, object]] = [
        {"label": names.get(key, key), "value": number, "tone": key if key in set(Stance) else "accent"}
        for key, number in shown
    ]
    if len(shown) < len(rows):
        rest = sum(number for _key, number in rows[len(shown) :])
        result.append({"label": _("others"), "value": rest, "tone": "neutral"})
    return result


def languages(counts: Mapping[str, Two]) -> dict[str, str]:
    return {code: language_name(code) for code in counts}


def title(report: Report) -> str:
    return _("Feedback digest of %(day)s", day=format_day(report.as_of))


def tiles(report: Report) -> list[dict[str, object]]:
    """The figures at the top of the page, with what has moved since the last report."""
    content, stocks = report.content, report.content["stocks"]
    before = content.get("before")

    def tile(label: str, value: int, earlier: int | None) -> dict[str, object]:
        change = change_since(value, earlier)
        return {"value": value, "label": f"{label}, {change}" if change else label}

    return [
        {"value": content["new"], "label": _("New contributions")},
        {"value": content["new_replies"], "label": _("New replies")},
        tile(unanswered_name(report.process), stocks["unanswered"], before and before["unanswered"]),
        tile(_("Without a decision"), stocks["open"], before and before["open"]),
        tile(_("Waiting for moderation"), stocks["waiting"], before and before["waiting"]),
    ]


def one_line(quote: Quote) -> str:
    return excerpt("", quote.translation or quote.text or "", SHORT)


def open_points(process: Process, part: Part) -> str:
    number = part.figures["open"]
    if is_called_otherwise(process, *OPEN):
        return _(
            "%(number)s × “%(concern)s” or “%(change)s”", number=format_number(number),
            concern=stance_name(process, Stance.concern), change=stance_name(process, Stance.change),
        )  # fmt: skip
    return ngettext("%(num)s concern or wish for change", "%(num)s concerns and wishes for change", number)


def more_parts(report: Report) -> str:
    return ngettext(
        "Something new was written on %(num)s more part; see the annex.",
        "Something new was written on %(num)s more parts; see the annex.",
        report.more_lively,
    )


def more_questions(report: Report) -> str:
    more = report.content["stocks"]["unanswered"] - len(report.questions)
    if is_called_otherwise(report.process, Stance.question):
        return _(
            "%(number)s × “%(kind)s” more; see the annex.", number=format_number(more),
            kind=stance_name(report.process, Stance.question),
        )  # fmt: skip
    return ngettext("%(num)s more question waits; see the annex.", "%(num)s more questions wait; see the annex.", more)


def more_numbers(part: Part) -> str:
    return _("and %(number)s more", number=format_number(len(part.figures["numbers"]) - MAX_NUMBERS))


def decision_names() -> dict[str, str]:
    return disposition_names()
