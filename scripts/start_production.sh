#!/usr/bin/env bash
# Starts Slotkeeper for real customers, behind a web server with TLS: see docs/deploy-gunicorn.md.
# Settings come from the environment or instance/slotkeeper.toml (docs/settings.md); WEB_CONCURRENCY is the number of workers,
# by default one a processor up to four. Anything wrong is said in one line, before anything is started.
set -eu
. "$(dirname -- "${BASH_SOURCE[0]}")/venv.sh"

export ENVIRONMENT=${ENVIRONMENT:-production}
make_venv requirements.txt
"$python" -m compileall -q app # without it a first start takes seconds, and a read-only folder pays that every time
check_workers
check_settings
"$python" -m flask --app app db upgrade
exec "$python" -m gunicorn -c gunicorn_config.py
