"""What organisers write into a mail, in one language or in several.

It is one text. A line with the code of a language in brackets begins the same words in that language, and what follows
on that line is the subject in it: "[en] Come and join us". What stands before the first such line is in the language of
the city.
"""

import re
from dataclasses import dataclass, replace

from flask import current_app

from consult.i18n import language, path_languages

_HEADING = re.compile(r"\[([A-Za-z]{2,3})\][ \t]*(.*)")


@dataclass(frozen=True)
class Words:
    """What was written in one language; the subject is empty where the usual one is meant."""

    lang: str
    subject: str
    text: str


def _city() -> str:
    return str(current_app.config["BABEL_DEFAULT_LOCALE"])


def languages_of(note: str) -> dict[str, Words]:
    """What was written, by language in the order of writing; a code that is not spoken here is text like any other."""
    subjects: dict[str, str] = {}
    lines: dict[str, list[str]] = {}
    lang = _city()
    for line in note.splitlines():
        heading = _HEADING.fullmatch(line.strip())
        if heading and heading[1].lower() in path_languages():
            lang = heading[1].lower()
            subjects[lang] = heading[2].strip() or subjects.get(lang, "")
            lines.setdefault(lang, [])
        else:
            lines.setdefault(lang, []).append(line)
    found = {lang: Words(lang, subjects.get(lang, ""), "\n".join(some).strip()) for lang, some in lines.items()}
    return {lang: words for lang, words in found.items() if words.text or words.subject}


def words_for(subject: str, note: str, second: str | None = None) -> Words:
    """The words for a reader of the present language: in it, else in the second one, else in the city's, else any.

    `subject` is for everybody in whose language there is none.
    """
    known = languages_of(note)
    wanted = [lang for lang in (language(), second, _city(), *known) if lang in known]
    words = known[wanted[0]] if wanted else Words(_city(), "", "")
    return replace(words, subject=words.subject or subject)
