"""The words people agree to when they subscribe, by their version: consents say which they were given to."""

from flask_babel import gettext as _


def agreed_to(version: str) -> list[str]:
    """What stood beside the button in this version; nothing for one we do not know. A new version is a new entry."""
    texts = {
        "newsletter 1": [
            _("Now and then a mail with what is new in this process: meetings, drafts, answers."),
            _("You need no account. Your address is used for this newsletter alone, is given to nobody, and you can "
              "stop it with one click in every issue. We keep when and how you agreed, as the law asks."),
        ],
    }  # fmt: skip
    return texts.get(version, [])


def ways() -> dict[str, str]:
    """How somebody agreed."""
    return {
        "double opt-in": _("typed in the address, and pressed the button in the mail that went there"),
        "account": _("pressed the button, signed in"),
        "link in a newsletter": _("took it up again by the link in a newsletter"),
    }
