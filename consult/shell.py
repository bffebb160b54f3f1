"""What every page's frame shows: the city's name, the menu, the languages, the signed-in person.

Costs an anonymous page one query (the site's settings) and a page of a process one more (its stages). Links are
built only to pages that exist.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import Flask, current_app, g, has_request_context, request, url_for
from flask_babel import gettext as _

from consult import clock
from consult.authz import current_person
from consult.html import plain_html
from consult.i18n import direction, in_language, language, language_links, passed_over
from consult.outbox.transport import folder_of
from consult.processes import policy as processes
from consult.processes.models import Function, Process, Stage
from consult.processes.queries import functions_of, stages_in_order
from consult.processes.words import stage_item
from consult.site.queries import logo_digest, site_settings

THEME_COOKIE = "theme"
THEMES = ("light", "dark")


@dataclass(frozen=True)
class Link:
    """An entry of a menu."""

    label: str
    url: str
    current: bool = False
    count: int = 0


def link(endpoint: str, label: str, *prefixes: str, **values: Any) -> list[Link]:
    """The link as a list of one, or an empty one when the page does not exist.

    It is the current one on its own page and on all whose endpoint starts with one of `prefixes`.
    """
    if endpoint not in current_app.view_functions:
        return []
    here = request.endpoint or ""
    current = here == endpoint or any(here.startswith(prefix) for prefix in prefixes)
    return [Link(label, url_for(endpoint, **values), current)]


def theme() -> str | None:
    """The visitor's own choice of light or dark, None for what the device says."""
    wish = request.cookies.get(THEME_COOKIE)
    return wish if wish in THEMES else None


def footer_links() -> list[Link]:
    return [
        *link("site.imprint", _("Imprint")),
        *link("site.privacy", _("Privacy")),
        *link("site.accessibility", _("Accessibility")),
        *link("site.contact", _("Report a barrier or write to us")),
        *link("contributions.receipt", _("I have a receipt code")),
        *(link("outbox.mailbox", _("Mailbox of the demonstration")) if has_mailbox() else []),
    ]


def has_mailbox() -> bool:
    """A demonstration without a mail server shows its mail in the browser."""
    return bool(current_app.config["DEMO"]) and folder_of(current_app.config["MAIL_URL"]) is not None


def account_links(person: Any) -> list[Link]:
    """The menu under the person's name."""
    links = link("accounts.me", _("My account"))
    links += link("weighing.mine", _("My contributions"))
    links += link("meetings.my_dates", _("My dates"))
    if processes.can_create_process(person):
        links += link("processes.create", _("New process"))
        links += link("contacts.people", _("Contacts"))
    if processes.is_operator(person):
        links += link("site.settings", _("Platform settings"))
        links += link("site.messages", _("Messages from visitors"))
        links += link("accounts.people", _("People and access"))
        links += link("outbox.messages", _("E-mails"))
    return links


def process_tabs(process: Process) -> list[Link]:
    """The parts of a process, for everybody; one more for those who work in it."""
    slug = process.slug
    tabs = [
        *link("processes.overview", _("Overview"), slug=slug),
        *link(
            "concept.read",
            _("Draft"),
            "concept.version",
            "concept.element",
            "concept.history",
            "concept.theme",
            "concept.whole",
            "concept.on_day",
            "concept.difference",
            "concept.matrix",
            "concept.facts",
            "concept.topic",
            slug=slug,
        ),
        *link(
            "contributions.index",
            _("Contributions"),
            "contributions.",
            "moderation.report",
            "moderation.figures",
            slug=slug,
        ),
        *link("processes.timeline", _("Timeline"), slug=slug),
        *link("meetings.index", _("Meetings"), "meetings.", slug=slug),
    ]
    if processes.is_staff(current_person(), process):
        work = [entry for entry in desk_nav(process) if entry.url != url_for("meetings.index", slug=slug)]
        if work:
            tabs.append(Link(_("Work area"), work[0].url, any(entry.current for entry in work)))
    return tabs


