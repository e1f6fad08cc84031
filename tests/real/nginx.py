"""nginx in front of the server: what it cuts, what a heartbeat keeps alive, and what both ends say of it."""

import collections
import concurrent.futures
import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))

from echo import NO_HEARTBEAT, EchoClient, EchoServer
from harness import WAIT, Process, Skip, example, expect, main, wait_for

READ_TIMEOUT = 10  # seconds; nginx has 60 by default
SILENCE = 30  # seconds through which a heartbeat must carry
HEARTBEAT = ("--heartbeat", "3")
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")

CONFIG = """
daemon off;
worker_processes 2;
{user}
pid nginx.pid;
events {{}}
http {{
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {{
    listen 127.0.0.1:{port};
    proxy_read_timeout {timeout}s;
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection upgrade;
    {locations}
  }}
}}
"""
# What a location needs, in place of the settings above, to lose the upgrade.
LOSES_FIELDS = "proxy_set_header Host $host;"
AS_BY_DEFAULT = f"proxy_http_version 1.0; {LOSES_FIELDS}"

# What the ends may say, word by word: it must not claim more than they can know.
SECONDS = r"(\d+\.\d) s"
OPEN = rf"the connection was open for {SECONDS}"
IDLE = (
    rf"1006 abnormal closure: the stream ended without a Close frame after {SECONDS} in which nothing was received or sent; "
    rf"{OPEN}; heartbeat was {{}}\. Consistent with an idle timeout of a proxy \(nginx proxy_read_timeout: 60 s by default\), and "
    rf"with a process that ended\. {{}} {SECONDS}\."
)
IDLE_OFF = IDLE.format("off", "Turn on a heartbeat shorter than")
IDLE_ON = IDLE.format(r"on, every 25\.0 s", "Set the heartbeat below")
ENDED = (
    rf"1006 abnormal closure: the stream ended without a Close frame, {SECONDS} after the last byte received and {SECONDS} after "
    rf"the last byte sent; {OPEN}\. Consistent with a process that ended, and with code that closes the transport without a "
    r"Close frame\. Look into the log of the other side\."
)
CLEAN = rf"1000 normal closure: .* closed first, .*; {OPEN}\."
NO_UPGRADE = (
    r"1006 abnormal closure: the opening handshake failed: {}; HTTP status {} was the answer\. Consistent with a proxy that {} "
    r"\(nginx: .*proxy_http_version 1\.1.*"
)

Ends = collections.namedtuple("Ends", "server client")
KILLED = ABSENT = None  # in place of what a server says


def both_say(pattern, about):
    """A verdict: both ends, as far as they are there, say this, and each number of seconds is about the given one."""

    def judge(ends):
        for side, said in ends._asdict().items():
            if said is None:
                continue
            match = re.fullmatch(pattern, said)
            assert match, f"the {side} says: {said}"
            for seconds in map(float, match.groups()):
                assert about - 0.6 <= seconds <= about + 3, f"the {side} says {seconds} s, not about {about} s: {said}"

    return judge


def refusal(status, server=None):
    """A verdict: the client says this status, and the server this."""

    def judge(ends):
        expect("what the client says", ends.client, f"the server answered {status}")
        assert server is None or re.fullmatch(server, ends.server), f"the server says: {ends.server}"

    return judge


