"""Where the texts of the citizen's path (`consult/path.py`) stand: what its catalogues have to hold."""

#: Templates of these pages; what they extend, include or import counts without being named.
TEMPLATES = """
    processes/home.html processes/home_single.html processes/overview.html processes/timeline.html
    concept/read.html concept/element.html concept/theme.html concept/topics.html concept/topic.html
    contributions/index.html contributions/show.html contributions/rules.html contributions/write.html
    contributions/guest.html contributions/closed.html contributions/reply.html contributions/edit.html
    contributions/withdraw.html contributions/receipt.html contributions/receipt_show.html
    contributions/receipt_edit.html contributions/slip.html contributions/changed_since.html
    contributions/propose.html contributions/propose_edit.html contributions/_similar_found.html
    contributions/claim.html contributions/kept.html
    moderation/report.html moderation/report_slip.html moderation/report_outcome.html moderation/appeal.html
    moderation/figures.html
    weighing/mine.html weighing/mails.html weighing/stop.html
    accounts/sign_in.html accounts/sign_in_link.html accounts/sign_in_link_sent.html accounts/use_sign_in_link.html
    accounts/enter_code.html accounts/sign_out.html accounts/register.html accounts/registered.html
    accounts/confirm.html accounts/ask_reset.html accounts/reset_sent.html accounts/reset.html
    accounts/me.html accounts/profile.html accounts/change_email.html accounts/change_email_sent.html
    accounts/confirm_email.html accounts/change_password.html accounts/my_data.html accounts/delete_account.html
    accounts/sign_ins.html
    invitations/respond.html invitations/over.html invitations/cancelled.html invitations/deputy.html
    meetings/index.html meetings/show.html meetings/subscribe.html meetings/register.html meetings/register_sent.html
    meetings/confirm_registration.html meetings/my_registration.html meetings/my_dates.html
    meetings/survey.html meetings/survey_results.html
    newsletters/subscribe.html newsletters/asked.html newsletters/confirm.html newsletters/stop.html
    site/legal.html site/contact.html site/contact_thanks.html site/display.html
    errors/error.html emails/layout.html
    """.split()

#: Modules whose texts show on the path; where only a part of one does, the names of its classes and functions.
MODULES: dict[str, tuple[str, ...]] = {
    "consult/errors.py": (),
    "consult/forms.py": (),
    "consult/shell.py": (),
    "consult/accounts/bodies.py": (),
    "consult/accounts/emails.py": (),
    "consult/accounts/forms.py": (
        "NAME_HINT",
        "PASSWORD_HINT",
        "Address",
        "PublicName",
        "GoodPassword",
        "AccountForm",
        "_name_field",
        "email_field",
        "RegisterForm",
        "ConfirmForm",
        "SignInForm",
        "EmailForm",
        "ResetForm",
        "ChangePasswordForm",
        "ChangeEmailForm",
        "DeleteAccountForm",
        "ProfileForm",
        "CodeForm",
    ),
    "consult/accounts/operations.py": (),
    "consult/accounts/views/blueprint.py": (),
    "consult/accounts/views/entry.py": (),
    "consult/accounts/views/links.py": (),
    "consult/accounts/views/my_data.py": (),
    "consult/accounts/views/own.py": (),
    "consult/accounts/views/sign_ins.py": (),
    "consult/accounts/words.py": (),
    "consult/concept/difference.py": (),
    "consult/concept/marks.py": (),
    "consult/concept/views/reading.py": (),
    "consult/concept/views/shown.py": (),
    "consult/concept/views/topics.py": (),
    "consult/concept/words.py": (),
    "consult/contributions/arrival.py": (),
    "consult/contributions/claims.py": (),
    "consult/contributions/emails.py": (),
    "consult/contributions/forms.py": (),
    "consult/contributions/guests.py": (),
    "consult/contributions/offered.py": (),
    "consult/contributions/operations.py": (),
    "consult/contributions/proposal_forms.py": (),
    "consult/contributions/proposals.py": (),
    "consult/contributions/sentences.py": (),
    "consult/contributions/shown.py": (),
    "consult/contributions/views/claims.py": (),
    "consult/contributions/views/guests.py": (),
    "consult/contributions/views/proposed.py": (),
    "consult/contributions/views/proposing.py": (),
    "consult/contributions/views/receipts.py": (),
    "consult/contributions/views/writing.py": (),
    "consult/contributions/words.py": (),
    "consult/digests/monthly_emails.py": (),
    "consult/invitations/emails.py": (),
    "consult/invitations/emails_deputies.py": (),
    "consult/invitations/letters.py": ("compose",),
    "consult/invitations/answering.py": (),
    "consult/invitations/forms.py": ("AnswerForm", "DeputyForm"),
    "consult/invitations/operations.py": (),
    "consult/invitations/views/answering.py": (),
    "consult/meetings/attendees.py": (),
    "consult/meetings/card_words.py": (),
    "consult/meetings/deadlines.py": (),
    "consult/meetings/emails.py": (),
    "consult/meetings/emails_registering.py": (),
    "consult/meetings/event_words.py": ("state_names", "state_of"),
    "consult/meetings/feeds.py": (),
    "consult/meetings/mailing.py": (),
    "consult/meetings/registering.py": (),
    "consult/meetings/registering_forms.py": (
        "NeedsForm",
        "checkboxes",
        "true_address",
        "MineForm",
        "RegisterForm",
        "ConfirmForm",
    ),
    "consult/meetings/survey.py": ("save", "Figures"),
    "consult/meetings/views/feeds.py": (),
    "consult/meetings/views/registering.py": (),
    "consult/meetings/views/survey.py": ("answer",),
    "consult/meetings/words.py": ("kind_names", "line_names", "need_names", "day_words", "when_words"),
    "consult/moderation/appeals.py": ("make",),
    "consult/moderation/case_forms.py": ("_LONG", "ReportForm", "AppealForm"),
    "consult/moderation/emails.py": ("outcome_sentence", "report_closed", "appeal_decided", "contribution_erased"),
    "consult/moderation/reports.py": ("make",),
    "consult/moderation/views/appeals.py": ("appeal", "receipt_appeal"),
    "consult/moderation/views/reports.py": ("_send", "report", "report_slip", "report_outcome"),
    "consult/newsletters/emails.py": (),
    "consult/newsletters/emails_dates.py": (),
    "consult/newsletters/forms.py": ("SubscribeForm",),
    "consult/newsletters/views/subscribing.py": (),
    "consult/personal.py": (),
    "consult/processes/views/reading.py": (),
    "consult/processes/words.py": (),
    "consult/site/forms.py": ("TOPICS", "ContactForm", "DisplayForm"),
    "consult/site/operations.py": (),
    "consult/site/views.py": (),
    "consult/weighing/emails.py": (),
    "consult/weighing/forms.py": ("SwitchesForm",),
    "consult/weighing/views/mails.py": (),
    "consult/weighing/words.py": ("disposition_names", "disposition_sentences", "switch_names"),
}