def desk_nav(process: Process) -> list[Link]:
    """What a member of staff may do in this process, by function."""
    slug, functions = process.slug, functions_of(current_person()).get(process.id, frozenset())
    lead = Function.lead in functions
    links: list[Link] = []
    if lead or Function.moderation in functions:
        links += link("moderation.queue", _("Moderation"), "moderation.", slug=slug)
    if functions & {Function.steering, Function.answering, Function.lead}:
        links += link("weighing.index", _("Answers"), "weighing.answer", slug=slug)
    if lead or Function.editing in functions:
        links += link(
            "concept.working", _("Work on the text"), "concept.edit", "concept.publish", "concept.create",
            "concept.tools", "concept.split", "concept.merge", "concept.move", "concept.renumber",
            "concept.number_anew", "concept.retire", "concept.restore", "concept.serves", slug=slug,
        )  # fmt: skip
        links += link("concept.pictures", _("Pictures and facts"), "concept.add_picture", "concept.add_fact",
                      "concept.newer_fact", slug=slug)  # fmt: skip
        links += link("concept.sort_topics", _("Topics of daily life"), "concept.sort_topic", "concept.add_topic",
                      slug=slug)  # fmt: skip
    links += link("concept.drafts", _("Drafts of the groups"), "concept.draft", slug=slug)
    if lead or Function.steering in functions:
        links += link("digests.index", _("Feedback digests"), "digests.", slug=slug)
    links += link("meetings.index", _("Meetings"), "meetings.", "invitations.", slug=slug)
    if lead or Function.moderation in functions:
        links += link("newsletters.index", _("Newsletter"), "newsletters.", slug=slug)
    if lead:
        links += link("processes.settings", _("Process"), slug=slug)
        links += link("processes.stages", _("Stages"), "processes.stage", slug=slug)
        links += link("outbox.mails_of_process", _("E-mails"), "outbox.mail_of_process", slug=slug)
    links += link("groups.index", _("Groups and people"), "groups.", "concept.mandate", slug=slug)
    if lead:
        links += link("contacts.people", _("Contacts"), "contacts.")
        links += link("processes.previews", _("Preview links"), slug=slug)
    return links


def instance_nav(person: Any) -> list[Link]:
    """The same for pages outside a process."""
    links = link("desk.tasks", _("My tasks"))
    if processes.can_create_process(person):
        links += link("processes.create", _("New process"))
        links += link(
            "contacts.people", _("Contacts"), "contacts.", "accounts.create_organisation", "accounts.edit_organisation",
        )  # fmt: skip
    if processes.is_operator(person):
        links += link("site.settings", _("Platform settings"))
        links += link("site.texts", _("Legal texts"), "site.text")
        links += link("site.messages", _("Messages from visitors"))
        links += link("accounts.people", _("People and access"), "accounts.people")
        links += link("outbox.messages", _("E-mails"), "outbox.")
        links += link("site.deletions", _("Deletions"))
    return links


class ProcessHead:
    """The band above every page of a process; its stages are asked for only when the page shows them."""

    def __init__(self, process: Process, stages: Sequence[Stage] | None = None) -> None:
        self._process, self._stages = process, stages
        self.title, self.motto = process.title, process.motto
        self.url = url_for("processes.overview", slug=process.slug)

    @cached_property
    def stages(self) -> list[dict[str, Any]]:
        stages = stages_in_order(self._process.id) if self._stages is None else self._stages
        now = clock.now()
        return [stage_item(stage, self._process.zone, now) for stage in stages]


def _language_note() -> tuple[str, str] | None:
    """The language a visitor chose and this page does not speak, and in that language a sentence that says so."""
    chosen = passed_over()
    if chosen is None:
        return None
    with in_language(chosen, of_path=True):
        return chosen, _("This page is in German and English only.")


def frame() -> dict[str, Any]:
    """The context of base.html and the layouts; nothing outside requests (mails have a layout of their own)."""
    if not has_request_context():
        return {}
    process: Process | None = g.get("process")
    person = current_person()
    known = g.get("frame")
    if known is not None and known[0] == (process and process.id, person and person.id):
        context: dict[str, Any] = known[1]
        return context
    site, digest = site_settings(), logo_digest()
    works = bool(functions_of(person)) or processes.is_operator(person)
    context = {
        "site": {
            "city_name": site.city_name,
            "platform_name": site.platform_name or _("Participation platform"),
            "logo_url": url_for("site.logo", v=digest[:10]) if digest else None,
        },
        "current_person": person,
        "lang": language(),
        "text_direction": direction(),
        "theme": theme(),
        "is_demo": process.is_demo if process else current_app.config["DEMO"],
        "demo_banner": process.banner if process else None,
        "main_nav": [],
        "language_links": language_links(),
        "language_note": _language_note(),
        "footer_links": footer_links(),
        "account_links": account_links(person) if person else [],
        "tasks_count": 0 if works else None,
        "tasks_url": url_for("desk.tasks") if "desk.tasks" in current_app.view_functions else None,
        "desk_nav": [],
        "desk_label": None,
    }
    if process is not None:
        context["process_head"] = ProcessHead(process)
        context["process_tabs"] = process_tabs(process)
        if processes.is_staff(person, process):
            context["desk_nav"], context["desk_label"] = desk_nav(process), process.title
    elif works:
        context["desk_nav"] = instance_nav(person)
    g.frame = ((process and process.id, person and person.id), context)
    return context


def init_app(app: Flask) -> None:
    """Attach the context of base.html."""
    app.context_processor(frame)
    app.jinja_env.filters["paragraphs"] = plain_html
