"""Signs requests to S3: AWS Signature Version 4.

Source:
    https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from app.gateways.files import S3Place


def canonical(method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], payload_sha256: str) -> str:
    """Return what is signed of a request: its canonical form; header names must be in lower case, the path quoted."""
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in sorted(headers))
    return "\n".join((method, path, query_text(query), lines, ";".join(sorted(headers)), payload_sha256))


def signature(place: S3Place, request: str, at: datetime) -> str:
    """Return the signature of a canonical request at a time in UTC."""
    scope = scope_of(place, at)
    hashed = hashlib.sha256(request.encode()).hexdigest()
    key = f"AWS4{place.secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, f"AWS4-HMAC-SHA256\n{at:%Y%m%dT%H%M%SZ}\n{scope}\n{hashed}".encode(), "sha256").hex()


def authorization(place: S3Place, request: str, signed: Mapping[str, str], at: datetime) -> str:
    """Return the header that signs a canonical request."""
    credential = f"Credential={place.key_id}/{scope_of(place, at)}"
    names = ";".join(sorted(signed))
    return f"AWS4-HMAC-SHA256 {credential},SignedHeaders={names},Signature={signature(place, request, at)}"


def scope_of(place: S3Place, at: datetime) -> str:
    """Return what a signature is good for: a day, a region."""
    return f"{at:%Y%m%d}/{place.region}/s3/aws4_request"


def query_text(query: Mapping[str, str]) -> str:
    """Return a query in the one form that can be signed."""
    quoted = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in quoted)
