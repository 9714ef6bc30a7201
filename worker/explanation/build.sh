#!/bin/sh
# Builds kernel.wasm from kernel.c: see ../forest/build.sh.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
KERNEL_FOLDER=$here KERNEL_FLAGS=-msimd128 exec "$here/../forest/build.sh" "$@"
