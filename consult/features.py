"""The features, bottom to top. Importing this module imports every table."""

from flask import Blueprint

from consult import files, limits  # noqa: F401  (tables of the core)
from consult.accounts import models as _accounts
from consult.audit import models as _audit
from consult.concept import models as _concept
from consult.contributions import models as _contributions
from consult.digests import models as _digests
from consult.groups import models as _groups
from consult.invitations import models as _invitations
from consult.meetings import models as _meetings
from consult.outbox import models as _outbox
from consult.outbox.views import bp as _outbox_pages
from consult.processes import models as _processes
from consult.site import models as _site
from consult.weighing import models as _weighing

TABLES = (
    _audit, _site, _outbox, _accounts, _groups, _processes, _concept, _contributions, _weighing, _meetings,
    _invitations, _digests,
)  # fmt: skip


def blueprints() -> list[Blueprint]:
    """Every feature's pages."""
    return [_outbox_pages]
