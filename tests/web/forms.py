"""Forms with files, as a browser sends them."""

from __future__ import annotations

import io
from typing import Any

from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

BOUNDARY = "a-boundary-of-our-own"  # the test client's own has 71 characters at times: one more than there may be


def form(**fields: Any) -> dict[str, Any]:
    """Return the arguments of a request; a field is text, or content and name of a file, or a list of those."""
    data: MultiDict[str, Any] = MultiDict()
    for name, given in fields.items():
        for value in given if isinstance(given, list) else [given]:
            is_file = isinstance(value, tuple)
            data.add(name, FileStorage(io.BytesIO(value[0]), value[1], name) if is_file else value)
    _, body = encode_multipart(data, boundary=BOUNDARY)
    return {"data": body, "content_type": f"multipart/form-data; boundary={BOUNDARY}"}
