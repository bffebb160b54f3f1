"""Contributions in similar words: shown while somebody writes, and to moderators who gather what says the same.

By words, so that it can be explained: each shared word is shown. Words count in their stems, the more the rarer they
are among what is compared; what everybody says counts little. Nothing here hides or joins anything.
"""

import re
import threading
import unicodedata
from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from math import log, sqrt
from typing import Any

import Stemmer
from flask import url_for
from sqlalchemy import and_, select

from consult.contributions.models import MAX_LENGTH, Contribution, ContributionText, State
from consult.contributions.threads import at
from consult.extensions import db
from consult.processes.models import Process

#: How many of the newest contributions a text is compared with, and how many of them are kept in words per process.
COMPARED = 2000
KEPT = 12_000
#: Two texts are similar from here on (0: nothing in common, 1: the same words), and never by one word alone.
NEAR = 0.22
SHARED = 2
#: What is read of a contribution in the list.
EXCERPT = 180

#: Small words of the two languages most is written in, as they look when folded; of others the weights see to it.
STOP_WORDS = frozenset(
    """
    aber alle allem allen aller alles als also am an ander andere anderen anderes auch auf aus bei beim bin bis
    bist bitte da dabei dadurch dafur damit dann daran darauf das dass dazu dein deine dem den denen denn der
    des deshalb dich die dies diese diesem diesen dieser dieses dir doch dort du durch ein eine einem einen
    einer eines einfach einige er es etwas euch euer fur ganz gar gegen gerne gibt gut habe haben hat hatte
    hatten hier hin ich ihm ihn ihnen ihr ihre ihrem ihren ihrer im immer in ins ist ja jede jedem jeden jeder
    jedes jetzt kann keine keinen konnen konnte konnten leider machen man manche mehr mein meine meiner mich mir
    mit mochte mochten muss mussen musste mussten nach nicht nichts noch nun nur ob oder ohne schon sehr sein
    seine seiner seit sich sie sind so solche solchen soll sollen sollte sollten sondern sonst statt uber um und
    uns unser unsere unserem unseren unserer unter viel viele vom von vor war waren warum was weil welche wenn
    wer werde werden wie wieder will wir wollen wollte wollten wird wo wurde wurden zu zum zur zwar zwischen
    a about all also an and any are as at be because been but by can could do does for from had has have he her
    here his how i if in into is it its just like me more most my no not of on one only or other our out please
    should so some such than that the their them then there these they this to too up us very was we were what
    when where which who why will with would you your
    """.split()
)
_STEMMERS = {
    "ar": "arabic", "cs": "czech", "de": "german", "el": "greek", "en": "english", "es": "spanish", "fa": "persian",
    "fr": "french", "hu": "hungarian", "it": "italian", "nl": "dutch", "pl": "polish", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sr": "serbian", "ta": "tamil", "tr": "turkish",
}  # fmt: skip
#: Words of letters and digits; scripts without spaces between words come as one piece and are cut in pairs.
_WORD = re.compile(r"[^\W_]{1,60}")
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f]{2,}")
_LETTERS = re.compile("[\u0300-\u036f]")
_local = threading.local()


def fold(text: str) -> str:
    """Without case and accents; ß as ss. What differs only in these is the same word."""
    return _LETTERS.sub("", unicodedata.normalize("NFKD", text.casefold()))


@lru_cache(maxsize=20_000)
def _stem(written: str, lang: str) -> str:
    """What a word counts as; empty for small words."""
    word = fold(written)
    if len(word) < 3 or word in STOP_WORDS:
        return ""
    name = _STEMMERS.get(lang)
    if name is None:
        return word
    # A stemmer keeps state while it works: one for each thread.
    stemmers: dict[str, Stemmer.Stemmer] | None = getattr(_local, "stemmers", None)
    if stemmers is None:
        stemmers = _local.stemmers = {}
    if name not in stemmers:
        stemmers[name] = Stemmer.Stemmer(name, 0)
    return str(stemmers[name].stemWord(word)) or word


def words_of(text: str, lang: str) -> dict[str, str]:
    """The words a text is compared by: stem -> the word as it was written first. Of at most `MAX_LENGTH` characters."""
    text = text[:MAX_LENGTH]
    found: dict[str, str] = {}
    if _UNSPACED.search(text):
        for piece in _UNSPACED.findall(text):
            for place in range(len(piece) - 1):
                found.setdefault(piece[place : place + 2], piece[place : place + 2])
        text = _UNSPACED.sub(" ", text)
    for written in _WORD.findall(text):
        stem = _stem(written, lang)
        if stem and stem not in found:
            found[stem] = written
    return found


class KeptWords:
    """Stems of the contributions compared last, by id and revision: a text never changes under its revision."""

    def __init__(self, size: int = KEPT) -> None:
        self._found: OrderedDict[tuple[int, int], tuple[str, ...]] = OrderedDict()
        self._size = size
        self._lock = threading.Lock()

    def of(self, rows: Iterable[tuple[int, int, str]]) -> dict[int, tuple[str, ...]]:
        """Stems of these (id, revision, language), asking the database only for texts it does not know yet."""
        wanted = {(ident, revision): lang for ident, revision, lang in rows}
        result: dict[int, tuple[str, ...]] = {}
        with self._lock:
            for key in wanted:
                stems = self._found.get(key)
                if stems is not None:
                    self._found.move_to_end(key)
                    result[key[0]] = stems
        missing = [key for key in wanted if key[0] not in result]
        if missing:
            read = _read(missing, wanted)
            result.update({ident: stems for (ident, _revision), stems in read.items()})
            with self._lock:
                self._found.update(read)
                while len(self._found) > self._size:
                    self._found.popitem(last=False)
        return result

    def clear(self) -> None:
        with self._lock:
            self._found.clear()


