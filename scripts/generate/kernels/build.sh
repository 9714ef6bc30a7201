#!/bin/sh
# Builds the WebAssembly of the kernels with one exact compiler, so that the committed bytes can be reproduced.
set -eu
pinned='14.0.6'
kernels='forest explanation rows'

usage() {
  cat <<TEXT
Usage: $0 [KERNEL [OUTPUT]]
Compiles the kernels ($kernels), or one of them, with clang and lld $pinned (Debian 12: apt-get install clang lld).
One goes beside its source, or to OUTPUT.
TEXT
}

case "${1-}" in
  -h | --help)
    usage
    exit 0
    ;;
  -*)
    echo "$0: unknown option $1, see --help" >&2
    exit 2
    ;;
esac

home=$(CDPATH='' cd -- "$(dirname -- "$0")/../../.." && pwd)
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

# compile SOURCE OUTPUT FLAG… No table of names or producers in the file. The memory comes from outside.
compile() {
  source=$1 output=$2
  shift 2
  clang --target=wasm32 -nostdlib -ffreestanding -std=c11 -O2 -mbulk-memory -Wall -Wextra -Werror \
    -Wl,--no-entry -Wl,--import-memory -Wl,--strip-all -Wl,-z,stack-size=4096 "$@" -o "$output" "$source"
  echo "$output: $(wc -c <"$output") bytes"
}

# Threads share the memory: these kernels need no stack or statics in it.
shared='-matomics -Wl,--shared-memory -Wl,--max-memory=2147483648'

# build KERNEL [OUTPUT]
# shellcheck disable=SC2086 # Flags are words.
build() {
  case "$1" in
    forest) compile "$home/worker/forest/kernel.c" "${2:-$home/worker/forest/kernel.wasm}" $shared ;;
    explanation)
      folder=$home/worker/explanation
      compile "$folder/kernel.c" "${2:-$folder/explanationKernel.wasm}" $shared -msimd128
      ;;
    rows)
      # Its stack and its data lie in the first page.
      folder=$home/server/encoding/bytes
      compile "$folder/kernel.c" "${2:-$folder/rowKernel.wasm}" -fno-slp-vectorize -msimd128 -Wl,--max-memory=1073741824
      ;;
    *)
      echo "$0: unknown kernel $1; there are $kernels" >&2
      exit 2
      ;;
  esac
}

if [ $# -eq 0 ]; then
  for kernel in $kernels; do build "$kernel"; done
else
  build "$@"
fi
