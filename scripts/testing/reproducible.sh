#!/usr/bin/env bash
# Builds the image twice from nothing and compares the layers that are ours.
set -euo pipefail
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."

# The last ones of the Dockerfile: packages, models, code.
readonly OURS=3

usage() {
  cat <<'TEXT'
Usage: ./scripts/testing/reproducible.sh [--help] [DOCKER BUILD ARGUMENT…]

Builds the image twice without Docker's cache, some minutes each, and says whether the layers that hold packages, models and code
have the same digests. Ends with code 1 if they don't. Arguments go to `docker build`, such as --build-arg BASE=IMAGE.
TEXT
}

case ${1:-} in
  --help | -h)
    usage
    exit 0
    ;;
esac
readonly TAG=servemodel-reproducible:$$
trap 'docker image rm "$TAG-1" "$TAG-2" >/dev/null 2>&1 || true' EXIT

layers() { docker image inspect --format '{{range .RootFS.Layers}}{{println .}}{{end}}' "$1" | grep . | tail -n "$OURS"; }

for build in 1 2; do
  echo "build $build of 2" >&2
  docker build --quiet --no-cache --force-rm "$@" --tag "$TAG-$build" . >/dev/null
done
first=$(layers "$TAG-1")
second=$(layers "$TAG-2")
if [ "$first" = "$second" ]; then
  printf 'the same in both builds:\n%s\n' "$first"
else
  printf 'first:\n%s\nsecond:\n%s\n' "$first" "$second"
  exit 1
fi
