"""What every test in this folder shares: checks, bounded waits, processes, skipping."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback

WAIT = 10.0  # seconds; how long anything may take that should happen at once
SKIPPED = 77  # the exit status run.sh takes for a skipped test


class Skip(Exception):
    """Something that this machine lacks; the text says what."""


def wait_for(what, condition, seconds=WAIT):
    """Polls until `condition()` is true and returns its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"no {what} within {seconds:g} s"
        time.sleep(0.01)


def expect(what, got, wanted):
    assert got == wanted, f"{what} is {got!r}, not {wanted!r}"


class Checks:
    """Prints and counts one line per check; a failed check does not end the test."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    @contextlib.contextmanager
    def __call__(self, name):
        details = []  # what the check observed, for its line
        try:
            yield details.append
        except Skip:
            raise
        except Exception as error:  # a check may fail in any way
            self.failed += 1
            print(f"FAILED {name}: {error or type(error).__name__}", flush=True)
            if not isinstance(error, AssertionError):
                traceback.print_exc()
        else:
            self.passed += 1
            print(f"ok {name}{': ' if details else ''}{', '.join(details)}", flush=True)


class Process:
    """A program that this test started, with its stdout in a file that has no name."""

    def __init__(self, command, **options):
        self._command = command
        self._stdout = tempfile.TemporaryFile()
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self._stdout, **options)

    def wait_for_output(self, pattern):
        """Waits until stdout has a match for `pattern` and returns its group."""

        def found():
            ended = self._process.poll() is not None
            output = os.pread(self._stdout.fileno(), 1 << 16, 0).decode(errors="replace")
            match = re.search(pattern, output)
            assert match or not ended, f"{self._command[0]} ended with {self._process.returncode}: {output.strip()}"
            return match

        return wait_for(f"line like {pattern!r} from {self._command[0]}", found)[1]

    def kill(self):
        self._process.kill()
        self._process.wait()
        self._stdout.close()

    def kill_group(self):
        """Kills the whole process group, for a process started with `start_new_session`."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self.kill()


ROOT = pathlib.Path(__file__).resolve().parents[3]


def example(name):
    """The path of an example program: the one that its variable names, or one built here in release mode."""
    if named := os.environ.get(name.upper()):
        return os.path.realpath(named)
    subprocess.run(
        ["cargo", "build", "--quiet", "--release", "--locked", "--features", "tokio,deflate", "--example", name],
        cwd=ROOT,
        check=True,
    )
    return str(ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release" / "examples" / name)


class Playground(Process):
    """The example `playground` on a port of the kernel's choice; `url` is its page's."""

    def __init__(self):
        super().__init__([example("playground"), "--port", "0"])
        try:
            self.url = self.wait_for_output(r"\Aplayground: (http://127\.0\.0\.1:\d+/)\r?\n")
        except BaseException:
            self.kill()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def main(test):
    """Runs `test(check)` and exits with the status that run.sh expects."""

    def stop(number, _):
        raise SystemExit(128 + number)  # unwinds, so that every `finally` ends what was started

    signal.signal(signal.SIGTERM, stop)
    name = pathlib.Path(sys.argv[0]).stem
    check = Checks()
    try:
        test(check)
    except Skip as reason:
        print(f"SKIPPED {name}: {reason}", file=sys.stderr, flush=True)
        sys.exit(SKIPPED)
    except Exception as error:
        check.failed += 1
        print(f"FAILED {name}: {error}", flush=True)
        traceback.print_exc()
    if "REAL_TALLY" in os.environ:
        with open(os.environ["REAL_TALLY"], "a", encoding="ascii") as tally:
            print(check.passed, check.failed, file=tally)
    else:
        print(f"{check.passed} passed, {check.failed} failed")
    sys.exit(1 if check.failed else 0)
