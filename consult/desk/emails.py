"""The mail about a message from the contact form."""

from flask_babel import gettext as _

from consult.extensions import db
from consult.forms import _l
from consult.html import escape_markdown
from consult.outbox.kinds import Guarantee, Mail, mail_kind
from consult.outbox.links import link, linked
from consult.outbox.models import OutboxMessage
from consult.site.forms import TOPICS
from consult.site.models import ContactMessage
from consult.site.queries import site_settings


def not_answered_yet(message: OutboxMessage) -> bool:
    """Still there, and nobody has ticked it off meanwhile."""
    row = db.session.get(ContactMessage, message.subject_id)
    return row is not None and row.answered_at is None


@mail_kind("desk.contact_message", Guarantee.at_least_once, not_answered_yet, title=_l("Message from a visitor"))
def contact_message(message: OutboxMessage) -> Mail:
    """What somebody wrote, quoted, with the way to answer."""
    row = db.session.get_one(ContactMessage, message.subject_id)
    topic = str(TOPICS.get(row.topic, row.topic))
    quoted = "\n".join(f"> {escape_markdown(line)}" for line in row.body.splitlines())
    parts = [
        _("Good day,"),
        _("somebody wrote through the contact form. It is about: %(topic)s", topic=escape_markdown(topic)),
    ]
    if row.page:
        parts.append(_("Page: %(page)s", page=escape_markdown(row.page)))
    parts.append(quoted)
    parts.append(
        _("Please answer to: %(address)s", address=escape_markdown(row.email))
        if row.email
        else _("The person does not want an answer.")
    )
    parts.append(linked(_("Messages from visitors"), link("site.messages")))
    return Mail(
        subject=_("Message from the contact form: %(topic)s", topic=topic),
        body="\n\n".join(parts),
        why=_(
            "You get this because your address is set as the contact address of %(platform)s.",
            platform=site_settings().platform_name or _("Participation platform"),
        ),
    )
