"""Names that could be mistaken: letters that look like others are read as those, so that nobody poses as an office."""

import unicodedata

from sqlalchemy import select

from consult.accounts.models import Organisation
from consult.extensions import db
from consult.site.queries import site_settings

#: Cyrillic and Greek letters that look like Latin ones, capital ones by the shape of the capital.
_ALIKE = str.maketrans(
    "\u0410\u0412\u0415\u0405\u0406\u0408\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u0430\u0435\u043e\u0440\u0441\u0445\u0443"
    "\u0456\u0458\u0455\u04bb\u0501\u051b\u051d\u0432\u043a\u043c\u043d\u0442\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4"
    "\u03a5\u03a7\u03b1\u03bd\u03bf\u03c1\u03c4\u03c5\u03b9\u03ba\u03b5\u03c7\u03b3\u0131\u00f8\u0142\u0111",
    "ABESIJKMHOPCTYXaeopcxyijshdqwbkmhtABEZHIKMNOPTYXavoptuikexyiold",
)
#: What is told apart only by looking twice, in small letters.
_CLOSE = str.maketrans({"i": "l", "1": "l", "|": "l", "!": "l", "0": "o", "5": "s", "$": "s", "3": "e", "4": "a"})
#: Letters of Korean that show nothing, as they are after NFKC.
_FILLERS = "\u115f\u1160"
#: Names nobody gives themselves: offices rather than people.
OFFICES = (
    "Admin", "Administrator", "Administration", "Moderation", "Moderator", "Moderatorin", "Redaktion", "Editor",
    "Verwaltung", "Stadtverwaltung", "Stadt", "Rathaus", "City", "Steuerungsgruppe", "Prozessleitung", "Support",
)  # fmt: skip


def skeleton(name: str) -> str:
    """What a name looks like at a glance: the same for one with letters of other alphabets in it. May be empty."""
    latin = unicodedata.normalize("NFKC", name[:300]).translate(_ALIKE)
    parts = unicodedata.normalize("NFKD", latin.casefold().translate(_CLOSE))
    letters = "".join(letter for letter in parts if letter.isalnum() and letter not in _FILLERS)
    return letters.replace("rn", "m").replace("vv", "w")


def names_of_bodies() -> set[str]:
    """Skeletons of the names of organisations, of offices, and of the city, its platform and the sender of its mail."""
    site = site_settings()
    names = [*db.session.scalars(select(Organisation.name)), *OFFICES]
    names += [site.city_name, site.platform_name, site.sender_name]
    return {found for found in map(skeleton, names) if found}
