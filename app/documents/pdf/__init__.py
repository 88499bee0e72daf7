"""PDF pages that leave as soon as they are drawn: nothing of a page stays in memory but where it stands in the file.

``streams.pdf_chunks`` is the way in. Fonts are read and cut by ``font_files.py``: ReportLab's reader would take 4 MiB of a worker for
its package and the pictures it loads with it, and its ``Canvas`` keeps every page until the end. What is taken from it is
``graphics.barcode.qrencoder``, the squares of a QR code (``qr.py``); ``tests/documents/pdf`` fails when a new ReportLab changes it.
``uharfbuzz`` shapes text that needs it, where it is installed (``shaping.py``).
"""
