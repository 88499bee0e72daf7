"""Values become bytes: PDF, CSV, iCalendar, always as a stream of chunks. May import the domain, runtime and, below ``pdf``, ReportLab."""
