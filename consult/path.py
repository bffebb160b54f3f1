"""The citizen's path: what stands in all languages of the city.

The whole interface speaks German and English. The way of a citizen from the home page over a goal to a contribution,
its receipt and the answer speaks more (`PATH_LANGUAGES`). A page belongs to the path or it does not: one that does not
falls back as a whole, so that no page mixes languages. A new page of the path is entered here, the files its
texts stand in are entered in `deploy/path_texts.py`; `tests/promises/test_path.py` finds what was forgotten.
"""

#: Pages and forms that may be shown in every language. Errors before a page is known belong to the path as well.
ENDPOINTS = frozenset(
    """
    processes.home processes.overview processes.timeline processes.preview
    concept.read concept.version concept.on_day concept.whole concept.element concept.theme concept.topics
    concept.topic
    contributions.index contributions.show contributions.rules contributions.react
    contributions.create contributions.create_for_process contributions.help_create
    contributions.help_create_for_process contributions.reply contributions.edit contributions.withdraw
    contributions.receipt contributions.receipt_show contributions.receipt_edit contributions.receipt_withdraw
    contributions.receipt_close contributions.receipt_keep contributions.slip contributions.since
    contributions.propose contributions.edit_proposal contributions.similar_to_element
    contributions.similar_to_process contributions.claim contributions.forget_guest
    moderation.report moderation.report_slip moderation.report_outcome moderation.appeal moderation.receipt_appeal
    moderation.figures
    weighing.mine weighing.mails weighing.stop
    accounts.sign_in accounts.sign_in_link accounts.sign_in_link_sent accounts.use_sign_in_link accounts.enter_code
    accounts.sign_out accounts.demo_sign_in accounts.register accounts.registered accounts.confirm accounts.ask_reset
    accounts.reset_sent accounts.reset
    accounts.me accounts.profile accounts.change_email accounts.change_email_sent accounts.confirm_email
    accounts.change_password accounts.my_data accounts.download_my_data accounts.delete_account accounts.sign_ins
    accounts.end_sign_in accounts.sign_out_everywhere
    invitations.respond invitations.accept invitations.maybe invitations.decline invitations.ics
    invitations.deputy invitations.deputy_back
    meetings.index meetings.show meetings.ics meetings.material meetings.guest_material meetings.subscribe
    meetings.register meetings.register_sent meetings.confirm_registration meetings.my_registration
    meetings.change_registration meetings.take_back_name meetings.come meetings.cancel_registration meetings.my_ics
    meetings.survey meetings.answer_survey meetings.survey_results
    meetings.my_dates meetings.renew_calendar meetings.end_calendar
    newsletters.subscribe newsletters.asked newsletters.confirm newsletters.stop
    site.imprint site.privacy site.accessibility site.contact site.contact_thanks site.language site.display
    """.split()
)

#: Mails a citizen gets; they are written in the person's language. Any other is in German or English.
MAILS = frozenset(
    """
    confirm account_exists sign_in_link reset change_email email_changed_notice
    contribution_published contribution_hidden contribution_erased confirm_contribution contribution_answered
    report_closed appeal_decided
    invitation invitation_reminder invitation_test deputy_declined deputy_invited meeting_cancelled
    meeting_changed monthly
    confirm_registration registration_known registration_confirmed registration_listed registration_refused
    registration_ended place_offered place_offer_ended
    meeting_reminder meeting_thanks meeting_survey
    newsletter_confirm newsletter newsletter_test dates_changed
    """.split()
)
