"""Settings of files: limits, who sends, and a bucket that is named whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.runtime.settings import Settings, SettingsError, load

BUCKET = {
    "S3_ENDPOINT": "https://s3.eu-central-1.amazonaws.com",
    "S3_REGION": "eu-central-1",
    "S3_BUCKET": "my-hall",
    "S3_KEY_ID": "AKIA",
    "S3_SECRET": "a secret of the store",
}


def loaded(folder: Path, **environ: str) -> Settings:
    return load({"INSTANCE_DIR": str(folder), **environ})


def test_without_a_word_files_lie_in_a_folder_and_are_sent_from_here(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    assert (found.max_file_mib, found.max_booking_mib, found.max_user_mib) == (200, 500, 1024)
    assert (found.file_sending, found.s3_endpoint, found.upload_dir) == ("stream", "", tmp_path / "uploads")


@pytest.mark.parametrize("value", ["stream", "redirect", "x-sendfile", "x-accel:/kept/", "litespeed:/a/kept/"])
def test_who_sends_may_be_said(tmp_path: Path, value: str) -> None:
    assert loaded(tmp_path, FILE_SENDING=value).file_sending == value


@pytest.mark.parametrize(
    "value", ["nginx", "x-accel:", "x-accel:kept/", "x-accel:/kept", "x-accel:/../", "x-sendfile:/a/"]
)
def test_what_makes_no_sense_is_refused_by_name(tmp_path: Path, value: str) -> None:
    with pytest.raises(SettingsError, match="FILE_SENDING"):
        loaded(tmp_path, FILE_SENDING=value)


@pytest.mark.parametrize("name", ["MAX_FILE_MIB", "MAX_BOOKING_MIB", "MAX_USER_MIB"])
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "9999999"])
def test_a_limit_is_a_number_of_mebibytes(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        loaded(tmp_path, **{name: value})


def test_a_bucket_is_named_whole(tmp_path: Path) -> None:
    found = loaded(tmp_path, **BUCKET)
    assert (found.s3_endpoint, found.s3_bucket) == (BUCKET["S3_ENDPOINT"], "my-hall")
    assert BUCKET["S3_SECRET"] not in repr(found)


@pytest.mark.parametrize("name", list(BUCKET))
def test_half_a_bucket_is_refused_by_what_is_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} is missing"):
        loaded(tmp_path, **{key: value for key, value in BUCKET.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("S3_ENDPOINT", "http://s3.example.org"),
        ("S3_ENDPOINT", "s3.example.org"),
        ("S3_ENDPOINT", "https://s3.example.org/bucket"),
        ("S3_BUCKET", "My_Hall"),
        ("S3_BUCKET", "../x"),
        ("S3_SECRET", "two\nlines"),
    ],
)
def test_a_place_that_is_none_is_refused_without_repeating_a_secret(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as refused:
        loaded(tmp_path, **{**BUCKET, name: value})
    assert name != "S3_SECRET" or "two" not in str(refused.value)


def test_a_store_on_this_machine_needs_no_certificate(tmp_path: Path) -> None:
    assert loaded(tmp_path, **{**BUCKET, "S3_ENDPOINT": "http://127.0.0.1:9000"}).s3_endpoint == "http://127.0.0.1:9000"
