"""Pictures in the text: what is kept are pixels, all else is refused, and who may not see one does not."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image
from sqlalchemy import select
from werkzeug.datastructures import FileStorage
from werkzeug.test import stream_encode_multipart

from consult import files
from consult.audit.models import AuditEntry
from consult.concept import operations, pictures
from consult.concept.models import Concept, Picture, VersionAudience
from consult.concept.operations import Text
from consult.concept.queries import placed_one, working_version
from consult.errors import Refused
from consult.files import StoredFile
from consult.processes.models import Function
from tests import factories
from tests.concept.factories import make_concept, make_picture, publish
from tests.payloads import PAYLOADS, inert

NEW = "/p/iko/pictures/new"
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
MB = 2**20


@pytest.fixture
def process(session):
    return factories.make_process(slug="iko", code="IK")


@pytest.fixture
def editor(session, process):
    editor = factories.make_person("Redaktion")
    factories.make_group(process, Function.editing, editor)
    return editor


@pytest.fixture
def goal(session, process, editor):
    return make_concept(process, editor)[1]


def encoded(kind: str = "JPEG", size: tuple[int, int] = (80, 60), mode: str = "RGB", **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, options.pop("colour", "teal")).save(out, kind, **options)
    return out.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, pixels: bytes, *more: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join([chunk(b"IHDR", head), *more, chunk(b"IDAT", pixels), chunk(b"IEND", b"")])


def bomb_in(kind: bytes) -> bytes:
    return chunk(kind, b"a\0\0" + zlib.compress(b"a" * (200 * MB), 9))


def zip_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(4):
            archive.writestr(f"{n}.png", b"\0" * (20 * MB))
    return out.getvalue()


def xml_bomb() -> bytes:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "a">{entities}]><svg>&a9;</svg>'.encode()


def hostile() -> dict[str, bytes | Callable[[], bytes]]:
    """What is large is made when a test asks for it, not when the tests are collected."""
    photo, drawing = encoded(), encoded("PNG")
    return {
        "nothing": b"",
        "one byte": b"\x89",
        "only the first bytes of a PNG": drawing[:8],
        "half a PNG": drawing[: len(drawing) // 2],
        "half a JPEG": photo[: len(photo) // 2],
        "half a WebP": encoded("WEBP")[:40],
        # 30,000 x 30,000 pixels in about 900 kB.
        "a PNG of 900 million pixels": lambda: png(30_000, 30_000, zlib.compress(b"\0" * (30 * MB), 9)),
        "a PNG of 4 billion pixels": png(2**16, 2**16, zlib.compress(b"\0" * MB)),
        "a PNG with a text of 200 MB": lambda: png(8, 8, zlib.compress(b"\0" * 72), bomb_in(b"zTXt")),
        "a PNG with a profile of 200 MB": lambda: png(8, 8, zlib.compress(b"\0" * 72), bomb_in(b"iCCP")),
        "a JPEG that says it is huge": photo.replace(
            b"\x00\x3c\x00\x50", b"\xff\xff\xff\xff", 1
        ),
        "a zip bomb": zip_bomb,
        "an XML bomb": xml_bomb(),
        "an SVG with a script": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "a page": b"<!doctype html><script>alert(1)</script>",
        "a GIF": encoded("GIF"),
        "a TIFF": encoded("TIFF"),
        "a BMP": encoded("BMP"),
        "an icon": encoded("ICO"),
        "a PDF": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj",
        "a PostScript file": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(rm -rf) show\n%%EOF",
        "a virus to test with": EICAR,
        "a zip": zipfile_of(b"hello"),
        "noise": bytes(range(256)) * 400,
        "noise behind the first bytes of a PNG": drawing[:8] + bytes(range(256)) * 400,
        "noise behind the first bytes of a JPEG": photo[:4] + bytes(range(256)) * 400,
    }  # fmt: skip


def zipfile_of(data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", data)
    return out.getvalue()


HOSTILE = hostile()


@cache
def hostile_file(name: str) -> bytes:
    data = HOSTILE[name]
    return data() if callable(data) else data


#: What is a picture and something else as well: only the picture stays.
POLYGLOTS = {
    "a page behind a PNG": encoded("PNG") + b"<script>alert('XSS')</script>",
    "a page in a comment of a JPEG": encoded(comment=b"<script>alert('XSS')</script>"),
    "a zip behind a JPEG": encoded() + zipfile_of(b"payload-in-zip"),
    "a virus behind a PNG": encoded("PNG") + EICAR,
    "a script in the text of a PNG": png(8, 8, zlib.compress(b"\0" * 72), chunk(b"tEXt", b"a\0<?php system('id') ?>")),
    "a page behind a WebP": encoded("WEBP") + b"<script>alert('XSS')</script>",
}
TRACES = (b"script", b"<?php", b"EICAR", b"PK\x03\x04", b"payload")


def send(visitor, data: bytes, name: str = "bild.png", status: int = 200, **fields: str):
    form = visitor.get(NEW).form_fields(NEW)
    body, kind = multipart({**form, "alt": "Ein Platz", **fields}, data, name)
    return visitor.post(NEW, body, status, content_type=kind)


def multipart(fields: dict[str, str], data: bytes, name: str) -> tuple[bytes, str]:
    """A form with a file, as bytes."""
    file = FileStorage(io.BytesIO(data), filename=name)
    stream, _length, boundary = stream_encode_multipart({**fields, "file": file}, use_tempfile=False)
    return stream.read(), f"multipart/form-data; boundary={boundary}"


def show(goal, process, markdown="![](picture:1)"):
    base = placed_one(working_version(goal.concept_id).id, goal.id).wording_id
    operations.edit(goal, base, Text(markdown=markdown), reason="Bild", actor=None, process=process)


def disk(row: StoredFile) -> bytes:
    return (files.folder() / row.sha256[:2] / row.sha256).read_bytes()


# -- coming in ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "mode", "stored"),
    [("JPEG", "RGB", "image/jpeg"), ("JPEG", "CMYK", "image/jpeg"), ("JPEG", "L", "image/jpeg"),
     ("PNG", "RGB", "image/png"), ("PNG", "RGBA", "image/png"), ("PNG", "P", "image/png"), ("PNG", "I;16", "image/png"),
     ("WEBP", "RGB", "image/jpeg"), ("WEBP", "RGBA", "image/png")],
)  # fmt: skip
def test_pictures_of_the_three_kinds_come_in(session, kind, mode, stored):
    colour = {"P": 3, "I;16": 3, "L": 3, "CMYK": (1, 2, 3, 4), "RGBA": (0, 99, 99, 90)}.get(mode, "teal")
    found = pictures.rewrite(encoded(kind, (400, 300), mode, colour=colour))
    assert (found.media_type, found.width, found.height) == (stored, 400, 300)
    image = Image.open(io.BytesIO(found.data))
    assert image.size == (400, 300)


def test_a_large_photograph_becomes_small_enough_for_a_page(session):
    found = pictures.rewrite(encoded("JPEG", (6000, 4000)))
    assert (found.width, found.height) == (1600, 1067)


def test_a_photograph_sent_as_png_is_kept_as_photograph(session):
    noise = Image.effect_noise((1600, 1200), 90).convert("RGB")
    out = io.BytesIO()
    noise.save(out, "PNG")
    assert pictures.rewrite(out.getvalue()).media_type == "image/jpeg"


def test_where_and_with_what_it_was_taken_is_gone_and_it_stands_upright(session):
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x010F] = "Kamerafabrik"
    exif.get_ifd(0x8825)[2] = (50.0, 46.0, 31.0)  # where it was taken
    data = encoded("JPEG", (400, 300), exif=exif.tobytes(), comment=b"von Erika")
    assert b"Kamerafabrik" in data
    found = pictures.rewrite(data)
    assert (found.width, found.height) == (300, 400)
    image = Image.open(io.BytesIO(found.data))
    assert not image.getexif()
    assert b"Kamerafabrik" not in found.data
    assert b"Erika" not in found.data


@pytest.mark.parametrize("name", POLYGLOTS)
def test_of_a_file_that_is_two_things_only_the_picture_stays(session, name):
    found = pictures.rewrite(POLYGLOTS[name])
    assert not [trace for trace in TRACES if trace in found.data]
    assert Image.open(io.BytesIO(found.data)).size == (found.width, found.height)


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_no_picture_is_refused(session, name):
    with pytest.raises(Refused) as refused:
        pictures.rewrite(hostile_file(name))
    assert str(refused.value)


def test_hostile_files_leave_our_memory_alone(session):
    """The bombs go off in a process of their own: ours grows by 50 MB at most, and nothing is kept."""
    own, hostile_files = psutil.Process(), [hostile_file(name) for name in HOSTILE]
    pictures.rewrite(encoded())
    before, most = own.memory_info().rss, 0
    for data in hostile_files:
        with pytest.raises(Refused):
            pictures.rewrite(data)
        most = max(most, own.memory_info().rss - before)
    assert most <= 50 * MB
    assert session.scalar(select(StoredFile)) is None


def test_the_child_has_a_limit_of_its_own(session, monkeypatch, tmp_path):
    """A reader that wants everything is ended by its own limit, not by the memory of the machine."""
    greedy = tmp_path / "greedy.py"
    source = pictures.READER.read_text().replace("    _limit()\n", "    _limit()\n    bytearray(2 * 2**30)\n")
    assert "bytearray" in source
    greedy.write_text(source)
    monkeypatch.setattr(pictures, "READER", greedy)
    with pytest.raises(Refused):
        pictures.rewrite(encoded())


def test_a_reader_that_never_ends_is_ended(session, monkeypatch, tmp_path):
    slow = tmp_path / "slow.py"
    slow.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr(pictures, "READER", slow)
    monkeypatch.setattr(pictures, "SECONDS", 1)
    with pytest.raises(Refused):
        pictures.rewrite(encoded())


# -- the form -------------------------------------------------------------------------------------------------


def test_an_editor_adds_a_picture_and_texts_show_it(session, browser, browser_of, process, editor, goal):
    desk = browser_of(editor)
    page = send(desk, encoded("JPEG", (800, 600)), status=303, credit="Stadt Aachen, CC BY 4.0")
    assert page.location == "/p/iko/pictures#concept-1"
    assert session.scalars(select(AuditEntry.action)).all()[-1] == "concept.picture.added"
    show(goal, process, "Vorher\n\n![](picture:1)\n\nund ![Anders](picture:1) im Satz")
    publish(session.get_one(Concept, goal.concept_id), process)
    html = browser.get("/p/iko/e/lz-begegnung").html
    figure = html.find("figure", class_="picture")
    assert figure.img["src"] == "/p/iko/pictures/1"
    assert figure.img["alt"] == "Ein Platz"
    assert (figure.img["width"], figure.img["height"], figure.img["loading"]) == ("800", "600", "lazy")
    assert figure.figcaption.get_text() == "Stadt Aachen, CC BY 4.0"
    assert html.find("span", class_="picture").img["alt"] == "Anders"
    listed = desk.get("/p/iko/pictures").html.find(id="concept-1")
    assert listed.find("a", href="/p/iko/e/lz-begegnung/tools") or "3.1" in listed.get_text()


def test_the_file_is_sent_as_what_it_is(session, browser, process, editor, goal):
    concept = session.get_one(Concept, goal.concept_id)
    make_picture(concept, process, editor)
    show(goal, process)
    publish(concept, process)
    response = browser.client.get("/p/iko/pictures/1")
    assert response.mimetype == "image/png"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "inline" in response.headers.get("Content-Disposition", "inline")
    etag = response.headers["ETag"]
    response.close()
    again = browser.client.get("/p/iko/pictures/1", headers={"If-None-Match": etag})
    assert again.status_code == 304
    again.close()


def test_words_for_those_who_cannot_see_it_are_required(session, browser_of, process, editor, goal):
    page = send(browser_of(editor), encoded(), alt=" ")
    assert page.html.find(id="alt")["aria-invalid"] == "true"
    rewritten = pictures.rewrite(encoded())
    with pytest.raises(Refused):
        pictures.add(session.get_one(Concept, goal.concept_id), rewritten, " ", "",
                     actor=editor, process=process)  # fmt: skip
    assert session.scalar(select(Picture)) is None


def test_what_was_typed_stays_when_the_file_is_refused(session, browser_of, process, editor, goal):
    page = send(browser_of(editor), b"nichts", credit="Erika")
    assert page.html.find(id="file")["aria-invalid"] == "true"
    assert page.form_fields(NEW)["credit"] == "Erika"
    page = browser_of(editor).submit(NEW, {"alt": "Ein Platz"}, status=200)
    assert page.html.find(id="file")["aria-invalid"] == "true"


def test_ten_megabytes_are_enough_and_one_byte_more_is_too_much(session, browser_of, process, editor, goal):
    visitor = browser_of(editor)
    photo = encoded()
    send(visitor, photo + b"\0" * (pictures.MAX_FILE - len(photo)), status=303)
    page = send(visitor, photo + b"\0" * (pictures.MAX_FILE + 1 - len(photo)))
    assert page.html.find(id="file")["aria-invalid"] == "true"
    form = visitor.get(NEW).form_fields(NEW)
    body, kind = multipart({**form, "alt": "x"}, b"\0" * (pictures.MAX_FILE + MB), "a.png")
    assert visitor.client.post(NEW, data=body, content_type=kind).status_code == 413
    assert len(session.scalars(select(Picture)).all()) == 1


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "..\\..\\a.png", "/etc/passwd", "C:\\a.png", "a%0d%0aX-Bad: 1.png", "Ünïcødé 🏘.png",
             "\u202egnp.exe", "a" * 400 + ".png", ".htaccess", "a.png.php", "con.png", "%2e%2e%2fa.png"],
)  # fmt: skip
def test_the_name_of_a_file_means_nothing(session, browser_of, process, editor, goal, name):
    before = {path for path in Path(files.folder()).rglob("*") if path.is_file()}
    send(browser_of(editor), encoded(colour="red"), name=name, status=303)
    stored = session.scalars(select(StoredFile)).one()
    assert stored.name == "picture.jpg"
    assert disk(stored)
    added = {path for path in Path(files.folder()).rglob("*") if path.is_file()} - before
    assert {path.name for path in added} <= {stored.sha256}


def test_hostile_words_do_nothing(session, browser, browser_of, process, editor, goal):
    concept = session.get_one(Concept, goal.concept_id)
    rewritten = pictures.rewrite(encoded())
    texts = []
    for number, payload in enumerate(PAYLOADS, 1):
        line = " ".join(payload.split())[:300]
        pictures.add(concept, rewritten, line, line, actor=editor, process=process)
        texts.append(f"![](picture:{number})\n\n![{line}](picture:{number})")
    show(goal, process, "\n\n".join(texts))
    publish(concept, process)
    # A picture may say what it likes, it is shown; that its words hold the payload is no harm.
    for visitor, address in ((browser, "/p/iko/e/lz-begegnung"), (browser_of(editor), "/p/iko/pictures")):
        html = visitor.get(address).html
        assert len(html.find_all("img")) > len(PAYLOADS)
        for image in html.main.find_all("img"):
            assert set(image.attrs) <= {"src", "alt", "width", "height", "loading"}
            assert image["src"].startswith("/p/iko/pictures/")
            image.decompose()
        assert inert(html) == []


# -- who sees it ----------------------------------------------------------------------------------------------


def test_a_picture_of_a_text_one_may_not_read_is_not_found(session, browser, browser_of, process, editor, goal):
    concept = session.get_one(Concept, goal.concept_id)
    member, stranger, outsider = (factories.make_person() for _n in range(3))
    factories.make_group(process, Function.steering, member)
    other = factories.make_process(slug="anders", code="AN")
    factories.make_group(other, Function.editing, outsider)
    make_concept(other)
    for colour in ("red", "green", "blue", "white"):
        make_picture(concept, process, editor, colour=colour)
    show(goal, process, "![](picture:1)")
    publish(concept, process)
    show(goal, process, "![](picture:2)")
    publish(concept, process, audience=VersionAudience.steering)
    show(goal, process, "![](picture:3)")

    def seen(visitor):
        found = []
        for number in range(1, 6):
            response = visitor.client.get(f"/p/iko/pictures/{number}")
            found += [number] if response.status_code == 200 else []
            assert response.status_code in (200, 404)
            response.close()
        return found

    assert seen(browser) == seen(browser_of(stranger)) == seen(browser_of(outsider)) == [1]
    assert seen(browser_of(member)) == [1, 2]
    assert seen(browser_of(editor)) == [1, 2, 3, 4]
    # Not by the address of another process either, and not as a picture of the charter.
    assert browser_of(outsider).client.get("/p/anders/pictures/1").status_code == 404
    assert browser.client.get("/p/iko/charter/pictures/1").status_code == 404


def test_a_picture_that_does_not_exist_is_refused_when_the_text_is_saved(session, process, editor, goal):
    with pytest.raises(Refused, match="3"):
        show(goal, process, "![x](picture:3)")


def test_quotations_have_words_in_the_place_of_pictures(session, browser_of, process, editor, goal):
    concept = session.get_one(Concept, goal.concept_id)
    make_picture(concept, process, editor)
    show(goal, process, "Am Platz\n\n![Der Markt](picture:1)")
    publish(concept, process)
    factories.make_stage(process, "comment")
    page = browser_of(editor).get("/p/iko/e/lz-begegnung/comment")
    assert "Der Markt" in page.html.find("blockquote").get_text()
    assert not page.html.find("blockquote").find("img")
    told = browser_of(editor).get("/p/iko/e/lz-begegnung/history").html.main
    assert "Der Markt" in told.get_text()
    assert not [image for image in told.find_all("img") if image["src"].startswith("picture:")]


def test_the_list_costs_the_same_for_many_pictures(session, browser_of, count_queries, process, editor, goal):
    concept = session.get_one(Concept, goal.concept_id)
    desk = browser_of(editor)
    make_picture(concept, process, editor)
    desk.get("/p/iko/pictures")
    with count_queries() as few:
        desk.get("/p/iko/pictures")
    for n in range(10):
        make_picture(concept, process, editor, colour=f"#0000{n:02d}")
    with count_queries() as many:
        desk.get("/p/iko/pictures")
    assert len(many) == len(few) <= 12
    with count_queries() as queries:
        desk.client.get("/p/iko/pictures/1").close()
    assert len(queries) <= 7
