#!/usr/bin/env bash
# Runs one of the tools that are written in TypeScript: compiles the scripts when they have changed, then starts it.
set -euo pipefail

if [ "${1:-}" = --help ] || [ $# = 0 ]; then
  echo 'Usage: ./scripts/tool.sh FOLDER [ARGUMENT…]'
  echo 'Runs scripts/FOLDER/main.ts with the arguments.'
  exit 0
fi
home=$(cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
tool=$1
shift
out=$home/dist-scripts
stale() {
  ! [ -f "$out/.built" ] ||
    [ -n "$(find "$home/server" "$home/worker" "$home/scripts" "$home/package-lock.json" -newer "$out/.built" -print -quit)" ]
}
if stale; then
  if ! [ -x "$home/node_modules/.bin/tsc" ]; then
    echo "the compiler is missing; run in $home: npm ci" >&2
    exit 1
  fi
  # Built aside and moved, so that two tools that start at once don't see half a build.
  built=$out.$$
  trap 'rm -rf -- "$built"' EXIT
  mkdir -p "$built"
  touch "$built/.built"
  "$home/node_modules/.bin/tsc" -p "$home/tsconfig.scripts.json" --outDir "$built" >&2
  cp "$home/worker/forest/kernel.wasm" "$built/worker/forest/"
  rm -rf "$out"
  mv "$built" "$out" 2>/dev/null || rm -rf "$built"
fi
# ONNX Runtime sends telemetry otherwise.
export ORT_DISABLE_TELEMETRY=1
exec node "$out/scripts/$tool/main.js" "$@"
