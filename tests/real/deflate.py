"""Compressed talks with Chromium, Python's `websockets` and Node's `ws`, judged by what went over the wire."""

import contextlib
import http.server
import itertools
import json
import pathlib
import re
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "lib"))

import packages
from harness import WAIT, Process, example, expect, main
from webdriver import Browser
from wiretap import Wiretap

POLICIES = list(itertools.product((False, True), (9, 12, 15)))


def text(size):
    """JSON-like text without line ends that does not repeat itself."""
    words, seed = [], size
    while sum(map(len, words)) < size:
        seed = (seed * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        words.append(f'{{"id":{seed >> 40},"name":"größe {seed >> 61}","price":{seed >> 54}.5}},')
    return "".join(words)


# The first two are the same, and short enough for the smallest window: what was said before helps where it counts.
MESSAGES = [text(200), text(200), text(60_000), text(2_000)]

# ws compresses shorter messages only where they may refer to others, unless it is told otherwise.
NODE_OPTIONS = json.dumps({"threshold": 0})

CHROMIUM = """
const [url, messages, done] = arguments, ws = new WebSocket(url);
let next = 0, wrong = null;
const send = () => next < messages.length ? ws.send(messages[next]) : ws.close(1000);
ws.onopen = send;
ws.onmessage = ({ data }) => { if (data !== messages[next]) wrong = next; next += 1; send(); };
ws.onclose = ({ code, wasClean }) => done({ code, wasClean, count: next, wrong, extensions: ws.extensions });
"""


def options(takeover, bits):
    return ["--deflate", f"--window-bits={bits}", *(["--context-takeover"] if takeover else [])]


class Page(http.server.BaseHTTPRequestHandler):
    """Chromium lets no page reach this machine but one that comes from it."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def empty_page():
    with http.server.HTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@contextlib.contextmanager
def our_server(takeover, bits):
    server = Process([example("echo_server"), "--port", "0", *options(takeover, bits)])
    try:
        port = server.wait_for_output(r"\Alistening on ws://127\.0\.0\.1:(\d+)\n")
        with Wiretap(("127.0.0.1", int(port))) as tap:
            yield tap
    finally:
        server.kill()


def our_client(port, takeover, bits):
    """Our client says what it reads and prints what comes back; it closes when there is nothing more to read.
    Returns its first line, with what was agreed on."""
    command = [example("echo_client"), "--url", f"ws://127.0.0.1:{port}/", *options(takeover, bits)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as client:
        limit = threading.Timer(2 * WAIT, client.kill)
        limit.start()
        try:
            agreed = client.stdout.readline()
            for message in MESSAGES:
                print(message, file=client.stdin, flush=True)
                got = client.stdout.readline()
                assert got.replace('\\"', '"') == f'"{message}"\n', f"{len(message)} characters came back as {got[:80]}…"
            client.stdin.close()
            last = client.stdout.read()
            assert last.startswith("closed: 1000"), last
            return agreed
        finally:
            limit.cancel()
            client.kill()


def judge(tap, takeover, bits, note):
    """Both sides compressed all they said, and kept what they agreed on."""
    client, server = tap.heard()
    agreed = server.header("Sec-WebSocket-Extensions")
    note(agreed.replace("permessage-deflate; ", ""))
    for side in ("client", "server"):
        expect(f"{side}_no_context_takeover in {agreed!r}", f"{side}_no_context_takeover" in agreed, not takeover)
        found = re.search(rf"{side}_max_window_bits=(\d+)", agreed)
        expect(f"{side}_max_window_bits in {agreed!r}", int(found[1]) if found else 15, bits)
    for side, wire in ("client", client), ("server", server):
        messages = wire.messages()
        expect(f"the messages that the {side} sent", len(messages), len(MESSAGES))
        for first, *more in messages:
            assert first.rsv1 and not any(frame.rsv1 for frame in more), f"{side}: RSV1 is wrong: {first} {more}"
        sizes = [sum(len(frame.payload) for frame in message) for message in messages]
        plain = [len(message.encode()) for message in MESSAGES]
        assert sizes[2] * 2 < plain[2] and sizes[0] < plain[0], f"{side}: {plain} became {sizes}"
        assert (sizes[1] * 2 < sizes[0]) == takeover, f"{side}: {plain} became {sizes}"
        assert all(not frame.rsv1 for frame in wire.frames if frame.opcode >= 8), f"{side}: a compressed control frame"
    return client, server


def judge_our_client(port, takeover, bits, note):
    """Our client with the server at that port; it must also print what was agreed on."""
    with Wiretap(("127.0.0.1", port)) as tap:
        printed = our_client(tap.port, takeover, bits)
        _, server = judge(tap, takeover, bits, note)
    expect("what our client prints", printed, f"compression: {server.header('Sec-WebSocket-Extensions')}\n")


def python_client(takeover, bits, port):
    from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
    from websockets.sync.client import connect

    factory = ClientPerMessageDeflateFactory(client_max_window_bits=True)
    url = f"ws://127.0.0.1:{port}/"
    with connect(url, proxy=None, open_timeout=WAIT, compression=None, extensions=[factory]) as ws:
        for message in MESSAGES:
            # In fragments, too: what is compressed is the message.
            ws.send(message if len(message) < 1000 else [message[:700], message[700:]])
            got = ws.recv(timeout=WAIT)
            assert got == message, f"{len(message)} characters came back as {len(got)}"


@contextlib.contextmanager
def python_server(takeover, bits):
    from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
    from websockets.sync.server import serve

    def echo(ws):
        for message in ws:
            ws.send(message)

    factory = ServerPerMessageDeflateFactory()
    with serve(echo, "127.0.0.1", 0, compression=None, extensions=[factory], max_size=1 << 20) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.socket.getsockname()[1]
        server.shutdown()
        thread.join(WAIT)


def node_client(node, takeover, bits, port):
    command = [*node, "client", f"ws://127.0.0.1:{port}/", NODE_OPTIONS, json.dumps(MESSAGES)]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=2 * WAIT, check=False)
    expect("what ws says", done.stdout.decode().strip(), "done")


@contextlib.contextmanager
def node_server(node):
    server = Process([*node, "server", NODE_OPTIONS])
    try:
        yield int(server.wait_for_output(r"\Alistening on port (\d+)\n"))
    finally:
        server.kill()


def test(check):
    packages.websockets()
    program, library = packages.ws()
    node = [program, str(HERE / "lib" / "talk.js"), str(library)]
    with Browser() as browser, empty_page() as page:
        browser.open(page)
        for takeover, bits in POLICIES:
            how = f"{'with' if takeover else 'without'} context takeover, {bits} bits"

            with check(f"Chromium {browser.version} and our server, {how}") as note, our_server(takeover, bits) as tap:
                told = browser.run_async(CHROMIUM, f"ws://127.0.0.1:{tap.port}/", MESSAGES)
                extensions = told.pop("extensions")
                expect("the talk", told, {"code": 1000, "wasClean": True, "count": len(MESSAGES), "wrong": None})
                _, server = judge(tap, takeover, bits, note)
                expect("what Chromium shows", extensions, server.header("Sec-WebSocket-Extensions"))

            with check(f"Python's websockets and our server, {how}") as note, our_server(takeover, bits) as tap:
                python_client(takeover, bits, tap.port)
                judge(tap, takeover, bits, note)

            with check(f"our client and Python's websockets, {how}") as note, python_server(takeover, bits) as port:
                judge_our_client(port, takeover, bits, note)

            with check(f"Node's ws and our server, {how}") as note, our_server(takeover, bits) as tap:
                node_client(node, takeover, bits, tap.port)
                judge(tap, takeover, bits, note)

            with check(f"our client and Node's ws, {how}") as note, node_server(node) as port:
                judge_our_client(port, takeover, bits, note)


main(test)
