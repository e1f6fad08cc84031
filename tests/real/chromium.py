"""Chromium on the playground's page: what a browser makes of our server."""

import os
import pathlib
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))

from harness import Playground, expect, main, wait_for
from idle_proxy import IdleProxy
from webdriver import Browser

GREETING = "Grüße, 世界, שלום, \u0000 and 👋🏽"
CLOSE_EVENT_WITHIN = 1.5  # seconds; Chromium itself waits 2 s for the server to end the TCP connection

# Runs in the page, on a connection of its own: sends MESSAGE and tells what came back.
ECHO = """
const message = MESSAGE, done = arguments[0], ws = new WebSocket(`ws://${location.host}/ws`);
ws.binaryType = "arraybuffer";
const bytes = (data) => typeof data === "string" ? new TextEncoder().encode(data) : new Uint8Array(data);
ws.onopen = () => ws.send(message);
ws.onmessage = ({ data }) => {
  const [sent, got] = [bytes(message), bytes(data)];
  ws.onclose = () => done({ kind: typeof data, bytes: got.length, same: got.length === sent.length && got.every((b, i) => b === sent[i]) });
  ws.close(1000);
};
ws.onclose = (event) => done({ closed: event.code, reason: event.reason });
"""
RANDOM_MEBIBYTE = """(() => {
  const all = new Uint8Array(1 << 20);
  for (let at = 0; at < all.length; at += 65536) crypto.getRandomValues(all.subarray(at, at + 65536));
  return all;
})()"""
LONG_TEXT = """"aß世👋".repeat(25000)"""

FLOOD = """
const [count, done] = arguments, got = [], ws = new WebSocket(`ws://${location.host}/ws`);
ws.onopen = () => ws.send(`/flood ${count}`);
ws.onmessage = ({ data }) => { if (got.push(data) === count) ws.close(1000); };
ws.onclose = () => done({ count: got.length, wrong: got.findIndex((text, i) => text !== `flood ${i + 1}/${count}`) });
"""


# A connection without heartbeat.js, of this name for the server; it tells when it is open, or how it ended before.
PLAIN = """
const [path, name, done] = arguments, ws = window.plain = new WebSocket(`ws://${location.host}${path}?${name}`);
ws.onopen = () => done("open");
ws.onclose = ({ code, reason, wasClean }) => { window.plainEnd = { code, reason, wasClean }; done(window.plainEnd); };
"""
TOO_BIG = """
const done = arguments[0], ws = new WebSocket(`ws://${location.host}/ws`);
ws.onopen = () => ws.send(new Uint8Array((4 << 20) + 1));
ws.onclose = ({ code, reason, wasClean }) => done({ code, reason, wasClean });
"""
# Sockets of heartbeat.js beside the page's own; SCENARIO says what is done with them.
LIVE = """
const done = arguments[0];
import("/heartbeat.js").then(async ({ LiveSocket }) => {
  const told = (live, what, count = 1) => new Promise((enough) =>
    live.addEventListener(what, (event) => { if (--count === 0) enough(event); }));
  const begin = async (options) => {
    const live = new LiveSocket(`ws://${location.host}/ws`, { interval: 100, margin: 500, ...options });
    await told(live, "open");
    return live;
  };
  SCENARIO
}).catch((error) => done(String(error)));
"""
SAME_TEXTS = LIVE.replace("SCENARIO", """
  const live = await begin({ ping: "same", pong: "same" }), { socket } = live;
  let sent = 0;
  socket.send = (data) => { sent += 1; WebSocket.prototype.send.call(socket, data); };
  await told(live, "beat", 3);
  live.close(1000);
  done(sent);
""")
FROM_THE_CACHE = LIVE.replace("SCENARIO", """
  const live = await begin(), closed = await begin(), ended = await begin();
  closed.close(1000);
  ended.socket.send("/close 3000");
  await Promise.all([told(closed, "close"), told(ended, "close")]);
  const before = [live, closed, ended].map(({ socket }) => socket);
  dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
  const back = told(live, "open");
  dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
  await back;
  done([live, closed, ended].map(({ socket }, i) => socket !== before[i]));
  live.close(1000);
""")
OPENED_AGAIN = LIVE.replace("SCENARIO", """
  const live = await begin(), again = told(live, "open");
  live.close(1000);
  live.open();
  await again;
  done(live.socket.readyState);
  live.close(1000);
""")
LATE_TIMERS = LIVE.replace("SCENARIO", """
  const { setTimeout } = window;
  window.setTimeout = (act, ms) => setTimeout(act, ms + 1200); // as in a page that nobody looks at
  const live = await begin({ reconnect: false });
  live.socket.send("/silent");
  const { code, reason } = await told(live, "close");
  Object.assign(window, { setTimeout });
  done([code, reason]);
""")
NO_INTERVALS = LIVE.replace("SCENARIO", """
  const refused = (interval) => { try { new LiveSocket("/ws", { interval }); } catch (error) { return error.name; } };
  done([NaN, 0, Infinity, "x"].map(refused));
""")


