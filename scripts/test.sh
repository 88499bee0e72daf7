#!/usr/bin/env bash
# Everything that is checked before a change goes in. Arguments go to pytest: scripts/test.sh -m "not system" is the fast part.
# Makes the virtual environment; as root on Debian installs MariaDB if it is missing. Elsewhere the tests that need it
# are skipped and say what to install; where CI=true they fail.
set -eu
. "$(dirname -- "${BASH_SOURCE[0]}")/venv.sh"

has_mariadb() { PATH=$PATH:/usr/sbin command -v mariadbd >/dev/null && command -v mariadb-install-db >/dev/null; }

install_mariadb() {
    local log
    log=$(mktemp)
    say "Installing MariaDB for the tests ..."
    export DEBIAN_FRONTEND=noninteractive
    { apt-get -qq update && apt-get -qq install -y --no-install-recommends mariadb-server; } >"$log" 2>&1 </dev/null ||
        { tail -n 20 "$log" >&2; fail "Installing mariadb-server failed: see the lines above"; }
    rm -f "$log"
}

make_venv requirements-dev.txt
if ! has_mariadb && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    install_mariadb
fi

"$python" -m ruff check .
"$python" -m ruff format --check .
"$python" -m mypy
"$python" -m bandit --quiet --configfile pyproject.toml --recursive app
exec "$python" -m pytest "$@"
