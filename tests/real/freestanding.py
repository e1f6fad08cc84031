"""The program without libc and std, on its 64 KiB of heap: what the client of Python's `websockets` makes of it."""

import concurrent.futures
import contextlib
import json
import os
import pathlib
import platform
import random
import re
import select
import socket
import struct
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "lib"))

import packages
from harness import WAIT, Process, Skip, expect, main, wait_for

EXAMPLE = HERE.parents[1] / "examples" / "freestanding"
HEAP = 64 * 1024
MAX_MESSAGE = 8 * 1024  # what src/echo.rs sets, with the deadlines below
MAX_FRAME_OUT = 1024
HANDSHAKE = HEARTBEAT = 5.0

GREETING = "Grüße, 世界, שלום, \u0000 and 👋🏽"
HEAD = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def build():
    """The path of the program: the one that FREESTANDING names, or one built here."""
    if "FREESTANDING" in os.environ:
        return os.path.realpath(os.environ["FREESTANDING"])
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise Skip("the program is for Linux on x86-64")
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--message-format", "json"]
    built = subprocess.run(command, cwd=EXAMPLE, stdout=subprocess.PIPE, check=True)
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    return next(message["executable"] for message in messages if message.get("executable"))


class Bridge(Process):
    """bridge.py on a port of the kernel's choice."""

    def __init__(self, program):
        super().__init__([sys.executable, str(EXAMPLE / "bridge.py"), "0", program], start_new_session=True)
        try:
            self.url = self.wait_for_output(r"\Alistening on (ws://127\.0\.0\.1:\d+)\n")
        except BaseException:
            self.kill_group()
            raise
        self.address = ("127.0.0.1", int(self.url.rpartition(":")[2]))
        self.peak = 0  # of all connections so far

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill_group()

    @contextlib.contextmanager
    def connect(self, **options):
        """A connection of `websockets`. Its `end` says afterwards how the program ended."""
        from websockets.sync.client import connect

        start = self.said()
        with connect(self.url, proxy=None, open_timeout=WAIT, **options) as ws:
            port = ws.socket.getsockname()[1]
            ws.heap = lambda: Usage(echo(ws, "/heap", None))
            yield ws
        ws.end = self.ended(port, start)

    def said(self):
        """How much the bridge has said so far."""
        return os.fstat(self._stdout.fileno()).st_size

    def ended(self, port, start, seconds=WAIT):
        """Waits for the end of the process that served this port, and returns what it said.

        `start` is how much the bridge had said before the connection was made: a port may have served before.
        """

        def line():
            text = os.pread(self._stdout.fileno(), self.said() - start, start).decode()
            return re.search(rf"(?m)^127\.0\.0\.1:{port}: (.*)\n", text)

        end = End(wait_for(f"end of the process for port {port}", line, seconds)[1])
        self.peak = max(self.peak, end.heap.peak)
        return end


class Usage:
    def __init__(self, text):
        found = re.search(r"(\d+) bytes in use, (\d+) at most, of (\d+)", text)
        assert found, f"no use of the heap in {text!r}"
        self.now, self.peak, size = map(int, found.groups())
        expect("the size of the heap", size, HEAP)

    def __str__(self):
        return f"heap {self.now} B, peak {self.peak} B"


class End:
    """What the bridge said of a process that ended."""

    def __init__(self, text):
        self.text = text
        assert text.startswith("exit status 0: "), f"the program ended with {text}"
        self.heap = Usage(text)

    def says(self, *words):
        for word in words:
            assert word in self.text, f"no {word!r} in {self.text!r}"
        return self


def frame(opcode, payload=b"", fin=True, mask=b"\x5a\0\xa5\xff"):
    """A client's frame, also such as no client sends."""
    size = len(payload)
    if size < 126:
        length = struct.pack("!B", size | 0x80)
    elif size < 1 << 16:
        length = struct.pack("!BH", 126 | 0x80, size)
    else:
        length = struct.pack("!BQ", 127 | 0x80, size)
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
    return bytes([opcode | (0x80 if fin else 0)]) + length + mask + masked


