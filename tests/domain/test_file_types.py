"""What a file is, told by its first bytes."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from app.domain.errors import Invalid
from app.domain.file_types import (
    BY_MEDIA_TYPE,
    CSV,
    DOCX,
    GIF,
    HEIC,
    JPEG,
    ODS,
    ODT,
    PDF,
    PNG,
    TEXT,
    USES,
    WEBP,
    XLSX,
    FileType,
    recognise,
)

ODT_TYPE = "application/vnd.oasis.opendocument.text"
WORD = ("[Content_Types].xml", "_rels/.rels", "word/document.xml")


def picture(form: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (3, 2)).save(made, form)
    return made.getvalue()


class Pipe(io.RawIOBase):
    """What cannot be sought in: zipfile writes each size behind its entry."""

    def __init__(self) -> None:
        self.content = b""

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.content += bytes(data)
        return len(data)


def archive(*names: str, content: str = "<x/>" * 50, streamed: bool = False) -> bytes:
    made: io.BytesIO | Pipe = Pipe() if streamed else io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:  # type: ignore[arg-type]
        for name in names:
            target.writestr(name, content, zipfile.ZIP_STORED if name == "mimetype" else None)
    return made.content if isinstance(made, Pipe) else made.getvalue()


KINDS: list[tuple[FileType, bytes, str]] = [
    (PNG, picture("PNG"), "a.png"),
    (JPEG, picture("JPEG"), "a.jpg"),
    (GIF, picture("GIF"), "a.gif"),
    (WEBP, picture("WEBP"), "a.webp"),
    (HEIC, b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a.heic"),
    (HEIC, b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "a.heic"),
    (PDF, b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "a.pdf"),
    (TEXT, b"Two beamers, please.\r\n\tAnd a < b, i <3 u\n", "a.txt"),
    (TEXT, "Grüße\n".encode(), "README"),
    (TEXT, b"\xef\xbb\xbfwith a mark", "a.md"),
    (TEXT, "Gr\u00fc\u00dfe".encode("cp1252"), "a.txt"),
    (CSV, b"name;seats\nHall;40\n", "a.CSV"),
    (DOCX, archive(*WORD), "a.docx"),
    (DOCX, archive(*WORD, streamed=True), "a.docx"),
    (XLSX, archive("docProps/app.xml", "docProps/core.xml", "xl/theme/theme1.xml", "[Content_Types].xml"), "a.xlsx"),
    (XLSX, archive("xl/workbook.xml", streamed=True), "a.xlsx"),
    (ODT, archive("mimetype", content=ODT_TYPE), "a.odt"),
    (ODS, archive("mimetype", content="application/vnd.oasis.opendocument.spreadsheet"), "a.ods"),
]


@pytest.mark.parametrize(("kind", "head", "name"), KINDS, ids=lambda value: value if isinstance(value, str) else "")
def test_a_file_is_what_its_first_bytes_say(kind: FileType, head: bytes, name: str) -> None:
    assert recognise(head, name, "attachment") is kind


@pytest.mark.parametrize("name", ["a.exe", "photo.html", "x.php", ".htaccess", "a.txt", ""])
def test_the_name_does_not_change_what_a_picture_is(name: str) -> None:
    assert recognise(picture("PNG"), name, "attachment") is PNG


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b" \n\t ",
        b"\xef\xbb\xbf",
        b"<!DOCTYPE html><title>x</title>",
        b"\n\n  <!-- comment --><script>alert(1)</script>",
        b"\xef\xbb\xbf<html>",
        b"harmless words\n" * 500 + b"<ScRiPt src=x>",
        b"name;note\nA;<img src=x onerror=alert(1)>\n",
        b"text </script > more",
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b'<?xml version="1.0"?><svg/>',
        b"<?php system($_GET[0]);",
        b"GIF is what it is not <?php x",
        b"x <?= `id` ?>",
        b"<% eval request %>",
        b"#!/bin/sh\nrm -rf /",
        b"%!PS-Adobe-3.0",
        b"MZ\x90\0\x03\0\0\0\x04",
        b"\x7fELF\x02\x01\x01\0",
        b"\xca\xfe\xba\xbe\0\0\0\x41",
        b"\0asm\x01\0\0\0",
        b"PK\x05\x06" + b"\0" * 18,
        b"\x1f\x8b\x08\0",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b" %PDF\0-1.7",
        b"RIFF\0\0\0\0WAVE",
        b"\0\0\0\x18ftypmp42",
        b"a\0b",
        b"\x1b[2J",
        "<html>".encode("utf-16"),
        "<html>".encode("utf-16-be"),
        "words".encode("utf-16-le"),
        b"+ADw-script+AD4-\x00",
    ],
)
def test_what_is_active_or_unknown_is_refused(head: bytes) -> None:
    with pytest.raises(Invalid) as refusal:
        recognise(head, "a.txt", "attachment")
    assert refusal.value.errors[0].code == "type_not_allowed"
    assert "PDF" in refusal.value.detail


@pytest.mark.parametrize("head", [b"\x89PNG", b"\xff\xd8", b"GIF88a", b"%PDF-x", b"RIFF----WAVE", b"----ftypmp42"])
def test_half_a_signature_is_none(head: bytes) -> None:
    with pytest.raises(Invalid):
        recognise(head, "a.png", "attachment")


@pytest.mark.parametrize(
    "name",
    ["x.js", "x.php", "x.txt.php", "x.html", "x.svg", ".htaccess", ".user.ini", "passenger_wsgi.py", "x.bat", "x."],
)
def test_text_that_is_named_as_a_program_is_refused(name: str) -> None:
    assert recognise(b"harmless", "x.txt", "attachment") is TEXT
    with pytest.raises(Invalid):
        recognise(b"harmless", name, "attachment")


@pytest.mark.parametrize(
    "head",
    [
        archive("a.txt"),
        archive("shell.php", *WORD),
        archive("META-INF/MANIFEST.MF", "word/x"),
        archive(*WORD, "xl/workbook.xml"),
        archive(*WORD, "word/vbaProject.bin"),
        archive("[Content_Types].xml", "ppt/presentation.xml"),
        archive("mimetype", content="application/epub+zip"),
        archive("mimetype", content=ODT_TYPE + "-template"),
        b"PK\x03\x04",
        b"PK\x03\x04" + b"\xff" * 40,
        b"PK\x03\x04" * 10_000,
    ],
)
def test_an_archive_that_is_no_document_is_refused(head: bytes) -> None:
    with pytest.raises(Invalid):
        recognise(head, "a.docx", "attachment")


def test_a_use_takes_its_own_types_alone() -> None:
    assert recognise(picture("JPEG"), "a.jpg", "resource_photo") is JPEG
    for head in (picture("GIF"), b"%PDF-1.7", b"words", archive(*WORD)):
        with pytest.raises(Invalid, match="Taken are: JPG, PNG, WEBP"):
            recognise(head, "a.txt", "resource_photo")


def test_no_use_takes_what_a_browser_runs() -> None:
    media_types = {kind.media_type for kinds in USES.values() for kind in kinds}
    assert not {
        name for name in media_types if "html" in name or "svg" in name or "script" in name or name.endswith("/xml")
    }
    assert {kind.media_type for kind in BY_MEDIA_TYPE.values() if kind.is_passive} == {
        "image/png", "image/jpeg", "image/gif", "image/webp",
    }  # fmt: skip
    assert media_types <= set(BY_MEDIA_TYPE)


starts = st.sampled_from([head[:n] for _, head, _ in KINDS for n in (4, 8, 30, 60)] + [b""])


@given(start=starts, rest=st.binary(max_size=300), name=st.text(max_size=20), use=st.sampled_from(sorted(USES)))
@example(b"PK\x03\x04", b"\xff" * 26, "", "attachment")
def test_whatever_comes_is_recognised_or_refused(start: bytes, rest: bytes, name: str, use: str) -> None:
    try:
        kind = recognise(start + rest, name, use)
    except Invalid:
        return
    assert kind in USES[use]


@given(
    before=st.text("ab \n,;", max_size=50),
    after=st.text("ab >\n", max_size=50),
    name=st.sampled_from(["a.txt", "a.csv", "a"]),
)
def test_markup_anywhere_in_a_text_is_noticed(before: str, after: str, name: str) -> None:
    with pytest.raises(Invalid):
        recognise(f"x{before}<script {after}".encode(), name, "attachment")
