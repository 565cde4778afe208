#!/usr/bin/env bash
# The step of action.yml. Needs PYTHON, ACTION_PATH and RUNNER_TEMP; the inputs are CAPCHECK_*.
# Nothing here comes from a pull request as shell text: Python reads the inputs from the environment.
set -euo pipefail

venv="$(mktemp -d "$RUNNER_TEMP/capcheck-venv.XXXXXX")"
"$PYTHON" -I -m venv "$venv"
bin="$venv/bin"
[ -d "$bin" ] || bin="$venv/Scripts" # Windows

# -I keeps the pull request's own files (a local yaml.py, say) off the import path. Hashes hold
# whatever index the runner is set to; wheels only, so that no package runs code while installed.
"$bin/python" -I -m pip install -qq --disable-pip-version-check \
  --require-hashes --only-binary :all: -r "$ACTION_PATH/requirements-action.txt" || {
  echo "::error title=capcheck%3A set-up failed::Nothing was checked. The log says what pip refused."
  exit 70 # not 1: that would read as a verdict
}

exec "$bin/python" -I -X utf8 -c \
  'import sys; sys.path.insert(0, sys.argv.pop(1)); from capcheck.action.step import main; sys.exit(main())' \
  "$ACTION_PATH/checker"