class Page:
    """The playground's page, by the ids of its elements."""

    def __init__(self, browser):
        self.browser = browser
        self.click = browser.click
        self.fill = browser.fill

    def __getitem__(self, element_id):
        return self.browser.run("return document.getElementById(arguments[0]).textContent", element_id)

    def __setitem__(self, element_id, value):
        self.fill(element_id, str(value))

    def wait(self, **wanted):
        """Waits until elements (an id's `-` is `_` here) show the wanted texts."""
        ids = [name.replace("_", "-") for name in wanted]
        shown = None

        def reached():
            nonlocal shown
            shown = [self[element_id] for element_id in ids]
            return shown == list(wanted.values())

        try:
            wait_for("", reached)
        except AssertionError:
            wrong = [f"{i} is {got!r}, not {want!r}" for i, got, want in zip(ids, shown, wanted.values()) if got != want]
            raise AssertionError("on the page " + ", ".join(wrong)) from None

    def be_open(self):
        """Has the page connected, with the round trip of its start behind it."""
        if self["state"] not in ("CONNECTING", "OPEN"):
            self.click("connect")
        self.wait(state="OPEN", ready_state="1")
        wait_for("round trip", lambda: self["round-trip"].endswith("ms") and "no echo" not in self["round-trip"])

    def ended(self, code, clean, reason="(empty)", **more):
        self.wait(state="CLOSED", ready_state="3", code=str(code), reason=reason, was_clean="true" if clean else "false", **more)
        for controls in ("send-controls", "close-controls", "server-controls"):
            disabled = self.browser.run("return document.getElementById(arguments[0]).disabled", controls)
            assert disabled, f"{controls} are enabled though the state is CLOSED"


def no_console_errors(browser):
    errors = [entry["message"] for entry in browser.console() if entry["level"] == "SEVERE"]
    assert not errors, f"console: {errors}"


def opens(check, browser, url):
    page = Page(browser)
    with check("the page opens its connection") as note:
        browser.open(url)
        page.be_open()
        note(f"round trip {page['round-trip']}")
        return True


