#!/usr/bin/env bash
# Runs the Autobahn test suite against this crate:
#
#   run.sh [server|client|both] [core|deflate|sample|all]     (default: both core)
#
# README.md says what it needs and which environment variables it heeds.
set -euo pipefail
exec </dev/null

usage() {
  echo "run.sh: $1; usage: run.sh [server|client|both] [core|deflate|sample|all]" >&2
  exit 2
}
[ $# -le 2 ] || usage "too many arguments"
case ${1-both} in
  server | client) roles=("$1") ;;
  both) roles=(server client) ;;
  *) usage "no such role: '$1'" ;;
esac
cases=${2-core}
case $cases in
  core) deflate=() limit=900 ;;
  sample) deflate=(--deflate --context-takeover) limit=900 ;;
  deflate | all) deflate=(--deflate --context-takeover) limit=3600 ;;
  *) usage "no such set of cases: '$cases'" ;;
esac
limit=${AUTOBAHN_TIMEOUT:-$limit}
[[ $limit =~ ^[1-9][0-9]*$ ]] || usage "AUTOBAHN_TIMEOUT is no number of seconds: '$limit'"

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$here/work
examples=$(cd "$root" && realpath -m "${CARGO_TARGET_DIR:-target}")/release/examples
server=${WS_SERVER:-$examples/echo_server}
client=${WS_CLIENT:-$examples/autobahn_client}

# Everything that runs for more than a moment is started like this: in the
# background, so that a signal to this script is heeded at once, and under
# timeout, which passes a signal on to all that it started.
start() { # SECONDS COMMAND...
  timeout -k 20 "$@" &
}
# A further signal must not cut finish short, nor the way to it.
finish() {
  local pid
  trap '' HUP INT TERM
  for pid in $(jobs -pr); do kill "$pid" 2>/dev/null || true; done
  wait
}
# shellcheck disable=SC2317 # the traps call it
interrupted() { # STATUS
  [ "$ending" = no ] || return 0
  ending=yes
  exit "$1"
}
heed_signals() {
  ending=no
  trap finish EXIT
  trap 'interrupted 129' HUP
  trap 'interrupted 130' INT
  trap 'interrupted 143' TERM
}

# Waits for the line in which a peer says where it listens.
url_in() { # LOG PID
  local url
  for _ in {1..300}; do
    url=$(sed -n 's,^listening on \(ws://127\.0\.0\.1:[0-9]*\)$,\1,p' "$1")
    if [ -n "$url" ]; then echo "$url"; return; fi
    kill -0 "$2" 2>/dev/null || break
    sleep 0.1
  done
  return 1
}

# One role: a listening side, and a connecting one that ends when all is done.
run_role() { # ROLE
  local name="$1 $cases" report=$work/$1-$cases began=$SECONDS status=0
  local fuzz=("$python" -u "$here/fuzz.py" "$cases" "$report") url listening
  heed_signals
  rm -rf "$report"
  mkdir -p "$report"

  if [ "$1" = server ]; then
    start $((limit + 60)) "$server" --port 0 --autobahn "${deflate[@]}"
  else
    start $((limit + 60)) "${fuzz[@]}"
  fi >"$report/listening.log" 2>&1
  listening=$!
  if ! url=$(url_in "$report/listening.log" "$listening"); then
    echo "$name: FAILED: nobody listens; see $report/listening.log"
    return 1
  fi
  echo "$name: running at $url"

  if [ "$1" = server ]; then
    start "$limit" "${fuzz[@]}" "$url"
  else
    start "$limit" "$client" --url "$url" --agent websocket-proto "${deflate[@]}"
  fi >"$report/connecting.log" 2>&1
  wait "$!" || status=$?
  echo "$name: ran for $((SECONDS - began)) s; logs and report are in $report"
  if [ "$status" = 124 ]; then
    echo "$name: FAILED: not done within $limit s"
  elif [ "$status" != 0 ]; then
    echo "$name: FAILED: exit status $status; see $report/connecting.log"
  elif ! kill -0 "$listening" 2>/dev/null; then
    echo "$name: FAILED: the listening side ended by itself; see $report/listening.log"
    status=1
  fi
  finish # after which a listening fuzzer has written its report
  return "$status"
}

heed_signals
mkdir -p "$work"

needed=()
for role in "${roles[@]}"; do
  case $role in
    server) [ -n "${WS_SERVER:-}" ] || needed+=(--example echo_server) ;;
    client) [ -n "${WS_CLIENT:-}" ] || needed+=(--example autobahn_client) ;;
  esac
done
if [ ${#needed[@]} != 0 ]; then
  start 3600 env -C "$root" cargo build --release --features tokio,deflate "${needed[@]}"
  wait "$!"
fi
install=(bash "$here/install.sh" "${AUTOBAHN_HOME:-$work}")
start 1800 "${install[@]}" >/dev/null
wait "$!"
python=$("${install[@]}")

running=()
for role in "${roles[@]}"; do
  run_role "$role" &
  running+=($!)
done
failed=0
for i in "${!roles[@]}"; do
  wait "${running[i]}" || failed=1
  python3 "$here/judge.py" "${roles[i]} $cases" "$cases" "$work/${roles[i]}-$cases" || failed=1
done
[ "$failed" = 0 ] || echo "run.sh: FAILED, see above" >&2
exit "$failed"
