#!/usr/bin/env bash
# Builds the comparison and runs it: all of it, or the part that is named. What there is: ./run.sh --help
set -euo pipefail
cd "$(dirname "$0")"
case "${1-all}" in
    all | deflate | idle) build=() ;;
    regress) build=(--no-default-features --bin compare) ;; # our columns alone
    *) build=(--bin compare) ;;
esac
cargo build --quiet --release --locked ${build[@]+"${build[@]}"}
# Some CPUs copy by string instructions up to 20 times slower where two addresses lie badly, which is luck and no crate's doing.
export GLIBC_TUNABLES=glibc.cpu.hwcaps=-ERMS
exec "${CARGO_TARGET_DIR:-target}/release/compare" "${@:-all}"
