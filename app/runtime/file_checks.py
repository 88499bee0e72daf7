"""What the settings of files may say: how much people may keep, where it lies, and who sends it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from app.runtime.checks import SettingsError, is_loopback, origin, secret_text, text, whole

_SENDING = re.compile(r"stream|redirect|x-sendfile|(?:x-accel|litespeed):/(?:[A-Za-z0-9._-]+/)+")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_S3 = ("s3_endpoint", "s3_region", "s3_bucket", "s3_key_id", "s3_secret")
_MOST_FILE_MIB = 5 * 1024  # what an S3 store can copy in one request


def file_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of the settings that are about files."""
    limits = {
        "max_file_mib": whole("MAX_FILE_MIB", values.get("max_file_mib", 200), 1, _MOST_FILE_MIB),
        "max_booking_mib": whole("MAX_BOOKING_MIB", values.get("max_booking_mib", 500), 1, 1024 * 1024),
        "max_user_mib": whole("MAX_USER_MIB", values.get("max_user_mib", 1024), 1, 1024 * 1024),
    }
    return {**limits, "file_sending": _sending(values.get("file_sending", "stream")), **_s3_settings(values)}


def _sending(value: object) -> str:
    if not isinstance(value, str) or not _SENDING.fullmatch(value) or "/../" in value or "/./" in value:
        raise SettingsError("FILE_SENDING must be stream, redirect, x-sendfile, x-accel:/path/ or litespeed:/path/")
    return value


def _s3_settings(values: Mapping[str, Any]) -> dict[str, str]:
    """Return where the bucket is and who may use it: all of it, or nothing."""
    given = {name: values.get(name, "") for name in _S3}
    if not any(given.values()):
        return given
    missing = [name.upper() for name in _S3 if not given[name]]
    if missing:
        raise SettingsError(f"{missing[0]} is missing: the S3 settings come all together or not at all")
    bucket = text("S3_BUCKET", given["s3_bucket"])
    if not _BUCKET.fullmatch(bucket):
        raise SettingsError(f"S3_BUCKET must be the name of a bucket, not {bucket!r}")
    return {
        "s3_endpoint": _endpoint(text("S3_ENDPOINT", given["s3_endpoint"])),
        "s3_region": text("S3_REGION", given["s3_region"]),
        "s3_bucket": bucket,
        "s3_key_id": secret_text("S3_KEY_ID", given["s3_key_id"]),
        "s3_secret": secret_text("S3_SECRET", given["s3_secret"]),
    }


def _endpoint(url: str) -> str:
    found = origin("S3_ENDPOINT", url.rstrip("/"))
    scheme, _, place = found.partition("://")
    if scheme != "https" and not is_loopback(re.sub(r":[0-9]+$", "", place).strip("[]")):
        raise SettingsError("S3_ENDPOINT must start with https://: files and keys are private")
    return found