def happy_path(check, browser, url):
    page = Page(browser)

    with check("the subprotocol is negotiated"):
        expect("protocol", page["protocol"], "playground.v1")

    with check("text comes back"):
        page["text"] = "plain ASCII"
        page.click("send-text")
        page.wait(received_kind="text", received_body="plain ASCII")

    with check("text beyond ASCII comes back"):
        page["text"] = GREETING
        page.click("send-text")
        page.wait(received_kind="text", received_body=GREETING)

    with check("empty text comes back"):
        page["text"] = ""
        page.click("send-text")
        page.wait(received_kind="text", received_size=", 0 bytes", received_body="")

    with check("all 256 byte values come back"):
        page.click("all-bytes")
        page.click("send-bytes")
        page.wait(received_kind="binary", received_size=", 256 bytes", received_body=bytes(range(256)).hex(" "))

    with check("what is not hex is not sent"):
        sent = page["sent-count"]
        page["bytes"] = "00 f"
        page.click("send-bytes")
        wait_for("error at the bytes", lambda: page["send-error"])
        expect("sent-count", page["sent-count"], sent)

    with check("1 MiB of random bytes comes back"):
        expect("the echo", browser.run_async(ECHO.replace("MESSAGE", RANDOM_MEBIBYTE)), {"kind": "object", "bytes": 1 << 20, "same": True})

    with check("long text with characters of 1 to 4 bytes comes back"):
        expect("the echo", browser.run_async(ECHO.replace("MESSAGE", LONG_TEXT)), {"kind": "string", "bytes": 250000, "same": True})

    with check("a protocol ping is answered by Chromium") as note:
        page.click("server-ping")
        wait_for("pong", lambda: page["pong"] != "–")
        note(page["pong"])

    with check("the page shows a flood of 1000, in order") as note:
        page["flood-count"] = 1000
        page.click("server-flood")
        wait_for("1000 messages in order", lambda: page["flood"].startswith("1,000 of 1,000, in order"))
        note(page["flood"].rpartition(", ")[2])

    with check("each of the 1000 is the right one"):
        expect("the flood", browser.run_async(FLOOD, 1000), {"count": 1000, "wrong": -1})

    for code in (1000, 3000, 4999):
        with check(f"the page closes with {code}") as note:
            page.be_open()
            page["close-code"] = code
            page["close-reason"] = "schönen Tag"
            page.click("close")
            page.ended(code, clean=True)  # the server echoes the code alone (RFC 6455 5.5.1), not the reason
            note(f"after {page['close-took']}")
            took, unit = page["close-took"].split()
            took = float(took) / (1000 if unit == "ms" else 1)
            assert took < CLOSE_EVENT_WITHIN, f"the server left the TCP connection open: closing took {took} s"

    with check("the page closes without a code and reads 1005"):
        page.be_open()
        page["close-code"] = ""
        page.click("close")
        page.ended(1005, clean=True)

    for code, name in ((1000, "Normal Closure"), (1001, "Going Away"), (1011, "Internal Error"), (4000, "Private Use")):
        with check(f"the server closes with {code}"):
            page.be_open()
            page["server-close-code"] = code
            page["server-close-reason"] = "as you wish, 👋"
            page.click("server-close")
            page.ended(code, clean=True, reason="as you wish, 👋", code_name=name)

    with check("the server does not send 1006"):
        page.be_open()
        page["server-close-code"] = 1006
        page.click("server-close")
        wait_for("answer error:", lambda: page["received-body"].startswith("error:"))
        expect("state", page["state"], "OPEN")

    with check("close(1001) throws in the page, and the connection stays usable"):
        page.be_open()
        page["close-code"] = 1001
        page.click("close")
        page.wait(close_error_name="InvalidAccessError", state="OPEN")
        page["text"] = "still here"
        page.click("send-text")
        page.wait(received_body="still here", state="OPEN")

    with check("without an offer no subprotocol is negotiated"):
        page["close-code"] = 1000
        page.click("close")
        page.wait(state="CLOSED")
        page.click("offer")
        page.be_open()
        expect("protocol", page["protocol"], "none")

    with check("the page, loaded again, connects again"):
        browser.open(url)
        page.be_open()

    with check("the console has no errors so far"):
        no_console_errors(browser)


