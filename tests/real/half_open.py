"""A link that goes down without a word: both ends of a connection find out in time, and say so."""

import concurrent.futures
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))

from echo import NO_HEARTBEAT, EchoClient, EchoServer
from harness import Skip, example, main, wait_for

INTERVAL, MARGIN = 2, 2  # seconds
TICK = 0.1  # seconds; how late a timer may be
SLACK = 1  # seconds for a machine that does other things, too
IN_TIME = INTERVAL + MARGIN + TICK + SLACK
HEARTBEAT = ("--heartbeat", str(INTERVAL), "--heartbeat-margin", str(MARGIN))
ANSWERS_TEXTS, SENDS_TEXTS = ((*HEARTBEAT, "--text-heartbeat", how) for how in ("answer", "send"))
IN_USE = 2.5  # seconds before the cut; more than the interval, so that each side has beaten once

SERVER, CLIENT = "10.83.0.1", "10.83.0.2"  # in namespaces of their own, so that they are nobody else's
INTERFACE = "veth"
FLOOD = "the server sends more than the kernel takes"

# What the ends may say, word by word: it must not claim more than they can know.
SILENT = r"gave no sign of life after a ping; nothing was received for (\d+\.\d) s"
STUCK = (
    r"gave no sign of life, and the transport took nothing more; nothing was received for (\d+\.\d) s, and nothing sent for "
    r"\d+\.\d s"
)
ENDING = (
    r"1006 abnormal closure: the {} {}; the connection was open for \d+\.\d s\.( Unsent: \d+ messages? \(\d+ bytes?\)\.)? "
    r"Consistent with a lost network path, a machine that is off or asleep,( and)? a process that hangs"
    r"(, and an implementation that answers no Ping: it had answered none)?\."
)


class Namespaces:
    """Two network namespaces and the link between them, which end with the block that uses them."""

    def __init__(self):
        self._names = {end: f"ws-{os.getpid()}-{end}" for end in ("server", "client")}
        self._added = []

    def __enter__(self):
        try:
            for name in self._names.values():
                add(name)
                self._added.append(name)
            self._join()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _join(self):
        peer = ("peer", "name", INTERFACE, "netns", self._names["client"])
        ip("-n", self._names["server"], "link", "add", INTERFACE, "type", "veth", *peer)
        for end, address in (("server", SERVER), ("client", CLIENT)):
            ip("-n", self._names[end], "address", "add", f"{address}/30", "dev", INTERFACE)
            ip("-n", self._names[end], "link", "set", INTERFACE, "up")

    def within(self, end):
        """The command that runs another one at this end."""
        return ["ip", "netns", "exec", self._names[end]]

    def cut(self, end):
        ip("-n", self._names[end], "link", "set", INTERFACE, "down")

    def connections(self, end):
        """How many TCP connections the kernel has at this end."""
        command = ["ss", "-HtnN", self._names[end]]
        return len(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines())

    def __exit__(self, *_):
        for name in self._added:
            subprocess.run(["ip", "netns", "delete", name], stderr=subprocess.DEVNULL, check=False)


def add(name):
    """A namespace that was not there before. As root one may still not be allowed to, in a container for instance."""
    try:
        ip("netns", "add", name)
    except subprocess.CalledProcessError as error:
        if re.search("Operation not permitted|Permission denied", error.stderr):
            raise Skip(f"no network namespaces here: {error.stderr.strip()}") from error
        raise RuntimeError(error.stderr.strip()) from error


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def in_time(seconds):
    assert seconds <= IN_TIME, f"it took {seconds:.1f} s, and may take {IN_TIME:.1f} s"


def finds_out(side, other, story, told):
    """Checks that this side found out in time, and what it says of the other."""
    text, seconds = told
    print(f"#   {side}, {seconds:.1f} s after the cut: {text}")
    match = re.fullmatch(ENDING.format(other, story), text)
    assert match, f"the {side} says: {text}"
    in_time(seconds)
    # Nothing was received after the cut, and the last byte before it at most an interval earlier.
    assert MARGIN <= float(match[1]) <= IN_TIME, f"the {side} received nothing for {match[1]} s"


def connect(stack, net, server_options, client_options):
    """A server and its client, at both ends of the link, after their first message."""
    server = stack.enter_context(EchoServer(*server_options, host=SERVER, within=net.within("server")))
    client = stack.enter_context(EchoClient(server.url, *client_options, within=net.within("client")))
    client.say("hello")
    client.wait_for_output(r'(?m)^"(hello|0+)"\n')
    return server, client


def link_goes_down(check, end):
    with contextlib.ExitStack() as stack:
        # It ends last: what it waits for has ended then.
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(10))
        net = stack.enter_context(Namespaces())
        pairs = {
            "nobody sends": connect(stack, net, HEARTBEAT, HEARTBEAT),
            "the client beats by text": connect(stack, net, ANSWERS_TEXTS, SENDS_TEXTS),
            "the server sends a little": connect(stack, net, (*HEARTBEAT, "--feed", "100"), HEARTBEAT),
            FLOOD: connect(stack, net, (*HEARTBEAT, "--feed", "60000"), HEARTBEAT),
        }
        control = connect(stack, net, NO_HEARTBEAT, NO_HEARTBEAT)
        control[1].stay_open(IN_USE)

        start = time.monotonic()
        net.cut(end)

        def timed(wait):
            return pool.submit(lambda: (wait(2 * IN_TIME), time.monotonic() - start))

        endings = {name: [timed(side.ending) for side in pair] for name, pair in pairs.items()}
        feeds = {name: timed(pair[0].last_of_the_feed) for name, pair in pairs.items() if "server sends" in name}
        for name, (server, client) in endings.items():
            print(f"# the link is down at the {end}, {name}")
            with check(f"the link is down at the {end}, {name}: the server finds out in time, and says so"):
                finds_out("server", "client", STUCK if name == FLOOD else SILENT, server.result())
            with check(f"the link is down at the {end}, {name}: the client finds out in time, and says so"):
                finds_out("client", "server", SILENT, client.result())
        for name, feed in feeds.items():
            with check(f"the link is down at the {end}, {name}: no longer than that") as note:
                count, seconds = feed.result()
                in_time(seconds)
                note(f"refused {seconds:.1f} s after the cut, after {count} messages")
        with check(f"the link is down at the {end}: without a heartbeat neither end knows"):
            control[1].stay_open(0.1)
            assert control[0].is_running() and not control[0].knows_of_an_ending(), "the server does"
        for at in ("server", "client"):
            with check(f"the link is down at the {end}: of those that ended the kernel at the {at} keeps none"):
                wait_for("end of all but one", lambda: net.connections(at) == 1)


def test(check):
    if os.geteuid() != 0:
        raise Skip("needs root, for network namespaces")
    for program in ("ip", "ss"):
        if shutil.which(program) is None:
            raise Skip(f"{program} not found (Debian's iproute2)")
    for name in ("echo_server", "echo_client"):
        example(name)
    for end in ("client", "server"):
        link_goes_down(check, end)


main(test)
