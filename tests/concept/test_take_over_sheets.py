"""Measures go to departments as an Excel table and come back: what would change is shown before anything changes."""

import openpyxl
import pytest
from sqlalchemy import func, select

from consult.audit.actions import Action
from consult.audit.models import AuditEntry
from consult.concept import operations
from consult.concept.models import Change, Element
from consult.concept.operations import Text
from consult.concept.sheet_state import TOO_LONG
from consult.processes.models import Function, ProcessState
from tests import factories
from tests.concept.factories import make_concept
from tests.concept.tables import (
    FILE,
    SHEETS,
    A,
    count_changes,
    data_of,
    download,
    goals_of,
    measures,
    preview,
    send,
    sent,
    stats,
    take_over,
)

# Round trip


def test_a_table_that_comes_back_unchanged_changes_nothing(desk, concept):
    page = sent(desk, download(desk))
    assert stats(page) == [0, 0, 0, 0, 3]
    assert "Nothing would change" in page.text


def test_cells_that_were_changed_change_the_text_with_one_reason(session, desk, concept, editor):
    book = download(desk)
    sheet = book.worksheets[0]
    sheet.cell(2, A["text"]).value = "Kurse am Abend und am Morgen."
    sheet.cell(2, A["lead"]).value = "Volkshochschule"
    sheet.cell(2, sheet.max_column).value = "3.2"
    sheet.cell(3, A["label"]).value = "1.9"
    sheet.cell(4, A["field"]).value = "2 Arbeit"
    page = sent(desk, book)
    assert stats(page) == [0, 3, 0, 0, 0]
    assert [tag.get_text() for tag in page.html.find_all("ins")][:1] == [
        "inserted: und am Morgen"
    ] or "und am Morgen" in "".join(tag.get_text() for tag in page.html.find_all("ins"))
    assert measures(concept)["m-eins"].details["lead"] == "FB 56"
    take_over(desk, page)
    session.expire_all()
    found = measures(concept)
    assert found["m-eins"].markdown == "Kurse am Abend und am Morgen."
    assert found["m-eins"].details == {"lead": "Volkshochschule", "time": "2027"}
    assert found["m-zwei"].label == "1.9"
    assert session.get(Element, found["m-drei"].parent_id).key == "hf-arbeit"
    assert goals_of(concept, "m-eins") == "3.2"
    newest = session.scalars(select(Change).order_by(Change.id.desc()).limit(3)).all()
    assert {change.reason for change in newest} == {"Jahresbericht"}
    assert {change.actor_id for change in newest} == {editor.id}
    entry = session.scalar(select(AuditEntry).where(AuditEntry.action == Action.measures_imported))
    assert entry.facts == {"added": 0, "changed": 3}
    edited = session.scalars(select(AuditEntry).where(AuditEntry.action == Action.element_edited)).all()
    assert [entry.facts["change_id"] for entry in edited] == [newest[-1].id]


def test_a_line_without_a_key_becomes_a_measure(session, desk, concept):
    book = download(desk)
    sheet = book.worksheets[0]
    for column, value in {"field": "1 Sprache", "group": "1.1 Kurse", "label": "1.1.2", "title": "Sommerkurse",
                          "text": "In den Ferien.", "lead": "FB 45"}.items():  # fmt: skip
        sheet.cell(5, A[column]).value = value
    sheet.cell(5, sheet.max_column).value = "3.1, 3.2"
    page = sent(desk, book)
    assert stats(page) == [1, 0, 0, 0, 3]
    take_over(desk, page)
    session.expire_all()
    new = measures(concept)["measure-sommerkurse"]
    assert (new.title, new.markdown, new.details, new.label) == (
        "Sommerkurse",
        "In den Ferien.",
        {"lead": "FB 45"},
        "1.1.2",
    )
    assert "<p>In den Ferien.</p>" in new.html
    assert session.get(Element, new.parent_id).key == "mg-kurse"
    assert [row.key for row in measures(concept).values()][:2] == ["m-eins", "measure-sommerkurse"]
    assert goals_of(concept, new.key) == "3.1, 3.2"
    assert session.scalar(select(AuditEntry).where(AuditEntry.action == Action.measures_imported)).facts["added"] == 1
    # Sent once more, by mistake: it stands there already.
    assert "This measure stands in the text already; its key is measure-sommerkurse." in sent(desk, book).text


def test_pressing_twice_takes_over_once(session, desk, concept):
    book = download(desk)
    book.worksheets[0].cell(2, A["lead"]).value = "Neu"
    page = sent(desk, book)
    at = page.html.find("form", class_="form")["action"]
    fields = {**page.form_fields(at), "reason": "Grund"}
    desk.post(at, fields)
    before = count_changes()
    # Once more from another window, with another form.
    answer = desk.post(at, {**fields, "form_id": "anderes"})
    assert count_changes() == before
    imports = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == Action.measures_imported)
    assert session.scalar(imports) == 1
    after = preview(desk, answer)
    assert "1 measure was changed or added." in after.text
    assert not after.html.find("textarea", id="reason")


