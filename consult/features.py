"""The features, bottom to top. Importing this module imports every table."""

from flask import Blueprint

from consult import files, limits  # noqa: F401  (tables of the core)
from consult.accounts import models as _accounts
from consult.accounts.views import bp as _account_pages
from consult.audit import models as _audit
from consult.concept import models as _concept
from consult.concept.views import bp as _concept_pages
from consult.contacts.views import bp as _contact_pages
from consult.contributions import emails as _contribution_mails
from consult.contributions import models as _contributions
from consult.contributions.views import bp as _contribution_pages
from consult.desk import emails as _desk_mails
from consult.desk.views import bp as _desk_pages
from consult.digests import models as _digests
from consult.digests import monthly_emails as _monthly_mails
from consult.digests.views import bp as _digest_pages
from consult.groups import models as _groups
from consult.groups.views import bp as _group_pages
from consult.invitations import emails as _invitation_mails
from consult.invitations import emails_deputies as _deputy_mails
from consult.invitations import models as _invitations
from consult.invitations.views import bp as _invitation_pages
from consult.meetings import emails as _meeting_mails
from consult.meetings import emails_registering as _registration_mails
from consult.meetings import models as _meetings
from consult.meetings.views import bp as _meeting_pages
from consult.moderation import emails as _moderation_mails
from consult.moderation import models as _moderation
from consult.moderation.views import bp as _moderation_pages
from consult.newsletters import emails as _newsletter_mails
from consult.newsletters import emails_dates as _date_mails
from consult.newsletters.views import bp as _newsletter_pages
from consult.outbox import models as _outbox
from consult.outbox.views import bp as _outbox_pages
from consult.processes import models as _processes
from consult.processes.views import bp as _process_pages
from consult.site import models as _site
from consult.site.views import bp as _site_pages
from consult.weighing import emails as _weighing_mails
from consult.weighing import models as _weighing
from consult.weighing.views import bp as _weighing_pages

TABLES = (
    _audit, _site, _outbox, _accounts, _groups, _processes, _concept, _contributions, _moderation, _weighing,
    _meetings, _invitations, _digests,
)  # fmt: skip
#: Importing these registers their mails.
MAILS = (
    _contribution_mails, _moderation_mails, _weighing_mails, _meeting_mails, _registration_mails, _invitation_mails,
    _deputy_mails, _newsletter_mails, _date_mails, _monthly_mails, _desk_mails,
)  # fmt: skip


def blueprints() -> list[Blueprint]:
    """Every feature's pages."""
    return [
        _site_pages,
        _outbox_pages,
        _account_pages,
        _group_pages,
        _process_pages,
        _concept_pages,
        _contribution_pages,
        _moderation_pages,
        _weighing_pages,
        _meeting_pages,
        _invitation_pages,
        _newsletter_pages,
        _contact_pages,
        _digest_pages,
        _desk_pages,
    ]
