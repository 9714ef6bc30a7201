#!/bin/sh
# Builds rowKernel.wasm from kernel.c with one exact compiler, so that the committed bytes can be reproduced.
set -eu
pinned='14.0.6'

case "${1-}" in
  -h | --help)
    echo "Usage: $0 [output]"
    echo "Compiles kernel.c with clang and lld $pinned (Debian 12: apt-get install clang lld) to rowKernel.wasm, or to output."
    exit 0
    ;;
  -*)
    echo "$0: unknown option $1, see --help" >&2
    exit 2
    ;;
esac

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
for tool in clang wasm-ld; do
  version=$("$tool" --version 2>/dev/null | head -n 1) || version=''
  case "$version" in
    *" $pinned"*) echo "$tool: $version" ;;
    *)
      echo "$0: needs $tool $pinned, found: ${version:-none}" >&2
      exit 1
      ;;
  esac
done

# No table of names or producers in the file. Its stack and its data lie in the first page of a memory from outside.
clang --target=wasm32 -nostdlib -ffreestanding -std=c11 -O2 -fno-slp-vectorize -msimd128 -mbulk-memory -Wall -Wextra -Werror \
  -Wl,--no-entry -Wl,--import-memory -Wl,--max-memory=1073741824 -Wl,--strip-all -Wl,-z,stack-size=4096 \
  -o "${1:-$here/rowKernel.wasm}" "$here/kernel.c"
echo "rowKernel.wasm: $(wc -c <"${1:-$here/rowKernel.wasm}") bytes"
