#!/usr/bin/env bash
# From a clean clone to a running service with a demo catalogue, on 127.0.0.1: for looking at, and for frontend work.
# PORT (8000), INSTANCE_DIR and every other setting of docs/settings.md may be given in the environment. Ctrl-C ends it.
set -eu
. "$(dirname -- "${BASH_SOURCE[0]}")/venv.sh"

export PORT=${PORT:-8000} HOST=127.0.0.1
make_venv requirements.txt
check_workers
check_settings
"$python" scripts/first_booking.py --port-is-free "$PORT"

"$python" -m flask --app app db upgrade
"$python" -m flask --app app demo load

# Beside the server and not before it, so that the server gets every signal itself. It prints when the server answers.
("$python" scripts/first_booking.py "$PORT" &)
exec "$python" -m gunicorn -c gunicorn_config.py
