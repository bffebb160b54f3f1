"""Which pages are visited, as whom, in which stored state. Every GET route is here or has a reason not to be."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask

from tests.browser.scenery import Scene
from tests.browser.town import MAIL

#: GET routes that are no pages.
NO_PAGES = {
    "static": "files; the pages load them",
    "site.favicon": "a picture",
    "site.logo": "a picture; the settings page shows it",
    "site.robots": "plain text",
    "site.language": "sets the language and leads back; test_without_javascript presses it",
    "outbox.live": "JSON for machines",
    "outbox.ready": "JSON for machines",
    "accounts.second_factor_qr": "a picture; the page of the second factor shows it",
    "meetings.ics": "a calendar entry; tests/meetings reads it",
    "meetings.process_ics": "a calendar; tests/meetings reads it",
    "meetings.personal_ics": "a calendar; tests/meetings reads it",
    "meetings.material": "a file; tests/meetings fetches it",
    "meetings.guest_material": "a file; tests/meetings fetches it",
    "invitations.ics": "a calendar entry; tests/invitations reads it",
    "meetings.door_worker": "a script; tests/browser/test_door.py uses it",
    "meetings.photo": "a picture; the page of the pictures shows it",
    "meetings.sign_in_sheet": "a file to print; tests/meetings reads it",
    "meetings.badges": "a file to print; tests/meetings reads it",
    "accounts.download_my_data": "a file for people and programs; tests/accounts reads it",
    "concept.measures_xlsx": "an Excel file; tests/concept reads it",
    "concept.picture": "a picture; the page of its element shows it",
    "concept.sheet_rest": "an Excel file; tests/concept reads it",
    "meetings.my_ics": "a calendar entry; tests/meetings reads it",
    "meetings.registrations_csv": "a CSV file; tests/meetings reads it",
    "meetings.registrations_xlsx": "an Excel file; tests/meetings reads it",
    "outbox.mails_csv": "a CSV file; tests/outbox reads it",
    "invitations.export": "a CSV file; tests/invitations reads it",
    "invitations.export_campaign": "an Excel or CSV file; tests/invitations reads it",
    "invitations.unusable_lines": "a CSV file; tests/invitations reads it",
    "invitations.download_letters": "a file to print; tests/invitations reads it",
    "contributions.receipt_show": "opens with a code; tests/browser/test_receipt.py looks at it",
    "contributions.receipt_edit": "opens with a code; tests/browser/test_receipt.py looks at it",
    "moderation.report_slip": "shows a code once; tests/browser/test_receipt.py looks at it",
    "moderation.report_outcome": "opens with a code; tests/browser/test_receipt.py looks at it",
    "moderation.receipt_appeal": "opens with a code; tests/browser/test_receipt.py looks at it",
    "processes.preview": "leads on to the process; here it begins the visits as `preview`",
}


@dataclass(frozen=True)
class Visit:
    """One page: the route, who looks, what the address is filled with, what is expected."""

    endpoint: str
    role: str | None
    #: Which of the scene's arguments fill the address.
    place: str = "offen"
    values: dict[str, Any] = field(default_factory=dict)
    #: Taken from the scene: argument of the address -> function of the scene.
    of: dict[str, Callable[[Scene], Any]] = field(default_factory=dict)
    query: str = ""
    status: int = 200
    name: str = ""

    def __str__(self) -> str:
        return "-".join(part for part in (self.endpoint, self.role or "nobody", self.place, self.name) if part)

    def url(self, app: Flask, scene: Scene) -> str:
        """The address."""
        arguments = {**scene.offen, **({} if self.place == "offen" else getattr(scene, self.place)), **self.values}
        arguments |= {name: find(scene) for name, find in self.of.items()}
        for rule in app.url_map.iter_rules(self.endpoint):
            if (rule.defaults or {}).get("which", "concept") == arguments.get("which", "concept"):
                built = rule.build({k: v for k, v in arguments.items() if k in rule.arguments}, append_unknown=False)
                assert built is not None, f"{self.endpoint}: an argument is missing of {rule.arguments}"
                return str(built[1]) + self.query
        raise AssertionError(f"there is no route {self.endpoint}")


def _link(name: str) -> dict[str, Callable[[Scene], Any]]:
    return {"link": lambda scene: scene.links[name]}


def _meeting(name: str) -> dict[str, Callable[[Scene], Any]]:
    return {"meeting_id": lambda scene: scene.links[f"meeting_{name}"]}


def _offen(argument: str, name: str) -> dict[str, Callable[[Scene], Any]]:
    return {argument: lambda scene: scene.offen[name]}


def _demo(argument: str, name: str) -> dict[str, Callable[[Scene], Any]]:
    return {argument: lambda scene: scene.demo[name]}


def _each(role: str | None, *endpoints: str, **more: Any) -> list[Visit]:
    return [Visit(endpoint, role, **more) for endpoint in endpoints]


READING = (
    "processes.overview", "processes.timeline", "concept.read", "concept.versions", "contributions.index",
    "contributions.rules", "meetings.index",
)  # fmt: skip

VISITS = [
    *_each(
        None, "processes.home", "site.imprint", "site.privacy", "site.accessibility", "site.contact",
        "site.contact_thanks", "site.display", "accounts.sign_in", "accounts.sign_in_link",
        "accounts.sign_in_link_sent", "accounts.register", "accounts.registered", "accounts.ask_reset",
        "accounts.reset_sent",
    ),
    # The demonstration, read by everybody, and with the words of the place where there is nothing.
    *_each(None, *READING, place="demo"),
    *_each(None, *READING, place="empty"),
    Visit("concept.element", None, "demo"),
    Visit("concept.history", None, "demo"),
    Visit("concept.difference", None, "demo"),
    Visit("concept.difference", None, "demo", {"which": "charter"}, name="charter"),
    Visit("concept.element_difference", None, "demo"),
    Visit("concept.version", None, "demo", of=_demo("number", "version")),
    Visit("concept.version", None, "demo", {"which": "charter"}, _demo("number", "charter_version"), name="charter"),
    Visit("concept.theme", None, "demo", of=_demo("key", "theme")),
    Visit("concept.whole", None, "demo"),
    Visit("concept.matrix", None, "demo"),
    Visit("concept.matrix", None, "empty"),
    Visit("concept.matrix_goals", None, "demo"),
    Visit("concept.matrix_goals", None, "demo", query="?theme=th-quartier", name="one theme"),
    Visit("concept.matrix_goals", "demo_lead", "demo", query="?text=working", name="working text"),
    Visit("concept.on_day", None, "demo"),
    Visit("concept.on_day", None, "demo", {"day": "1999-12-31"}, status=404, name="before the first version"),
    Visit("contributions.show", None, "demo"),
    Visit("contributions.translate", "demo_moderator", "demo"),
    Visit("contributions.translate", "steering"),
    Visit("concept.element", None, "demo", query="?order=supported&stance=concern", name="chosen"),
    Visit("contributions.index", "steering", query="?needs=de", name="needs a translation"),
    Visit("meetings.show", None, "demo", name="with minutes"),
    Visit("meetings.show", None, "demo", of=_demo("meeting_id", "ahead"), name="ahead"),
    Visit("meetings.show", None, of=_meeting("cancelled"), name="cancelled"),
    Visit("concept.element", None),
    Visit("concept.facts", None, "demo"),
    Visit("concept.facts", None, "empty"),
    Visit("concept.facts", None),
    Visit("concept.topics", None, "demo"),
    Visit("concept.topics", None, "empty"),
    Visit("concept.topic", None, "demo", {"key": "housing"}),
    Visit("concept.topic", None, name="nothing in it"),
    *_each(None, "moderation.report", "moderation.figures", place="demo"),
    Visit("moderation.report", "steering"),
    Visit("moderation.figures", None),
    Visit("moderation.figures", None, "empty"),
    Visit("moderation.appeal", "author", of=_offen("number", "refused")),
    Visit("contributions.show", "author", of=_offen("number", "pending"), name="pending"),
    Visit("contributions.show", "author", of=_offen("number", "hidden"), name="hidden"),
    Visit("processes.overview", None, values={"slug": "archiv"}, name="archived"),
    Visit("processes.overview", "preview", values={"slug": "entwurf"}, name="unpublished"),
    Visit("concept.read", "preview", values={"slug": "entwurf"}, name="unpublished"),
    # Taking part.
    Visit("contributions.create", "demo_citizen", "demo"),
    Visit("contributions.create", "author", name="speaks for an organisation"),
    Visit("contributions.create_for_process", "demo_citizen", "demo"),
    Visit("contributions.create_for_process", "citizen", values={"slug": "zu"}, name="closed"),
    Visit("contributions.reply", "demo_citizen", "demo"),
    Visit("contributions.edit", "author", of=_offen("number", "waiting")),
    Visit("contributions.withdraw", "author", of=_offen("number", "waiting")),
    Visit("contributions.propose", "author"),
    Visit("contributions.propose", None),
    Visit("contributions.propose", None, values={"slug": "leer"}, status=404, name="no such part"),
    Visit("contributions.edit_proposal", "author", of=_offen("number", "proposal")),
    Visit("contributions.show", "lead", of=_offen("number", "proposal_public"), name="proposal"),
    Visit("contributions.show", None, of=_offen("number", "proposal_public"), name="proposal"),
    Visit("contributions.since", None, of=_offen("number", "proposal_public")),
    Visit("contributions.since", None, "demo"),
    # Without an account; what stands under a code is seen in test_receipt.py.
    Visit("contributions.create", None),
    Visit("contributions.create", None, "demo"),
    Visit("contributions.create_for_process", None, "demo"),
    Visit("contributions.create_for_process", None, values={"slug": "zu"}, name="closed"),
    Visit("contributions.help_create", "demo_citizen", "demo"),
    Visit("contributions.help_create_for_process", "demo_citizen", "demo"),
    *_each(None, "contributions.receipt", "contributions.slip"),
    Visit("contributions.claim", None, of=_link("claim")),
    # The own account.
    *_each(
        "citizen", "accounts.me", "accounts.profile", "accounts.change_email", "accounts.change_email_sent",
        "accounts.change_password", "accounts.my_data", "accounts.delete_account", "accounts.sign_ins",
        "accounts.second_factor", "accounts.sign_out", "weighing.mails",
    ),
    Visit("weighing.mine", "demo_citizen"),
    Visit("weighing.mine", "author"),
    Visit("weighing.mine", "moderator", name="nothing written"),
    Visit("accounts.sign_ins", "demo_lead", name="of a lead"),
    Visit("accounts.second_factor", "setting_up", name="setting up"),
    *_each("second_factor", "accounts.second_factor", "accounts.new_recovery_codes", "accounts.remove_second_factor"),
    Visit("accounts.enter_code", "second_factor_asked"),
    # Personal links.
    Visit("accounts.confirm", None, of=_link("confirm")),
    Visit("accounts.use_sign_in_link", None, of=_link("sign_in")),
    Visit("accounts.reset", None, of=_link("reset")),
    Visit("accounts.confirm_email", None, of=_link("change_email")),
    Visit("accounts.accept_staff_invitation", None, of=_link("staff")),
    Visit("weighing.stop", None, of=_link("stop"), name="on"),
    Visit("weighing.stop", None, of=_link("stopped"), name="off"),
    Visit("newsletters.confirm", None, of=_link("newsletter_asked")),
    Visit("newsletters.stop", None, of=_link("newsletter_reader"), name="on"),
    Visit("newsletters.stop", None, of=_link("newsletter_former"), name="off"),
    *_each(None, "newsletters.subscribe", "newsletters.asked"),
    Visit("newsletters.subscribe", "citizen"),
    *_each("lead", "outbox.mails_of_process", "outbox.mail_of_process"),
    Visit("outbox.mails_of_process", "lead", "empty"),
    *_each("lead", "newsletters.index", "newsletters.issue", "newsletters.write"),
    Visit("newsletters.index", "lead", "empty"),
    Visit("accounts.reset", None, values={"link": f"1.{'A' * 24}"}, status=410, name="used up"),
    Visit("invitations.respond", None, of=_link("guest_open"), name="open"),
    Visit("invitations.respond", None, of=_link("guest_accepted"), name="accepted"),
    Visit("invitations.respond", None, of=_link("guest_declined"), name="declined"),
    Visit("invitations.respond", None, of=_link("guest_over"), name="over"),
    Visit("invitations.respond", None, of=_link("guest_cancelled"), name="cancelled"),
    Visit("invitations.deputy", None, of=_link("guest_open")),
    Visit("meetings.confirm_registration", None, of=_link("register")),
    *(
        Visit("meetings.my_registration", None, of=_link(f"registered_{state}"), name=state)
        for state in ("coming", "waiting", "offered", "asked", "refused", "declined")
    ),
    Visit("meetings.register", None, of=_meeting("public"), name="open"),
    Visit("meetings.register", "citizen", of=_meeting("public"), name="signed in"),
    Visit("meetings.register", None, name="closed"),
    Visit("meetings.register_sent", None, of=_meeting("public")),
    *(
        Visit(endpoint, "moderator", of=_meeting("public"))
        for endpoint in (
            "meetings.registration_list", "meetings.add_registration", "meetings.questions", "meetings.shares",
            "invitations.gaps",
        )
    ),
    Visit("meetings.registration", "moderator"),
    Visit("meetings.registration_list", "moderator", name="to decide"),
    Visit("meetings.survey", None, of=_link("survey_open"), name="open"),
    Visit("meetings.survey", None, of=_link("survey_sent"), name="sent"),
    Visit("meetings.survey", None, of=_link("survey_late"), name="late"),
    Visit("meetings.survey_results", None, "demo", name="enough"),
    Visit("meetings.survey_results", None, name="too few"),
    Visit("meetings.survey_results", "demo_moderator", "demo"),
    Visit("meetings.subscribe", None, "demo"),
    Visit("meetings.my_dates", "member"),
    Visit("meetings.my_dates", "citizen", name="without a link"),
    *_each("moderator", "meetings.edit_materials", "meetings.edit_reminders", "meetings.survey_questions"),
    Visit("meetings.edit_materials", "demo_moderator", "demo", of=_demo("meeting_id", "invited")),
    Visit("meetings.edit_reminders", "demo_moderator", "demo", of=_demo("meeting_id", "invited")),
    Visit("meetings.survey_questions", "demo_moderator", "demo", name="begun"),
    # Work in a process.
    Visit("desk.tasks", "demo_lead"),
    Visit("desk.tasks", "moderator"),
    Visit("desk.tasks", "lead_elsewhere", name="little"),
    Visit("moderation.queue", "demo_moderator", "demo"),
    Visit("moderation.queue", "moderator"),
    Visit("moderation.queue", "lead", "empty"),
    Visit("moderation.queue", "demo_moderator", "demo", query="?list=unseen", name="unseen"),
    Visit("moderation.queue", "demo_moderator", "demo", query="?list=decided", name="decided"),
    Visit("moderation.queue", "demo_moderator", "demo", query="?size=200&ticked=all&lang=de", name="ticked"),
    Visit("moderation.reports_of", "moderator"),
    Visit("moderation.second_look", "moderator"),
    Visit("moderation.second_look", "lead", "empty"),
    Visit("moderation.decide_appeal", "lead"),
    Visit("moderation.decide_appeal", "moderator", name="who held it back"),
    Visit("moderation.erase", "moderator"),
    Visit("moderation.erase", "lead", of=_offen("number", "refused"), name="asked for"),
    Visit("moderation.duty", "moderator"),
    Visit("moderation.duty", "lead", "empty"),
    Visit("moderation.arrival_rules", "moderator"),
    Visit("moderation.arrival_rules", "lead", "empty"),
    Visit("moderation.author_trust", "moderator", of=_offen("person_id", "author_id")),
    Visit("concept.working", "demo_lead", "demo"),
    Visit("concept.working", "lead", "empty"),
    Visit("concept.working", "demo_lead", "demo", query="?kind=goal", name="one kind"),
    Visit("concept.working", "lead", name="something taken out"),
    Visit("concept.create", "demo_lead", "demo"),
    Visit("concept.create", "lead", "empty"),
    Visit("concept.create_part", "demo_lead", "demo", {"kind": "measure"}),
    Visit("concept.create_charter", "lead", "empty"),
    Visit("concept.tools", "demo_lead", "demo"),
    Visit("concept.move", "demo_lead", "demo"),
    Visit("concept.renumber", "demo_lead", "demo"),
    Visit("concept.number_anew", "demo_lead", "demo"),
    Visit("concept.merge", "demo_lead", "demo", name="with what"),
    Visit("concept.merge", "demo_lead", "demo", query="?with=lz-konflikte", name="how"),
    Visit("concept.serves", "demo_lead", "demo"),
    Visit("concept.serves", "lead", name="no charter"),
    Visit("concept.restore", "lead", of=_offen("key", "taken_out")),
    Visit("concept.restore", "demo_lead", "demo", status=409, name="stands there"),
    Visit("concept.edit", "demo_lead", "demo"),
    Visit("concept.split", "demo_lead", "demo"),
    Visit("concept.retire", "demo_lead", "demo"),
    Visit("concept.drafts", "demo_lead", "demo"),
    Visit("concept.drafts", "demo_moderator", "demo", name="of one's groups"),
    Visit("concept.drafts", "lead", "empty"),
    Visit("concept.draft", "demo_lead", "demo", name="waiting"),
    Visit("concept.draft", "demo_lead", "demo", of=_demo("draft_id", "draft_adapted"), name="adopted changed"),
    Visit("concept.draft", "demo_moderator", "demo", of=_demo("draft_id", "draft_returned"), name="returned"),
    Visit("concept.draft", "editor", name="the text moved on"),
    Visit("concept.draft_begin", "demo_moderator", "demo"),
    Visit("concept.draft_begin", "member", name="has one"),
    Visit("concept.draft_edit", "demo_moderator", "demo", of=_demo("draft_id", "draft_returned")),
    Visit("concept.draft_edit", "member", status=409, name="handed in"),
    Visit("concept.draft_submit", "demo_moderator", "demo", of=_demo("draft_id", "draft_returned")),
    Visit("concept.draft_adopt", "demo_lead", "demo"),
    Visit("concept.draft_adopt", "editor", name="the text moved on"),
    Visit("concept.draft_adapt", "demo_lead", "demo"),
    Visit("concept.draft_adapt", "editor", name="the text moved on"),
    Visit("concept.draft_return", "demo_lead", "demo"),
    Visit("concept.mandate", "demo_moderator", "demo"),
    Visit("concept.mandate", "lead", "empty"),
    Visit("concept.mandate_edit", "demo_lead", "demo"),
    Visit("concept.mandate_edit", "lead", "empty"),
    Visit("concept.sheets", "demo_lead", "demo"),
    Visit("concept.sheets", "editor"),
    Visit("concept.sheet", "editor"),
    Visit("concept.sheet", "editor", of=_offen("sheet_id", "sheet_done"), name="taken over"),
    Visit("concept.pictures", "demo_lead", "demo"),
    Visit("concept.pictures", "lead", "empty"),
    Visit("concept.add_picture", "demo_lead", "demo"),
    Visit("concept.facts", "demo_lead", "demo"),
    Visit("concept.add_fact", "demo_lead", "demo"),
    Visit("concept.newer_fact", "demo_lead", "demo", {"number": 1}),
    Visit("concept.sort_topics", "demo_lead", "demo"),
    Visit("concept.sort_topics", "lead", "empty"),
    Visit("concept.add_topic", "demo_lead", "demo"),
    Visit("concept.sort_topic", "demo_lead", "demo", {"key": "housing"}),
    Visit("concept.publish", "editor"),
    Visit("concept.publish", "demo_lead", "demo"),
    Visit("weighing.index", "demo_steering", "demo"),
    Visit("weighing.index", "demo_steering", "demo", query="?list=held", name="held"),
    Visit("weighing.index", "demo_steering", "demo", query="?list=decided&order=supported", name="decided"),
    Visit("weighing.index", "lead", "empty"),
    Visit("weighing.answer", "demo_steering", "demo", query="?n=1", name="again"),
    Visit("weighing.answer", "demo_steering", "demo", query="?n=40&n=41&n=42", name="together"),
    Visit("weighing.answer", "steering", query="?n=1", name="one"),
    Visit("digests.index", "demo_steering", "demo"),
    Visit("digests.index", "lead", "empty"),
    Visit("digests.show", "demo_steering", "demo"),
    Visit("digests.show", "steering"),
    *_each("moderator", "meetings.create", "meetings.edit", "meetings.agenda", "meetings.cards", "meetings.minutes"),
    Visit("meetings.show", "moderator", name="as staff"),
    *_each("moderator", "meetings.door", "meetings.attendance", "meetings.paper", "meetings.photos", "meetings.card"),
    Visit("meetings.door", "moderator", query="?q=niemand", name="nobody found"),
    Visit("meetings.door", "demo_moderator", "demo", of=_demo("meeting_id", "invited"), name="many guests"),
    Visit("meetings.attendance", "demo_moderator", "demo", of=_demo("meeting_id", "invited"), name="many guests"),
    Visit("meetings.cards", "moderator", query="?photo=1&zoom=1", name="beside a picture"),
    Visit("meetings.minutes", "demo_moderator", "demo", of=_demo("meeting_id", "circulated"), name="circulated"),
    Visit("meetings.minutes", "demo_moderator", "demo", status=409, name="approved"),
    Visit("invitations.invite", "moderator"),
    Visit("invitations.progress", "demo_moderator", "demo", of=_demo("meeting_id", "invited")),
    Visit("invitations.progress", "moderator"),
    *_each(
        "moderator", "invitations.circle", "invitations.copy_text", "invitations.campaign", "invitations.edit_campaign",
        "invitations.campaign_list", "invitations.people", "invitations.preview", "invitations.show_letters",
        "invitations.long_list",
    ),
    Visit("invitations.campaign", "demo_moderator", "demo", name="sent"),
    Visit("invitations.people", "demo_moderator", "demo", name="sent"),
    Visit("invitations.show_letters", "demo_moderator", "demo", name="sent"),
    Visit("groups.index", "demo_lead", "demo"),
    Visit("groups.index", "member", name="member"),
    *_each(
        "lead", "groups.show", "groups.create", "groups.edit", "groups.functions", "groups.add_person",
        "groups.add_organisation", "groups.end_membership", "groups.seats", "groups.fill_seat",
    ),
    *_each(
        "lead", "processes.settings", "processes.stages", "processes.stage_create", "processes.stage_edit",
        "processes.previews", "processes.create", "contributions.create_reason", "contributions.edit_reason",
        "accounts.create_organisation", "accounts.edit_organisation", "contacts.people", "contacts.create",
        "contacts.organisations",
        "contacts.doubles", "contacts.person", "contacts.organisation", "contacts.merge_people",
        "contacts.merge_organisations",
    ),
    Visit("contacts.edit", "lead", of=_offen("person_id", "guest_id")),
    Visit("processes.stages", "demo_lead", "demo"),
    Visit("processes.settings", "lead", "empty"),
    Visit("groups.index", "lead", "empty"),
    # Running the platform.
    *_each(
        "demo_operator", "accounts.people", "accounts.people_person", "accounts.people_invite", "outbox.messages",
        "outbox.paused", "processes.name_lead",
        "site.settings", "site.texts", "site.messages", "site.deletions",
    ),
    Visit("site.text", "demo_operator", values={"key": "imprint", "lang": "de"}),
    Visit("outbox.mailbox", None, name="without mail"),
    Visit("outbox.mail", None, values={"name": MAIL}),
    # Pages of refusal.
    Visit("processes.overview", None, values={"slug": "gibt-es-nicht"}, status=404, name="not found"),
    Visit("moderation.queue", "citizen", status=403, name="not for you"),
    Visit("site.settings", "citizen", status=403, name="forbidden"),
    Visit("invitations.invite", "moderator", of=_meeting("cancelled"), status=409, name="conflict"),
]  # fmt: skip
