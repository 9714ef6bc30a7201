#!/usr/bin/env bash
# Writes server/loading/modelJson.generated.ts, the check of model.json, unless it is newer than what it is made from.
set -euo pipefail
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/../../.."

generator=scripts/generate/model-json-check
target=server/loading/modelJson.generated.ts
if [ -f "$target" ] &&
  [ -z "$(find models/model.schema.json "$generator"/{generate,print}.ts package-lock.json -newer "$target" -print -quit)" ]; then
  exit
fi
# Inside of the project, where Node finds Ajv, and moved at the end: two of these may run at once.
built=$(mktemp -d node_modules/.model-json-check.XXXXXX)
trap 'rm -rf -- "$built"' EXIT
node_modules/.bin/tsc -p "$generator" --outDir "$built"
node "$built/print.js" <models/model.schema.json >"$built/check.ts"
mv "$built/check.ts" "$target"
