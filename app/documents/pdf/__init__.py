"""PDF pages that leave as soon as they are drawn: nothing of a page stays in memory but where it stands in the file.

``streams.pdf_chunks`` is the way in. What is taken from ReportLab, and nothing else (``tests/documents/pdf`` fails when a new
ReportLab changes it):

* ``pdfbase.ttfonts.TTFontFace``: reads a font file (``charToGlyph``, ``hmetrics``, ``numGlyphs`` and the metrics of the whole
  face) and cuts subsets out of it (``makeSubset``, which is given glyph numbers instead of characters: ``typefaces.py``).
* ``graphics.barcode.qrencoder``: the squares of a QR code (``qr.py``).
* ``pdfbase.ttfonts.uharfbuzz``: the shaper, when it is installed (``shaping.py``).

ReportLab's ``Canvas`` and ``PDFDocument`` are not used: they keep every page until the end, and bending them to forget takes
more of their private names than the file format takes code.
"""
