#!/usr/bin/env bash
# Runs every check: format, lint, types, and all tests on real parts. Installs what they need first.
set -euo pipefail
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'TEXT'
Usage: ./scripts/test.sh [--no-install] [--help]

Runs the format check, the linter, the type check and every test. Installs what is missing first: npm packages, a
Python environment for the training tests, another with clients of the protocols, and as root the system packages.
Tests whose parts can't be had are listed as skipped at the end, each with the reason. The last line is the total.

  --no-install  install no system packages
  --help        print this
TEXT
}

install=yes
for argument in "$@"; do
  case $argument in
    --no-install) install=no ;;
    --help | -h)
      usage
      exit 0
      ;;
    *)
      printf 'unknown argument: %s\n' "$argument" >&2
      usage >&2
      exit 2
      ;;
  esac
done

say() { printf '\n== %s\n' "$*"; }

# Folders that outlive a run: what is in them is made again when it's gone.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/servemodel
work=$(mktemp -d "${TMPDIR:-/tmp}/servemodel-test.XXXXXX")
trap 'rm -rf -- "$work"' EXIT
mkdir -p "$cache"

# --- What the tests need ----------------------------------------------------------------------------------------

# program:package pairs.
SYSTEM_PARTS=(nginx:nginx-light shellcheck:shellcheck dockerd:docker.io debootstrap:debootstrap chromium:chromium
  redis-server:redis-server prometheus:prometheus prometheus-alertmanager:prometheus-alertmanager
  faketime:faketime curl:curl)

