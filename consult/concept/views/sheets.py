"""Tables of measures: download one for the departments, send it in, look at what it would change, take it over."""

import io
import re
import shutil
import tempfile
from typing import Any

from flask import flash, render_template, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from consult.authz import authorize, current_person
from consult.concept import policy, sheet_queries
from consult.concept.sheet_file import MAX_FILE, MEDIA_TYPE, read_file, workbook
from consult.concept.sheet_forms import ApplyForm, ChooseForm, UploadForm
from consult.concept.sheet_operations import Applied, apply, keep
from consult.concept.sheet_state import Measures
from consult.concept.sheets import compare
from consult.concept.views.blueprint import bp
from consult.db import lock_released
from consult.errors import Refused
from consult.extensions import db
from consult.forms import entered
from consult.html import clean_line
from consult.i18n import format_number
from consult.processes.loading import load_process
from consult.web import commit_and_go, keeps_text, takes_files

#: Lines of each kind that the preview shows.
SHOWN = 300


@bp.get("/p/<slug>/concept/measures.xlsx")
def measures_xlsx(slug: str) -> Response:
    """The measures of the working text as a table; `?field=` and `?lead=` give each department its part."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    measures = Measures(sheet_queries.concept_or_404(process.id))
    rows = sheet_queries.chosen(measures, request.args.get("field", ""), request.args.get("lead", ""))
    return _as_file(workbook(measures, sheet_queries.cells_of(measures, rows)), slug)


@bp.route("/p/<slug>/concept/sheets", methods=["GET", "POST"])
@takes_files(MAX_FILE)
@keeps_text
def sheets(slug: str) -> str | Response:
    """Where tables are downloaded and sent in."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    concept = sheet_queries.concept_or_404(process.id)
    form = UploadForm()
    if form.validate_on_submit():
        upload = request.files.get("file")
        try:
            rows = _read(upload)
        except Refused as refused:
            form.file.errors = [refused.message]
        else:
            sheet = keep(process, concept, _name_of(upload), rows, current_person())
            return commit_and_go(url_for("concept.sheet", slug=slug, sheet_id=sheet.id))
    measures = Measures(concept)
    choose = ChooseForm()
    everything = [("", _("All"))]
    fields = [(measures.elements[ident].key, name) for ident, name in measures.fields.name.items()]
    choose.field.choices = everything + fields
    choose.lead.choices = everything + [(name, name) for name in measures.leads]
    return render_template(
        "concept/sheets.html", process=process, form=form, choose=choose, number=len(measures.measures),
        sent=sheet_queries.recent_sheets(process.id),
    )  # fmt: skip


def _read(upload: FileStorage | None) -> list[dict[str, Any]]:
    """The rows of what was sent. No name of a file becomes a path, and nothing of it is kept but its cells."""
    if upload is None or not upload.filename:
        raise Refused(_("Please choose a file."))
    with tempfile.TemporaryFile() as file, lock_released(db.session()):
        shutil.copyfileobj(upload.stream, file)
        size = file.tell()
        if not size:
            raise Refused(_("This file is empty."))
        if size > MAX_FILE:
            raise Refused(_("This file is too large: at most %(n)s MB, please.", n=format_number(MAX_FILE // 2**20)))
        file.seek(0)
        return read_file(file)


def _name_of(upload: FileStorage | None) -> str:
    name = (upload.filename if upload else None) or ""
    return clean_line(re.split(r"[\\/]", name)[-1])[:300] or _("Measures")


@bp.route("/p/<slug>/concept/sheets/<int:sheet_id>", methods=["GET", "POST"])
@keeps_text
def sheet(slug: str, sheet_id: int) -> str | Response:
    """What a table would change, and the button that changes it."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    table = sheet_queries.sheet_or_404(process.id, sheet_id)
    form = ApplyForm()
    ticked = set(request.form.getlist("take"))
    if form.validate_on_submit():
        done = apply(table.id, ticked=ticked, reason=entered(form.reason), actor=current_person(), process=process)
        _tell(done)
        return commit_and_go(url_for("concept.sheet", slug=slug, sheet_id=table.id))
    found = compare(table.rows, sheet_queries.measures_of(table))
    return render_template(
        "concept/sheet.html", process=process, table=table, found=found, form=form, ticked=ticked, limit=SHOWN
    )


def _tell(done: Applied | None) -> None:
    if done is None:
        flash(_("This table was taken over already."), "info")
        return
    flash(_("The table is in the working text. It becomes public with the next version."), "success")
    if done.overtaken:
        flash(_("Something you had ticked was changed once more meanwhile and was left out."), "warning")


@bp.get("/p/<slug>/concept/sheets/<int:sheet_id>/rest.xlsx")
def sheet_rest(slug: str, sheet_id: int) -> Response:
    """The lines that could not be taken over, as a table with a column that says why."""
    process = load_process(slug)
    authorize(policy.can_edit_text, process)
    table = sheet_queries.sheet_or_404(process.id, sheet_id)
    measures = sheet_queries.measures_of(table)
    rows, notes = sheet_queries.lines_to_correct(table, compare(table.rows, measures))
    return _as_file(workbook(measures, rows, notes), slug)


def _as_file(data: bytes, slug: str) -> Response:
    response = send_file(
        io.BytesIO(data), mimetype=MEDIA_TYPE, as_attachment=True, download_name=sheet_queries.file_name(slug)
    )
    # The text of editors: no copy of it stays behind in a browser.
    response.headers["Cache-Control"] = "no-store"
    return response
