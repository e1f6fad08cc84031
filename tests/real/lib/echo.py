"""The examples `echo_server` and `echo_client`, and how each tells the end of a connection."""

import os
import re
import subprocess
import time

from harness import WAIT, Process, example

NO_HEARTBEAT = ("--heartbeat", "0")


class Program(Process):
    """An example that ends with the block that uses it."""

    def is_running(self):
        return self._process.poll() is None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


class EchoServer(Program):
    """A server on a port of the kernel's choice. `within` is a command that runs it elsewhere."""

    def __init__(self, *options, host="127.0.0.1", within=()):
        super().__init__([*within, example("echo_server"), "--host", host, "--port", "0", *options])
        try:
            self.url = self.wait_for_output(r"\Alistening on (ws://[\d.]+:\d+)\n")
        except BaseException:
            self.kill()
            raise
        self.port = self.url.rpartition(":")[2]

    def ending(self, seconds=WAIT):
        """How the only connection ended."""
        return self.wait_for_output(r"(?m)^[\d.]+:\d+: (\d{4}.*)\n", seconds)

    def knows_of_an_ending(self):
        """Whether it has told of any, in a line after the first."""
        return bool(re.search(rb"\n.", os.pread(self._stdout.fileno(), 1 << 16, 0)))

    def last_of_the_feed(self, seconds=WAIT):
        """How many messages the only connection was sent unasked until no more could be sent."""
        return int(self.wait_for_output(r": the feed ends after (\d+) messages: cannot send", seconds))


class EchoClient(Program):
    """A client that is open until it is closed."""

    def __init__(self, url, *options, within=()):
        command = [*within, example("echo_client"), "--url", url, *options]
        super().__init__(command, stdin=subprocess.PIPE, stderr=subprocess.STDOUT)

    def kill(self):
        super().kill()
        self._process.stdin.close()

    def say(self, text):
        self._process.stdin.write(f"{text}\n".encode())
        self._process.stdin.flush()

    def echo(self, text):
        """Sends a text and waits until it comes back. One that was not sent before."""
        self.say(text)
        self.wait_for_output(f'(?m)^("{text}")\n')

    def close(self):
        self._process.stdin.close()

    def stay_open(self, seconds):
        """Says nothing for so long, and fails if the connection ends meanwhile."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert self.is_running(), f"closed: {self.ending()}"
            time.sleep(0.05)

    def ending(self, seconds=WAIT):
        """How the connection ended."""
        return self.wait_for_output(r"(?m)^closed: (.*)\n", seconds, last=True)
