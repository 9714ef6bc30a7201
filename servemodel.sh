#!/usr/bin/env bash
# Starts the whole server: nginx in front, the node:cluster primary behind it. It can be PID 1 of a container.
set -euo pipefail
cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")"

NODE_MINIMUM=20.19.0
# Together below the 10 s that a container runtime gives: nginx first answers what it has, then Node ends.
PROXY_DRAIN_SECONDS=7
PRIMARY_DRAIN_SECONDS=2.5

usage() {
  cat <<'TEXT'
Usage: ./servemodel.sh [serve] [--no-proxy] [--no-install] [--help] [--version]

Serves the models of ./models on http://0.0.0.0:5000 until it is stopped. Installs and builds what is missing first.

  serve         the same on port 8080 unless PORT is set: how SageMaker starts a container
  --no-proxy    serve without nginx: a process that dies loses its requests, and slow clients occupy processes
  --no-install  never install anything: report what is missing and exit
  --help        print this
  --version     print the version

Signals: TERM and INT drain for at most 10 s, HUP replaces the server processes one by one without losing a request.
Settings are environment variables: PORT, METRICS_PORT, HOST, WEB_CONCURRENCY and others, see README.md.
TEXT
}

say() { printf 'servemodel: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

proxy=yes
install=yes
default_port=
for argument in "$@"; do
  case $argument in
    serve) default_port=8080 ;;
    --no-proxy) proxy=no ;;
    --no-install) install=no ;;
    --help | -h)
      usage
      exit 0
      ;;
    --version)
      sed -n 's/^ *"version": "\(.*\)",$/servemodel \1/p' package.json
      exit 0
      ;;
    *)
      say "unknown argument: $argument"
      usage >&2
      exit 2
      ;;
  esac
done

# --- What the server needs -------------------------------------------------------------------------------------

