#!/usr/bin/env bash
# Runs every check: format, lint, types, and all tests on real parts. Makes what they need beside the first ones.
set -euo pipefail
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<'TEXT'
Usage: ./scripts/test.sh [--quick] [--no-install] [--help]

Runs the format check, the linter, the type check and every test. Installs what is missing in the background: as root the
system packages, Go programs, a Python environment with clients of the protocols, another for the training tests. Tests
that need such a part run last. Tests whose parts can't be had are listed as skipped at the end, each with the reason. The
last line is the total.

  --quick       only what needs npm packages and nginx: checks, unit tests, the tests of the proxy
  --no-install  install no system packages
  --help        print this
TEXT
}

install=yes quick=no
for argument in "$@"; do
  case $argument in
    --quick) quick=yes ;;
    --no-install) install=no ;;
    --help | -h)
      usage
      exit 0
      ;;
    *)
      printf 'test.sh: unknown argument %s; see ./scripts/test.sh --help\n' "$argument" >&2
      exit 2
      ;;
  esac
done

say() { printf '\n== %s\n' "$*"; }

# Folders that outlive a run: a missing one is made again.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/servemodel
work=$(mktemp -d "${TMPDIR:-/tmp}/servemodel-test.XXXXXX")
mkdir -p "$cache"

# --- Jobs in the background ---------------------------------------------------------------------------------------

declare -A job_pids=()
JOB_SECONDS=1500

end_all() {
  trap '' INT TERM
  local pid
  for pid in "${job_pids[@]}"; do kill -- "-$pid" 2>/dev/null || true; done
  wait
  rm -rf -- "$work"
}
trap end_all EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Runs a command in the background, with a log, in a process group of its own: Ctrl-C ends it by `end_all`.
start_job() { # NAME NICENESS COMMAND...
  local name=$1 niceness=$2
  shift 2
  set -m
  (
    trap - EXIT INT TERM
    if [ "$niceness" != 0 ]; then renice -n "$niceness" -p "$BASHPID" >/dev/null 2>&1 || true; fi
    code=0
    "$@" || code=$?
    echo "$code" >"$work/$name.code"
  ) </dev/null >"$work/$name.log" 2>&1 &
  job_pids[$name]=$!
  set +m
}

# Waits for the end of a job, and takes its exit code.
finish_job() { # NAME
  local name=$1 start=$SECONDS
  until [ -s "$work/$name.code" ]; do
    if [ $((SECONDS - start)) -ge $JOB_SECONDS ] || ! kill -0 "${job_pids[$name]}" 2>/dev/null; then
      kill -- "-${job_pids[$name]}" 2>/dev/null || true
      sleep 1
      if ! [ -s "$work/$name.code" ]; then
        echo "no end after $((SECONDS - start)) s" >>"$work/$name.log"
        echo 1 >"$work/$name.code"
      fi
    fi
    sleep 0.2
  done
  return "$(cat "$work/$name.code")"
}

# Says what is installed, and how long that took. The terminal is descriptor 3: what the command prints is for the log.
exec 3>&1
make() { # WHAT COMMAND...
  local what=$1 start=$SECONDS
  shift
  printf -- '-- %s: started\n' "$what" >&3
  if "$@"; then
    printf -- '-- %s: done in %s s\n' "$what" $((SECONDS - start)) >&3
  else
    printf -- '-- %s: FAILED after %s s\n' "$what" $((SECONDS - start)) >&3
    return 1
  fi
}

# Waits for parts that tests need now. One that failed shows the end of its log.
need() { # NAME...
  local name
  for name in "$@"; do
    if [ -z "${job_pids[$name]:-}" ]; then continue; fi
    if ! [ -s "$work/$name.code" ]; then say "waiting for $name"; fi
    finish_job "$name" || tail -n 5 "$work/$name.log"
    unset "job_pids[$name]"
  done
}

# --- What the tests need ------------------------------------------------------------------------------------------

# program:package pairs.
SYSTEM_PARTS=(nginx:nginx-light)
if [ "$quick" = no ]; then
  SYSTEM_PARTS+=(shellcheck:shellcheck dockerd:docker.io debootstrap:debootstrap chromium:chromium
    redis-server:redis-server prometheus:prometheus prometheus-alertmanager:prometheus-alertmanager
    faketime:faketime curl:curl)
fi
PATH=$PATH:/usr/sbin:/sbin

missing_packages() {
  local part
  for part in "${SYSTEM_PARTS[@]}"; do
    command -v "${part%%:*}" >/dev/null || echo "${part#*:}"
  done
}

install_system_packages() { # PACKAGE...
  # Their services must not start: the tests start what they need themselves, on ports of their own.
  local policy=/usr/sbin/policy-rc.d
  if ! [ -e "$policy" ]; then
    # Left behind, it would keep every package's service from starting.
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
  fi
  apt-get update -qq || true
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
}

