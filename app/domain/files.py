"""Files that people hand over: how much may come, what a file is called, and how it and parts of it are handed out."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote

from app.domain.errors import DomainError, RangeNotSatisfiable, StorageFull, TooLarge
from app.domain.file_types import FileType

MAX_NAME = 150  # characters of a name that is shown and stored; in UTF-8 that may be 600 bytes
MAX_EXTENSION = 16  # characters, the dot included, that a shortened name keeps at its end
NAMELESS = "file"
_PARTED = re.compile(r"[/\\]")
_UNSAFE = re.compile(r'[<>:"|?*\s]+')  # what Windows cannot store, and white space of every width
_JOINERS = "\u200c\u200d"  # invisible, yet part of how Malayalam, Persian and emoji are written
_DEVICES = re.compile(
    r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?"
)  # Windows opens a device whatever the extension
_RANGE = re.compile(r"bytes[ \t]*=[ \t]*(?P<first>[0-9]{0,18})-(?P<last>[0-9]{0,18})[ \t]*", re.IGNORECASE)
_PLAIN = re.compile(r"[A-Za-z0-9 !#$&+.^_`{}~()\[\]@,;='-]+")


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many bytes an upload may have, and what is said when more come."""

    most_bytes: int
    refusal: DomainError


@dataclass(frozen=True, slots=True)
class FileLimits:
    """How much may be kept: per file, per booking, per user."""

    file_bytes: int = 200 * 1024 * 1024  # a scanned floor plan, a short film of a room
    booking_bytes: int = 500 * 1024 * 1024
    user_bytes: int = 1024 * 1024 * 1024
    booking_files: int = 20

    def allowance(self, *, of_booking_bytes: int, of_user_bytes: int, of_booking_files: int = 0) -> Allowance:
        """Return what one more upload may have, beside what the booking and the user have already.

        Raises:
            StorageFull: nothing more fits.
        """
        if of_booking_files >= self.booking_files:
            raise StorageFull(f"A booking takes {self.booking_files} files at most: remove one first.")
        found = min(
            (self._of_file(), self._of_booking(of_booking_bytes), self._of_user(of_user_bytes)),
            key=lambda allowance: allowance.most_bytes,
        )
        if found.most_bytes <= 0:
            raise found.refusal
        return found

    def _of_file(self) -> Allowance:
        return Allowance(
            self.file_bytes, TooLarge(f"The file is too large: a file takes {size_text(self.file_bytes)} at most.")
        )

    def _of_booking(self, used: int) -> Allowance:
        most = size_text(self.booking_bytes)
        return Allowance(
            self.booking_bytes - used,
            StorageFull(f"The files of a booking take {most} at most: remove one, or send a smaller one."),
        )

    def _of_user(self, used: int) -> Allowance:
        most = size_text(self.user_bytes)
        return Allowance(
            self.user_bytes - used,
            StorageFull(f"Your files take {most} at most: remove one, or send a smaller one."),
        )


def size_text(size_bytes: int) -> str:
    """Return a size for people, such as ``200 MiB``."""
    for factor, unit in ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB")):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f}".removesuffix(".0") + f" {unit}"
    return f"{size_bytes} bytes"


def display_name(original: str, kind: FileType | None = None) -> str:
    """Return a name to show and to save under: one line in NFC without a path, never hidden, never empty, bounded.

    With a *kind* the name ends in one of its extensions: ``plan.exe`` that is a PDF becomes ``plan.exe.pdf``.
    """
    name = _tidy(_PARTED.split(original[-MAX_NAME * 8 :])[-1]) or NAMELESS
    if kind is not None and extension_of(name) not in kind.extensions:
        name = f"{name}.{kind.extensions[0]}"
    return _shorten(f"_{name}" if _DEVICES.fullmatch(name) else name)


def _tidy(name: str) -> str:
    """Return the name without what cannot be seen or stored; a dot in front would hide it, one behind is lost on Windows."""
    seen = "".join(c for c in unicodedata.normalize("NFC", name) if c in _JOINERS or not _is_hidden(c))
    return _UNSAFE.sub(lambda found: " " if found[0].isspace() else "_", seen).strip(" .")


def _is_hidden(c: str) -> bool:
    return unicodedata.category(c)[0] == "C" and not c.isspace()


def extension_of(name: str) -> str:
    """Return what stands behind the last dot, in lower case; empty where there is none."""
    stem, dot, extension = name.rpartition(".")
    return extension.lower() if stem and dot else ""


def _shorten(name: str) -> str:
    if len(name) <= MAX_NAME:
        return name
    stem, dot, extension = name.rpartition(".")
    end = f"{dot}{extension}" if stem and len(extension) < MAX_EXTENSION else ""
    return name[: MAX_NAME - len(end)].rstrip(" .") + end


def content_disposition(name: str, kind: FileType, *, inline: bool = False) -> str:
    """Return the header's value for a download under a display name; inline only what is passive, whatever was wished.

    Source:
        RFC 6266 section 4.3 and appendix D: an ASCII name without percent signs for old clients, then the true one.
    """
    word = "inline" if inline and kind.is_passive else "attachment"
    if _PLAIN.fullmatch(name):
        return f'{word}; filename="{name}"'
    return f"{word}; filename=\"{_in_ascii(name)}\"; filename*=UTF-8''{quote(name, safe='', errors='replace')}"


def _in_ascii(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name)
    return "".join(c if _PLAIN.fullmatch(c) else "_" for c in letters if not unicodedata.combining(c))


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A part of a file: *length* bytes, at least one, from *start* on."""

    start: int
    length: int

    def content_range(self, size_bytes: int) -> str:
        """Return the value of the header that goes with the part."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{size_bytes}"


def parse_range(header: str | None, size_bytes: int) -> ByteRange | None:
    """Return the part that a Range header asks for; None where the whole file is the answer.

    What cannot be understood is ignored, as the standard says, and so are several ranges at once, which it allows.

    Raises:
        RangeNotSatisfiable: the range has nothing of the file.

    Source:
        RFC 9110 section 14.
    """
    found = _RANGE.fullmatch(header or "")
    if found is None or not (found["first"] or found["last"]):
        return None
    if not found["first"]:
        return _satisfied(max(0, size_bytes - int(found["last"])), size_bytes, size_bytes)
    first, last = int(found["first"]), int(found["last"] or size_bytes)
    return None if last < first and found["last"] else _satisfied(first, last + 1, size_bytes)


def _satisfied(start: int, end: int, size_bytes: int) -> ByteRange:
    if start >= min(end, size_bytes):
        raise RangeNotSatisfiable(f"The file has {size_bytes} bytes.", size_bytes=size_bytes)
    return ByteRange(start, min(end, size_bytes) - start)
