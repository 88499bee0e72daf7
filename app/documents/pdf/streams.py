"""A document as a stream: each page leaves as one chunk when it is finished; fonts, page tree and index follow at the end."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.documents.pdf.lettering import Lettering
from app.documents.pdf.objects import ObjectFile, number, text_string
from app.documents.pdf.pauses import Pauses
from app.documents.pdf.pen import Pen
from app.documents.pdf.styles import Style

_PRODUCER = "Slotkeeper"


@dataclass(frozen=True, slots=True)
class About:
    """What a PDF says of itself; ``language`` is a BCP 47 tag, ``created_at`` is aware."""

    title: str
    author: str
    language: str
    created_at: datetime


class Document:
    """A PDF in the making: it hands out pens, and turns a finished page into bytes and forgets it."""

    def __init__(self, about: About, packs: Path | None = None, pauses: Pauses | None = None) -> None:
        self.about = about
        self.pauses = pauses or Pauses()
        self._file = ObjectFile()
        self.lettering = Lettering(self._file, packs)
        self._tree, self._resources, self._total = (self._file.reserve() for _ in range(3))
        self._pages = array("L")
        self._total_style: Style | None = None

    def pen(self, size: tuple[float, float]) -> Pen:
        """Return a new page; nothing of it is in the document until :meth:`finish`."""
        return Pen(self.lettering, size, len(self._pages) + 1)

    def finish(self, pen: Pen) -> bytes:
        """Return the page as the next bytes of the file, the very first with the file's header."""
        header = b"" if self._pages else self._file.header
        contents, page = self._file.reserve(), self._file.reserve()
        links = f"/Annots[{''.join(pen.links)}]" if pen.links else ""
        body = (
            f"<</Type/Page/Parent {self._tree} 0 R/MediaBox[0 0 {number(pen.width)} {number(pen.height)}]"
            f"/Resources {self._resources} 0 R/Contents {contents} 0 R{links}>>"
        )
        self._pages.append(page)
        self._total_style = pen.total_style or self._total_style
        return header + self._file.write_stream(contents, pen.content()) + self._file.write(page, body.encode("ascii"))

    def end(self) -> Iterator[bytes]:
        """Yield what all pages share: the number of pages, the fonts, the page tree, the metadata, the index."""
        yield self._write_total()
        for font in self.lettering.fonts.values():
            yield from font.write(self._file)
        fonts = "".join(f"/{font.name} {font.number} 0 R" for font in self.lettering.fonts.values())
        resources = f"<</Font<<{fonts}>>/XObject<</Total {self._total} 0 R>>>>"
        yield self._file.write(self._resources, resources.encode("ascii"))
        kids = " ".join(f"{page} 0 R" for page in self._pages)
        yield self._file.write(self._tree, f"<</Type/Pages/Count {len(self._pages)}/Kids[{kids}]>>".encode("ascii"))
        root, info = self._file.reserve(), self._file.reserve()
        yield self._file.write(root, self._catalog().encode("ascii"))
        yield self._file.write(info, self._information().encode("ascii"))
        yield from self._file.end(root, info)
        self.lettering.missing.tell(self.about.title)

    def _write_total(self) -> bytes:
        """Return the form that every page shows as the number of pages."""
        pen = self.pen((0, 0))
        if self._total_style:
            pen.text(0, 0, str(len(self._pages)), self._total_style)
        entries = f"/Type/XObject/Subtype/Form/BBox[-1 -10 100 40]/Resources {self._resources} 0 R"
        return self._file.write_stream(self._total, pen.content(), entries)

    def _catalog(self) -> str:
        language = text_string(self.about.language)
        preferences = "/ViewerPreferences<</DisplayDocTitle true>>"
        return f"<</Type/Catalog/Pages {self._tree} 0 R/Lang{language}{preferences}>>"

    def _information(self) -> str:
        about = self.about
        at = about.created_at.strftime("D:%Y%m%d%H%M%S%z")
        zone = f"{at[-5:-2]}'{at[-2:]}'"
        return (
            f"<</Title{text_string(about.title)}/Author{text_string(about.author)}"
            f"/Producer({_PRODUCER})/Creator({_PRODUCER})/CreationDate({at[:-5]}{zone})>>"
        )


def pdf_chunks(
    about: About,
    pages: Callable[[Document], Iterator[Pen]],
    *,
    packs: Path | None = None,
    pauses: Pauses | None = None,
) -> Iterator[bytes]:
    """Yield a PDF in chunks: *pages* draws its pages one after the other, and each leaves before the next is begun.

    *packs* is a folder of further fonts. The file is the same, byte for byte, whenever the same is drawn.
    """
    document = Document(about, packs, pauses)
    for pen in pages(document):
        yield document.finish(pen)
        document.pauses.worked()
    yield from document.end()