class Nginx(Process):
    """nginx with a location for each of `{name: (port, settings)}`."""

    def __init__(self, servers):
        locations = "\n".join(
            f"location /{name} {{ {settings} proxy_pass http://127.0.0.1:{port}; }}"
            for name, (port, settings) in servers.items()
        )
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="nginx-"))
        try:
            # A port that was free a moment ago is seldom taken.
            while not self._start(locations):
                assert "Address already in use" in self._log(), f"nginx does not start: {self._log()}"
        except BaseException:
            shutil.rmtree(self.home)
            raise

    def _start(self, locations):
        """Whether it listens, on a port that was free before."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        user = "user root;" if os.geteuid() == 0 else ""
        config = CONFIG.format(port=self._port, user=user, timeout=READ_TIMEOUT, locations=locations)
        (self.home / "nginx.conf").write_text(config)
        (self.home / "error.log").write_text("")
        command = [NGINX, "-p", str(self.home), "-c", "nginx.conf", "-e", "error.log"]
        # In a group of its own, to which its workers belong.
        super().__init__(command, stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            wait_for("nginx", lambda: self._process.poll() is not None or (self.home / "nginx.pid").exists())
        except BaseException:
            self.kill_group()
            raise
        return self._process.poll() is None

    def _log(self):
        return (self.home / "error.log").read_text()

    def url(self, name):
        return f"ws://127.0.0.1:{self._port}/{name}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill_group()
        shutil.rmtree(self.home)


def cut(url, server, *options):
    """A connection that is used once, and then ends by itself."""
    with EchoClient(url, *options) as client:
        client.echo("hello")
        told = client.ending(READ_TIMEOUT + WAIT)
        return Ends(server.ending(), told)


def killed(url, kill, server, seconds, *options):
    """A connection that is used once, until its server or what is between is killed after so many seconds."""
    with EchoClient(url, *options) as client:
        client.echo("hello")
        client.stay_open(seconds)
        kill()
        told = client.ending()
        return Ends(server.ending() if server else KILLED, told)


def kept(url, server, *options):
    """A connection that is used, then not for long, then again, and then closed."""
    with EchoClient(url, *options) as client:
        client.echo("hello")
        client.stay_open(SILENCE)
        client.echo("still there")
        client.close()
        told = client.ending()
        return Ends(server.ending(), told)


def refused(url, server):
    """A handshake that fails."""
    with EchoClient(url) as client:
        told = client.wait_for_output(r"(?m)^error: (.*)\n")
        return Ends(server.ending() if server else ABSENT, told)


def scenarios(start):
    """What is to happen, what makes it happen, and how what the ends say of it is judged."""
    servers = {}

    def proxied(name, *options, settings=""):
        server = start(EchoServer, *options)
        servers[name] = (server.port, settings)
        return server

    off, late, victim = proxied("off", *NO_HEARTBEAT), proxied("late"), proxied("victim", *NO_HEARTBEAT)
    pings, answers = proxied("pings", *HEARTBEAT), proxied("answers", *NO_HEARTBEAT)
    # Its own Pings are not due as long as this lasts.
    by_text = proxied("by-text", "--heartbeat", "3600", "--text-heartbeat", "answer")
    old, no_fields = proxied("old", settings=AS_BY_DEFAULT), proxied("no-fields", settings=LOSES_FIELDS)
    with socket.create_server(("127.0.0.1", 0)) as free:
        servers["nobody"] = (free.getsockname()[1], "")
    url = start(Nginx, servers).url
    early, later, survivor = start(EchoServer), start(EchoServer), start(EchoServer, *NO_HEARTBEAT)
    doomed = start(Nginx, {"": (survivor.port, "")})

    return [
        ("nginx cuts after 10 s of silence, without a heartbeat",
         (cut, url("off"), off, *NO_HEARTBEAT), both_say(IDLE_OFF, READ_TIMEOUT)),
        ("nginx cuts after 10 s of silence, before a heartbeat of 25 s",
         (cut, url("late"), late), both_say(IDLE_ON, READ_TIMEOUT)),
        ("the server is killed after 1 s",
         (killed, early.url, early.kill, None, 1, *NO_HEARTBEAT), both_say(ENDED, 1)),
        ("the server is killed after 10 s of silence, without a heartbeat",
         (killed, later.url, later.kill, None, 10, *NO_HEARTBEAT), both_say(IDLE_OFF, 10)),
        ("the server behind nginx is killed after 1 s",
         (killed, url("victim"), victim.kill, None, 1, *NO_HEARTBEAT), both_say(ENDED, 1)),
        ("nginx is killed after 1 s",
         (killed, doomed.url(""), doomed.kill_group, survivor, 1, *NO_HEARTBEAT), both_say(ENDED, 1)),
        ("30 s of silence, the server pings every 3 s",
         (kept, url("pings"), pings, *NO_HEARTBEAT), both_say(CLEAN, SILENCE)),
        ("30 s of silence, the client pings every 3 s",
         (kept, url("answers"), answers, *HEARTBEAT), both_say(CLEAN, SILENCE)),
        ("30 s of silence, the client sends the text \"ping\" every 3 s",
         (kept, url("by-text"), by_text, *HEARTBEAT, "--text-heartbeat", "send"), both_say(CLEAN, SILENCE)),
        ("nginx speaks HTTP/1.0 to the server, as it does by default",
         (refused, url("old"), old), refusal(505, NO_UPGRADE.format(r"the handshake is not HTTP/1\.1", 505, r"speaks HTTP/1\.0"))),
        ("nginx does not pass Upgrade and Connection on",
         (refused, url("no-fields"), no_fields),
         refusal(426, NO_UPGRADE.format("there is no `Upgrade: websocket`", 426, "does not pass the upgrade on"))),
        ("nobody is behind nginx",
         (refused, url("nobody"), ABSENT), refusal(502)),
    ]  # fmt: skip


def test(check):
    if NGINX is None:
        raise Skip("nginx not found")
    for name in ("echo_server", "echo_client"):
        example(name)
    with contextlib.ExitStack() as stack:
        # It ends last: what it waits for has ended then.
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(20))
        begun = [
            (name, pool.submit(*call), verdict)
            for name, call, verdict in scenarios(lambda kind, *arguments: stack.enter_context(kind(*arguments)))
        ]
        for name, future, verdict in begun:
            print(f"# {name}")
            with check(f"{name}: that is what both ends say"):
                ends = future.result()
                for side, said in ends._asdict().items():
                    print(f"#   {side}: {said or 'not there to say it'}")
                verdict(ends)


main(test)
