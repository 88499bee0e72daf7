"""What a file is, told by its first bytes: an allow-list per use, nothing active, and never the sender's word for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.domain.errors import Invalid


@dataclass(frozen=True, slots=True)
class FileType:
    """A kind of file that may be kept: its media type and the extensions it goes by, the usual one first.

    ``is_passive`` says that a browser may show it in place: it can carry no script.
    """

    media_type: str
    extensions: tuple[str, ...]
    is_passive: bool = False


PNG = FileType("image/png", ("png",), is_passive=True)
JPEG = FileType("image/jpeg", ("jpg", "jpeg", "jfif"), is_passive=True)
GIF = FileType("image/gif", ("gif",), is_passive=True)
WEBP = FileType("image/webp", ("webp",), is_passive=True)
HEIC = FileType("image/heic", ("heic", "heif"))
PDF = FileType("application/pdf", ("pdf",))
TEXT = FileType("text/plain", ("txt", "text", "log", "md"))
CSV = FileType("text/csv", ("csv", "tsv"))
_OFFICE = "application/vnd.openxmlformats-officedocument"
DOCX = FileType(f"{_OFFICE}.wordprocessingml.document", ("docx",))
XLSX = FileType(f"{_OFFICE}.spreadsheetml.sheet", ("xlsx",))
ODT = FileType("application/vnd.oasis.opendocument.text", ("odt",))
ODS = FileType("application/vnd.oasis.opendocument.spreadsheet", ("ods",))

PHOTOS = frozenset({PNG, JPEG, WEBP})
PICTURES = PHOTOS | {GIF, HEIC}
DOCUMENTS = frozenset({PDF, TEXT, CSV, DOCX, XLSX, ODT, ODS})
# use -> what may be kept for it
USES: dict[str, frozenset[FileType]] = {
    "attachment": PICTURES | DOCUMENTS,
    "resource_photo": PHOTOS,
    "custom_field": PICTURES | DOCUMENTS,
}
BY_MEDIA_TYPE = {kind.media_type: kind for kind in PICTURES | DOCUMENTS}

_HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1"})
_FORBIDDEN_BYTES = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_MARKUP = re.compile(
    rb"<(?:[?%]|!doctype|!--|!\[cdata|/?(?:html|head|body|script|style|iframe|frame|object|embed|applet|svg|math|meta|link|base"
    rb"|form|input|button|img|image|video|audio|table|div|span|title|template|xml|xsl)\b)",
    re.IGNORECASE,
)
_ENTRY = b"PK\x03\x04"
_ENTRY_HEADER_BYTES = 30
_MAX_ENTRIES = 200  # a document has some twenty
_OFFICE_FOLDERS = {b"word": DOCX, b"xl": XLSX}
_OFFICE_STARTS = frozenset({b"[Content_Types].xml", b"_rels", b"docProps", b"customXml", *_OFFICE_FOLDERS})


def recognise(head: bytes, name: str, use: str) -> FileType:
    """Return what a file is, by its first bytes; the name only tells CSV from other text, and text from programs.

    Args:
        head: the first 64 KiB or more, or all there is.
        name: as it is shown.
        use: a key of :data:`USES`.

    Raises:
        Invalid: it is nothing that may be kept for this use.
    """
    kind = _signed(head) or _zipped(head) or _text(head, name)
    if kind is None or kind not in USES[use]:
        raise Invalid.field("file", "type_not_allowed", f"Files of this type are not taken. Taken are: {taken(use)}.")
    return kind


def taken(use: str) -> str:
    """Return what may be sent for a use, for people: ``CSV, DOCX, ...``."""
    return ", ".join(sorted(kind.extensions[0].upper() for kind in USES[use]))


def _signed(head: bytes) -> FileType | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith((b"GIF87a", b"GIF89a")):
        return GIF
    if head.startswith(b"%PDF-") and head[5:6].isdigit():
        return PDF
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WEBP
    return HEIC if head[4:8] == b"ftyp" and head[8:12] in _HEIC_BRANDS else None


def _zipped(head: bytes) -> FileType | None:
    """Return the kind of document in a ZIP container; a mere archive is none."""
    if not head.startswith(_ENTRY):
        return None
    entries = list(_entries(head))
    name, content = entries[0]
    if name == b"mimetype":
        return next((kind for kind in (ODT, ODS) if content == kind.media_type.encode()), None)
    folders = [name.partition(b"/")[0] for name, _ in entries]
    found = {_OFFICE_FOLDERS[folder] for folder in folders if folder in _OFFICE_FOLDERS}
    has_macros = any(name.endswith(b"vbaProject.bin") for name, _ in entries)
    return found.pop() if folders[0] in _OFFICE_STARTS and len(found) == 1 and not has_macros else None


def _entries(head: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the bytes of each entry as far as the head goes.

    An entry written as a stream says its size behind itself; there the next header's signature is looked for.
    """
    at = 0
    for _ in range(_MAX_ENTRIES):
        header = head[at : at + _ENTRY_HEADER_BYTES]
        name_end = at + _ENTRY_HEADER_BYTES + int.from_bytes(header[26:28], "little")
        start = name_end + int.from_bytes(header[28:30], "little")
        size = int.from_bytes(header[18:22], "little")
        yield head[at + _ENTRY_HEADER_BYTES : name_end], head[start : start + size]
        at = head.find(_ENTRY, start + size)
        if at < 0:
            return


def _text(head: bytes, name: str) -> FileType | None:
    """Return TEXT or CSV for what is text in an ASCII-compatible encoding, is no markup, and is not named as a program."""
    content = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not content or content.startswith((b"<", b"#!", b"%!")) or _FORBIDDEN_BYTES.search(content):
        return None
    if _MARKUP.search(content):
        return None
    _, dot, extension = name.rpartition(".")
    if not dot or extension.lower() in TEXT.extensions:
        return TEXT
    return CSV if extension.lower() in CSV.extensions else None