install_npm_packages() {
  npm ci --include=dev --no-audit --no-fund --loglevel=error &&
    touch node_modules/.package-lock.json
}

digest() { cat -- "$@" | sha256sum | cut -c 1-12; }

# Python environments lie outside of the checkout and are made again when what they are made of changes. Wheels only: a
# source package would run its own build. Modules are compiled when they are imported.
PIP_INSTALL=(-m pip install -q --only-binary ':all:' --no-compile)
CLIENTS_SOURCES=(scripts/verify/bench/peers/requirements.txt scripts/testing/clients-requirements.txt
  scripts/testing/saveMlflowModel.py scripts/models/train/adult.py)
clients=$cache/clients-$(digest "${CLIENTS_SOURCES[@]}")
training=$cache/training-$(digest scripts/models/requirements.txt)

# Real clients of the protocols, and MLflow's own server on the pipeline that the default model was exported from. The
# same sources in the same order as server/testing/protocolClients.ts, which finds it by their digest.
make_clients() {
  local model=$work/clients-model
  rm -rf "$clients"
  python3 -m venv "$clients" &&
    "$clients/bin/python" "${PIP_INSTALL[@]}" --no-deps -r scripts/testing/clients-requirements.txt &&
    "$clients/bin/python" scripts/models/train/adult.py --output "$model" --joblib "$model.joblib" &&
    MLFLOW_DISABLE_TELEMETRY=true "$clients/bin/python" -W ignore scripts/testing/saveMlflowModel.py \
      "$model.joblib" "$model/golden.json" "$clients/mlflow" &&
    touch "$clients/.complete"
}

make_training() {
  rm -rf "$training"
  python3 -m venv "$training" &&
    "$training/bin/python" "${PIP_INSTALL[@]}" -r scripts/models/requirements.txt &&
    touch "$training/.complete"
}

make_python_environments() {
  local failed=0
  [ -f "$clients/.complete" ] || make 'Python environment of the clients' make_clients || failed=1
  [ -f "$training/.complete" ] || make 'Python environment of the training tests' make_training || failed=1
  return "$failed"
}

# Programs that are built from their published sources: what, and its package.
GO_PARTS=('kubeconform github.com/yannh/kubeconform/cmd/kubeconform@v0.7.0'
  'kustomize sigs.k8s.io/kustomize/kustomize/v5@v5.5.0'
  'compose-spec github.com/compose-spec/compose-go/v2/cmd@v2.16.2'
  'versitygw github.com/versity/versitygw/cmd/versitygw@v1.8.0'
  'grpcurl github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.3'
  'ghz github.com/bojand/ghz/cmd/ghz@v0.120.0')
# The OpenTelemetry Collector is no program to install: its builder makes one of the parts that a file lists.
COLLECTOR_BUILDER=go.opentelemetry.io/collector/cmd/builder@v0.139.0
COLLECTOR_PARTS=scripts/testing/otelcol.yaml
go_programs=$cache/go-$({ printf '%s\n' "${GO_PARTS[@]}" "$COLLECTOR_BUILDER" && cat "$COLLECTOR_PARTS"; } | digest -)
PATH=$go_programs:$PATH

install_go_program() { # NAME PACKAGE
  # A package that is called cmd gives its program that name.
  mkdir -p "$work/go-$1"
  GOBIN=$work/go-$1 go install "$2" && mv "$work/go-$1/"* "$go_programs/$1"
}

build_collector() {
  { printf 'dist: {name: otelcol, module: servemodel/otelcol, output_path: "%s"}\n' "$work/otelcol" &&
    cat "$COLLECTOR_PARTS"; } >"$work/otelcol.yaml"
  GOBIN=$work/bin go install "$COLLECTOR_BUILDER" && "$work/bin/builder" --config "$work/otelcol.yaml" &&
    mv "$work/otelcol/otelcol" "$go_programs/"
}

make_go_programs() {
  local part name package failed=0
  # None of them needs C. Go's cache of modules shall be deletable.
  export CGO_ENABLED=0 GOFLAGS=-modcacherw
  mkdir -p "$go_programs"
  for part in "${GO_PARTS[@]}"; do
    read -r name package <<<"$part"
    command -v "$name" >/dev/null || make "$name" install_go_program "$name" "$package" || failed=1
  done
  command -v otelcol >/dev/null || make 'OpenTelemetry Collector' build_collector || failed=1
  return "$failed"
}

packages=$(missing_packages)
if [ -n "$packages" ]; then
  if [ "$install" = no ] || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    say "not installed: ${packages//$'\n'/ }; as root on Debian: apt-get install ${packages//$'\n'/ }"
  else
    # shellcheck disable=SC2086
    start_job 'system packages' 0 make "${packages//$'\n'/ }" install_system_packages $packages
  fi
