#!/usr/bin/env bash
# Runs the tests with real parts: run.sh [NAME…]; without a name, all of them.
# A NAME is a file NAME.py in this folder. See README.md.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
skipped_status=77

known=()
for file in "$here"/*.py; do
  known+=("$(basename -- "$file" .py)")
done

names=("$@")
[ $# -gt 0 ] || names=("${known[@]}")
for name in "${names[@]}"; do
  if [[ $name != [a-z]* || $name == */* || ! -f $here/$name.py ]]; then
    echo "run.sh: no test '$name'; there are: ${known[*]}" >&2
    exit 2
  fi
done

work=$here/work
mkdir -p "$work"
tally=$(mktemp "$work/tally.XXXXXX")
child=
finish() {
  if [ -n "$child" ]; then
    kill -TERM "$child" 2>/dev/null || true
    wait "$child" || true
  fi
  rm -f -- "$tally"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

export REAL_TALLY=$tally PYTHONDONTWRITEBYTECODE=1

passed=0 failed=0 skipped=0
for name in "${names[@]}"; do
  [ ${#names[@]} -eq 1 ] || echo "# $name"
  : >"$tally"
  status=0
  # In the background, so that this shell can pass a signal on at once.
  python3 "$here/$name.py" &
  child=$!
  wait "$child" || status=$?
  child=
  if [ "$status" -eq "$skipped_status" ]; then
    skipped=$((skipped + 1))
  elif read -r p f <"$tally"; then
    passed=$((passed + p)) failed=$((failed + f))
  else
    echo "FAILED $name: ended with status $status"
    failed=$((failed + 1))
  fi
done

summary="$passed passed, $failed failed"
[ "$skipped" -eq 0 ] || summary+=", $skipped skipped"
echo "$summary"
if [ "$failed" -gt 0 ]; then
  exit 1
fi
if [ "$skipped" -gt 0 ] && [ "${CI:-}" = true ]; then
  echo "run.sh: with CI=true a skipped test is a failure" >&2
  exit 1
fi
