"""Reading contributions: the list of a process and the page of one."""

from urllib.parse import urlencode

from flask import g, render_template, request, url_for

from consult.authz import allowed, authorize, current_person
from consult.concept import queries as concept
from consult.contributions import policy, queries
from consult.contributions.due import promised_for
from consult.contributions.forms import FilterForm
from consult.contributions.models import Contribution, Kind, State
from consult.contributions.operations import goes_back_to_moderation
from consult.contributions.proposals import as_difference
from consult.contributions.sources import trace
from consult.contributions.views.blueprint import bp
from consult.contributions.views.proposal_tools import tools_for
from consult.contributions.views.translating import versions_for
from consult.contributions.words import stance_names
from consult.i18n import language
from consult.meetings.card_words import origin_words
from consult.meetings.cards import origin_of
from consult.moderation import appeals
from consult.moderation.heads import together
from consult.pages import rendered_once
from consult.processes import policy as processes
from consult.processes.loading import load_process
from consult.web import row_id
from consult.weighing.queries import course_of, decisions_on, number_answered


@bp.get("/p/<slug>/contributions")
@rendered_once
def index(slug: str) -> str:
    """Everything said in a process, newest first, narrowed by what the visitor chooses."""
    process = load_process(slug)
    authorize(processes.can_read, process)
    person = current_person()
    moderates = allowed(policy.can_moderate, process)
    helps = allowed(policy.can_help_translate, process)
    places = concept.element_choices(process, person)
    form = FilterForm(request.args, process, places=places, moderates=moderates, helps=helps)
    mine = person is not None and request.args.get("mine") == "1"
    wanted = form.wanted(mine_of=person.id if mine else None)
    comment, react = queries.openings_for(process, person)
    page = queries.listing(
        process,
        person,
        wanted,
        before=request.args.get("before", ""),
        may_reply=comment is not None,
        may_react=react is not None,
    )
    page.tell(decisions_on(page.ids()))
    kept = {name: value for name, value in request.args.items() if value and name in (*form._fields, "mine")}
    here = url_for("contributions.index", slug=slug)
    counts, held_back = queries.totals_of_process(process.id)
    return render_template(
        "contributions/index.html",
        process=process,
        form=form,
        mine=mine,
        narrowed=bool(kept),
        page=page,
        next_url=f"{here}?{urlencode({**kept, 'before': page.next_cursor})}" if page.next_cursor else None,
        first_url=f"{here}?{urlencode(kept)}" if request.args.get("before") else None,
        comment_url=url_for("contributions.create_for_process", slug=slug) if comment else None,
        counts=[(stance, label, counts.get(stance, 0)) for stance, label in stance_names(process).items()],
        without_stance=counts.get("", 0),
        held_back=held_back,
        answered=number_answered(process.id),
    )


@bp.get("/p/<slug>/contributions/<int:number>")
@rendered_once
def show(slug: str, number: int) -> str:
    """One contribution for good at this address: its words, what they were about, what became of them."""
    process = load_process(slug)
    person = current_person()
    contribution = queries.visible_or_404(process, number, person)
    authorize(policy.can_see, process, contribution)
    g.zone = process.zone
    comment, react = queries.openings_for(process, person)
    item = queries.shown_alone(
        process,
        contribution,
        person,
        replies_after=request.args.get("after", default=0, type=row_id),
        may_reply=comment is not None,
        may_react=react is not None,
    )
    everything = list(item.everything())
    decisions = decisions_on([one.id for one in everything])
    for one in everything:
        one.disposition = decisions.get(one.id)
    inside = item.mine or allowed(policy.can_moderate, process)
    last = item.replies[-1].number if item.replies else 0
    place_url = item.target_url
    item.target_key = ""  # stands above the heading; once is enough
    return render_template(
        "contributions/show.html",
        process=process,
        item=item,
        tools=tools_for(process, contribution, item),
        difference=as_difference,
        place_url=place_url,
        seen=queries.seen_by_author(process, contribution, person),
        earlier=queries.earlier_texts(contribution) if inside else [],
        notice=queries.notice_for(contribution) if inside else None,
        appeal=appeals.newest_about(contribution) if inside and contribution.state != State.published else None,
        may_appeal=item.mine and appeals.may_be_made(contribution),
        trace=trace(contribution, process, person),
        answer_due=None if contribution.id in decisions else promised_for(process, contribution),
        # Where no decision counts, none was ever public.
        course=course_of(contribution.id) if contribution.id in decisions else [],
        versions=[
            entry
            for entry in (versions_for(process, contribution) if item.body_html is not None else [])
            # That of the page's language stands beside the words; here only for those who may remove it.
            if entry.remove_url or entry.version.lang != language()
        ],
        together=together(contribution, everything=inside),
        translate_url=url_for("contributions.translate", slug=slug, number=number)
        if item.body_html is not None and allowed(policy.can_translate, process, contribution)
        else None,
        next_url=url_for("contributions.show", slug=slug, number=number, after=last) if item.more_replies else None,
        waits_again=item.editable and item.is_public and goes_back_to_moderation(contribution, person),
        editable_until=contribution.may_edit_until(),
        pinned=_pinned(contribution) if item.body_html is not None else None,
    )


def _pinned(contribution: Contribution) -> str | None:
    """Where a card of a pinboard hung."""
    found = origin_of(contribution.id) if contribution.kind == Kind.card else None
    return origin_words(*found) if found else None
