#!/bin/sh
# Builds explanationKernel.wasm from kernel.c with one exact compiler, so that the committed bytes can be reproduced.
set -eu
pinned='14.0.6'

case "${1-}" in
  -h | --help)
    echo "Usage: $0 [output]"
    echo "Compiles kernel.c with clang and lld $pinned (Debian 12: apt-get install clang lld) to explanationKernel.wasm, or to output."
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

# No table of names or producers in the file. The memory comes from outside, and threads share it: the kernel needs no
# stack or statics in it.
clang --target=wasm32 -nostdlib -ffreestanding -std=c11 -O2 -msimd128 -matomics -mbulk-memory -Wall -Wextra -Werror \
  -Wl,--no-entry -Wl,--import-memory -Wl,--shared-memory -Wl,--max-memory=2147483648 -Wl,--strip-all \
  -Wl,-z,stack-size=4096 \
  -o "${1:-$here/explanationKernel.wasm}" "$here/kernel.c"
echo "explanationKernel.wasm: $(wc -c <"${1:-$here/explanationKernel.wasm}") bytes"
