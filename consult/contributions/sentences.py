"""Rules of arrival as one reads them aloud."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from consult.contributions.forms import LANGUAGES
from consult.contributions.models import RuleEffect, ScreeningRule

#: So many words of a list stand in the sentence.
NAMED = 8


def _words(words: list[str]) -> str:
    named = ", ".join(f"“{word}”" for word in words[:NAMED])
    more = len(words) - NAMED
    if more <= 0:
        return named
    return ngettext("%(words)s and %(num)s more", "%(words)s and %(num)s more", more, words=named)


def clauses(conditions: dict[str, Any]) -> list[str]:
    """Each condition as a clause, in the order in which one would say them."""
    said = []
    if "link" in conditions:
        said.append(_("the contribution contains a link"))
    if "contact" in conditions:
        said.append(_("it contains an e-mail address or a telephone number"))
    if "words" in conditions:
        said.append(_("it contains one of the words %(words)s", words=_words(conditions["words"])))
    if "longer" in conditions:
        number = int(conditions["longer"])
        said.append(ngettext("it is longer than %(num)s character", "it is longer than %(num)s characters", number))
    if "not_langs" in conditions:
        names = " {} ".format(_("or")).join(LANGUAGES.get(lang, lang) for lang in conditions["not_langs"])
        said.append(_("it is written in another language than %(languages)s", languages=names))
    if "no_account" in conditions:
        said.append(_("it was written without an account"))
    if "new_author" in conditions:
        number = int(conditions["new_author"])
        said.append(
            ngettext(
                "its author is new here (fewer than %(num)s published contribution)",
                "its author is new here (fewer than %(num)s published contributions)",
                number,
            )
        )
    return said


def sentence_of(conditions: dict[str, Any], effect: str) -> str:
    """ "If the contribution contains a link and its author is new here, then it waits for a moderator." """
    said = " {} ".format(_("and")).join(clauses(conditions))
    if not said:
        return _("Please choose at least one condition.")
    if effect == RuleEffect.wait:
        return _("If %(conditions)s, then it waits for a moderator.", conditions=said)
    return _("If %(conditions)s, then it is pointed out to the moderators.", conditions=said)


def sentence(rule: ScreeningRule) -> str:
    """A rule as a sentence, in the language of the page."""
    return sentence_of(rule.conditions, rule.effect)
