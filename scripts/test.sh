#!/usr/bin/env bash
# Everything that is checked before a change goes in. Arguments go to pytest: scripts/test.sh -m "not system" is the fast part.
# Makes the virtual environment; as root on Debian installs what is missing of the programs that tests need (MariaDB, readers
# of PDF, fonts). Elsewhere those tests are skipped and say what to install; where CI=true they fail.
set -eu
. "$(dirname -- "${BASH_SOURCE[0]}")/venv.sh"

# What the tests need of the system, a line each: a program or file that shows it is there, and Debian's package.
needs() {
    cat <<'LIST'
mariadbd mariadb-server
qpdf qpdf
pdftoppm poppler-utils
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
    { apt-get -qq update && apt-get -qq install -y --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null ||
        { tail -n 20 "$log" >&2; fail "Installing $* failed: see the lines above"; }
    rm -f "$log"
}

make_venv requirements-dev.txt
packages=$(missing)
if [ -n "$packages" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    # shellcheck disable=SC2086 - a list of words
    install_packages $packages
fi

"$python" -m ruff check .
"$python" -m ruff format --check .
"$python" -m mypy
"$python" -m bandit --quiet --configfile pyproject.toml --recursive app
exec "$python" -m pytest "$@"