def hard_ends(check, browser):
    page = Page(browser)

    with Playground() as playground:
        with check("the server drops the TCP connection: 1006"):
            browser.open(playground.url)
            page.be_open()
            page.click("server-die")
            page.ended(1006, clean=False, code_name="Abnormal Closure")

        with check("the server is still there for a new connection"):
            page.be_open()

        with check("the server process is killed: 1006"):
            playground.kill()
            page.ended(1006, clean=False)

        with check("nobody listens: the page's connection ends with 1006"):
            page.click("connect")
            wait_for("third connection", lambda: "#3" in page["log"])
            page.ended(1006, clean=False)

    with Playground() as playground:
        with check("a silent server: the page sees nothing, and its close() waits"):
            browser.open(playground.url)
            page.be_open()
            page.click("server-silent")
            page.click("measure")
            wait_for("missing echo", lambda: page["round-trip"].startswith("no echo for"))
            page["close-code"] = 1000
            page.click("close")
            page.wait(state="CLOSING", ready_state="2", code="–")

        if os.environ.get("REAL_SLOW"):
            with check("a silent server: Chromium gives up") as note:
                wait_for("close event", lambda: page["state"] == "CLOSED", 300)
                note(f"after {page['close-took']}")
                page.ended(1006, clean=False)

            with check("a silent server, again"):
                page.be_open()
                page.click("server-silent")
                page.click("close")
                page.wait(state="CLOSING")

        with check("a silent server is killed while the page is CLOSING: 1006"):
            playground.kill()
            page.ended(1006, clean=False)

    with check("the page caught every exception"):
        uncaught = [entry["message"] for entry in browser.console() if "Uncaught" in entry["message"]]
        assert not uncaught, f"console: {uncaught}"


def number_on(page, element_id):
    return int(page[element_id].replace(",", ""))


def told_by_server(url, name):
    """How the server explains the end of the connection of this name."""

    def told():
        with urllib.request.urlopen(f"{url}ending?{name}") as answer:
            return answer.read().decode() if answer.status == 200 else None

    return wait_for("account of the server", told).splitlines()[0]


def heartbeat(check, browser, url):
    """The text heartbeat of heartbeat.js."""
    page = Page(browser)

    with check("the page's heartbeat is answered and timed, and no message to anybody") as note:
        browser.open(url + "?interval=200")
        page.be_open()
        sent, received = page["sent-count"], page["received-count"]
        wait_for("five beats", lambda: number_on(page, "beats") >= 5)
        assert page["beat"].endswith(" ms"), page["beat"]
        expect("sent and received messages", (page["sent-count"], page["received-count"]), (sent, received))
        note(f"round trip {page['beat']}")

    with IdleProxy(url, 1.5) as proxy:
        with check("through a proxy that cuts silence of 1.5 s, a plain connection ends with 1006") as note:
            browser.open(proxy.url + "?interval=400")
            expect("plain", browser.run_async(PLAIN, "/ws", "cut"), "open")
            end = wait_for("end of it", lambda: browser.run("return window.plainEnd"))
            expect("its end", end, {"code": 1006, "reason": "", "wasClean": False})
            line = told_by_server(url, "cut")
            assert line.startswith("1006 abnormal closure: the stream ended without a Close frame"), line
            note(line)

        with check("and the one with the heartbeat lives on"):
            page.be_open()
            time.sleep(4)  # silence but for the heartbeat: this is what is to be survived
            expect("state", page["state"], "OPEN")
            assert number_on(page, "beats") >= 8, page["beats"]

    with check("a silent server is found out by the page: 1006") as note:
        browser.open(url + "?interval=300")
        page.be_open()
        page.click("server-silent")
        silent_since = time.monotonic()
        page.ended(1006, clean=False, reason="no sign of life")
        note(f"after {time.monotonic() - silent_since:.1f} s")

    with check("where both texts are the same, an answer is not answered"):
        browser.open(url)
        expect("sent for three beats", browser.run_async(SAME_TEXTS), 3)

    with check("timers that are always late find out a silent server, too"):
        expect("the end", browser.run_async(LATE_TIMERS), [1006, "no sign of life"])

    with check("open() after close() opens at once"):
        expect("readyState", browser.run_async(OPENED_AGAIN), 1)

    with check("intervals that are none are refused"):
        expect("errors", browser.run_async(NO_INTERVALS), ["RangeError"] * 4)
        browser.open(url + "?interval=x")
        page.be_open()

    with check("a page from the browser's cache opens what it closed when it was left, and nothing else"):
        expect("new sockets", browser.run_async(FROM_THE_CACHE), [True, False, False])


