#!/usr/bin/env bash
# A Docker engine and a base image for the container tests, on machines that have neither.
set -euo pipefail
umask 022 # an image made under a stricter one has files that its users can't read

readonly SUITE=bookworm
readonly NODE_MAJOR=24
readonly UNAVAILABLE=69 # EX_UNAVAILABLE: what is asked for can't be had here; a test lists itself as skipped
readonly CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/servemodel

usage() {
  cat <<USAGE
usage: dockerEngine.sh start DIR          make sure that a Docker engine answers
       dockerEngine.sh stop [--keep] DIR  stop the engine that start began
       dockerEngine.sh base DIR TAG       make the image TAG, a stand-in for node:$NODE_MAJOR-$SUITE-slim

start  Uses the engine that \`docker info\` already reaches, else runs a dockerd of its own with all its state in
       DIR. Prints one line, DOCKER_HOST=ADDRESS, on stdout. The private engine has a bridge of its own and
       leaves iptables alone, so it can't disturb another engine: published ports work, but a container on the
       bridge doesn't reach other machines. Build with \`docker build --network host\`.
stop   Ends only what start began in DIR (nothing, when another engine was used) and removes its state.
       --keep leaves the images in DIR, so that the next start there has a warm build cache.
base   Debian $SUITE and Node $NODE_MAJOR, by debootstrap and npm, for where no registry of images is reached. It trusts
       the CA certificates that this machine trusts and has its npm registry and apt settings. The parts are kept
       in $CACHE; delete that folder for newer ones.

Exit code $UNAVAILABLE: not possible on this machine; the reason is the last line on stderr.
Environment: DEBIAN_MIRROR (http://deb.debian.org/debian), XDG_CACHE_HOME, DOCKER_HOST.
USAGE
}

say() { printf 'dockerEngine: %s\n' "$*" >&2; }

unavailable() {
  say "$*"
  exit "$UNAVAILABLE"
}

need() { # COMMAND PACKAGE
  command -v "$1" >/dev/null || unavailable "$1 is missing: apt-get install --no-install-recommends $2"
}

needRoot() {
  [ "$(id -u)" = 0 ] || unavailable "$1 needs root: run it with sudo"
}

unmountBelow() { # DIR; the innermost mount comes last in the list and has to go first
  local mount
  for mount in $(awk -v dir="$1/" 'index($5, dir) == 1 { print $5 }' /proc/self/mountinfo | tac); do
    umount "$mount" 2>/dev/null || umount --lazy "$mount" || true
  done
}

work=    # the folder of what is being made
running= # the step at work in it

# Runs a step in bounded time; on failure shows the end of its output. In the background, so that a signal to this
# script is handled at once and not after the step.
step() { # SECONDS WHAT COMMAND...
  local seconds=$1 what=$2
  shift 2
  timeout "$seconds" "$@" >"$work/output" 2>&1 &
  running=$!
  if wait "$running"; then
    running=
    return
  fi
  running=
  tail -n 15 "$work/output" >&2
  unavailable "$what failed or took more than $seconds s: $*"
}

discardWork() {
  if [ -n "$running" ]; then
    kill "$running" 2>/dev/null || true # timeout passes it on to all that the step started
    wait "$running" || true
  fi
  unmountBelow "$work" # an interrupted debootstrap leaves its /proc and /sys
  rm -rf --one-file-system "$work"
}

lockCache() {
  mkdir -p "$CACHE"
  exec 9>"$CACHE/lock"
  flock -w 600 9 || unavailable "another dockerEngine.sh has held $CACHE/lock for 10 minutes"
}

answers() { timeout 10 docker info >/dev/null 2>&1; }

# A killed dockerd whose parent never collects it stays a zombie, which kill -0 takes for alive.
alive() { # PID
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  stat=${stat##*) }
  [ "${stat%% *}" != Z ]
}

# The pid of DIR's own dockerd. Its command line has to name DIR: after a crash the number may be anybody's.
enginePid() { # DIR
  local pid
  pid=$(cat "$1/docker.pid" 2>/dev/null) || return 1
  alive "$pid" && tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qF -- "--data-root $1/data " && printf '%s\n' "$pid"
}

bridgeName() { # DIR: at most 15 characters, the same each time
  printf 'smtest%s\n' "$(printf '%s' "$1" | sha256sum | cut -c 1-8)"
}

addBridge() { # NAME
  local taken third
  ip link show "$1" >/dev/null 2>&1 && return
  taken=$(ip -4 -o addr; ip -4 route)
  for third in $(seq 200 250); do
    if ! grep -qF "172.31.$third." <<<"$taken"; then
      ip link add name "$1" type bridge && ip addr add "172.31.$third.1/24" dev "$1" && ip link set "$1" up && return
    fi
  done
  return 1
}

start() { # DIR
  local dir=$1 bridge pid
  need docker docker.io
  if answers; then
    say "using the engine that is there"
    printf 'DOCKER_HOST=%s\n' "$(docker context inspect --format '{{.Endpoints.docker.Host}}')"
    return
  fi
  needRoot "no Docker engine answers, and starting one"
  need dockerd docker.io
  need ip iproute2
  # containerd's socket lies deeper in DIR, and a unix socket's path ends at 107 bytes.
  [ ${#dir} -le 70 ] || unavailable "the path $dir is too long for a socket: take one of at most 70 characters"

  export DOCKER_HOST=unix://$dir/docker.sock
  if ! enginePid "$dir" >/dev/null; then
    stop "$dir" --keep # a crashed engine leaves a containerd, which a new one fails over, and a pid file
    mkdir -p "$dir"
    lockCache # two starts at a time would choose the same free subnet
    bridge=$(bridgeName "$dir")
    addBridge "$bridge" 2>"$dir/log" || unavailable "no network bridge can be made here: $(tail -n 1 "$dir/log")"
    # With a config file of its own it doesn't read /etc/docker/daemon.json, which describes another engine.
    echo '{}' >"$dir/daemon.json"
    setsid dockerd --config-file "$dir/daemon.json" --data-root "$dir/data" --exec-root "$dir/exec" \
      --pidfile "$dir/docker.pid" --host "$DOCKER_HOST" --bridge "$bridge" \
      --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false \
      </dev/null >"$dir/log" 2>&1 9>&- &
    pid=$!
    for _ in $(seq 300); do
      if answers || ! alive "$pid"; then break; fi
      sleep 0.1
    done
  fi
  if ! answers; then
    local reason
    reason=$(tail -n 1 "$dir/log" | cut -c 1-300)
    stop "$dir" --keep
    unavailable "dockerd doesn't start here: $reason"
  fi
  say "started an engine in $dir (storage driver $(docker info --format '{{.Driver}}'))"
  printf 'DOCKER_HOST=%s\n' "$DOCKER_HOST"
}

# What a dead engine leaves behind: containerd and the containers' shims, which name DIR's run folder in their
# command lines, and then the containers' own processes, whose cgroup carries the container's id.
processesOf() { # DIR
  local entry id
  for entry in /proc/[0-9]*; do
    case $(cat "$entry/comm" 2>/dev/null) in
      dockerd | containerd*)
        if tr '\0' ' ' <"$entry/cmdline" 2>/dev/null | grep -qF -- " $1/exec"; then printf '%s\n' "${entry#/proc/}"; fi
        ;;
    esac
  done
  for id in "$1"/data/containers/*; do
    if [ -d "$id" ]; then
      { grep -lF -- "${id##*/}" /proc/[0-9]*/cgroup 2>/dev/null || true; } | cut -d / -f 3
    fi
  done
}

stop() { # DIR [--keep]
  local dir=$1 keep=${2:-} pid containers
  if pid=$(enginePid "$dir"); then
    export DOCKER_HOST=unix://$dir/docker.sock
    # A swarm would start its containers again.
    timeout 30 docker swarm leave --force >/dev/null 2>&1 || true
    containers=$(timeout 10 docker ps --quiet 2>/dev/null || true)
    if [ -n "$containers" ]; then
      # dockerd would give each container its full time to stop.
      # shellcheck disable=SC2086
      timeout 60 docker rm --force $containers >/dev/null 2>&1 || true
    fi
    timeout 30 docker network prune --force >/dev/null 2>&1 || true # their bridges would outlive dockerd
    timeout 30 docker network rm docker_gwbridge >/dev/null 2>&1 || true # a swarm's, which prune leaves
    kill "$pid"
    for _ in $(seq 300); do
      alive "$pid" || break
      sleep 0.1
    done
  fi
  for pid in $(processesOf "$dir"); do
    if alive "$pid"; then kill -KILL "$pid" 2>/dev/null || true; fi
  done
  unmountBelow "$dir"
  if command -v ip >/dev/null; then ip link delete "$(bridgeName "$dir")" 2>/dev/null || true; fi
  rm -rf --one-file-system "$dir/exec" "$dir/docker.sock" "$dir/docker.pid" "$dir/daemon.json"
  if [ "$keep" != --keep ]; then
    rm -rf --one-file-system "$dir/data" "$dir/log"
    rmdir "$dir" 2>/dev/null || true # not empty: somebody else's files are in it
  fi
}

debianPart() { # TAR
  local root=$work/debian
  needRoot "making a base image"
  need debootstrap debootstrap
  [ -f /usr/share/keyrings/debian-archive-keyring.gpg ] ||
    unavailable "Debian's keys are missing: apt-get install --no-install-recommends debian-archive-keyring"
  say "making Debian $SUITE with debootstrap (once, about 30 s)"
  step 600 debootstrap env -u TMPDIR debootstrap --variant=minbase "$SUITE" "$root" "$mirror"
  step 30 useradd chroot "$root" useradd --uid 1000 --user-group --create-home --shell /bin/bash node
  # What Debian's own slim images leave out.
  rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/var/cache/debconf/*-old "$root"/var/log/*.log \
    "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/* "$root"/usr/share/info/*
  printf 'path-exclude /usr/share/%s/*\n' doc man locale info >"$root/etc/dpkg/dpkg.cfg.d/slim"
  # No service starts while a package is installed, and apt keeps no packages.
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  # shellcheck disable=SC2016
  printf '%s\n' 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };' \
    'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";' 'Acquire::Languages "none";' \
    >"$root/etc/apt/apt.conf.d/slim"
  tar -C "$root" --numeric-owner -cf "$1.part" . && mv "$1.part" "$1"
}

nodePart() { # TAR ARCH
  local packages=$work/npm root=$work/node
  need npm npm
  say "getting Node $NODE_MAJOR and npm from the npm registry (once, about 10 s)"
  mkdir -p "$packages" "$root/usr/local/bin" "$root/usr/local/lib/node_modules"
  echo '{"private":true}' >"$packages/package.json"
  step 300 "npm install" npm install --prefix "$packages" --ignore-scripts --no-audit --no-fund \
    "node24@npm:node-linux-$2@$NODE_MAJOR" npm@11
  # Without Node's C++ headers (67 MB), which only native builds want.
  cp "$packages/node_modules/node24/bin/node" "$root/usr/local/bin/node"
  cp -R "$packages/node_modules/npm" "$root/usr/local/lib/node_modules/npm"
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$root/usr/local/bin/npx"
  tar -C "$root" --numeric-owner --owner=0 --group=0 -cf "$1.part" . && mv "$1.part" "$1"
}

# How this machine reaches Debian's packages and npm's: certificates, mirror, proxy, registry.
machinePart() { # ROOT
  local root=$1 file bundle=$1/etc/ssl/certs/ca-certificates.crt
  mkdir -p "$root/etc/ssl/certs" "$root/etc/apt/apt.conf.d" "$root/usr/local/etc"
  for file in /etc/ssl/certs/ca-certificates.crt "${NODE_EXTRA_CA_CERTS:-}" "$(npm config get cafile 2>/dev/null)"; do
    if [ -f "$file" ] && ! cmp -s "$file" "$bundle"; then cat "$file" >>"$bundle"; fi
  done
  printf 'registry=%s\n' "$(npm config get registry 2>/dev/null)" >"$root/usr/local/etc/npmrc"
  apt-config dump 2>/dev/null | grep -E '^Acquire::(http|https|Check-|Retries|ForceIPv)' \
    >"$root/etc/apt/apt.conf.d/machine" || true
  printf 'deb %s %s main\n' "$mirror" "$SUITE" "$mirror" "$SUITE-updates" \
    "${mirror%/debian}/debian-security" "$SUITE-security" >"$root/etc/apt/sources.list"
}

base() { # DIR TAG
  local dir=$1 tag=$2 arch mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian} debian node key
  need docker docker.io
  if [ -S "$dir/docker.sock" ]; then export DOCKER_HOST=unix://$dir/docker.sock; fi
  answers || unavailable "no Docker engine answers: $0 start $dir"
  case $(uname -m) in
    x86_64) arch=x64 ;;
    aarch64) arch=arm64 ;;
    *) unavailable "there is no stand-in for a $(uname -m) machine" ;;
  esac

  lockCache
  work=$(mktemp -d)
  trap discardWork EXIT
  debian=$CACHE/debian-$SUITE-$arch.tar
  node=$CACHE/node-$NODE_MAJOR-$arch.tar
  [ -f "$debian" ] || debianPart "$debian"
  [ -f "$node" ] || nodePart "$node" "$arch"
  mkdir "$work/root"
  machinePart "$work/root"

  key=$({ cat "$0"; stat -c '%Y %s' "$debian" "$node"; find "$work/root" -type f -exec sha256sum {} + |
    sed "s|$work||" | sort; } | sha256sum | cut -c 1-16)
  if [ "$(docker image inspect --format '{{index .Config.Labels "servemodel.base"}}' "$tag" 2>/dev/null)" = "$key" ]; then
    say "$tag is up to date"
    return
  fi
  needRoot "making a base image"
  # The machine's files last: they replace those of the same name.
  mkdir "$work/image"
  tar -C "$work/image" -xpf "$debian"
  tar -C "$work/image" -xpf "$node"
  cp -R "$work/root/." "$work/image"
  tar -C "$work/image" --numeric-owner -cf "$work/image.tar" .
  step 120 "docker import" docker import \
    --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
    --change 'ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt' \
    --change "LABEL servemodel.base=$key" --change 'CMD ["node"]' "$work/image.tar" "$tag"
  say "made $tag"
}

command=${1:-}
case $command in
  --help | -h)
    usage
    exit
    ;;
  start | stop | base) shift ;;
  *)
    usage >&2
    exit 64
    ;;
esac

keep=
if [ "$command" = stop ] && [ "${1:-}" = --keep ]; then
  keep=--keep
  shift
fi
wanted=1
if [ "$command" = base ]; then wanted=2; fi
if [ $# -ne "$wanted" ] || [ -z "$1" ] || [ "${1#-}" != "$1" ]; then
  usage >&2
  exit 64
fi
dir=$(realpath -m "$1")
case $command in
  start) start "$dir" ;;
  stop) stop "$dir" "$keep" ;;
  base) base "$dir" "$2" ;;
esac
