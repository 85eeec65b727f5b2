#!/bin/sh
# Runs one buildctl command against a buildkitd that lives as long as the command.
# BUILDKITD_FLAGS: words added to the daemon's command line.
# As another user than root the daemon runs in a user namespace that rootlesskit makes.
# BUILDCTL_CONNECT_RETRIES_MAX: tenths of a second until the daemon must answer (default 300).
set -eu

folder=$(mktemp -d)
address=unix://$folder/buildkitd.sock
namespace=
[ "$(id -u)" = 0 ] || namespace=rootlesskit
# shellcheck disable=SC2086 # the flags are words
$namespace buildkitd ${BUILDKITD_FLAGS:-} --addr="$address" >"$folder/log" 2>&1 &
daemon=$!

finish() {
  kill "$daemon" 2>/dev/null || true
  wait "$daemon" 2>/dev/null || true
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 143' TERM INT

tries=0
until buildctl --addr="$address" debug workers >/dev/null 2>&1; do
  tries=$((tries + 1))
  if ! kill -0 "$daemon" 2>/dev/null || [ "$tries" -ge "${BUILDCTL_CONNECT_RETRIES_MAX:-300}" ]; then
    echo "buildkitd did not answer:" >&2
    cat "$folder/log" >&2
    exit 1
  fi
  sleep 0.1
done

# In the background, so that a signal is noticed while the build runs.
buildctl --addr="$address" "$@" &
wait $!