install_system_packages() {
  PATH=$PATH:/usr/sbin:/sbin
  local part missing=()
  for part in "${SYSTEM_PARTS[@]}"; do
    command -v "${part%%:*}" >/dev/null || missing+=("${part#*:}")
  done
  if [ ${#missing[@]} = 0 ]; then return; fi
  local command="apt-get install -y --no-install-recommends ${missing[*]}"
  if [ "$install" = no ] || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "not installed: ${missing[*]}; as root on Debian: $command"
    return
  fi
  say "installing system packages: $command"
  # Their services must not start: the tests start what they need themselves, on ports of their own.
  local policy=/usr/sbin/policy-rc.d made=no
  if ! [ -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    made=yes
    # Left behind, it would keep every package's service from starting.
    trap 'rm -rf -- "$work" /usr/sbin/policy-rc.d' EXIT
  fi
  apt-get update -qq || true
  DEBIAN_FRONTEND=noninteractive $command >"$work/apt.log" 2>&1 || { tail -n 5 "$work/apt.log"; }
  if [ "$made" = yes ]; then
    rm -f "$policy"
    trap 'rm -rf -- "$work"' EXIT
  fi
}

install_npm_packages() {
  if [ -f node_modules/.package-lock.json ] && ! [ package-lock.json -nt node_modules/.package-lock.json ]; then return; fi
  say 'installing npm packages'
  npm ci --include=dev --no-audit --no-fund --loglevel=error
  touch node_modules/.package-lock.json
}

# An environment lives outside of the checkout and is made anew when its pins change. Prints its folder.
make_python_environment() {
  local what=$1 pins=$2 folder
  command -v python3 >/dev/null || return 0
  folder=$cache/python-$(sha256sum "$pins" | cut -c1-12)
  echo "$folder"
  if [ -f "$folder/.complete" ]; then return; fi
  say "making the Python environment of $what" >&2
  rm -rf "$folder"
  if python3 -m venv "$folder" && "$folder/bin/pip" install -q -r "$pins" >&2; then
    touch "$folder/.complete"
  fi
}

# Real clients of the protocols, and MLflow's own server on the pipeline that the default model was exported from. The
# same files in the same order as server/testing/protocolClients.ts, which finds it by their digest.
make_clients_environment() {
  command -v python3 >/dev/null || return 0
  local sources=(scripts/verify/bench/peers/requirements.txt scripts/testing/clients-requirements.txt
    scripts/testing/saveMlflowModel.py scripts/models/train/adult.py)
  local clients
  clients=$cache/clients-$(cat "${sources[@]}" | sha256sum | cut -c1-12)
  if [ -f "$clients/.complete" ]; then return; fi
  say 'making the Python environment of the protocol clients, some minutes'
  rm -rf "$clients"
  local model=$work/clients-model
  if python3 -m venv "$clients" &&
    "$clients/bin/pip" install -q --no-deps -r scripts/testing/clients-requirements.txt &&
    "$clients/bin/python" scripts/models/train/adult.py --output "$model" --joblib "$model.joblib" >/dev/null &&
    MLFLOW_DISABLE_TELEMETRY=true "$clients/bin/python" -W ignore scripts/testing/saveMlflowModel.py \
      "$model.joblib" "$model/golden.json" "$clients/mlflow"; then
    touch "$clients/.complete"
  fi
}

# Programs that are built from their published sources: what, its version, its package.
GO_PARTS=("versitygw v1.8.0 github.com/versity/versitygw/cmd/versitygw"
  "kubeconform v0.7.0 github.com/yannh/kubeconform/cmd/kubeconform"
  "compose-spec v2.16.2 github.com/compose-spec/compose-go/v2/cmd"
  "kustomize v5.5.0 sigs.k8s.io/kustomize/kustomize/v5")

install_go_programs() {
  local part name version package
  for part in "${GO_PARTS[@]}"; do
    read -r name version package <<<"$part"
    PATH=$cache/$name-$version:$PATH
    if command -v "$name" >/dev/null || ! command -v go >/dev/null; then continue; fi
    say "installing $name $version"
    GOBIN=$cache/$name-$version GOFLAGS=-modcacherw go install "$package@$version" ||
      echo 'that failed: the tests that need it are skipped'
    # A package that is called cmd gives its program that name.
    if [ -e "$cache/$name-$version/cmd" ]; then mv "$cache/$name-$version/cmd" "$cache/$name-$version/$name"; fi
  done
}

# The OpenTelemetry Collector is no program to install: its builder makes one of the parts that a file lists.
COLLECTOR_BUILDER=go.opentelemetry.io/collector/cmd/builder@v0.139.0
COLLECTOR_PARTS=scripts/testing/otelcol.yaml

install_collector() {
  local folder
  folder=$cache/otelcol-$({ echo "$COLLECTOR_BUILDER" && cat "$COLLECTOR_PARTS"; } | sha256sum | cut -c1-12)
  PATH=$folder:$PATH
  if [ -x "$folder/otelcol" ] || ! command -v go >/dev/null; then return; fi
  say 'building the OpenTelemetry Collector, two minutes'
  { printf 'dist: {name: otelcol, module: servemodel/otelcol, output_path: "%s"}\n' "$work/otelcol" &&
    cat "$COLLECTOR_PARTS"; } >"$work/otelcol.yaml"
  if GOBIN=$work/bin GOFLAGS=-modcacherw go install "$COLLECTOR_BUILDER" &&
    GOFLAGS=-modcacherw timeout 600 "$work/bin/builder" --config "$work/otelcol.yaml" >"$work/otelcol.log" 2>&1; then
    mkdir -p "$folder" && mv "$work/otelcol/otelcol" "$folder/"
  else
    tail -n 5 "$work/otelcol.log" || true
    echo 'that failed: the tests that need it are skipped'
  fi
}

install_system_packages
install_npm_packages
install_go_programs
install_collector
make_clients_environment
python=$(make_python_environment 'the training tests' scripts/models/requirements.txt)
openapi=$(make_python_environment 'the tests of /openapi.json' scripts/testing/openapi-requirements.txt)
if [ -f "$openapi/.complete" ]; then export OPENAPI_TOOLS=$openapi/bin; fi
make_python_environment "the test of KServe's client" scripts/testing/kserve-requirements.txt >/dev/null

# --- The checks ---------------------------------------------------------------------------------------------------

passed=0 failed=0 skipped=0
reasons=()

# A check that passes or fails as a whole counts as one test.
check() {
  local name=$1
  shift
  say "$name"
  if "$@"; then passed=$((passed + 1)); else
    printf 'FAILED: %s\n' "$name"
    failed=$((failed + 1))
  fi
}

skip() {
  skipped=$((skipped + 1))
  reasons+=("$1")
}

# Adds a test runner's own totals: "passed failed skipped", then a line for each skipped test; beside them a list of
# the tests that passed only when they were tried again.
add_totals() {
  local file=$1 p f s line
  if [ -s "$file.retried" ]; then
    say 'passed only at the second try'
    cat "$file.retried"
  fi
  if ! [ -s "$file" ]; then
    failed=$((failed + 1))
    return
  fi
  { read -r p f s && while read -r line; do reasons+=("$line"); done; } <"$file"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

export ORT_DISABLE_TELEMETRY=1
check 'format' npm run --silent format:check
check 'lint' npm run --silent lint
check 'types' npm run --silent typecheck
check 'build' npm run --silent build
if command -v shellcheck >/dev/null; then
  check 'shell scripts' shellcheck servemodel.sh scripts/*.sh scripts/run scripts/testing/*.sh scripts/api-key scripts/sbom scripts/import-model scripts/compare scripts/replay scripts/simulate scripts/audit scripts/rehearse scripts/kubernetes-schemas deploy/alertmanager/start.sh .ci/run
else
  skip 'shell scripts: shellcheck is missing; apt-get install shellcheck'
fi

# Known weaknesses of the packages that are shipped, where the registry tells.
audit=$(npm audit --omit=dev 2>&1) && audited=yes || audited=no
if [ "$audited" = no ] && grep -q 'endpoint returned an error\|ENOTFOUND\|ECONNREFUSED\|ETIMEDOUT' <<<"$audit"; then
  skip 'npm audit: the registry does not answer it'
else
  if [ "$audited" = no ]; then printf '%s\n' "$audit"; fi
  check 'npm audit' test "$audited" = yes
fi

say 'tests'
# Tried again once: a machine that is busy with something else must not fail a whole run. What needed it is listed.
TEST_TOTALS=$work/vitest npx --no-install vitest run --retry=1 || true
add_totals "$work/vitest"

if [ -f "$python/.complete" ]; then
  say 'training tests'
  TEST_TOTALS=$work/pytest "$python/bin/python" -m pytest -q -p no:cacheprovider -p scripts.testing.totals_plugin scripts || true
  add_totals "$work/pytest"
else
  skip 'training tests: no Python environment; apt-get install python3-venv, and pip must reach a package index'
fi

say 'skipped'
if [ ${#reasons[@]} = 0 ]; then echo 'nothing'; else printf '%s\n' "${reasons[@]}"; fi
printf '\n%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
