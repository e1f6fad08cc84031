#!/usr/bin/env python3
"""Judges one report of the Autobahn test suite, strictly:

    judge.py NAME SET REPORT

NAME is what to call the run in the output, SET is core, deflate, sample or all, REPORT
is the folder with the suite's index.json. Every case has to be OK, both in
what it exchanged (behavior) and in how it closed (behaviorClose), and each
section has to have all its cases. Exit status: 0 passed, 1 not.
"""

import json
import sys
from collections import Counter
from pathlib import Path

CORE = {1: 16, 2: 11, 3: 7, 4: 10, 5: 20, 6: 145, 7: 37, 9: 54, 10: 1}
DEFLATE = {12: 90, 13: 126}
SAMPLE = {12: 35, 13: 49}
SECTIONS = {"core": CORE, "deflate": DEFLATE, "sample": SAMPLE, "all": {**CORE, **DEFLATE}}
assert (sum(CORE.values()), sum(DEFLATE.values())) == (301, 216)

# The suite itself calls any outcome of these INFORMATIONAL: the RFC leaves it open.
OPEN = {"7.1.6", "7.13.1", "7.13.2"}


def number(case):
    return [int(part) for part in case.split(".")]


def is_good(case, behavior):
    return behavior == "OK" or (behavior == "INFORMATIONAL" and case in OPEN)


def reason(report, entry):
    """What the detailed report of a case says about its two verdicts."""
    try:
        detail = json.loads((report / entry["reportfile"]).read_text("utf-8"))
    except (OSError, ValueError, KeyError) as error:
        return f"(no detailed report: {error!r})"
    said = []
    if entry.get("behavior") != "OK":
        said.append(detail.get("result"))
    if entry.get("behaviorClose") != "OK":
        said.append(detail.get("resultClose"))
    return "; ".join(filter(None, said))


def judge(cases, expected, report):
    """Yields one line for everything that falls short."""
    for case, entry in sorted(cases.items(), key=lambda item: number(item[0])):
        verdicts = entry.get("behavior"), entry.get("behaviorClose")
        if not all(is_good(case, verdict) for verdict in verdicts):
            yield (
                f"case {case}: behavior {verdicts[0]}, close {verdicts[1]},"
                f" close code {entry.get('remoteCloseCode')}: {reason(report, entry)}"
            )
    ran = Counter(number(case)[0] for case in cases)
    for section in sorted(ran.keys() | expected.keys()):
        if ran[section] != expected.get(section, 0):
            yield f"section {section}: {ran[section]} cases, expected {expected.get(section, 0)}"


def main(name, case_set, report):
    report = Path(report)
    expected = SECTIONS[case_set]
    try:
        agents = json.loads((report / "index.json").read_text("utf-8"))
        (cases,) = agents.values()
    except (OSError, ValueError) as error:
        print(f"{name}: FAILED: no report of exactly one agent in {report}: {error}")
        return 1

    bad = list(judge(cases, expected, report))
    for line in bad:
        print(f"{name}: {line}")
    for column in ("behavior", "behaviorClose"):
        counts = Counter(str(entry.get(column)) for entry in cases.values())
        print(f"{name}: {column}:", ", ".join(f"{n} {what}" for what, n in counts.most_common()))
    verdict = f"FAILED ({len(bad)} complaints)" if bad else "all as they should be"
    print(f"{name}: {len(cases)} of {sum(expected.values())} cases: {verdict}")
    return 1 if bad else 0


if __name__ == "__main__":
    if len(sys.argv) != 4 or sys.argv[2] not in SECTIONS:
        sys.exit("usage: judge.py NAME core|deflate|sample|all REPORT")
    sys.exit(main(*sys.argv[1:]))
