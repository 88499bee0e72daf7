"""Signatures, beside the examples that Amazon has published."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from urllib.parse import quote

import pytest

from app.gateways.files import S3Place
from app.gateways.s3_signature import authorization, canonical, query_text, signature

# https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html and sigv4-query-string-auth.html
PLACE = S3Place(
    "https://s3.amazonaws.com",
    "us-east-1",
    "examplebucket",
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
)
AT = datetime(2013, 5, 24, tzinfo=timezone.utc)
HOST = {"host": "examplebucket.s3.amazonaws.com"}
EMPTY = hashlib.sha256(b"").hexdigest()


def test_a_request_for_a_part_is_signed_as_published() -> None:
    headers = {**HOST, "range": "bytes=0-9", "x-amz-content-sha256": EMPTY, "x-amz-date": "20130524T000000Z"}
    request = canonical("GET", "/test.txt", {}, headers, EMPTY)
    assert signature(PLACE, request, AT) == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    assert authorization(PLACE, request, headers, AT).startswith(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature=f0e8bdb8"
    )


def test_an_upload_is_signed_as_published() -> None:
    payload = hashlib.sha256(b"Welcome to Amazon S3.").hexdigest()
    headers = {
        **HOST,
        "date": "Fri, 24 May 2013 00:00:00 GMT",
        "x-amz-content-sha256": payload,
        "x-amz-date": "20130524T000000Z",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
    }
    request = canonical("PUT", "/test%24file.text", {}, headers, payload)
    assert signature(PLACE, request, AT) == "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"


def test_a_listing_is_signed_as_published() -> None:
    headers = {**HOST, "x-amz-content-sha256": EMPTY, "x-amz-date": "20130524T000000Z"}
    request = canonical("GET", "/", {"prefix": "J", "max-keys": "2"}, headers, EMPTY)
    assert signature(PLACE, request, AT) == "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"


def test_a_link_is_signed_as_published() -> None:
    query = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request",
        "X-Amz-Date": "20130524T000000Z",
        "X-Amz-Expires": "86400",
        "X-Amz-SignedHeaders": "host",
    }
    request = canonical("GET", "/test.txt", query, HOST, "UNSIGNED-PAYLOAD")
    assert signature(PLACE, request, AT) == "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"


@pytest.mark.parametrize(
    ("key", "query", "expected"),
    [
        ("content/ab/cd", {}, "e1382f0139b7c8ba61e6567fe08071a81c405f9532059e1780a4c3a4f3cbd26c"),
        ("a site/content", {}, "ae373b549a110a9a207ec8c36e50c51542591a3e599627a2f6ccba90daefb038"),
        ("é/+%&=~$@!'()*", {}, "4d92d1b2e1d659a753617c4044b1118b525dab5ba0ab5319d48e79a9dfaab303"),
        ("k", {"uploads": ""}, "dceadeabe619c646e05b49617c55c2c23f844870f152e8954b3e6aa58331566d"),
        (
            "k",
            {"partNumber": "1", "uploadId": "a+b/c==~"},
            "e5d546e400bb74f482f29867a8e155d36065bfba59a60eafbe7a2f6bb3c1efa9",
        ),
        (
            "",
            {"list-type": "2", "prefix": "a b/é", "continuation-token": "1/x+y="},
            "55f97e428c90f275cb54301b973eb66d21efc0d7f659ba6dfe8ce0fd681e56b6",
        ),
        (
            "",
            {"é": "1", "Z": "2", "a": "", "a-b": " "},
            "8656ffb177aa2c0abbae34177468a03d1676efc13aff0b86b82c78b4d4bdec4e",
        ),
    ],
)
def test_whatever_is_asked_is_signed_as_botocore_signs_it(key: str, query: dict[str, str], expected: str) -> None:
    """The signatures were made by botocore 1.44.5."""
    headers = {**HOST, "x-amz-content-sha256": EMPTY, "x-amz-date": "20130524T000000Z"}
    assert signature(PLACE, canonical("GET", quote(f"/{key}", safe="/-_.~"), query, headers, EMPTY), AT) == expected


def test_a_query_has_one_form() -> None:
    assert query_text({"b": "a b/c+d", "a": "~é"}) == "a=~%C3%A9&b=a%20b%2Fc%2Bd"
