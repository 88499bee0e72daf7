# Sourced by the scripts beside it: finds a Python that fits and keeps the virtual environment in step with the pins.
# Sets root (this folder's parent), venv and python (the environment's own); moves to root.

root=$(CDPATH= cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
venv=${VENV:-$root/.venv}
python=$venv/bin/python

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

fits() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; }

# 3.11 first: it is what the memory budgets are measured with.
find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3.10 python3}; do
        if fits "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "No Python 3.10 or newer was found: install python3.11, or name one with PYTHON=/path/to/python"
}

# make_venv FILE: an environment with what FILE pins. Only wheels: no shared host has a compiler.
make_venv() {
    local base stamp=$venv/.installed-$1 wanted
    if ! fits "$python"; then
        base=$(find_python)
        say "Making a virtual environment with $("$base" -V) ..."
        "$base" -c 'import ensurepip' 2>/dev/null || fail "$base cannot make virtual environments: install python3-venv"
        "$base" -m venv --clear "$venv"
    fi
    wanted=$("$python" -V; cat constraints.txt requirements.txt "$1" | cksum)
    if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
        say "Installing what $1 pins, which takes a minute the first time ..."
        "$python" -m pip install -qq --disable-pip-version-check --no-input --only-binary=:all: -r "$1" ||
            fail "Installing $1 failed: see the lines above. A package index must be in reach, and have wheels for this system."
        printf '%s\n' "$wanted" >"$stamp"
    fi
}

# The server reads it before our settings file could say that it is wrong.
check_workers() {
    [ -n "${WEB_CONCURRENCY:-}" ] || { unset WEB_CONCURRENCY; return 0; }
    [[ $WEB_CONCURRENCY =~ ^[1-9][0-9]?$ ]] ||
        fail "WEB_CONCURRENCY must be a whole number from 1 to 99, not '$WEB_CONCURRENCY'"
}

# Says in one line what is wrong with the settings, and ends.
check_settings() {
    "$python" - <<'PROGRAM' || exit 1
import sys
from app.runtime.settings import SettingsError, load

try:
    load()
except SettingsError as error:
    sys.exit(str(error))
PROGRAM
}
