#!/usr/bin/env bash
# Fuzzes targets, or each one, for a while, 20 seconds by default, from their committed seeds, and fails on the first
# finding. What long runs came to is in log.md.
#
#     fuzz/smoke.sh [SECONDS [TARGET…]]
#
# It needs a nightly toolchain, for the sanitizer, and cargo-fuzz, which it installs if it is missing. What it finds stays
# in fuzz/artifacts/; the corpus stays as it is.
set -euo pipefail
cd "$(dirname "$0")"

seconds=${1:-20}
targets=("${@:2}")

if ! cargo fuzz --version >/dev/null 2>&1; then
    cargo install --locked --debug cargo-fuzz
fi
cargo +nightly fuzz build

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

if ((${#targets[@]} == 0)); then
    mapfile -t targets < <(cargo +nightly fuzz list)
fi
TIMEFORMAT=%U
for target in "${targets[@]}"; do
    cp -r "corpus/$target" "$scratch/$target"
    # Beyond a few kilobytes an input only repeats itself, so what takes long or much memory is a finding.
    if ! { time cargo +nightly fuzz run "$target" "$scratch/$target" -- \
        -max_total_time="$seconds" -dict=websocket.dict -max_len=4096 \
        -rss_limit_mb=1024 -malloc_limit_mb=64 -timeout=5 >"$scratch/log" 2>&1; } 2>"$scratch/cpu"; then
        cat "$scratch/log" >&2
        exit 1
    fi
    # The last line of statistics looks like "#1234 DONE cov: 1 ft: 2 corp: ...".
    awk -v target="$target" -v cpu="$(<"$scratch/cpu")" '$2 == "DONE" {
        for (i = 3; i < NF; i++) if ($i == "cov:" || $i == "ft:") found[$i] = $(i + 1)
        printf "%s: %s executions in %d s of CPU time, cov %s, ft %s\n", \
            target, substr($1, 2), cpu, found["cov:"], found["ft:"]
        done = 1
    } END { exit !done }' "$scratch/log"
done
