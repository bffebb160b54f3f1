"""The features, bottom to top. Importing this module imports every table."""

from flask import Blueprint

from consult import files, limits  # noqa: F401  (tables of the core)
from consult.accounts import models as _accounts
from consult.accounts.views import bp as _account_pages
from consult.audit import models as _audit
from consult.concept import models as _concept
from consult.concept.views import bp as _concept_pages
from consult.contributions import models as _contributions
from consult.digests import models as _digests
from consult.digests.views import bp as _digest_pages
from consult.groups import models as _groups
from consult.groups.views import bp as _group_pages
from consult.invitations import models as _invitations
from consult.meetings import models as _meetings
from consult.outbox import models as _outbox
from consult.outbox.views import bp as _outbox_pages
from consult.processes import models as _processes
from consult.processes.views import bp as _process_pages
from consult.site import models as _site
from consult.site.views import bp as _site_pages
from consult.weighing import models as _weighing

TABLES = (
    _audit, _site, _outbox, _accounts, _groups, _processes, _concept, _contributions, _weighing, _meetings,
    _invitations, _digests,
)  # fmt: skip


def blueprints() -> list[Blueprint]:
    """Every feature's pages."""
    return [_site_pages, _account_pages, _group_pages, _process_pages, _concept_pages, _outbox_pages, _digest_pages]
