"""Plain words for what the database holds as machine words."""

from flask_babel import gettext as _

from consult.accounts.models import OrganisationKind


def organisation_kinds() -> dict[str, str]:
    return {
        OrganisationKind.administration: _("City administration"),
        OrganisationKind.welfare: _("Welfare association"),
        OrganisationKind.migrant_organisation: _("Migrant organisation"),
        OrganisationKind.religion: _("Religious community"),
        OrganisationKind.university: _("University"),
        OrganisationKind.education: _("School, day care, further education"),
        OrganisationKind.work_business: _("Work and business"),
        OrganisationKind.housing_quarter: _("Housing and neighbourhood"),
        OrganisationKind.sport_culture_health: _("Sport, culture, health"),
        OrganisationKind.politics: _("Politics"),
        OrganisationKind.network: _("Network"),
        OrganisationKind.facilitation: _("Facilitation of processes"),
    }
