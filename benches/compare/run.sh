#!/usr/bin/env bash
# Builds, checks, counts instructions under callgrind, prints the comparison table in Markdown.
# Fails when the columns disagree about a message or a target is missed.
set -euo pipefail
cd "$(dirname "$0")"

ours=websocket-proto

cargo build --release --locked
compare=${CARGO_TARGET_DIR:-target}/release/compare
"$compare" check >&2

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Instructions of one process, from its first to its last. Its environment is always the same, so that no stack shifts.
# Without ERMS, the C library fills and copies memory by vector instructions. With it, it may use `rep stosb` and
# `rep movsb`, which callgrind counts once for every byte.
instructions() { # peer, work, count
    if ! env -i GLIBC_TUNABLES=glibc.cpu.hwcaps=-ERMS "$(command -v valgrind)" \
        --tool=callgrind --callgrind-out-file="$scratch/out" \
        "$compare" run --peer "$1" --work "$2" --count "$3" >"$scratch/log" 2>&1; then
        cat "$scratch/log" >&2
        return 1
    fi
    if grep -q '^c\?fn=.*_erms$' "$scratch/out"; then
        echo "error: the C library used string instructions, which callgrind counts once for every byte" >&2
        return 1
    fi
    awk '$1 == "totals:" { print $2; found = 1 } END { exit !found }' "$scratch/out"
}

version_of() { # package
    awk -v name="$1" '$1 == "name" { found = ($3 == "\"" name "\"") } found && $1 == "version" { gsub("\"", "", $3); print $3; exit }' Cargo.lock
}

mapfile -t peers < <("$compare" list | awk -F'\t' '$1 == "peer"')
mapfile -t works < <("$compare" list | awk -F'\t' '$1 == "work"')

head="| instructions a message |"
rule="| --- |"
for column in "${peers[@]}"; do
    IFS=$'\t' read -r _ name package note <<<"$column"
    head+=" $package $(version_of "$package")${note:+, $note} |"
    rule+=" ---: |"
done
table=("$head $ours / best other | target |" "$rule ---: | ---: |")

missed=0
for line in "${works[@]}"; do
    IFS=$'\t' read -r _ work title target count <<<"$line"
    row="| $title |" mine='' best=''
    for column in "${peers[@]}"; do
        IFS=$'\t' read -r _ name _ <<<"$column"
        echo "counting: $name, $work" >&2
        once=$(instructions "$name" "$work" "$count")
        twice=$(instructions "$name" "$work" $((2 * count)))
        figure=$(awk -v a="$once" -v b="$twice" -v n="$count" 'BEGIN { printf "%.1f", (b - a) / n }')
        row+=" $figure |"
        if [[ $name == "$ours" ]]; then
            mine=$figure
        elif [[ -z $best ]] || awk -v a="$figure" -v b="$best" 'BEGIN { exit !(a < b) }'; then
            best=$figure
        fi
    done
    if [[ -z $mine ]]; then
        ratio="-"
        verdict=$([[ $target == - ]] && echo met || echo missed)
    else
        ratio=$(awk -v a="$mine" -v b="$best" 'BEGIN { printf "%.3f", a / b }')
        verdict=$(awk -v a="$mine" -v b="$best" -v t="$target" 'BEGIN { print (t == "-" || a / b < t) ? "met" : "missed" }')
    fi
    if [[ $verdict == missed ]]; then
        missed=1
        echo "missed: $work: ${mine:-nothing measured} of $ours, best other $best, target ratio below $target" >&2
    fi
    [[ $target == - ]] && shown=- || shown="< $target"
    table+=("$row $ratio | $shown |")
done

printf '%s\n' "${table[@]}"
printf '\n%s, %s, %s, %s\n' \
    "$(rustc --version)" "$(uname -m)" "$(valgrind --version)" "$(ldd --version 2>/dev/null | head -n 1)"
exit "$missed"
