"""The instance and the process around everything: settings, stages, published reasons."""

from consult.audit.actions import Action
from consult.audit.operations import record
from consult.contributions.rules import add_reason
from consult.demo.story import Story
from consult.extensions import db
from consult.processes.models import Activity, Audience, Moderation, Process, ProcessCounter, StageActivity
from consult.processes.operations import StagePlan, create_stage, publish_process
from consult.processes.presets import Preset
from consult.site.operations import change_settings
from consult.site.queries import site_settings


def name_instance(story: Story) -> None:
    """Fill in what the instance has not said of itself yet."""
    known = site_settings()
    missing = {name: value for name, value in story.texts["site"].items() if not getattr(known, name)}
    change_settings(story.people["p-betrieb"].id, missing)


def add_process(story: Story) -> None:
    """The process, unpublished. By hand, because its stages and groups are not those of the usual course."""
    texts = story.texts["process"]
    process = Process(
        slug=texts["slug"],
        code=texts["code"],
        title=texts["title"],
        motto=texts["motto"]["text"],
        motto_source=story.source(texts["motto"]),
        intro=texts["intro"],
        influence=texts["influence"],
        zone=story.dates.zone,
        banner=texts["banner"],
        answer_days=texts["answer_days"],
        is_demo=True,
        created_at=story.begin,
    )
    db.session.add(process)
    db.session.flush()
    db.session.add(ProcessCounter(process_id=process.id, last_number=0))
    record(Action.process_created, story.people["p-leitung"].id, process, process_id=process.id)
    story.process = process


def add_stages(story: Story) -> None:
    """What is open when; the days of a stage are its first and its last."""
    for row in story.texts["stages"]:
        end = story.dates.day(row["end"]) if row["end"] else None
        plan = StagePlan(row["title"], story.dates.day(row["start"]), end, Preset.own if row["open"] else Preset.read)
        stage = create_stage(story.process, story.people["p-leitung"].id, plan)
        stage.source = story.source(row)
        stage.historic_on = row["start"] if row.get("fact") else None
        for opened in row["open"]:
            db.session.add(
                StageActivity(
                    stage_id=stage.id,
                    activity=Activity(opened["activity"]),
                    audience=Audience(opened["audience"]),
                    moderation=Moderation(opened.get("moderation", Moderation.pre)),
                )
            )
    db.session.flush()


def add_reasons(story: Story) -> None:
    """Why something may be held back, said in public beforehand."""
    for position, row in enumerate(story.texts["moderation_reasons"]):
        add_reason(story.process, story.people["p-leitung"], row["text"], position)


def publish(story: Story) -> None:
    reasons = len(story.texts["moderation_reasons"])
    publish_process(story.process, story.people["p-leitung"].id, story.begin, reasons=reasons)
