"""Plain words for what contacts hold, and for the tables a merge goes through."""

from flask_babel import gettext as _

from consult.accounts.affiliations import Source
from consult.contacts.doubles import Why


def sources() -> dict[str, str]:
    return {
        Source.list: _("from a list"),
        Source.reply: _("from an answer"),
        Source.registration: _("from a registration"),
        Source.staff: _("entered by us"),
    }


def reasons() -> dict[str, str]:
    return {
        Why.mailbox: _("The same mailbox in two spellings"),
        Why.name: _("The same name"),
    }


def purposes() -> dict[str, str]:
    return {"newsletter": _("Newsletter")}


def table_names() -> dict[str, str]:
    """What people call the rows of each table that names a person or an organisation."""
    return {
        "affiliation": _("Where somebody works"),
        "appeal": _("Requests for a second look"),
        "assignment": _("Contributions somebody looks after"),
        "audit_entry": _("Entries of the record"),
        "author_trust": _("What moderators decided about an author"),
        "bounce": _("Mails that came back"),
        "campaign": _("Mailings written or agreed to"),
        "campaign_recipient": _("Recipients of mailings"),
        "change": _("Changes of the text"),
        "check_in": _("People let in at the door"),
        "consent": _("Consents"),
        "contribution": _("Contributions"),
        "contribution_text": _("Texts of contributions"),
        "contribution_translation": _("Translations"),
        "different_organisations": _("Marks that two entries are not the same"),
        "different_people": _("Marks that two entries are not the same"),
        "disposition": _("Decisions about contributions"),
        "draft": _("Drafts of groups"),
        "draft_act": _("Steps of drafts"),
        "duty": _("Days on duty"),
        "editing": _("Open editing forms"),
        "erasure_request": _("Requests to remove words"),
        "fact": _("Facts"),
        "gathered": _("Contributions answered together"),
        "invitation": _("Invitations"),
        "link_token": _("Personal links"),
        "measure_sheet": _("Tables of measures"),
        "membership": _("Memberships"),
        "minute_line": _("Lines of minutes"),
        "minutes": _("Minutes"),
        "minutes_revision": _("Versions of minutes"),
        "moderation_act": _("Decisions of moderators"),
        "moderator_note": _("Remarks of moderators"),
        "network_member": _("Networks"),
        "organisation": _("Organisations"),
        "outbox_message": _("E-mails"),
        "people_list": _("Lists of people that were sent in"),
        "person": _("Earlier merges"),
        "picture": _("Pictures"),
        "reaction": _("Agreeing and disagreeing"),
        "registration": _("Registrations"),
        "reminder": _("Reminders"),
        "report": _("Reports"),
        "representation": _("Who may speak for an organisation"),
        "screening_rule": _("Rules of arrival"),
        "seat_holder": _("Seats"),
        "stored_file": _("Files"),
        "subscription": _("Newsletters"),
        "version": _("Versions of the text"),
        "wall_photo": _("Pictures of walls"),
        "wording": _("Wordings"),
    }
