"""Values become bytes: PDF, CSV, iCalendar, always as a stream of chunks. Nothing lives here yet."""
