"""The files of a shared host beside the program: ours are kept in order, and those of others are not touched."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.domain.errors import Conflict, NotFound
from app.services import cpanel
from app.services.cpanel_files import BEGIN, END, MAINTENANCE_FLAG, MAINTENANCE_PAGE, Site, with_block
from app.services.doctor_host import PASSENGER_WSGI

STUB = """import os
import sys


sys.path.insert(0, os.path.dirname(__file__))


def application(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    message = 'It works!\\n'
    version = 'Python %s\\n' % sys.version.split()[0]
    response = '\\n'.join([message, version])
    return [response.encode()]
"""
LOADER = "import imp\nwsgi = imp.load_source('wsgi', 'app.py')\napplication = wsgi.application\n"
FOREIGN = "from shop import application\n"
OTHERS = [b"", b"Options -Indexes\n", b"Options -Indexes", b"# h\xfcbsch\r\nRewriteEngine On\r\n", b"\n\n#\tEND\n"]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    for name in ("slotkeeper", "public_html"):
        (tmp_path / name).mkdir()
    return Site(tmp_path / "slotkeeper", tmp_path / "public_html", sys.executable)


def init(site: Site, *, force: bool = False) -> None:
    cpanel.apply(site, cpanel.plan(site, force=force))


def levels(site: Site) -> dict[str, str]:
    return {finding.check: finding.level for finding in cpanel.examine(site)}


def test_an_empty_account_gets_all_files_and_is_well(site: Site) -> None:
    assert levels(site)["wsgi file"] == levels(site)["htaccess"] == levels(site)["restart"] == "FAIL"
    init(site)
    assert site.wsgi.read_text() == PASSENGER_WSGI
    assert site.page.read_text() == MAINTENANCE_PAGE
    assert {path.stat().st_mode & 0o777 for path in (site.wsgi, site.page, site.htaccess)} == {0o644}
    assert (site.root / "tmp/restart.txt").exists()
    assert (site.root / "tmp").stat().st_mode & 0o777 == 0o755
    assert set(levels(site).values()) == {"OK"}


def test_a_second_time_there_is_nothing_to_do(site: Site) -> None:
    init(site)
    assert cpanel.plan(site) == []


@pytest.mark.parametrize("others", OTHERS)
def test_every_byte_of_others_in_htaccess_stays(site: Site, others: bytes) -> None:
    site.htaccess.write_bytes(others)
    init(site)
    content = site.htaccess.read_bytes()
    assert content.startswith(others)
    assert content[len(others) :].lstrip(b"\n").startswith(BEGIN)
    site.htaccess.write_bytes(content + b"# the panel's\n")
    assert cpanel.plan(site) == []
    older = content.replace(b"ErrorDocument 503", b"ErrorDocument 500")
    site.htaccess.write_bytes(older + b"# the panel's\n")
    assert levels(site)["htaccess"] == "FAIL"
    init(site)
    assert site.htaccess.read_bytes() == content + b"# the panel's\n"


def test_a_file_of_crlf_stays_one(site: Site) -> None:
    content = with_block(b"Options -Indexes\r\n")
    assert content.count(b"\n") == content.count(b"\r\n") > 5
    site.htaccess.write_bytes(content)
    assert [change.path for change in cpanel.plan(site)] == [site.wsgi, site.page]


@pytest.mark.parametrize(
    "broken", [BEGIN, END, END + b"\n" + BEGIN, BEGIN + b"\n" + BEGIN + b"\n" + END, BEGIN + b"\n" + END + b"\n" + END]
)
def test_marks_that_are_no_pair_are_told_and_nothing_is_written(site: Site, broken: bytes) -> None:
    site.htaccess.write_bytes(broken + b"\n")
    with pytest.raises(Conflict, match="remove them by hand"):
        init(site, force=True)
    assert levels(site)["htaccess"] == "FAIL"
    assert not site.wsgi.exists()


@pytest.mark.parametrize("stub", ["", "\n", STUB, LOADER, PASSENGER_WSGI + "# an edit of ours\n"])
def test_what_the_panel_leaves_is_replaced_without_asking(site: Site, stub: str) -> None:
    site.wsgi.write_text(stub)
    assert levels(site)["wsgi file"] == "FAIL"
    init(site)
    assert site.wsgi.read_text() == PASSENGER_WSGI


def test_a_program_of_somebody_else_is_replaced_only_by_force_and_a_copy_kept(site: Site) -> None:
    site.wsgi.write_text(FOREIGN)
    with pytest.raises(Conflict, match="--force"):
        init(site)
    assert (site.wsgi.read_text(), site.htaccess.exists()) == (FOREIGN, False)
    init(site, force=True)
    assert site.wsgi.read_text() == PASSENGER_WSGI
    assert (site.root / "passenger_wsgi.py.before").read_text() == FOREIGN


def test_an_own_maintenance_page_and_modes_stay(site: Site) -> None:
    site.page.write_text("Gone fishing")
    site.htaccess.write_bytes(b"")
    site.htaccess.chmod(0o600)
    init(site, force=True)
    assert site.page.read_text() == "Gone fishing"
    assert site.htaccess.stat().st_mode & 0o777 == 0o600


def test_a_link_stays_a_link(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "shared-htaccess"
    target.write_bytes(b"# kept elsewhere\n")
    site.htaccess.symlink_to(target)
    init(site)
    assert site.htaccess.is_symlink()
    assert BEGIN in target.read_bytes()


@pytest.mark.parametrize(("root", "docroot"), [("a", "a"), ("a/b", "a"), ("a", "a/public")])
def test_a_program_that_visitors_could_read_is_refused(tmp_path: Path, root: str, docroot: str) -> None:
    for name in (root, docroot):
        (tmp_path / name).mkdir(parents=True, exist_ok=True)
    site = Site(tmp_path / root, tmp_path / docroot, sys.executable)
    with pytest.raises(Conflict, match="one in the other"):
        cpanel.plan(site)
    assert levels(site)["folders"] == "FAIL"


def test_a_docroot_that_is_not_there_is_told(tmp_path: Path) -> None:
    site = Site(tmp_path, tmp_path / "none", sys.executable)
    with pytest.raises(NotFound, match="--docroot"):
        cpanel.plan(site)
    assert levels(site)["folders"] == "FAIL"


def test_the_panels_lines_are_compared_with_this_program_and_python(site: Site) -> None:
    init(site)
    ours = site.htaccess.read_text()

    def told(root: object, python: object) -> tuple[str, str]:
        site.htaccess.write_text(f'PassengerAppRoot "{root}"\nPassengerPython "{python}"\n{ours}')
        found = levels(site)
        assert found["htaccess"] == "OK"
        return found["program"], found["python"]

    assert told(site.root, site.python) == ("OK", "OK")
    assert told(site.docroot, site.python) == ("FAIL", "OK")
    assert told(site.root, "/usr/bin/env") == ("OK", "WARN")
    assert told(site.root, "/none/python3.11") == ("OK", "FAIL")


@pytest.mark.parametrize(
    "directive", ["PassengerMinInstances 2", "  passengermaxrequests 500", "PassengerPoolIdleTime 0"]
)
def test_what_the_server_refuses_in_htaccess_is_named(site: Site, directive: str) -> None:
    init(site)
    site.htaccess.write_bytes(site.htaccess.read_bytes() + directive.encode() + b"\n# PassengerMaxPoolSize\n")
    assert levels(site)["directives"] == "FAIL"


def test_maintenance_that_is_on_is_not_forgotten(site: Site) -> None:
    init(site)
    (site.docroot / MAINTENANCE_FLAG).touch()
    assert levels(site)["maintenance"] == "WARN"


def test_the_lines_for_cron_run_as_a_shell_runs_them(site: Site, tmp_path: Path) -> None:
    (site.root / "instance").mkdir()
    (tmp_path / "py thon").write_text('#!/bin/sh\necho "$PWD $*"\necho wrong >&2\n')
    (tmp_path / "py thon").chmod(0o755)
    lines = cpanel.cron_lines(Site(site.root, site.docroot, str(tmp_path / "py thon")))
    for line in lines:
        assert "%" not in line  # which cron takes for the end of the line
        command = line.split(" ", 5)[5]
        assert subprocess.run(["/bin/sh", "-c", command], check=True, capture_output=True).stdout == b""
    assert (site.root / "instance/cron.log").read_text() == "wrong\n"
    assert (site.root / "instance/doctor.txt").read_text() == f"{site.root} -m flask --app app doctor\nwrong\n"


def test_a_difference_is_shown_as_diff_shows_it(site: Site) -> None:
    site.wsgi.write_text(STUB)
    site.htaccess.write_bytes(b"# h\xfcbsch\n")
    text = "".join(cpanel.diff(change) for change in cpanel.plan(site))
    assert f"--- {site.wsgi}\n+++ {site.wsgi}\n" in text
    assert "-    message = 'It works!\\n'\n" in text
    assert " # h\\xfcbsch\n+# BEGIN slotkeeper" in text
    assert f"--- /dev/null\n+++ {site.page}\n" in text
