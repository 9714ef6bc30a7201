#!/usr/bin/env bash
# Writes server/dialects/grpc/descriptors.generated.ts from the .proto files beside it.
set -euo pipefail

if [ "${1:-}" = --help ]; then
  echo 'Usage: scripts/generate/grpc/write.sh [TARGET]'
  echo 'Writes the descriptors of server/dialects/grpc/proto/ into TARGET, by default descriptors.generated.ts above it.'
  echo 'PYTHON is a Python with the package grpcio-tools, which has the compiler; by default python3.'
  exit 0
fi
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/../../.."
target=${1:-server/dialects/grpc/descriptors.generated.ts}
compiled=$(mktemp)
trap 'rm -f -- "$compiled"' EXIT
proto=server/dialects/grpc/proto
mapfile -t files < <(cd "$proto" && find . -name '*.proto' | sed 's|^\./||' | LC_ALL=C sort)
"${PYTHON:-python3}" -m grpc_tools.protoc -I "$proto" --descriptor_set_out="$compiled" "${files[@]}"
{
  echo '// Written by scripts/generate/grpc/write.sh from the files in proto/.'
  echo
  echo '/** The FileDescriptorSet of all .proto files, in base64. */'
  echo 'export const DESCRIPTORS ='
  base64 -w 110 "$compiled" | sed "s/^/  '/; s/\$/' +/; \$s/ +\$/;/"
} >"$target"
