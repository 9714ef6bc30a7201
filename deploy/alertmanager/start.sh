#!/bin/sh
# Starts Alertmanager with the webhook that ALERT_WEBHOOK_URL, or the file ALERT_WEBHOOK_URL_FILE, names.
set -eu

if [ "${1:-}" = --help ]; then
  echo 'Usage: start.sh [ALERTMANAGER FLAG…]'
  echo 'Puts the address from ALERT_WEBHOOK_URL, or from the first line of the file ALERT_WEBHOOK_URL_FILE, into'
  echo 'alertmanager.yml beside it, writes that to TMPDIR, and starts Alertmanager with the result.'
  exit 0
fi

url=${ALERT_WEBHOOK_URL:-}
if [ -z "$url" ] && [ -n "${ALERT_WEBHOOK_URL_FILE:-}" ]; then
  url=$(head -n 1 "$ALERT_WEBHOOK_URL_FILE")
fi
template=$(dirname "$0")/alertmanager.yml
config=${TMPDIR:-/tmp}/alertmanager.yml
# The address may hold a secret.
umask 077
case $url in
  '')
    echo 'start.sh: neither ALERT_WEBHOOK_URL nor ALERT_WEBHOOK_URL_FILE names a webhook: alerts are sent nowhere' >&2
    sed '/webhook_configs:/,$d' "$template" >"$config"
    ;;
  *[!A-Za-z0-9:/?=%._~@+,\;!*\&#-]*)
    echo 'start.sh: the address of the webhook holds characters that no address has; encode them as %XX' >&2
    exit 2
    ;;
  http://?* | https://?*)
    # A & would stand for the text that is replaced.
    sed "s,'ALERT_WEBHOOK_URL','$(printf %s "$url" | sed 's/[,&]/\\&/g')'," "$template" >"$config"
    ;;
  *)
    echo 'start.sh: the address of the webhook must begin with http:// or https://' >&2
    exit 2
    ;;
esac
exec alertmanager --config.file="$config" "$@"