def test_a_reason_is_needed_and_ticks_are_kept(session, desk, concept):
    book = download(desk)
    book.worksheets[0].cell(2, A["lead"]).value = "Neu"
    page = sent(desk, book)
    at = page.html.find("form", class_="form")["action"]
    before = count_changes()
    again = desk.post(at, page.form_fields(at), 200)
    assert again.html.find(id="reason")["aria-invalid"] == "true"
    assert count_changes() == before


def test_what_the_table_does_not_have_stays(session, desk, concept):
    book = download(desk)
    sheet = book.worksheets[0]
    sheet.delete_rows(3)
    sheet.delete_cols(A["lead"])
    page = sent(desk, book)
    assert "1 measure of the text is not in this table; it stays as it is" in page.text
    assert "what they hold stays as it is: Responsible." in page.text
    assert stats(page) == [0, 0, 0, 0, 2]


def test_columns_may_stand_anywhere_under_german_or_english_heads(desk, concept):
    book = download(desk)
    sheet = book.worksheets[0]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(max_row=4)]
    other = openpyxl.Workbook()
    other.active.append(["Stand der Abfrage: November"])
    other.active.append(["Bemerkung", *reversed(rows[0])])
    for row in rows[1:]:
        other.active.append(["egal", *reversed(row)])
    for cells in other.active.iter_rows():
        for cell in cells:
            if cell.data_type == "f":
                cell.data_type = "s"  # a text that looks like a formula
    page = sent(desk, other)
    assert stats(page) == [0, 0, 0, 0, 3]
    assert "These columns are not ours and were not read: Bemerkung." in page.text


def test_each_department_gets_its_part(session, desk, concept):
    assert [row[0].value for row in download(desk, "?lead=FB+56").worksheets[0].iter_rows(min_row=2, max_row=3)] == [
        "m-eins",
        None,
    ]
    assert download(desk, "?field=hf-arbeit").worksheets[0].cell(2, 1).value is None
    page = desk.get(SHEETS)
    assert [option["value"] for option in page.html.find(id="lead").find_all("option")] == ["", "FB 50", "FB 56"]
    assert [option["value"] for option in page.html.find(id="field").find_all("option")] == [
        "",
        "hf-sprache",
        "hf-arbeit",
    ]


def test_the_table_helps_to_fill_it_in(desk, concept):
    book = download(desk)
    sheet, instructions, lists = book.worksheets
    assert sheet.freeze_panes == "A2"
    assert sheet.column_dimensions["B"].hidden
    assert [str(rule.sqref) for rule in sheet.data_validations.dataValidation] == ["C2:C5001", "D2:D5001"]
    assert "Save the table as .xlsx" in " ".join(str(row[0].value) for row in instructions.iter_rows())
    assert [cell.value for cell in lists[2]] == ["1 Sprache", "1.1 Kurse", "3.1", "Begegnung wird gefördert."]


@pytest.mark.parametrize("text", ["=1+1", "+49 241 1", "-5", "@SUM(A1)", "\ttab", "=cmd|' /C calc'!A0", "_x0041_ <b>&"])
def test_formulas_are_text_on_the_way_out_and_in(session, process, editor, desk, concept, text):
    element = session.scalar(select(Element).where(Element.key == "m-zwei"))
    placed = measures(concept)["m-zwei"]
    operations.edit(element, placed.wording_id, Text(text.strip(), text), reason="r", actor=editor, process=process)
    session.commit()
    book = download(desk)
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}  # n: empty
    assert not [cell for cell in cells if cell.hyperlink]
    page = desk.client.get(FILE)
    assert stats(preview(desk, send(desk, page.data)))[:4] == [0, 0, 0, 0]


def test_a_text_too_long_for_a_cell_is_left_alone(session, process, editor, desk, concept):
    element = session.scalar(select(Element).where(Element.key == "m-zwei"))
    text = "Wort " * 8000
    operations.edit(
        element, measures(concept)["m-zwei"].wording_id, Text("Lang", text.strip()), reason="r", actor=editor,
        process=process,
    )  # fmt: skip
    session.commit()
    book = download(desk)
    assert book.worksheets[0].cell(3, A["text"]).value.startswith(TOO_LONG)
    book.worksheets[0].cell(3, A["lead"]).value = "Neu"
    page = sent(desk, book)
    assert stats(page) == [0, 1, 0, 0, 2]
    take_over(desk, page)
    session.expire_all()
    assert measures(concept)["m-zwei"].markdown == text.strip()


# Two sides


