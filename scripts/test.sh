#!/usr/bin/env bash
# Everything that is checked before a change goes in. Arguments go to pytest: scripts/test.sh -m "not system" is the fast part.
# Makes the virtual environment; as root on Debian installs what is missing of the programs that tests need (MariaDB, Apache
# with Passenger, nginx, none of them as a service; readers of PDF, fonts). Elsewhere those tests are skipped and say what to
# install; where CI=true they fail.
set -eu
. "$(dirname -- "${BASH_SOURCE[0]}")/venv.sh"

# What the tests need of the system, a line each: a program or file that shows it is there, and Debian's package.
needs() {
    cat <<'LIST'
mariadbd mariadb-server
/usr/lib/apache2/modules/mod_passenger.so libapache2-mod-passenger
nginx nginx
qpdf qpdf
pdftoppm poppler-utils
npm npm
faketime faketime
strace strace
chromium chromium
/usr/share/fonts/truetype/noto/NotoSansDevanagari-Regular.ttf fonts-noto-core
LIST
}

missing() {
    local sign package
    needs | while read -r sign package; do
        [ -e "$sign" ] || PATH=$PATH:/usr/sbin command -v "$sign" >/dev/null || printf '%s\n' "$package"
    done
}

install_packages() {
    local log
    log=$(mktemp)
    say "Installing for the tests:" "$@" "..."
    export DEBIAN_FRONTEND=noninteractive
    (without_services; apt-get -qq update && apt-get -qq install -y --no-install-recommends "$@") >"$log" 2>&1 </dev/null ||
        { tail -n 20 "$log" >&2; fail "Installing $* failed: see the lines above"; }
    rm -f "$log"
}

# Until the shell ends, nothing starts by being installed (invoke-rc.d(8)); containers say so already.
without_services() {
    local policy=/usr/sbin/policy-rc.d
    [ -e "$policy" ] && return
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
}

make_venv requirements-dev.txt
packages=$(missing)
if [ -n "$packages" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    # shellcheck disable=SC2086 - a list of words
    install_packages $packages
fi

# The S3 server of the tests has an environment of its own: it brings a library that the program is tested to do without.
make_s3_server() {
    local pins=tests/gateways/requirements-s3.txt stamp=$venv-s3/.installed wanted
    export S3_SERVER_PYTHON=$venv-s3/bin/python
    wanted=$("$python" -V; cksum <"$pins")
    [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return
    say "Installing the S3 server of the tests ..."
    "$python" -m venv --clear "$venv-s3"
    "$S3_SERVER_PYTHON" -m pip install -qq --disable-pip-version-check --no-input --only-binary=:all: -r "$pins" ||
        fail "Installing $pins failed: see the lines above."
    printf '%s\n' "$wanted" >"$stamp"
}
make_s3_server

"$python" -m ruff check .
"$python" -m ruff format --check .
# Python 3.10 has an older SQLAlchemy, with other types.
if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    "$python" -m mypy
fi
"$python" -m bandit --quiet --configfile pyproject.toml --recursive app
if [ $# -gt 0 ]; then
    exec "$python" -m pytest "$@"
fi
"$python" -m pytest -m "not system"
"$python" -m pytest -m "mariadb or walk or long"
# Alone on the machine: fifty visitors at once need both its processors.
exec "$python" -m pytest -m "system and not mariadb and not walk and not long" --numprocesses=0 --durations=30
