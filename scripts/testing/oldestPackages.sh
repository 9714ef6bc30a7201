#!/usr/bin/env bash
# Runs the tests of the package servemodel with the oldest versions of the libraries that it allows.
set -euo pipefail
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

usage() {
  cat <<'TEXT'
Usage: ./scripts/testing/oldestPackages.sh [--help] [PYTEST ARGUMENT…]

Runs python/tests with the versions of python/oldest-requirements.txt, in an environment in ~/.cache/servemodel that is made at
first use. Needs Python 3.11 or 3.12 with venv, and a package index. Ends with code 69 if the environment can't be made.
TEXT
}

case ${1:-} in
  --help | -h)
    usage
    exit
    ;;
esac

cache=${XDG_CACHE_HOME:-$HOME/.cache}/servemodel
environment=$cache/oldest-$(sha256sum python/oldest-requirements.txt | cut -c 1-12)

find_python() {
  local program
  for program in python3.11 python3.12 python3; do
    if "$program" -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null; then
      echo "$program"
      return
    fi
  done
  echo 'no Python 3.11 or 3.12 is there' >&2
  return 1
}

make_environment() {
  local python
  python=$(find_python) &&
    rm -rf "$environment" &&
    "$python" -m venv "$environment" &&
    "$environment/bin/python" -m pip install -q --only-binary ':all:' --no-compile -r python/oldest-requirements.txt &&
    touch "$environment/.complete"
}

if ! [ -f "$environment/.complete" ] && ! make_environment; then exit 69; fi
exec "$environment/bin/python" -m pytest -q -p no:cacheprovider -p scripts.testing.totals_plugin python "$@"