def test_what_somebody_else_changed_meanwhile_is_left_out_unless_ticked(session, process, editor, desk, concept):
    book = download(desk)
    sheet = book.worksheets[0]
    sheet.cell(2, A["lead"]).value = "Wunsch des Fachamts"
    sheet.cell(2, A["text"]).value = "Neuer Text des Fachamts."
    sheet.cell(3, A["text"]).value = "Text dazu."
    for key, details in (("m-eins", {"lead": "Inzwischen FB 11", "time": "2027"}), ("m-zwei", {"lead": "FB 51"})):
        row = measures(concept)[key]
        operations.edit(
            session.get(Element, row.element_id), row.wording_id, Text(row.title, row.markdown, details), reason="r",
            actor=editor, process=process,
        )  # fmt: skip
    session.commit()
    page = sent(desk, book)
    # The second was changed in another column: both changes hold.
    assert stats(page) == [0, 1, 1, 0, 1]
    columns = [cell.get_text(strip=True) for cell in page.html.find("article").find_all("td")]
    assert ["FB 56", "Inzwischen FB 11", "Wunsch des Fachamts"] == columns[-3:]
    take_over(desk, page)
    session.expire_all()
    found = measures(concept)
    assert found["m-eins"].details["lead"] == "Inzwischen FB 11"
    assert (found["m-zwei"].markdown, found["m-zwei"].details["lead"]) == ("Text dazu.", "FB 51")

    page = sent(desk, book)
    ticket = page.html.find("input", attrs={"name": "take"})["value"]
    take_over(desk, page, take=ticket)
    session.expire_all()
    found = measures(concept)["m-eins"]
    assert found.details == {"lead": "Wunsch des Fachamts", "time": "2027"}
    assert found.markdown == "Neuer Text des Fachamts."


def test_a_tick_does_not_hold_for_words_nobody_saw(session, process, editor, desk, concept):
    def change(lead):
        row = measures(concept)["m-eins"]
        text = Text(row.title, row.markdown, {"lead": lead})
        operations.edit(
            session.get(Element, row.element_id), row.wording_id, text, reason="r", actor=editor, process=process
        )
        session.commit()

    book = download(desk)
    book.worksheets[0].cell(2, A["lead"]).value = "Fachamt"
    change("Erst")
    page = sent(desk, book)
    ticket = page.html.find("input", attrs={"name": "take"})["value"]
    change("Dann")
    after = preview(desk, take_over(desk, page, take=ticket))
    session.expire_all()
    assert measures(concept)["m-eins"].details["lead"] == "Dann"
    assert "was changed once more meanwhile and was left out" in after.text


def test_a_damaged_state_is_a_conflict_and_no_silent_overwriting(desk, concept):
    book = download(desk)
    book.worksheets[0].cell(2, A["base"]).value = "99999999999999999999;1;2;3;4"
    book.worksheets[0].cell(2, A["lead"]).value = "Fachamt"
    assert stats(sent(desk, book)) == [0, 0, 1, 0, 2]


# Who may


def test_a_table_belongs_to_its_process(session, desk, concept, editor):
    other = factories.make_process(slug="anderer", code="AN")
    factories.make_group(other, Function.editing, editor)
    make_concept(other)
    at = send(desk, data_of(download(desk))).location
    for address in (at, at + "/rest.xlsx"):
        assert desk.client.get(address).status_code == 200
        desk.get(address.replace("/iko/", "/anderer/"), 404)


def test_only_editors_may_and_nobody_in_an_archived_process(session, browser, browser_of, process, desk, concept):
    at = send(desk, data_of(download(desk))).location
    stranger, moderator = factories.make_person(), factories.make_person()
    factories.make_group(process, Function.moderation, moderator)
    for address in (SHEETS, FILE, at, at + "/rest.xlsx"):
        assert "/sign-in" in browser.get(address, 303).location
        browser_of(stranger).get(address, 403)
        browser_of(moderator).get(address, 403)
    process.state = ProcessState.archived
    session.commit()
    desk.get(at, 403)


# Cost


def test_pages_ask_few_questions(session, desk, concept, count_queries):
    book = download(desk)
    for row in range(5, 25):
        book.worksheets[0].cell(row, A["field"]).value = "1 Sprache"
        book.worksheets[0].cell(row, A["title"]).value = f"Neu {row}"
    at = send(desk, data_of(book)).location
    for address, most in ((SHEETS, 14), (FILE, 13), (at, 15), (at + "/rest.xlsx", 15)):
        with count_queries() as queries:
            assert desk.client.get(address).status_code == 200
        assert len(queries) <= most, (address, len(queries))


def test_taking_over_many_lines_asks_no_question_for_each(session, desk, concept, count_queries):
    counts = []
    for number in (5, 40):
        book = download(desk)
        first = len(measures(concept)) + 2
        for row in range(first, first + number):
            book.worksheets[0].cell(row, A["field"]).value = "1 Sprache"
            book.worksheets[0].cell(row, A["title"]).value = f"Neu {number} {row}"
            book.worksheets[0].cell(row, book.worksheets[0].max_column).value = "3.1"
        for row in range(2, 5):
            book.worksheets[0].cell(row, A["lead"]).value = f"Amt {number}"
        page = sent(desk, book)
        assert stats(page)[:2] == [number, 3]
        with count_queries() as queries:
            take_over(desk, page)
        counts.append(len([query for query in queries if not query.startswith("INSERT")]))
    assert counts[0] == counts[1]