def ways_to_end(check, browser, url):
    """What the page sees, or where it is gone, the server."""
    page = Page(browser)
    browser.open(url)

    for code, what in ((1001, "the server shuts down"), (1008, "the server objects")):
        with check(f"{what}: {code}, and the page shows the server's account") as note:
            page.be_open()
            page["server-close-code"] = code
            page["server-close-reason"] = "so it is"
            page.click("server-close")
            page.ended(code, clean=True, reason="so it is")
            name = "going away" if code == 1001 else "policy violation"
            wanted = f"{code} {name}: this side closed first"
            wait_for("account", lambda: page["explanation"].startswith(wanted))
            note(page["explanation"])

    with check("a refused handshake: 1006"):
        end = browser.run_async(PLAIN, "/nowhere", "refused")
        expect("the end", end, {"code": 1006, "reason": "", "wasClean": False})

    with check("the server breaks the protocol: 1006"):
        page.be_open()
        page.click("server-violate")
        page.ended(1006, clean=False)

    with check("a message that is too big: 1009"):
        end = browser.run_async(TOO_BIG)
        expect("the end", end, {"code": 1009, "reason": f"a message is larger than {4 << 20} bytes", "wasClean": True})

    browser.open(url)  # so that its back-off begins anew
    page.be_open()
    page.click("again")
    for button, code, clean in (("server-restart", "1012 Service Restart", "true"), ("server-kill", "1006 Abnormal Closure", "false")):
        with check(f"{button}: {code}, and the page connects again, one attempt at a time") as note:
            begun, opened, ended = [page["log"].count(what) for what in ("connecting to", "open, protocol", "closed: ")]
            page.click(button)
            wait_for("new connection", lambda: page["log"].count("open, protocol") > opened)
            log = page["log"]  # newest first
            more = [log.count("connecting to") - begun, log.count("closed: ") - ended]
            assert more[0] == more[1] >= 1, f"{more[0]} attempts after {more[1]} endings"
            first = log.split("closed: ")[-1 - ended]
            assert first.startswith(code) and f"wasClean {clean}" in first, first
            note(f"attempt {more[0]} succeeded")
    page.click("again")

    with check("navigation, with heartbeat.js: the server sees 1000") as note:
        page.be_open()
        name = browser.run("return document.body.dataset.connection")
        browser.open("about:blank")
        line = told_by_server(url, name)
        assert line.startswith('1000 normal closure: the client closed first, saying "page left"'), line
        note(line)

    with check("navigation, from a plain page: the server sees 1001") as note:
        browser.open(url)
        expect("plain", browser.run_async(PLAIN, "/ws", "navigation"), "open")
        browser.open("about:blank")
        line = told_by_server(url, "navigation")
        assert line.startswith("1001 going away: the client closed first"), line
        note(line)

    def both_open():
        browser.open(url)
        page.be_open()
        expect("plain", browser.run_async(PLAIN, "/ws", "tab"), "open")
        return browser.run("return document.body.dataset.connection")

    with check("a closed tab: the server sees 1000 from heartbeat.js and 1001 from a plain connection") as note:
        name = browser.in_new_tab(both_open)
        lines = [told_by_server(url, name), told_by_server(url, "tab")]
        assert lines[0].startswith('1000 normal closure: the client closed first, saying "page left"'), lines[0]
        assert lines[1].startswith("1001 going away: the client closed first"), lines[1]


def test(check):
    with Browser() as browser:
        print(f"# Chromium {browser.version}", flush=True)
        with Playground() as playground:
            if not opens(check, browser, playground.url):
                return  # nothing else can pass
            happy_path(check, browser, playground.url)
            heartbeat(check, browser, playground.url)
            ways_to_end(check, browser, playground.url)
        hard_ends(check, browser)


main(test)
