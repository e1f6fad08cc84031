"""A browser, driven through ChromeDriver with nothing but the standard library.

ChromeDriver speaks the W3C WebDriver protocol: JSON over plain HTTP.
"""

import base64
import http.client
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

from harness import WAIT, Process, Skip

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # fixed by the WebDriver standard

CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",  # Chromium has no sandbox for root; it sees nothing but our own page
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,1400",
]


class DriverError(Exception):
    """What ChromeDriver answered when it refused a command."""


def find(variable, *names):
    """The program named by an environment variable, or the first one on PATH."""
    wanted = os.environ.get(variable)
    for name in [wanted] if wanted else names:
        path = shutil.which(name)
        if path:
            return path
    raise Skip(f"{' or '.join([wanted] if wanted else names)} not found (${variable} may name it)")


class Browser:
    """One Chromium with one window; leave it with `with`, or call `close`."""

    def __init__(self):
        chromium = find("CHROMIUM", "chromium", "chromium-browser", "google-chrome")
        chromedriver = find("CHROMEDRIVER", "chromedriver")
        self._session = None
        self._profile = tempfile.mkdtemp(prefix="chromium-profile-")
        self._driver = Process([chromedriver, "--port=0"], stderr=subprocess.STDOUT, start_new_session=True)
        try:
            self._port = int(self._driver.wait_for_output(r"started successfully on port (\d+)"))
            options = {
                "binary": chromium,
                "args": [*CHROMIUM_FLAGS, f"--user-data-dir={self._profile}"],
            }
            wanted = {
                "browserName": "chrome",
                "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "ALL"},
                "timeouts": {"script": int(WAIT * 1000), "pageLoad": int(WAIT * 1000)},
            }
            answer = self._http("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self._session = answer["sessionId"]
            self.version = answer["capabilities"]["browserVersion"]
        except BaseException:
            self.close()
            raise

    def _http(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=2 * WAIT)
        try:
            data = json.dumps({} if body is None else body) if method == "POST" else None
            connection.request(method, path, data, {"Content-Type": "application/json"})
            value = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(value, dict) and "error" in value:
            raise DriverError(f"{value['error']}: {value['message'].splitlines()[0]}")
        return value

    def _command(self, method, path, body=None):
        return self._http(method, f"/session/{self._session}{path}", body)

    def open(self, url):
        self._command("POST", "/url", {"url": url})

    def run(self, script, *args):
        """The value that `script`, the body of a function, returns."""
        return self._command("POST", "/execute/sync", {"script": script, "args": args})

    def run_async(self, script, *args):
        """The value that `script` hands to the function in its last argument."""
        return self._command("POST", "/execute/async", {"script": script, "args": args})

    def _element(self, element_id):
        found = self._command("POST", "/element", {"using": "css selector", "value": f"#{element_id}"})
        return f"/element/{found[ELEMENT]}"

    def click(self, element_id):
        # To the middle first: a sticky bar may cover what is only just in view.
        self.run("document.getElementById(arguments[0]).scrollIntoView({ block: 'center' });", element_id)
        self._command("POST", self._element(element_id) + "/click")

    def fill(self, element_id, text):
        """Sets an input's contents; by script, as ChromeDriver types no characters beyond U+FFFF."""
        self.run("document.getElementById(arguments[0]).value = arguments[1];", element_id, text)

    def cdp(self, name, **parameters):
        return self._command("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def in_new_tab(self, act):
        """Opens a tab, has `act()` done in it, closes it, and comes back."""
        before = self._command("GET", "/window")
        tab = self._command("POST", "/window/new", {"type": "tab"})["handle"]
        self._command("POST", "/window", {"handle": tab})
        try:
            return act()
        finally:
            self._command("DELETE", "/window")
            self._command("POST", "/window", {"handle": before})

    def console(self):
        """What the console got since the last call: dicts with `level` and `message`."""
        return self._command("POST", "/se/log", {"type": "browser"})

    def screenshot(self, path):
        pathlib.Path(path).write_bytes(base64.b64decode(self._command("GET", "/screenshot")))

    def close(self):
        """Ends the browser and its driver, whatever state they are in."""
        if self._session:
            try:
                self._command("DELETE", "")
            except (DriverError, OSError, ValueError, http.client.HTTPException):
                pass
        self._driver.kill_group()  # the browser's processes, too, are in the driver's group
        shutil.rmtree(self._profile, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
