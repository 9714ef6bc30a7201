#!/usr/bin/env bash
# Checks the types and bundles the server into a folder, and puts beside the code what the bundler doesn't copy.
set -euo pipefail
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

if [ "${1:-}" = --help ]; then
  echo 'Usage: ./scripts/build.sh [FOLDER]'
  echo 'Builds the server into FOLDER, dist/ unless given.'
  exit 0
fi
out=${1:-dist}
# Before the mark: the server's start takes sources that are newer than the mark for changed.
scripts/generate/model-json-check/write.sh
# The mark has the time of the build's start: what changes meanwhile is newer.
mkdir -p "$out"
rm -f "$out/.built"
touch "$out/.built.started"
node_modules/.bin/tsc -p tsconfig.build.json --noEmit
node_modules/.bin/rolldown --config rolldown.config.ts --dir "$out" >/dev/null
# Beside the chunks of their rooms.
find worker server -name '*.wasm' -exec cp {} "$out/server/chunks/" \;
# The pages: scripts for browsers, and what is served as it stands.
node_modules/.bin/tsc -p server/web/tsconfig.json --outDir "$out/server/web"
for page in apidocs drift playground shared; do
  if [ -d "server/web/$page" ]; then
    mkdir -p "$out/server/web/$page"
    find "server/web/$page" -maxdepth 1 \( -name '*.html' -o -name '*.css' -o -name '*.svg' \) -exec cp {} "$out/server/web/$page/" \;
  fi
done
mv "$out/.built.started" "$out/.built"