fi
if [ "$quick" = no ]; then
  # Behind the tests that run beside them.
  if command -v go >/dev/null; then start_job 'Go programs' 10 make_go_programs; fi
  if command -v python3 >/dev/null; then start_job 'Python environments' 10 make_python_environments; fi
fi
if ! [ -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  make 'npm packages' install_npm_packages
fi

# --- The checks ---------------------------------------------------------------------------------------------------

passed=0 failed=0 skipped=0
reasons=()

# Counts a check that passes or fails as a whole as one test.
count() { # NAME CODE
  if [ "$2" = 0 ]; then passed=$((passed + 1)); else
    printf 'FAILED: %s\n' "$1"
    failed=$((failed + 1))
  fi
}

check() { # NAME COMMAND...
  local name=$1 code=0 start=$SECONDS
  shift
  say "$name"
  "$@" || code=$?
  count "$name" "$code"
  echo "$name: $((SECONDS - start)) s"
}

skip() {
  skipped=$((skipped + 1))
  reasons+=("$1")
}

# Adds a test runner's own totals: "passed failed skipped", then a line for each skipped test.
add_totals() { # FILE
  local file=$1 p f s line
  if ! [ -s "$file" ]; then
    failed=$((failed + 1))
    return
  fi
  { read -r p f s && while read -r line; do reasons+=("$line"); done; } <"$file"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

# Runs groups of vitest.config.ts. A test is tried again once: a machine that is busy with something else must not fail a
# whole run. What needed it is listed at the end.
run_tests() { # GROUP...
  say "tests: $*"
  TEST_TOTALS=$work/totals-$1 npx --no-install vitest run --retry=1 "${@/#/--project=}" || true
  add_totals "$work/totals-$1"
}

# They start no server, so they run behind the tests that do; first they wait for their environment.
training_tests() {
  if [ -n "${job_pids['Python environments']:-}" ]; then finish_job 'Python environments' || true; fi
  if ! [ -f "$training/.complete" ]; then return; fi
  TEST_TOTALS=$work/totals-training "$training/bin/python" -m pytest -q -p no:cacheprovider \
    -p scripts.testing.totals_plugin scripts python
}

# The package with the oldest libraries that it allows.
oldest_tests() { TEST_TOTALS=$work/totals-oldest ./scripts/testing/oldestPackages.sh; }

export ORT_DISABLE_TELEMETRY=1
start_job lint 0 npm run --silent lint
check 'format' npm run --silent format:check
check 'types' npm run --silent typecheck
check 'build' npm run --silent build
say 'lint'
lint=0
finish_job lint || lint=$?
cat "$work/lint.log"
count lint "$lint"

run_tests unit
need 'system packages'
if command -v shellcheck >/dev/null; then
  scripts=$(git ls-files -z | xargs -0 awk 'FNR == 1 && /^#!.*sh$/ { print FILENAME } { nextfile }')
  # shellcheck disable=SC2086
  check 'shell scripts' shellcheck $scripts
else
  skip 'shell scripts: shellcheck is missing; apt-get install shellcheck'
fi
if [ "$quick" = yes ]; then run_tests nginx; else
  # Known weaknesses of the packages that are shipped, where the registry knows them.
  audit=$(npm audit --omit=dev 2>&1) && audited=yes || audited=no
  if [ "$audited" = no ] && grep -q 'endpoint returned an error\|ENOTFOUND\|ECONNREFUSED\|ETIMEDOUT' <<<"$audit"; then
    skip 'npm audit: the registry does not answer it'
  else
    if [ "$audited" = no ]; then printf '%s\n' "$audit"; fi
    check 'npm audit' test "$audited" = yes
  fi

  start_job 'training tests' 10 training_tests
  start_job 'oldest packages' 10 oldest_tests
  run_tests nginx servers
  need 'Go programs' 'Python environments'
  run_tests made

  say 'training tests'
  finish_job 'training tests' || true
  cat "$work/training tests.log"
  if [ -f "$training/.complete" ]; then add_totals "$work/totals-training"; else
    skip 'training tests: no Python environment; apt-get install python3-venv, and pip must reach a package index'
  fi
  say 'tests with the oldest packages'
  oldest=0
  finish_job 'oldest packages' || oldest=$?
  cat "$work/oldest packages.log"
  if [ "$oldest" = 69 ]; then
    skip 'oldest packages: no Python environment; Python 3.11 or 3.12 with venv, and pip must reach a package index'
  else add_totals "$work/totals-oldest"; fi
fi

if cat "$work"/totals-*.retried 2>/dev/null | grep -q .; then
  say 'passed only at the second try'
  cat "$work"/totals-*.retried
fi
say 'skipped'
if [ ${#reasons[@]} = 0 ]; then echo 'nothing'; else printf '%s\n' "${reasons[@]}"; fi
say "all in $((SECONDS / 60)) min $((SECONDS % 60)) s"
printf '\n%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
