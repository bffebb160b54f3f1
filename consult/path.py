"""The citizen's path: what stands in all languages of the city, and where its texts come from.

The whole interface speaks German and English. The way of a citizen from the home page over a goal to a contribution,
its receipt and the answer speaks more (`PATH_LANGUAGES`). A page belongs to the path or it does not: one that does not
falls back as a whole, so that no page mixes languages. A new page of the path is entered in `ENDPOINTS`, the files its
texts stand in below; `tests/promises/test_path.py` finds what was forgotten.
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
    contributions.receipt_close contributions.slip
    accounts.sign_in accounts.sign_in_link accounts.sign_in_link_sent accounts.use_sign_in_link accounts.enter_code
    accounts.sign_out accounts.demo_sign_in accounts.register accounts.registered accounts.confirm accounts.ask_reset
    accounts.reset_sent accounts.reset
    accounts.me accounts.profile accounts.change_email accounts.change_email_sent accounts.confirm_email
    accounts.change_password accounts.my_data accounts.download_my_data accounts.delete_account accounts.sign_ins
    accounts.end_sign_in accounts.sign_out_everywhere
    invitations.respond invitations.accept invitations.decline invitations.ics
    site.imprint site.privacy site.accessibility site.contact site.contact_thanks site.language site.display
    """.split()
)

#: Mails a citizen gets; they are written in the person's language. Any other is in German or English.
MAILS = frozenset(
    """
    confirm account_exists sign_in_link reset change_email email_changed_notice
    contribution_published contribution_hidden
    invitation meeting_cancelled meeting_changed
    """.split()
)

#: Templates of these pages; what they extend, include or import counts without being named.
TEMPLATES = """
    processes/home.html processes/home_single.html processes/overview.html processes/timeline.html
    concept/read.html concept/element.html concept/theme.html concept/topics.html concept/topic.html
    contributions/index.html contributions/show.html contributions/rules.html contributions/write.html
    contributions/guest.html contributions/closed.html contributions/reply.html contributions/edit.html
    contributions/withdraw.html contributions/receipt.html contributions/receipt_show.html
    contributions/receipt_edit.html contributions/slip.html
    accounts/sign_in.html accounts/sign_in_link.html accounts/sign_in_link_sent.html accounts/use_sign_in_link.html
    accounts/enter_code.html accounts/sign_out.html accounts/register.html accounts/registered.html
    accounts/confirm.html accounts/ask_reset.html accounts/reset_sent.html accounts/reset.html
    accounts/me.html accounts/profile.html accounts/change_email.html accounts/change_email_sent.html
    accounts/confirm_email.html accounts/change_password.html accounts/my_data.html accounts/delete_account.html
    accounts/sign_ins.html
    invitations/respond.html invitations/over.html invitations/cancelled.html
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
    "consult/accounts/forms.py": (),
    "consult/accounts/operations.py": (),
    "consult/accounts/views/blueprint.py": (),
    "consult/accounts/views/entry.py": (),
    "consult/accounts/views/links.py": (),
    "consult/accounts/views/my_data.py": (),
    "consult/accounts/views/own.py": (),
    "consult/accounts/views/sign_ins.py": (),
    "consult/accounts/words.py": (),
    "consult/concept/marks.py": (),
    "consult/concept/views/reading.py": (),
    "consult/concept/views/shown.py": (),
    "consult/concept/views/topics.py": (),
    "consult/concept/words.py": (),
    "consult/contributions/arrival.py": (),
    "consult/contributions/emails.py": (),
    "consult/contributions/forms.py": (),
    "consult/contributions/guests.py": (),
    "consult/contributions/operations.py": (),
    "consult/contributions/shown.py": (),
    "consult/contributions/views/guests.py": (),
    "consult/contributions/views/receipts.py": (),
    "consult/contributions/views/writing.py": (),
    "consult/contributions/words.py": (),
    "consult/invitations/emails.py": (),
    "consult/invitations/operations.py": (),
    "consult/invitations/views/answering.py": (),
    "consult/meetings/words.py": (),
    "consult/personal.py": (),
    "consult/processes/views/reading.py": (),
    "consult/processes/words.py": (),
    "consult/site/forms.py": ("TOPICS", "ContactForm", "DisplayForm"),
    "consult/site/operations.py": (),
    "consult/site/views.py": (),
    "consult/weighing/words.py": (),
}
