"""Compression, at what it costs: brotli and gzip at their cheap levels, and never over an answer that carries a token."""

from __future__ import annotations

from flask import Flask, Response, g, request
from flask_compress import Compress


def init_app(app: Flask) -> None:
    """Compress what is read with GET; answers to POST may hold tokens, whose length must not tell of their content."""
    app.config.update(
        COMPRESS_REGISTER=False,
        COMPRESS_ALGORITHM=["br", "gzip"],
        COMPRESS_ALGORITHM_STREAMING=["br", "deflate"],
        COMPRESS_BR_LEVEL=1,  # 66 KiB a stream; level 4 takes 4.5 MiB and holds a stream back
        COMPRESS_BR_WINDOW=16,
        COMPRESS_LEVEL=4,
        COMPRESS_MIN_SIZE=500,
        COMPRESS_EVALUATE_CONDITIONAL_REQUEST=False,  # views answer 304 themselves, before the work
    )
    compress = Compress()
    compress.init_app(app)

    def shrink(response: Response) -> Response:
        is_plain = request.method in {"GET", "HEAD"} and not g.get("carries_token")
        return compress.after_request(response) if is_plain else response

    app.after_request(shrink)