kept_words = KeptWords()


def _read(keys: list[tuple[int, int]], langs: dict[tuple[int, int], str]) -> dict[tuple[int, int], tuple[str, ...]]:
    """Stems of the texts under these keys. One query; erased texts have none."""
    found = db.session.execute(
        select(ContributionText.contribution_id, ContributionText.revision, ContributionText.body)
        .join(
            Contribution,
            and_(
                Contribution.id == ContributionText.contribution_id,
                Contribution.revision == ContributionText.revision,
            ),
        )
        .where(Contribution.id.in_([ident for ident, _revision in keys]))
    )
    return {
        (ident, revision): tuple(words_of(body or "", langs[ident, revision]))
        for ident, revision, body in found
        if (ident, revision) in langs
    }


@dataclass(frozen=True)
class Similar:
    """A contribution in similar words, and the words by which it was found."""

    slug: str
    code: str
    id: int
    number: int
    lang: str
    state: str
    #: The beginning of what it says.
    excerpt: str
    #: As they stand in this contribution, the most telling first.
    words: tuple[str, ...]
    #: 0 to 1.
    score: float

    @property
    def number_label(self) -> str:
        return f"{self.code}-{self.number}"

    @property
    def url(self) -> str:
        return url_for("contributions.show", slug=self.slug, number=self.number)


def similar(process: Process, element_id: int | None, text: str, lang: str = "de", limit: int = 3) -> list[Similar]:
    """Published contributions to the same part of the text (to the process as a whole: None) in similar words.

    The nearest first; only what really resembles it, so often none. Replies are left out. At most four queries.
    """
    return _nearest(process.id, process.slug, process.code, element_id, text, lang, limit, (State.published,))


def similar_to(contribution: Contribution, limit: int = 5) -> list[Similar]:
    """What resembles this contribution at the same place, for the moderators: also what still waits."""
    row = db.session.execute(
        select(Process.slug, Process.code, ContributionText.body)
        .join(ContributionText, ContributionText.contribution_id == contribution.id)
        .where(Process.id == contribution.process_id, ContributionText.revision == contribution.revision)
    ).one_or_none()
    if row is None or not row.body:
        return []
    return _nearest(
        contribution.process_id, row.slug, row.code, contribution.element_id, row.body, contribution.lang, limit,
        (State.published, State.pending), without=contribution.id,
    )  # fmt: skip


def _nearest(
    process_id: int, slug: str, code: str, element_id: int | None, text: str, lang: str, limit: int,
    states: tuple[State, ...], without: int = 0,
) -> list[Similar]:  # fmt: skip
    wanted = words_of(text, lang)
    if len(wanted) < SHARED:
        return []
    candidates = _candidates(process_id, element_id, states)
    compared = kept_words.of((row.id, row.revision, row.lang) for row in candidates if row.id != without)
    ranked = _ranked(frozenset(wanted), compared)[:limit]
    if not ranked:
        return []
    rows = {row.id: row for row in candidates}
    bodies = dict(
        db.session.execute(
            select(Contribution.id, ContributionText.body)
            .join(
                ContributionText,
                and_(
                    ContributionText.contribution_id == Contribution.id,
                    ContributionText.revision == Contribution.revision,
                ),
            )
            .where(Contribution.id.in_([ident for ident, _score, _stems in ranked]))
        ).all()
    )
    result = []
    for ident, score, stems in ranked:
        row, body = rows[ident], bodies.get(ident) or ""
        written = words_of(body, row.lang)
        words = tuple(written[stem] for stem in stems if stem in written)
        if words:
            excerpt = _excerpt(body)
            result.append(Similar(slug, code, ident, row.number, row.lang, row.state, excerpt, words[:8], score))
    return result


def _candidates(process_id: int, element_id: int | None, states: tuple[State, ...]) -> list[Any]:
    """The newest contributions at a place, those of what it descends from included."""
    place = Contribution.element_id.is_(None) if element_id is None else at(element_id)
    here = (
        select(Contribution.id, Contribution.number, Contribution.revision, Contribution.lang, Contribution.state)
        .where(
            Contribution.process_id == process_id,
            place,
            Contribution.state.in_(states),
            Contribution.parent_id.is_(None),
        )
        .cte()
        # First all that stand here, then the newest of them: PostgreSQL would walk through the whole process.
        .prefix_with("MATERIALIZED", dialect="postgresql")
    )
    return list(db.session.execute(select(here).order_by(here.c.number.desc()).limit(COMPARED)))


def _ranked(wanted: frozenset[str], compared: dict[int, tuple[str, ...]]) -> list[tuple[int, float, list[str]]]:
    """(id, nearness, shared stems) of those near enough, the nearest first and of equals the newest."""
    often = Counter(chain.from_iterable(compared.values()))
    most = len(compared) + 1
    weight = {stem: log(1 + most / (1 + number)) ** 2 for stem, number in often.items()}
    unknown = log(1 + most) ** 2
    own = sum(weight.get(stem, unknown) for stem in wanted)
    result = []
    for ident, stems in compared.items():
        shared = wanted.intersection(stems)
        if len(shared) < SHARED:
            continue
        common = sum(weight[stem] for stem in shared)
        score = common / sqrt(own * sum(weight[stem] for stem in stems))
        if score >= NEAR:
            result.append((ident, score, sorted(shared, key=lambda stem: -weight[stem])))
    return sorted(result, key=lambda one: (-one[1], -one[0]))


def _excerpt(body: str) -> str:
    words = " ".join(body[: EXCERPT * 4].split())
    return words if len(words) <= EXCERPT else f"{words[:EXCERPT].rsplit(' ', 1)[0]} …"
