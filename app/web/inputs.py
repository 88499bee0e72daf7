"""What comes in: bodies and queries decoded strictly into Structs, and the headers that steer a request."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar, get_args

import msgspec
from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from app.domain.errors import FieldError, Invalid, VersionMismatch
from app.persistence.idempotency import IdempotencyKey
from app.services.idempotency import make_key
from app.web.errors import Malformed, UnsupportedMedia

T = TypeVar("T", bound=msgspec.Struct)
_PATH = re.compile(r"(?P<what>.*) - at `\$?\.?(?P<path>.*)`", re.DOTALL)
_QUOTED = re.compile(r"(missing required|contains unknown) field `(?P<name>.*)`", re.DOTALL)
_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]{1,255}")
_WEAK_VERSION = re.compile(r'W/"([0-9]{1,9})"')
_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class NoBody(msgspec.Struct, forbid_unknown_fields=True):
    """What comes with a request that takes no body: nothing, or an empty object."""


def body_of(kind: type[T]) -> Callable[[], T]:
    """Return a function that decodes the request's JSON body into *kind*.

    It raises UnsupportedMedia, Malformed, or Invalid with the field that does not fit.
    """
    decoder = msgspec.json.Decoder(kind)

    def take() -> T:
        data = _json_body()
        try:
            value = decoder.decode(data)
        except msgspec.ValidationError as error:
            raise _invalid(error, "The body cannot be accepted.") from None
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise Malformed(f"The body is no valid JSON: {_plain(error)}.") from None
        _refuse_duplicates(data)
        return value

    return take


def query_of(kind: type[T]) -> Callable[[], T]:
    """Return a function that reads the query string into *kind*; it raises Invalid with the parameter that does not fit.

    Whole numbers are read here: msgspec's own lax reading would take 1e1 for a number, and any number for a time.
    """
    msgspec.json.Decoder(kind)  # teaches msgspec the Struct while no other thread uses it
    whole = {field.encode_name for field in msgspec.structs.fields(kind) if _takes_int(field.type)}

    def take() -> T:
        given: dict[str, str | int] = {}
        for name, values in request.args.lists():
            if len(values) > 1:
                raise Invalid.field(name[:200], "repeated", "The parameter stands there more than once.")
            if _CONTROL.search(values[0]):  # in a pattern of msgspec's, $ would let a last line break pass
                raise Invalid.field(name[:200], "invalid", "The parameter has control characters.")
            given[name] = int(values[0]) if name in whole and _WHOLE.fullmatch(values[0]) else values[0]
        try:
            return msgspec.convert(given, kind)
        except msgspec.ValidationError as error:
            raise _invalid(error, "The query cannot be accepted.") from None

    return take


def _takes_int(hint: object) -> bool:
    return hint is int or any(_takes_int(part) for part in get_args(hint))


def idempotency_key(scope: str, body: msgspec.Struct) -> IdempotencyKey | None:
    """Return the caller's key for this request, if it sent one.

    Raises:
        Invalid: it is not 1 to 255 visible ASCII characters.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _VISIBLE_ASCII.fullmatch(key):
        raise Invalid.field("Idempotency-Key", "invalid", "A key is 1 to 255 visible ASCII characters.")
    return make_key(scope, key, msgspec.json.encode(body))


def expected_version() -> int | None:
    """Return the version that ``If-Match`` names; None where any will do.

    Raises:
        VersionMismatch: the header names no version that any object could have.
    """
    header = request.headers.get("If-Match", "*").strip()
    if header == "*":
        return None
    match = _WEAK_VERSION.fullmatch(header)
    if match is None:
        raise VersionMismatch('If-Match takes the version you have read, as W/"3".')
    return int(match[1])


def _json_body() -> bytes:
    """Return the body's bytes; a request without any body counts as one that says nothing."""
    if request.content_length in {None, 0} and not request.content_type and "Transfer-Encoding" not in request.headers:
        return b"{}"
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMedia("Send the body as it is, without Content-Encoding.")
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != "application/json" or charset not in {"utf-8", "utf8"}:
        raise UnsupportedMedia("Send the body as application/json in UTF-8.")
    data = request.get_data(cache=False)
    if len(data) < (request.content_length or 0):
        raise Malformed("The body broke off before its end.")
    if request.content_length is None and len(data) >= (request.max_content_length or 0):
        raise RequestEntityTooLarge  # without a length, werkzeug stops reading at the limit and says nothing
    return data


def _refuse_duplicates(data: bytes) -> None:
    """Refuse a body that names a field twice: readers differ on which of the two counts."""

    def check(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise Malformed(f"The body names the field {twice[:64]!r} twice.")

    json.loads(data, object_pairs_hook=check)


def _invalid(error: msgspec.ValidationError, detail: str) -> Invalid:
    """Return msgspec's complaint as the refusal of one field."""
    found = _PATH.fullmatch(str(error))
    what, path = (found["what"], found["path"]) if found else (str(error), "")
    named = _QUOTED.search(what)
    if named:
        path = f"{path}.{named['name']}" if path else named["name"]
        missing = "missing" in what
        what = "This field is required." if missing else "There is no such field."
        return Invalid(detail, [FieldError(path[:200], "required" if missing else "unknown", what)])
    return Invalid(detail, [FieldError(path[:200] or "body", "invalid", what.replace("`", "'") + ".")])


def _plain(error: Exception) -> str:
    text = str(error).replace("JSON is malformed: ", "")
    return "it is nested too deeply" if isinstance(error, RecursionError) else text[:200]
