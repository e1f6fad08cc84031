#!/usr/bin/env bash
# Builds the comparison and runs it: all of it, or the part that is named. What there is: ./run.sh --help
set -euo pipefail
cd "$(dirname "$0")"
case "${1-all}" in
    all | idle) cargo build --quiet --release --locked ;;
    *) cargo build --quiet --release --locked --bin compare ;;
esac
exec "${CARGO_TARGET_DIR:-target}/release/compare" "${@:-all}"
