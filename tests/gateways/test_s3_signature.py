"""Signatures, beside the examples that Amazon has published."""

from __future__ import annotations

import hashlib
from datetime import datetime, timezone
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

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


@given(
    key=st.text("aé %+/.~=&$@!'()*", min_size=1, max_size=20),
    query=st.dictionaries(st.text("aZ-é /", min_size=1, max_size=5), st.text("b=& +~é/", max_size=8), max_size=3),
)
def test_whatever_is_asked_is_signed_as_amazons_own_library_signs_it(key: str, query: dict[str, str]) -> None:
    auth = pytest.importorskip("botocore.auth")
    request = pytest.importorskip("botocore.awsrequest").AWSRequest
    credentials = pytest.importorskip("botocore.credentials").Credentials(PLACE.key_id, PLACE.secret)
    path = quote(f"/{key}", safe="/-_.~")
    theirs = request("GET", f"https://{HOST['host']}{path}?{query_text(query)}", {"x-amz-content-sha256": EMPTY})
    theirs.context["timestamp"] = "20130524T000000Z"
    theirs.headers["X-Amz-Date"] = "20130524T000000Z"
    signer = auth.S3SigV4Auth(credentials, "s3", PLACE.region)
    headers = {**HOST, "x-amz-content-sha256": EMPTY, "x-amz-date": "20130524T000000Z"}
    ours = canonical("GET", path, query, headers, EMPTY)
    assert ours == signer.canonical_request(theirs)
    assert signature(PLACE, ours, AT) == signer.signature(signer.string_to_sign(theirs, ours), theirs)


def test_a_query_has_one_form() -> None:
    assert query_text({"b": "a b/c+d", "a": "~é"}) == "a=~%C3%A9&b=a%20b%2Fc%2Bd"
