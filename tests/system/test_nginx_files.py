"""Files through nginx: handed to the program as they come, and sent by nginx itself to whom the program lets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta

import pytest

from tests.conftest import IS_CI
from tests.services.counter import png
from tests.system import nginx, servers
from tests.system.fronting import Place, Reply, Visitor, fronted
from tests.system.halls import booking
from tests.system.uploading import MIB, Worker, content, kept, whole
from tests.web.people import make_person

LARGE_MIB = int(os.environ.get("LARGE_UPLOAD_MIB", "100"))
MOST_GROWTH = 6 * MIB
REFUSED = 15  # of which five were told 502 before gunicorn_config.py heard visitors out
TEXT = b"".join(b"line %d of a text\n" % number for number in range(1000))
SAFETY = (
    "x-content-type-options",
    "content-security-policy",
    "strict-transport-security",
    "referrer-policy",
    "x-request-id",
)
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(bool(nginx.missing()) and not IS_CI, reason=nginx.missing() or "it is there"),
]


@pytest.fixture(scope="module")
def place(mariadb_server: servers.MariaDB) -> Iterator[Place]:
    with fronted(mariadb_server, "fronted_files") as found:
        yield found


class Guest:
    """Somebody with a booking, its manage token and a connection."""

    def __init__(self, place: Place, visitor: Visitor) -> None:
        self.place, self.visitor = place, visitor
        shot = booking(place.service([place.room()]), place.day() + timedelta(hours=10))
        made = visitor.send(shot.path, shot.body)
        self.token = {"X-Manage-Token": made.document["manage_url"].partition("?token=")[2]}
        self.path = f"/api/v1/bookings/{made.document['ref']}/attachments"

    def add(self, data: bytes | Iterator[bytes], length: int, kind: str) -> Reply:
        head = {**self.token, "Content-Type": kind, "Content-Length": str(length)}
        return self.visitor.ask("POST", self.path, data, head)

    def keep(self, data: bytes = TEXT, kind: str = "text/plain") -> str:
        """Add a file and return its path."""
        made = self.add(data, len(data), kind)
        assert made.status == 201, made
        return f"{self.path}/{made.document['id']}"

    def get(self, path: str, method: str = "GET", **headers: str) -> Reply:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.visitor.ask(method, path, None, {**self.token, **told})


@pytest.fixture
def guest(place: Place) -> Iterator[Guest]:
    with place.visitor() as visitor:
        yield Guest(place, visitor)


def test_a_download_is_sent_by_nginx_with_what_the_program_says_of_it(place: Place, guest: Guest) -> None:
    path = guest.keep()
    found = guest.get(path)
    assert (found.status, found.data == TEXT, found.headers["content-length"]) == (200, True, str(len(TEXT)))
    assert found.headers["content-type"] == "text/plain"
    assert found.headers["content-disposition"].startswith("attachment;")
    assert found.headers["cache-control"] == "no-store"
    assert found.headers["content-security-policy"].endswith("sandbox")
    assert [name for name in SAFETY if name not in found.headers] == []
    assert [name for name in found.headers if name.startswith("x-accel") or name == "last-modified"] == []
    servers.until(
        lambda: f'"GET {path}" 200 0 bytes' in place.server.output()
    )  # which is all that the program has sent


def test_the_tag_is_the_contents_and_spares_what_a_visitor_has(guest: Guest) -> None:
    path = guest.keep()
    tag = guest.get(path).headers["etag"]
    assert len(tag) == len('""') + 64
    spared = guest.get(path, If_None_Match=tag)
    assert (spared.status, spared.headers["etag"], spared.data) == (304, tag, b"")
    assert guest.get(path, If_None_Match='"another"').status == 200


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ("bytes=5-9", slice(5, 10)),
        ("bytes=0-", slice(0, None)),
        ("bytes=-10", slice(-10, None)),
        ("bytes=9-99999", slice(9, None)),
    ],
)
def test_a_part_of_a_file_comes_alone(guest: Guest, asked: str, part: slice) -> None:
    path = guest.keep()
    found = guest.get(path, Range=asked)
    first = part.indices(len(TEXT))[0]
    assert (found.status, found.data == TEXT[part]) == (206, True)
    assert found.headers["content-range"] == f"bytes {first}-{first + len(found.data) - 1}/{len(TEXT)}"
    assert found.headers["content-type"] == "text/plain"


def test_a_part_is_of_the_file_that_the_visitor_has_or_it_is_the_whole(guest: Guest) -> None:
    path = guest.keep()
    tag = guest.get(path).headers["etag"]
    assert guest.get(path, Range="bytes=0-3", If_Range=tag).status == 206
    other = guest.get(path, Range="bytes=0-3", If_Range='"another"')
    assert (other.status, other.data == TEXT) == (200, True)


def test_a_part_behind_the_end_is_refused_with_the_size(guest: Guest) -> None:
    found = guest.get(guest.keep(), Range=f"bytes={len(TEXT)}-")
    assert (found.status, found.headers["content-range"]) == (416, f"bytes */{len(TEXT)}")


def test_head_tells_all_and_sends_nothing(guest: Guest) -> None:
    path = guest.keep()
    told, whole_answer = guest.get(path, "HEAD"), guest.get(path)
    assert (told.status, told.data) == (200, b"")
    varying = {"date", "x-request-id"}
    assert {**told.headers, **dict.fromkeys(varying)} == {**whole_answer.headers, **dict.fromkeys(varying)}


def test_a_photo_is_shown_to_everybody_and_kept_by_caches(place: Place, guest: Guest) -> None:
    admin, picture, path = make_person("admin"), png(7, width=40, height=30), f"resources/{place.room()}/photos"
    signed_in = {"Cookie": f"__Host-{admin.headers['Cookie']}", "X-CSRF-Token": admin.headers["X-CSRF-Token"]}
    told = {**signed_in, "Content-Type": "image/png", "Content-Length": str(len(picture))}
    made = guest.visitor.ask("POST", f"/api/v1/admin/{path}", picture, told)
    assert made.status == 201, made
    found = guest.visitor.get(made.document["path"])
    assert (found.status, found.headers["content-type"], found.data == picture) == (200, "image/png", True)
    assert found.headers["content-disposition"].startswith("inline;")
    assert found.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_a_page_of_another_origin_that_may_read_answers_may_read_files(guest: Guest) -> None:
    path, ours = guest.keep(), "https://www.example.org"
    told = {"access-control-allow-origin", "access-control-allow-credentials", "access-control-expose-headers"}
    shared = guest.get(path, Origin=ours).headers
    assert shared["access-control-allow-origin"] == ours
    assert told <= set(shared)
    assert not told & set(guest.get(path, Origin="https://evil.example").headers)


def test_what_is_kept_may_be_read_by_the_group_of_its_folder_and_changed_by_nobody(place: Place, guest: Guest) -> None:
    guest.keep()
    group = place.front.uploads.stat().st_gid
    files = kept(place.front.uploads / "content")
    assert {(file.stat().st_gid, file.stat().st_mode & 0o777) for file in files} == {(group, 0o640)}
    folders = {file.parent for file in files} | {place.front.uploads / "content"}
    assert {(folder.stat().st_gid, folder.stat().st_mode & 0o777) for folder in folders} == {(group, 0o750)}
    assert (place.front.uploads / "drafts").stat().st_mode & 0o777 == 0o700


def test_a_file_of_another_or_of_nobody_is_not_there(place: Place, guest: Guest) -> None:
    path = guest.keep()
    with place.visitor() as visitor:
        stranger = Guest(place, visitor)
        number = path.rpartition("/")[2]
        for asked in (path, f"{stranger.path}/{number}"):
            found = stranger.get(asked)
            assert (found.status, found.document["code"], TEXT[:20] in found.data) == (404, "not_found", False)


def test_nobody_gets_at_the_folder_but_through_the_program(place: Place, guest: Guest) -> None:
    path = guest.keep()
    sha256 = guest.get(path).headers["etag"].strip('"')
    inside = f"/kept/content/{sha256[:2]}/{sha256}"
    assert (place.front.uploads / inside.removeprefix("/kept/")).is_file()
    for asked in (
        inside,
        f"/api/..{inside}",
        f"//kept/content/{sha256[:2]}/{sha256}",
        "/kept/content/",
        "/kept/content../x",
    ):
        assert guest.get(asked).status == 404, asked
    told = {"X_Accel_Redirect": inside, "X_Sendfile": inside}
    assert guest.get("/api/v1/venues", **told).document == guest.get("/api/v1/venues").document
    assert guest.get(path.replace("attachments", "attachment"), **told).status == 404


def test_content_that_is_gone_is_told_by_the_program(place: Place, guest: Guest) -> None:
    data = b"to be lost\n" * 9
    path = guest.keep(data)
    (lost,) = [file for file in kept(place.front.uploads) if file.read_bytes() == data]
    lost.unlink()
    found = guest.get(path)
    assert (found.status, found.document["code"]) == (404, "not_found")
    assert '"content_missing"' in place.server.output()


@pytest.mark.parametrize(("booking_of", "status"), [("me", 422), ("another", 404)])
def test_whoever_sends_what_is_not_wanted_is_told_why(guest: Guest, booking_of: str, status: int) -> None:
    if booking_of == "another":
        guest.token = {"X-Manage-Token": "A" * 22}
    data = bytes(8 * MIB)  # of no type that is taken, as the first of it shows
    found = []
    for _ in range(REFUSED):
        found.append(guest.add(data, len(data), "application/octet-stream"))
        guest.visitor.leave()  # nginx closes when it has passed over the rest, though it has said that it would not
    assert {(reply.status, reply.headers["content-type"]) for reply in found} == {(status, "application/problem+json")}


def test_a_large_file_costs_little_memory_and_reaches_the_program_as_it_comes(place: Place, guest: Guest) -> None:
    length = LARGE_MIB * MIB
    for _ in range(4):
        guest.keep(whole(MIB), "application/pdf")  # both workers have loaded what they need
    workers = [Worker(pid) for pid in place.server.worker_pids()]
    before = [worker.resident() for worker in workers]
    for worker in workers:
        worker.forget_peak()
    seen: list[int] = []

    def watched() -> Iterator[bytes]:
        for number, chunk in enumerate(content(length)):
            if number == LARGE_MIB // 2:
                servers.until(
                    lambda: any(draft.stat().st_size > MIB for draft in (place.front.uploads / "drafts").iterdir())
                )
                seen.append(number)
            yield chunk

    assert guest.add(watched(), length, "application/pdf").status == 201
    growth = max(worker.resident("VmHWM") - was for worker, was in zip(workers, before, strict=True))
    print(f"{LARGE_MIB} MiB, peak {growth / MIB:+.2f} MiB")  # noqa: T201 - the figure
    assert seen == [LARGE_MIB // 2]
    assert growth <= MOST_GROWTH
    assert [path.stat().st_size for path in kept(place.front.uploads)].count(length) == 1
