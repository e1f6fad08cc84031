#!/usr/bin/env bash
# Fuzzes each target for a while, 20 seconds by default, from its committed seeds, and fails on the first finding.
#
#     fuzz/smoke.sh [SECONDS]
#
# It needs a nightly toolchain, for the sanitizer, and cargo-fuzz, which it installs if it is missing. What it finds stays
# in fuzz/artifacts/; the corpus stays as it is.
set -euo pipefail
cd "$(dirname "$0")"

seconds=${1:-20}

if ! cargo fuzz --version >/dev/null 2>&1; then
    cargo install --locked --debug cargo-fuzz
fi
cargo +nightly fuzz build

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for target in $(cargo +nightly fuzz list); do
    cp -r "corpus/$target" "$scratch/$target"
    # Beyond a few kilobytes an input only repeats itself, so what takes long or much memory is a finding.
    if ! cargo +nightly fuzz run "$target" "$scratch/$target" -- \
        -max_total_time="$seconds" -dict=websocket.dict -max_len=4096 \
        -rss_limit_mb=1024 -malloc_limit_mb=64 -timeout=5 >"$scratch/log" 2>&1; then
        cat "$scratch/log" >&2
        exit 1
    fi
    # The last line of statistics looks like "#1234 DONE cov: 1 ft: 2 corp: ...".
    awk -v target="$target" '$2 == "DONE" {
        for (i = 3; i < NF; i++) if ($i == "cov:" || $i == "ft:") found[$i] = $(i + 1)
        printf "%s: %s executions, cov %s, ft %s\n", target, substr($1, 2), found["cov:"], found["ft:"]
        done = 1
    } END { exit !done }' "$scratch/log"
done
