"""Chromium on the playground's page: what a browser makes of our server."""

import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))

from harness import Playground, expect, main, wait_for
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


def test(check):
    with Browser() as browser:
        print(f"# Chromium {browser.version}", flush=True)
        with Playground() as playground:
            if not opens(check, browser, playground.url):
                return  # nothing else can pass
            happy_path(check, browser, playground.url)
        hard_ends(check, browser)


main(test)
