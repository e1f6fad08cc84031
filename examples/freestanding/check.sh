#!/usr/bin/env bash
# Proves that the core needs neither libc nor std: builds the freestanding program and looks at what it is linked with,
# compares the crates that the core is made of with dependencies.txt, and builds the core for a bare-metal target where
# one is installed. Exits with 1 at the first thing that is not so.
#
# Needs cargo, and readelf and nm from binutils, on x86-64 Linux.
set -euo pipefail
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
root=$(cd -- "$here/../.." && pwd)
host=x86_64-unknown-linux-gnu
bare=thumbv7em-none-eabihf # a Cortex-M4 or M7: 32 bits, no operating system

export LC_ALL=C # readelf's words, and one order for sort

ok() { echo "ok $*"; }
die() { echo "FAILED $*" >&2; exit 1; }

cd "$here" # for a relative CARGO_TARGET_DIR, and whatever .cargo/config.toml there is

cargo build --release --locked
program=$(cargo build --release --locked --quiet --message-format json |
  sed -n 's/.*"executable":"\([^"]*\)".*/\1/p')
[ -x "$program" ] || die "cargo names no program"
ok "it builds: $program, $(stat -c %s -- "$program") bytes"

headers=$(readelf --file-header --program-headers --wide -- "$program")
if grep -E 'INTERP|DYNAMIC|Shared object' <<<"$headers"; then die "it wants to be loaded by an interpreter"; fi
[[ $(readelf --dynamic --wide -- "$program") == *"There is no dynamic section"* ]] || die "it has a dynamic section"
ok "no interpreter, no dynamic section: no library is loaded"

if grep -w TLS <<<"$headers"; then die "it has thread-local storage, which nobody sets up"; fi
[[ $(readelf --relocs --wide -- "$program") == *"There are no relocations"* ]] || die "it has relocations, which nobody applies"
ok "no thread-local storage, no relocations: it needs no code before its own"

[[ $(nm --defined-only -- "$program") == *" T _start"* ]] || die "it has no _start among its symbols"
missing=$(nm --undefined-only -- "$program")
[ -z "$missing" ] || die "undefined symbols: $missing"
ok "no undefined symbol"

# The escapes are for printf. The mask of zeros changes nothing.
request='GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n'
request+='Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n'
text='\x81\x82\0\0\0\0hi'
close='\x88\x82\0\0\0\0\x03\xe8'
status=0
answer=$(printf '%b' "$request$text$close" | timeout 10 "$program" 2>/dev/null | od -An -v -tx1 | tr -d ' \n'; exit "${PIPESTATUS[1]}") ||
  status=$?
[ "$status" -eq 0 ] || die "it ended with status $status"
wanted=$(printf 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' | od -An -v -tx1 | tr -d ' \n') # RFC 6455, 1.3
[[ $answer == *"$wanted"*0d0a0d0a81026869880203e8 ]] || die "its answer to a short conversation is $answer"
ok "it runs: a handshake, an echo, a closing handshake"

tree() {
  cargo tree --locked --manifest-path "$root/Cargo.toml" --package websocket-proto --no-default-features \
    --edges normal,no-proc-macro --target "$1" --prefix none --format '{p}' | cut -d' ' -f1,2 | grep -v '^websocket-proto '
}
listed=$({ tree "$host" && tree "$bare"; } | sort -u)
[ -n "$listed" ] || die "cargo tree lists nothing"
allowed=$(sed 's/#.*//; s/[[:space:]]//g; /^$/d' dependencies.txt | sort -u)
echo "$listed"
diff <(echo "$allowed") <(cut -d' ' -f1 <<<"$listed" | sort -u) ||
  die "the crates above are not those of dependencies.txt (< listed there, > linked)"
ok "the core is linked with these crates and no others, on $host and $bare"

if [ -d "$(rustc --print target-libdir --target "$bare")" ]; then
  cargo build --locked --manifest-path "$root/Cargo.toml" --lib --no-default-features --target "$bare"
  ok "the core builds for $bare"
else
  echo "LEFT OUT: the build of the core for $bare, which is not installed ('rustup target add $bare' does it)"
fi