require_node() {
  command -v node >/dev/null || fail "Node.js $NODE_MINIMUM or newer is missing; see https://nodejs.org/en/download"
  local version
  # Not `node -p`, which also starts the JavaScript engine.
  version=$(node --version)
  version=${version#v}
  [ "$(printf '%s\n%s\n' "$NODE_MINIMUM" "$version" | sort -V | head -n 1)" = "$NODE_MINIMUM" ] ||
    fail "Node.js $NODE_MINIMUM or newer is needed, this is $version; see https://nodejs.org/en/download"
}

require_packages() {
  # npm writes this file last: it is older than the lock file only after an update or a broken installation.
  if [ -f node_modules/.package-lock.json ] && ! [ package-lock.json -nt node_modules/.package-lock.json ]; then return; fi
  [ "$install" = yes ] || fail 'npm packages are missing or out of date; run: npm ci'
  command -v npm >/dev/null || fail 'npm is missing; it comes with Node.js'
  [ -w . ] || fail "npm packages are missing and $PWD cannot be written; run as its owner: npm ci"
  say 'installing npm packages'
  npm ci --include=dev --no-audit --no-fund --loglevel=error >&2 || fail 'npm ci failed'
  touch node_modules/.package-lock.json
}

require_nginx() {
  PATH=$PATH:/usr/sbin:/usr/local/sbin
  if command -v nginx >/dev/null; then return; fi
  local command='apt-get install -y --no-install-recommends nginx-light'
  if [ "$install" = no ] || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    fail "nginx is missing; on Debian run as root: $command (or start with --no-proxy)"
  fi
  say "installing nginx from the system's packages: $command"
  # Without this policy the package starts a server of its own on port 80.
  local policy=/usr/sbin/policy-rc.d made=no
  if ! [ -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod +x "$policy"
    made=yes
    # If it stayed, no package's service would start any more.
    trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
  fi
  local done=no
  if { apt-get update -qq && DEBIAN_FRONTEND=noninteractive $command; } >&2; then done=yes; fi
  if [ "$made" = yes ]; then
    rm -f "$policy"
    trap - EXIT INT TERM
  fi
  [ "$done" = yes ] || fail "that failed; nginx is missing (or start with --no-proxy)"
}

require_build() {
  [ -d server ] || return 0 # A container has only the build.
  if [ -f dist/.built ] &&
    [ -z "$(find server worker proxy models/model.schema.json tsconfig.json tsconfig.build.json rolldown.config.ts package-lock.json -newer dist/.built -print -quit)" ]; then
    return
  fi
  local tool
  for tool in tsc rolldown; do
    [ -x "node_modules/.bin/$tool" ] ||
      fail "the build is out of date and $tool is missing from node_modules; run: npm ci --include=dev"
  done
  [ -w . ] || fail "the build is out of date and $PWD cannot be written; start it once as its owner"
  say 'building'
  local built=.dist-$$
  rm -rf .dist-* # Left behind by an interrupted build.
  # Built aside and moved, so that a server that runs from dist/ never loads half a build.
  if ! ./scripts/build.sh "$built" >&2; then
    rm -rf "$built"
    fail 'the build failed'
  fi
  rm -rf dist
  mv "$built" dist
}

# --- Prepare ---------------------------------------------------------------------------------------------------

require_node
# Two first starts in one checkout must not install at the same time.
lock=.servemodel.lock
if [ -w . ] && command -v flock >/dev/null; then
  exec 9>"$lock"
  flock -w 900 9 || fail "another start has held $PWD/$lock for 15 minutes"
fi
require_packages
require_build
if [ "$proxy" = yes ]; then require_nginx; fi
exec 9>&-

# --- Run -------------------------------------------------------------------------------------------------------

# Each child leads a process group of its own, so that a terminal's Ctrl-C reaches only this script, which ends in order.
set -m
runtime=$(mktemp -d "${TMPDIR:-/tmp}/servemodel.XXXXXX")
primary=
nginx=
# Process groups of nginx whose master was killed, and the times of the last exits.
former=()
nginx_ends=()
signalled=no
waiting=no
started=no

alive() { [ -n "$1" ] && kill -0 "$1" 2>/dev/null; }

# Waits for a child to end; after this many seconds it is killed with its whole group.
end_within() {
  local pid=$1 seconds=$2 watchdog
  { sleep "$seconds" && kill -KILL -- "-$pid"; } 2>/dev/null &
  watchdog=$!
  disown "$watchdog"
  while alive "$pid"; do wait "$pid" || true; done
  kill -- "-$watchdog" 2>/dev/null || true
}

# Ends the process groups of children that were killed. All have until the same value of SECONDS, which may come up to a
# second early, but never late.
end_orphans() {
  local signal=$1 deadline=$2 group
  shift 2
  for group in "$@"; do kill "-$signal" -- "-$group" 2>/dev/null || true; done
  for group in "$@"; do
    while kill -0 -- "-$group" 2>/dev/null && ((SECONDS < deadline)); do sleep 0.05; done
    kill -KILL -- "-$group" 2>/dev/null || true
  done
}

start_nginx() {
  # Opened for reading and writing, since opening it for writing alone waits for a reader, which may have exited. nginx
  # itself only writes: without a reader its lines are lost, and it doesn't wait.
  exec 8<>"$runtime/proxy-log"
  exec 7>"$runtime/proxy-log"
  # Nor does it wait for a frozen reader: the flag that dd sets stays with the descriptor.
  dd if=/dev/null oflag=nonblock count=0 status=none >&7 2>/dev/null || say "nginx's log may wait for the primary"
  nginx -p "$runtime" -c "$runtime/nginx.conf" -e stderr > >(exec cat 7>&- 8>&-) 2>&7 7>&- 8>&- &
  nginx=$!
  exec 7>&- 8>&-
}

# nginx's workers outlive a killed master: they finish their requests, and close the public port at once, which a new
# nginx opens again. Only connections in between are refused.
restart_nginx() {
  local now=$SECONDS
  # It has never served, because of its port or its configuration.
  if [ "$code" = 1 ] && [ ${#nginx_ends[@]} = 0 ]; then return 1; fi
  nginx_ends+=("$now")
  if [ ${#nginx_ends[@]} -gt 5 ]; then nginx_ends=("${nginx_ends[@]:1}"); fi
  if [ ${#nginx_ends[@]} = 5 ] && ((now - nginx_ends[0] < 30)); then return 1; fi
  local group living=()
  # The number of a group that has ended may be reused by another program.
  for group in "${former[@]}"; do if kill -0 -- "-$group" 2>/dev/null; then living+=("$group"); fi; done
  former=("${living[@]}")
  if kill -QUIT -- "-$nginx" 2>/dev/null; then former+=("$nginx"); fi
  # Wait until the port is free: nginx itself would wait half a second before it tries again.
  sleep 0.02
  # A killed master leaves the socket of its counts behind, and bind fails on an existing one.
  rm -f "$runtime/own/nginx.sock"
  start_nginx
  say 'nginx was started again'
}

# This order loses no request: not ready, stop accepting, finish, end.
drain() {
  local deadline=$((SECONDS + PROXY_DRAIN_SECONDS))
  if alive "$primary"; then kill -USR2 "$primary" 2>/dev/null || true; fi
  if alive "$nginx"; then
    kill -QUIT "$nginx" 2>/dev/null || true
    end_within "$nginx" "$PROXY_DRAIN_SECONDS"
  fi
  end_orphans QUIT "$deadline" "${former[@]}" ${nginx:+"$nginx"}
  if ! alive "$primary"; then
    # Its processes have gone on answering for nginx, and exit on TERM.
    end_orphans TERM $((SECONDS + 3)) "$primary"
  else
    kill -TERM "$primary" 2>/dev/null || true
    # Without a proxy, requests are finished in this step.
    if [ "$proxy" = yes ]; then end_within "$primary" "$PRIMARY_DRAIN_SECONDS"; else end_within "$primary" 9.5; fi
  fi
}

# shellcheck disable=SC2317 # The trap calls it.
on_signal() {
  signalled=yes
  # During the start there is nothing to drain, and only this ends the wait below.
  if [ "$started" = no ] && alive "$primary"; then kill -TERM "$primary"; fi
  # A signal that comes just before `wait` doesn't interrupt it: so the end is here.
  if [ "$waiting" = yes ]; then
    waiting=no
    drain
    exit 0
  fi
}
trap on_signal TERM INT
# The primary handles SIGHUP only once it has started.
# nginx is reloaded only if it has a certificate to read again: it closes connections that may be in use.
trap 'if [ "$started" = yes ] && alive "$primary"; then
  kill -HUP "$primary"
  if [ -n "${TLS_CERT:-}" ] && alive "$nginx"; then kill -HUP "$nginx"; fi
fi' HUP
trap 'rm -rf -- "$runtime"' EXIT

# Platforms that start the container as `serve` use port 8080, or name a port in a variable of their own.
if [ -z "${PORT:-}${AIP_HTTP_PORT:-}" ] && [ -n "$default_port" ]; then
  export PORT="${SAGEMAKER_BIND_TO_PORT:-$default_port}"
fi
export ORT_DISABLE_TELEMETRY=1
export NODE_ENV=${NODE_ENV:-production}
options=()
if [ "$proxy" = no ]; then options+=(--no-proxy); fi
mkfifo "$runtime/ready" "$runtime/proxy-log"
node dist/server/main.js --runtime "$runtime" --ready-fd 3 --proxy-log-fd 4 "${options[@]}" \
  3>"$runtime/ready" 4<>"$runtime/proxy-log" &
primary=$!
# `read` gets a line once the processes are ready, or an end of file if the primary has ended. So the public port opens
# only when the server can predict.
if read -r _ <"$runtime/ready" && [ "$proxy" = yes ]; then
  start_nginx
fi
started=yes

# Waits for a signal, or for the first child to end: then "ended" is its pid, and "code" its exit code.
ended=
code=0
# A signal such as HUP interrupts the wait, which then leaves "ended" unset.
while [ "$signalled" = no ] && [ -z "${ended:-}" ]; do
  code=0
  if ! alive "$primary"; then
    ended=$primary
    wait "$primary" || code=$?
  elif [ -n "$nginx" ] && ! alive "$nginx"; then
    ended=$nginx
    wait "$nginx" || code=$?
  else
    # From here on the trap ends the server; a signal that came before is seen here.
    waiting=yes
    if [ "$signalled" = yes ]; then
      waiting=no
      break
    fi
    wait -n -p ended "$primary" ${nginx:+"$nginx"} || code=$?
    waiting=no
  fi
  if [ "$signalled" = no ] && [ -n "$nginx" ] && [ "${ended:-}" = "$nginx" ]; then
    say "nginx ended with code $code"
    if alive "$primary" && restart_nginx; then ended=; fi
  fi
done

if [ "$signalled" = yes ]; then
  code=0
elif [ "$ended" = "$nginx" ]; then
  if [ "$code" = 0 ]; then code=1; fi
fi
drain
exit "$code"
