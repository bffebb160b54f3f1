"""Every act that leaves an audit entry, as `feature.subject.verb`, with exactly the facts it records.

Facts are ids, counts and machine words only: never names, addresses or texts (those can be erased, entries cannot).
"""

from enum import StrEnum


class Action(StrEnum):
    # site
    site_changed = "site.settings.changed"
    site_text_changed = "site.text.changed"
    # accounts
    account_registered = "accounts.account.registered"
    account_confirmed = "accounts.account.confirmed"
    account_suspended = "accounts.account.suspended"
    account_restored = "accounts.account.restored"
    account_operator_granted = "accounts.operator.granted"
    account_operator_revoked = "accounts.operator.revoked"
    staff_invited = "accounts.staff.invited"
    signed_in = "accounts.session.opened"
    signed_out = "accounts.session.closed"
    signed_out_everywhere = "accounts.session.closed_all"
    password_changed = "accounts.password.changed"  # noqa: S105  (the name of an act)
    email_changed = "accounts.email.changed"
    profile_changed = "accounts.profile.changed"
    #: Switches for mails, by the names of their fields.
    mails_turned_on = "accounts.mails.turned_on"
    mails_turned_off = "accounts.mails.turned_off"
    second_factor_set = "accounts.second_factor.set"
    second_factor_removed = "accounts.second_factor.removed"
    recovery_code_used = "accounts.recovery_code.used"
    account_erased = "accounts.account.erased"
    organisation_created = "accounts.organisation.created"
    organisation_changed = "accounts.organisation.changed"
    representation_confirmed = "accounts.representation.confirmed"
    representation_ended = "accounts.representation.ended"
    # groups
    group_created = "groups.group.created"
    group_changed = "groups.group.changed"
    member_added = "groups.member.added"
    member_removed = "groups.member.removed"
    seat_filled = "groups.seat.filled"
    seat_vacated = "groups.seat.vacated"
    # processes
    process_created = "processes.process.created"
    process_changed = "processes.process.changed"
    process_published = "processes.process.published"
    process_archived = "processes.process.archived"
    stage_created = "processes.stage.created"
    stage_changed = "processes.stage.changed"
    #: Its days are others now; the facts say which they were.
    stage_moved = "processes.stage.moved"
    stage_removed = "processes.stage.removed"
    function_granted = "processes.function.granted"
    function_revoked = "processes.function.revoked"
    preview_created = "processes.preview.created"
    preview_revoked = "processes.preview.revoked"
    # concept
    concept_created = "concept.concept.created"
    element_created = "concept.element.created"
    element_edited = "concept.element.edited"
    element_moved = "concept.element.moved"
    element_split = "concept.element.split"
    elements_merged = "concept.element.merged"
    element_renumbered = "concept.element.renumbered"
    element_retired = "concept.element.retired"
    element_restored = "concept.element.restored"
    draft_begun = "concept.draft.begun"
    draft_saved = "concept.draft.saved"
    draft_submitted = "concept.draft.submitted"
    draft_returned = "concept.draft.returned"
    draft_adopted = "concept.draft.adopted"
    draft_withdrawn = "concept.draft.withdrawn"
    fact_added = "concept.fact.added"
    picture_added = "concept.picture.added"
    life_topics_changed = "concept.life_topics.changed"
    measures_imported = "concept.measures.imported"
    link_changed = "concept.link.changed"
    mandate_changed = "concept.mandate.changed"
    version_published = "concept.version.published"
    # contributions
    contribution_submitted = "contributions.contribution.submitted"
    contribution_edited = "contributions.contribution.edited"
    contribution_withdrawn = "contributions.contribution.withdrawn"
    contribution_published = "contributions.contribution.published"
    contribution_approved = "contributions.contribution.approved"
    contribution_hidden = "contributions.contribution.hidden"
    moderation_undone = "contributions.moderation.undone"
    translation_added = "contributions.translation.added"
    translation_removed = "contributions.translation.removed"
    reaction_given = "contributions.reaction.given"
    reaction_taken_back = "contributions.reaction.taken_back"
    moderation_reason_changed = "contributions.reason.changed"
    contributions_imported = "contributions.imported"
    contribution_claimed = "contributions.contribution.claimed"
    trust_changed = "contributions.trust.changed"
    screening_rule_changed = "contributions.screening_rule.changed"
    # moderation
    contribution_erased = "moderation.contribution.erased"
    erasure_requested = "moderation.erasure.requested"
    erasure_declined = "moderation.erasure.declined"
    report_made = "moderation.report.made"
    report_closed = "moderation.report.closed"
    report_reopened = "moderation.report.reopened"
    appeal_made = "moderation.appeal.made"
    appeal_decided = "moderation.appeal.decided"
    assignment_changed = "moderation.assignment.changed"
    duty_changed = "moderation.duty.changed"
    note_added = "moderation.note.added"
    gathering_changed = "moderation.gathering.changed"
    # weighing
    disposition_decided = "weighing.disposition.decided"
    dispositions_released = "weighing.dispositions.released"
    # meetings
    meeting_created = "meetings.meeting.created"
    meeting_changed = "meetings.meeting.changed"
    meeting_cancelled = "meetings.meeting.cancelled"
    survey_answered = "meetings.survey.answered"
    registration_changed = "meetings.registration.changed"
    quotas_changed = "meetings.quotas.changed"
    questions_changed = "meetings.questions.changed"
    door_opened = "meetings.door.opened"
    door_shut = "meetings.door.shut"
    guest_checked_in = "meetings.check_in.made"
    check_in_undone = "meetings.check_in.undone"
    attendance_closed = "meetings.attendance.closed"
    attendance_reopened = "meetings.attendance.reopened"
    card_changed = "meetings.card.changed"
    wall_photo_added = "meetings.wall_photo.added"
    wall_photo_typed = "meetings.wall_photo.typed"
    wall_photo_removed = "meetings.wall_photo.removed"
    minutes_recorded = "meetings.minutes.recorded"
    minutes_approved = "meetings.minutes.approved"
    # invitations
    campaign_sent = "invitations.campaign.sent"
    campaign_drafted = "invitations.campaign.drafted"
    campaign_changed = "invitations.campaign.changed"
    list_arrived = "invitations.list.arrived"
    list_taken = "invitations.list.taken"
    list_discarded = "invitations.list.discarded"
    campaign_counted = "invitations.campaign.counted"
    campaign_handed_in = "invitations.campaign.handed_in"
    campaign_agreed = "invitations.campaign.agreed"
    campaign_taken_back = "invitations.campaign.taken_back"
    campaign_tested = "invitations.campaign.tested"
    campaign_started = "invitations.campaign.started"
    campaign_paused = "invitations.campaign.paused"
    campaign_resumed = "invitations.campaign.resumed"
    campaign_stopped = "invitations.campaign.stopped"
    campaign_finished = "invitations.campaign.finished"
    campaign_reminded = "invitations.campaign.reminded"
    campaign_letters = "invitations.campaign.letters"
    invitation_answered = "invitations.invitation.answered"
    invitation_revoked = "invitations.invitation.revoked"
    # outbox
    message_retried = "outbox.message.retried"
    address_resumed = "outbox.address.resumed"
    # digests
    digest_issued = "digests.digest.issued"
    # newsletters
    newsletter_subscribed = "newsletters.subscription.begun"
    newsletter_ended = "newsletters.subscription.ended"
    newsletter_drafted = "newsletters.issue.drafted"
    newsletter_handed_in = "newsletters.issue.handed_in"
    newsletter_tested = "newsletters.issue.tested"
    newsletter_started = "newsletters.issue.started"
    newsletter_finished = "newsletters.issue.finished"
    #: A stage has other days, and those who follow the process are told; the facts say which days they knew.
    dates_told = "newsletters.dates.told"
    # contacts
    contact_changed = "contacts.person.changed"
    affiliation_changed = "contacts.affiliation.changed"
    network_changed = "contacts.network.changed"
    contact_added = "contacts.person.added"
    told_apart = "contacts.told_apart"
    person_merged = "contacts.person.merged"
    organisation_merged = "contacts.organisation.merged"
    # backup
    backup_restored = "backup.archive.restored"
    erasure_repeated = "backup.erasure.repeated"


