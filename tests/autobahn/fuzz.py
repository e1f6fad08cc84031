"""The fuzzing side of a run, on the Autobahn test suite (CPython 2.7):

    fuzz.py SET REPORT URL    connect to the server at URL and test it
    fuzz.py SET REPORT        listen, and test the client that connects

SET is core, deflate, sample or all; REPORT is the folder to write the report to, at
the end or on SIGTERM.

This is what the suite's own command `wstest -m fuzzingclient|fuzzingserver`
does, except that wstest listens on every interface, at a port that one has to
know beforehand, and loses all results when it is stopped early.
"""
import socket
import sys

from autobahntestsuite import choosereactor  # noqa: F401, must come first
from autobahn.websocket.utf8validator import Utf8Validator
from autobahn.websocket.xormasker import XorMaskerNull
from autobahntestsuite import fuzzing
from twisted.internet import reactor

AGENT = "websocket-proto"
CORE = ["%d.*" % section for section in (1, 2, 3, 4, 5, 6, 7, 9, 10)]
DEFLATE = ["12.*", "13.*"]
# Of each way to compress, the short messages: whole, from 16 bytes to 8 KiB, and 8 KiB in fragments of 256 bytes.
SAMPLE = ["%d.%d.%d" % (section, way, case)
          for section, ways in ((12, 5), (13, 7)) for way in range(1, ways + 1)
          for case in (1, 2, 3, 4, 5, 6, 11)]
SETS = {"core": CORE, "deflate": DEFLATE, "sample": SAMPLE, "all": CORE + DEFLATE}


class ReportOnce:
    """The report is written when the reactor stops, not wherever the suite would."""

    def createReports(self):
        pass

    def report_at_end(self):
        reactor.addSystemEventTrigger(
            "before", "shutdown", fuzzing.FuzzingFactory.createReports, self)


class Client(ReportOnce, fuzzing.FuzzingClientFactory):
    pass


class Server(ReportOnce, fuzzing.FuzzingServerFactory):
    pass


def main(cases, report, url=None):
    for fast in (Utf8Validator, XorMaskerNull):
        if not fast.__module__.startswith("wsaccel."):
            sys.exit("wsaccel is not in use (%s): the run would take far too long" % fast)

    spec = {"cases": SETS[cases], "outdir": report}
    if url:
        spec["servers"] = [{"agent": AGENT, "url": url}]
        Client(spec).report_at_end()
    else:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(50)
        listener.setblocking(False)
        spec["url"] = "ws://127.0.0.1:%d" % listener.getsockname()[1]
        factory = Server(spec)
        factory.report_at_end()
        reactor.adoptStreamPort(listener.fileno(), socket.AF_INET, factory)
        print "listening on %s" % spec["url"]
    reactor.run()


main(*sys.argv[1:])
