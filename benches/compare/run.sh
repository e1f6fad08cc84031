#!/usr/bin/env bash
# Builds the comparison and runs it. What it can do: ./run.sh --help
set -euo pipefail
cd "$(dirname "$0")"
cargo build --quiet --release --locked
exec "${CARGO_TARGET_DIR:-target}/release/compare" "$@"