#: Facts per action; an action that is not named here records none.
FACTS: dict[Action, frozenset[str]] = {
    Action.registration_changed: frozenset({"state"}),
    Action.stage_moved: frozenset({"starts_at", "ends_at"}),
    Action.newsletter_handed_in: frozenset({"recipients"}),
    Action.dates_told: frozenset({"sequence", "starts_at", "ends_at", "recipients"}),
    Action.contact_changed: frozenset({"fields"}),
    Action.affiliation_changed: frozenset({"organisation_id", "present"}),
    Action.network_changed: frozenset({"organisation_id", "present"}),
    Action.contact_added: frozenset(),
    Action.told_apart: frozenset({"other_id", "present"}),
    Action.person_merged: frozenset({"into", "moved", "removed"}),
    Action.organisation_merged: frozenset({"into", "moved", "removed"}),
    Action.backup_restored: frozenset({"taken_at", "parked", "repeated", "stopped"}),
    Action.site_changed: frozenset({"fields"}),
    Action.site_text_changed: frozenset({"key", "lang"}),
    Action.profile_changed: frozenset({"fields"}),
    Action.mails_turned_on: frozenset({"fields"}),
    Action.mails_turned_off: frozenset({"fields"}),
    Action.member_added: frozenset({"group_id"}),
    Action.member_removed: frozenset({"group_id"}),
    Action.seat_filled: frozenset({"membership_id", "deputy"}),
    Action.seat_vacated: frozenset({"membership_id"}),
    Action.representation_confirmed: frozenset({"organisation_id"}),
    Action.representation_ended: frozenset({"organisation_id"}),
    Action.process_changed: frozenset({"fields"}),
    Action.function_granted: frozenset({"group_id", "function"}),
    Action.function_revoked: frozenset({"group_id", "function"}),
    Action.element_created: frozenset({"change_id"}),
    Action.element_edited: frozenset({"change_id"}),
    Action.element_moved: frozenset({"change_id"}),
    Action.element_split: frozenset({"change_id", "into"}),
    Action.elements_merged: frozenset({"change_id", "into"}),
    Action.element_renumbered: frozenset({"change_id"}),
    Action.element_retired: frozenset({"change_id"}),
    Action.element_restored: frozenset({"change_id"}),
    Action.draft_submitted: frozenset({"act_id"}),
    Action.draft_returned: frozenset({"act_id"}),
    Action.draft_adopted: frozenset({"act_id", "change_id"}),
    Action.draft_withdrawn: frozenset({"act_id"}),
    Action.fact_added: frozenset({"number"}),
    Action.picture_added: frozenset({"number"}),
    Action.measures_imported: frozenset({"added", "changed"}),
    Action.link_changed: frozenset({"to", "present"}),
    Action.mandate_changed: frozenset({"element_ids"}),
    Action.version_published: frozenset({"number", "audience", "elements"}),
    Action.contribution_submitted: frozenset({"number", "element_id"}),
    Action.contribution_edited: frozenset({"revision"}),
    Action.contribution_approved: frozenset({"act_id"}),
    Action.contribution_hidden: frozenset({"act_id", "reason_id"}),
    Action.moderation_undone: frozenset({"act_id"}),
    Action.translation_added: frozenset({"lang"}),
    Action.translation_removed: frozenset({"lang", "translation_id"}),
    Action.contributions_imported: frozenset({"contributions", "reactions", "persons"}),
    Action.trust_changed: frozenset({"person_id", "level"}),
    Action.screening_rule_changed: frozenset({"rule_id"}),
    Action.contribution_erased: frozenset({"act_id", "reason_id"}),
    Action.erasure_requested: frozenset({"request_id"}),
    Action.erasure_declined: frozenset({"request_id"}),
    Action.report_made: frozenset({"report_id"}),
    Action.report_closed: frozenset({"report_id", "outcome"}),
    Action.report_reopened: frozenset({"report_id"}),
    Action.appeal_made: frozenset({"appeal_id", "act_id"}),
    Action.appeal_decided: frozenset({"appeal_id", "granted"}),
    Action.assignment_changed: frozenset({"to_id"}),
    Action.duty_changed: frozenset({"duty_id"}),
    Action.note_added: frozenset({"note_id"}),
    Action.gathering_changed: frozenset({"head_id"}),
    Action.dispositions_released: frozenset({"version_id", "dispositions"}),
    Action.disposition_decided: frozenset({"kind", "contribution_id"}),
    Action.minutes_recorded: frozenset({"revision"}),
    Action.minutes_approved: frozenset({"contributions"}),
    Action.guest_checked_in: frozenset({"before"}),
    Action.check_in_undone: frozenset({"to"}),
    Action.attendance_closed: frozenset({"present", "absent"}),
    Action.wall_photo_typed: frozenset({"done"}),
    Action.campaign_sent: frozenset({"invited"}),
    Action.campaign_drafted: frozenset({"meeting_id"}),
    Action.campaign_changed: frozenset({"revision"}),
    Action.list_arrived: frozenset({"campaign_id"}),
    Action.list_taken: frozenset({"campaign_id", "people"}),
    Action.list_discarded: frozenset({"campaign_id"}),
    Action.campaign_counted: frozenset({"revision"}),
    Action.campaign_handed_in: frozenset({"revision", "recipients"}),
    Action.campaign_agreed: frozenset({"revision"}),
    Action.campaign_taken_back: frozenset({"revision"}),
    Action.campaign_tested: frozenset({"revision"}),
    Action.campaign_paused: frozenset({"mails"}),
    Action.campaign_resumed: frozenset({"mails"}),
    Action.campaign_stopped: frozenset({"mails"}),
    Action.campaign_reminded: frozenset({"people"}),
    Action.campaign_letters: frozenset({"letters"}),
    Action.invitation_answered: frozenset({"state"}),
    Action.digest_issued: frozenset({"from_seq", "to_seq"}),
}