class Raw:
    """A connection byte by byte."""

    def __init__(self, bridge, head=HEAD, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(WAIT)
        self.start = bridge.said()
        self.socket.connect(bridge.address)
        self.bridge = bridge
        self.port = self.socket.getsockname()[1]
        self.received = b""
        if head:
            self.send(head)
            if head is HEAD:
                answer = self.until(b"\r\n\r\n")
                assert answer.startswith(b"HTTP/1.1 101 "), f"the answer is {answer!r}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def _more(self):
        piece = self.socket.recv(1 << 16)
        self.received += piece
        return piece

    def until(self, end):
        while end not in self.received:
            assert self._more(), f"the stream ended with {self.received!r}"
        return self.take(self.received.index(end) + len(end))

    def take(self, count):
        while len(self.received) < count:
            assert self._more(), f"the stream ended with {self.received!r}"
        found, self.received = self.received[:count], self.received[count:]
        return found

    def frame(self):
        """A frame of the server: its first byte, and its payload."""
        first, size = self.take(2)
        if size == 126:
            (size,) = struct.unpack("!H", self.take(2))
        return first, self.take(size)

    def rest(self):
        """All there is until the stream ends, or is reset."""
        with contextlib.suppress(ConnectionError):
            while self._more():
                pass
        return self.received

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def end(self, seconds=WAIT):
        return self.bridge.ended(self.port, self.start, seconds)


def echo(ws, message, wanted):
    ws.send(message)
    got = ws.recv(timeout=WAIT)
    if wanted is not None:
        expect("the echo", got, wanted)
    return got


def messages(check, bridge):
    with bridge.connect() as ws:
        with check("an idle connection") as note:
            note(str(ws.heap()))

        with check("text comes back, also beyond ASCII") as note:
            for text in ("plain ASCII", GREETING, "a" * 125, "b" * 126, "ß世👋" * 800):
                echo(ws, text, text)
            note(str(ws.heap()))

        with check("binary comes back, all 256 byte values and random ones"):
            for data in (bytes(range(256)), os.urandom(1000), os.urandom(MAX_FRAME_OUT), os.urandom(5000)):
                echo(ws, data, data)

        with check("empty messages come back as what they were"):
            for message in ("", b"", "", b""):
                echo(ws, message, message)

        with check(f"the largest message, {MAX_MESSAGE} bytes, comes back") as note:
            for message in ("x" * MAX_MESSAGE, os.urandom(MAX_MESSAGE), "ß" * (MAX_MESSAGE // 2)):
                echo(ws, message, message)
            note(str(ws.heap()))

        with check("a message in fragments comes back, also one that is cut inside a character") as note:
            utf8 = GREETING.encode()
            echo(ws, ["Grüße, ", "", "世界"], "Grüße, 世界")
            ws.send((utf8[at : at + 1] for at in range(len(utf8))), text=True)
            expect("the echo", ws.recv(timeout=WAIT), GREETING)
            pieces = [os.urandom(size) for size in (0, 1, 125, 126, 0, 2000, 3000, MAX_MESSAGE - 5252)]
            echo(ws, pieces, b"".join(pieces))
            echo(ws, [b"", b"", b""], b"")
            note(str(ws.heap()))

        with check("a large answer comes in fragments") as note:
            for message in ("世" * 2000, os.urandom(MAX_MESSAGE)):
                ws.send(message)
                fragments = list(ws.recv_streaming())
                expect("the whole", fragments[0][:0].join(fragments), message)
                size = len(message.encode() if isinstance(message, str) else message)
                expect("how many fragments there are", len(fragments), -(-size // MAX_FRAME_OUT))
            note(f"{len(fragments)} of {MAX_FRAME_OUT} bytes")

        with check("a ping is answered with its payload; a pong that nobody wants is passed over"):
            for payload in (b"", b"\0\xff", os.urandom(125)):
                assert ws.ping(payload).wait(WAIT), f"no pong for {payload!r}"
                ws.pong(payload)
            echo(ws, "still there", "still there")

        with check("as much heap is in use as in the beginning") as note:
            before = ws.heap().now
            echo(ws, "x" * 5000, "x" * 5000)
            expect("the use of the heap", ws.heap().now, before)
            note(f"{before} B")


def closes(check, bridge):
    for code, reason in ((1000, ""), (1000, "schönen Tag"), (3000, ""), (4999, "r" * 123)):
        with check(f"the client closes with {code} and a reason of {len(reason.encode())} bytes") as note:
            with bridge.connect() as ws:
                ws.close(code, reason)
                expect("the code that came back", ws.protocol.close_rcvd.code, code)
            note(str(ws.end.says(f"closed with {code}", ", clean: ").heap))

    with check("the client closes without a code: 1005 on both sides"):
        from websockets.client import ClientProtocol
        from websockets.uri import parse_uri

        client = ClientProtocol(parse_uri(bridge.url))
        client.send_request(client.connect())
        with Raw(bridge, b"".join(client.data_to_send())) as raw:
            client.receive_data(raw.until(b"\r\n\r\n"))
            client.send_close()
            raw.send(b"".join(client.data_to_send()))
            client.receive_data(raw.rest())
            client.receive_eof()
            expect("the code", client.close_code, 1005)
        raw.end().says("closed with 1005", ", clean: ")

    with check("messages that were sent before the Close are answered before it"):
        with Raw(bridge) as raw:
            raw.send(frame(TEXT, b"last") + frame(PING, b"p") + frame(CLOSE, b"\x03\xe8bye"))
            received = raw.rest()
            for wanted in (b"\x81\x04last", b"\x8a\x01p", b"\x88\x02\x03\xe8"):
                assert wanted in received, f"no {wanted!r} in {received!r}"
            assert received.endswith(b"\x88\x02\x03\xe8"), f"{received!r}"
        raw.end().says("closed with 1000", ", clean: ")


def limits_and_violations(check, bridge):
    for name, message in (
        ("text", "x" * (MAX_MESSAGE + 1)),
        ("binary", os.urandom(100_000)),
        ("fragments", [b"x" * 4000, b"y" * 4000, b"z" * 193]),
    ):
        with check(f"a message over the limit ({name}): 1009") as note:
            from websockets.exceptions import ConnectionClosed

            with bridge.connect() as ws:
                with contextlib.suppress(ConnectionClosed):
                    ws.send(message)
                try:
                    got = ws.recv(timeout=WAIT)
                    raise AssertionError(f"an answer: {got[:20]!r}")
                except ConnectionClosed as closed:
                    expect("the code", closed.rcvd and closed.rcvd.code, 1009)
            note(str(ws.end.says(f"limit: a message is larger than {MAX_MESSAGE} bytes").heap))

    huge = frame(BINARY)[:1] + b"\xff" + struct.pack("!Q", (1 << 63) - 1) + bytes(4)
    for name, code, data in (
        ("reserved bits", 1002, b"\xf1\x80\0\0\0\0"),
        ("a reserved opcode", 1002, frame(0xB)),
        ("no mask", 1002, b"\x81\x02hi"),
        ("a ping in fragments", 1002, frame(PING, b"x", fin=False)),
        ("a ping of 126 bytes", 1002, frame(PING, bytes(126))),
        ("a continuation of nothing", 1002, frame(CONTINUATION, b"x")),
        ("a new message inside another", 1002, frame(TEXT, b"x", fin=False) + frame(TEXT, b"y")),
        ("a length that is not the shortest", 1002, b"\x82\xfe\0\x05\0\0\0\0hello"),
        ("a Close frame with half a code", 1002, frame(CLOSE, b"\x03")),
        ("a Close frame with code 1005", 1002, frame(CLOSE, b"\x03\xed")),
        ("text that is not UTF-8", 1007, frame(TEXT, b"\xc3\x28")),
        ("a claim of 2^63 - 1 bytes", 1009, huge),
    ):
        with check(f"{name}: {code}"):
            with Raw(bridge) as raw:
                raw.send(data)
                first, payload = raw.frame()
                expect("the frame and its code", (first, payload[:2]), (0x88, struct.pack("!H", code)))
                raw.socket.shutdown(socket.SHUT_WR)
                expect("what follows the Close frame", raw.rest(), b"")
            raw.end().says("not clean: ")

    for name, status, head in (
        ("a request without an upgrade", b"426", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
        ("a head over the limit", b"431", HEAD[:-2] + b"X: " + b"x" * 5000 + b"\r\n\r\n"),
        ("what is no HTTP", b"400", b"\x16\x03\x01\x02\0\x01"),
    ):
        with check(f"{name}: {status.decode()}") as note:
            with Raw(bridge, head) as raw:
                answer = raw.rest()
                assert answer.startswith(b"HTTP/1.1 " + status), f"the answer is {answer!r}"
            note(str(raw.end().heap))


def several(check, bridge):
    with check("two connections at once do not mix"):
        with bridge.connect() as one, bridge.connect() as two:
            for number in range(100):
                one.send(f"one {number}")
                two.send(f"two {number}")
            for number in range(100):
                expect("the second's echo", two.recv(timeout=WAIT), f"two {number}")
                expect("the first's echo", one.recv(timeout=WAIT), f"one {number}")

    with check("twenty connections at once, and all their processes end"):
        together = threading.Barrier(20)

        def talk(number):
            with bridge.connect() as ws:
                together.wait(WAIT)
                for size in (0, 10, 1000, MAX_MESSAGE):
                    message = bytes([number]) * size
                    echo(ws, message, message)
            ws.end.says("closed with 1000")

        with concurrent.futures.ThreadPoolExecutor(20) as pool:
            list(pool.map(talk, range(20)))


def vanishing(check, bridge):
    for name, data, words in (
        ("between messages", frame(PONG, b"x"), "the stream ended between messages"),
        ("inside a frame", frame(TEXT, b"x" * 100)[:50], "the stream ended inside a frame"),
        ("inside a message", frame(TEXT, b"x", fin=False), "the stream ended inside a message"),
    ):
        with check(f"a client that vanishes {name}: its process ends with 1006"):
            with Raw(bridge) as raw:
                raw.send(data)
            raw.end().says("closed with 1006", words)

    with check("a client that vanishes inside the handshake: its process ends"):
        with Raw(bridge, HEAD[:50]) as raw:
            pass
        raw.end().says("closed with 1006", "opening handshake: ")

    with check("a client that resets the connection: its process ends with 1006"):
        raw = Raw(bridge)
        raw.reset()
        raw.end().says("closed with 1006", "connection reset")

    with check("a client that resets the connection in the middle of its answers: its process ends"):
        raw = Raw(bridge, receive_buffer=4096)
        fill(raw, frame(BINARY, bytes(MAX_MESSAGE)))
        raw.reset()
        raw.end().says("closed with 1006")


def fill(raw, data):
    """Sends `data` again and again until the program takes no more, and reads nothing. Returns how many bytes were sent."""
    sent = 0
    raw.socket.setblocking(False)
    while select.select([], [raw.socket], [], 0.2)[1]:
        sent += raw.socket.send(data[sent % len(data) :])
    raw.socket.settimeout(WAIT)
    return sent


def count_data_frames(stream):
    """How many messages there are in a server's frames, the last of which is a Close frame."""
    at = count = 0
    while at < len(stream):
        first, size = stream[at], stream[at + 1]
        at += 2
        if size == 126:
            (size,) = struct.unpack_from("!H", stream, at)
            at += 2
        at += size
        count += bool(first & 0x80) and first & 0x0F < CLOSE
    expect("the end of the stream and its last frame", (at, first), (len(stream), 0x88))
    return count


def endurance(check, bridge):
    with bridge.connect(max_queue=None) as ws:
        with check("5000 messages, each answered before the next, leave no heap in use") as note:
            before, start = ws.heap(), time.monotonic()
            sizes = [0, 1, 7, 100, 125, 126, 1000, 3000, MAX_MESSAGE]
            for number in range(5000):
                size = sizes[number % len(sizes)]
                message = (f"{number:5}" * (size // 5 + 1))[:size] if number % 2 else os.urandom(size)
                echo(ws, message, message)
            after, took = ws.heap(), time.monotonic() - start
            expect("the use of the heap", after.now, before.now)
            note(f"{after}, {took:.1f} s")

        with check("5000 messages at once, and their answers in order, leave no heap in use") as note:
            sender = threading.Thread(target=lambda: [ws.send(f"message {number}") for number in range(5000)])
            sender.start()
            for number in range(5000):
                expect("the echo", ws.recv(timeout=WAIT), f"message {number}")
            sender.join()
            after = ws.heap()
            expect("the use of the heap", after.now, before.now)
            note(str(after))

        with check("1000 messages in fragments with pings between them leave no heap in use") as note:
            for number in range(1000):
                pieces = (b"x" * (number % 700), os.urandom(number), b"")
                pong = ws.ping(str(number).encode())
                echo(ws, pieces, b"".join(pieces))
                assert pong.wait(WAIT), "no pong"
            after = ws.heap()
            expect("the use of the heap", after.now, before.now)
            note(str(after))


def hostile(check, bridge):
    large = frame(BINARY, bytes(MAX_MESSAGE))
    for name, count, data in (
        ("empty messages", 2000, frame(BINARY) * 2000),
        ("messages of one byte", 2000, frame(TEXT, b"x") * 2000),
        ("messages of the largest size", 1, large),
        ("small messages before each of the largest size", 170, frame(BINARY) * 169 + large),
    ):
        with check(f"a client that sends {name} and does not read: its answers wait, the heap does not grow") as note:
            with Raw(bridge, receive_buffer=4096) as raw:
                sent = fill(raw, data)
                reader = threading.Thread(target=raw.rest)
                reader.start()
                raw.send(data[sent % len(data) :] + frame(CLOSE, b"\x03\xe8"))
                reader.join()
                answers = count_data_frames(raw.received)
            wanted = (sent // len(data) + 1) * count
            end = raw.end().says("closed with 1000", ", clean: ")
            expect("how many messages came back", answers, wanted)
            note(f"{wanted} messages, {end.heap}")

    with check("messages that make the buffer double at the worst place") as note:
        with Raw(bridge) as raw:
            raw.send(frame(BINARY, bytes(4090), fin=False) + frame(CONTINUATION, bytes(4090), fin=False))
            raw.send(frame(CONTINUATION, bytes(12)) + frame(CLOSE, b"\x03\xe8"))
            raw.rest()
        note(str(raw.end().says("closed with 1000").heap))

    seed = int(os.environ.get("FREESTANDING_SEED") or random.SystemRandom().getrandbits(32))
    with check("100 connections with frames at random: each of them ends, and none for lack of heap") as note:
        note(f"seed {seed}")
        chance = random.Random(seed)
        for _ in range(100):
            with Raw(bridge) as raw:
                reader = threading.Thread(target=raw.rest)
                reader.start()
                with contextlib.suppress(OSError):
                    raw.send(noise(chance))
                    raw.socket.shutdown(socket.SHUT_WR)
                reader.join()
            raw.end().says("closed with ")


def noise(chance):
    """Frames that are mostly right."""
    stream = bytearray()
    for _ in range(chance.choice((5, 30, 200))):
        kind, size = chance.random(), chance.choice((0, 0, 1, chance.randrange(1200), chance.randrange(MAX_MESSAGE + 1)))
        if kind < 0.15:
            stream += frame(chance.choice((PING, PONG)), chance.randbytes(size % 126))
        elif kind < 0.16:
            stream += chance.randbytes(size)
        elif kind < 0.17:
            stream += frame(CLOSE, struct.pack("!H", chance.choice((1000, 3000, 4999, 1006))))
        else:
            cuts = sorted(chance.randrange(size + 1) for _ in range(chance.randrange(4)))
            for number, (start, end) in enumerate(zip([0, *cuts], [*cuts, size])):
                opcode = CONTINUATION if number else BINARY
                stream += frame(opcode, bytes(end - start), fin=number == len(cuts))
                if chance.random() < 0.2:
                    stream += frame(PING, b"between")
    return bytes(stream)


def deadlines(check, silent, mute):
    with check("a client that sends no request: 408"):
        answer = silent.rest()
        assert answer.startswith(b"HTTP/1.1 408 "), f"the answer is {answer!r}"
        silent.end().says("the opening handshake was not finished in time")

    with check("a client that answers no ping: one ping, then the end") as note:
        first, payload = mute.frame()
        expect("the frame", (first, len(payload)), (0x89, 8))
        rest = mute.rest()  # a reset may take the Close frame with it
        assert not rest or rest.startswith(b"\x88"), f"after the ping: {rest!r}"
        end = mute.end(2 * HEARTBEAT + WAIT).says("closed with 1006", "no sign of life after a ping")
        note(str(end.heap))


def test(check):
    program = build()
    packages.websockets()
    import websockets

    print(f"# websockets {websockets.__version__}, {os.path.getsize(program)} bytes of program", flush=True)
    with Bridge(program) as bridge:
        # These two wait, while the others work.
        silent, mute = Raw(bridge, head=None), Raw(bridge)
        silent.socket.settimeout(HANDSHAKE + WAIT)
        mute.socket.settimeout(2 * HEARTBEAT + WAIT)
        messages(check, bridge)
        closes(check, bridge)
        limits_and_violations(check, bridge)
        several(check, bridge)
        vanishing(check, bridge)
        endurance(check, bridge)
        hostile(check, bridge)
        deadlines(check, silent, mute)
        with check("the heap was never full") as note:
            assert bridge.peak < HEAP
            note(f"peak of all connections {bridge.peak} of {HEAP} bytes")


main(test)
