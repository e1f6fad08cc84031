#!/usr/bin/env python3
"""Brings TCP connections to the freestanding program: bridge.py [PORT [PROGRAM]]

Listens on 127.0.0.1, on a free port if PORT is 0 or missing, and starts PROGRAM for each connection, with the connection as
its standard input and output. When one has ended, a line says how. PROGRAM is by default what `cargo build --release` made.
"""

import os
import pathlib
import socket
import subprocess
import sys
import threading

one_at_a_time = threading.Lock()  # a line of print can be torn by another thread's
HERE = pathlib.Path(__file__).resolve().parent


def serve(connection, peer, program):
    with connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        child = subprocess.Popen([program], stdin=connection, stdout=connection, stderr=subprocess.PIPE)
    # Only the child has the connection now, so its end is the connection's end.
    _, said = child.communicate()
    with one_at_a_time:
        print(f"{peer[0]}:{peer[1]}: exit status {child.returncode}: {said.decode(errors='replace').strip()}", flush=True)


def main():
    if len(sys.argv) > 3:
        sys.exit(__doc__)
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    target = os.environ.get("CARGO_TARGET_DIR") or HERE / "target"
    program = sys.argv[2] if len(sys.argv) > 2 else os.path.join(target, "release", "freestanding")
    if not os.access(program, os.X_OK):
        sys.exit(f"bridge.py: no program {program}; `cargo build --release` makes it")
    with socket.create_server(("127.0.0.1", port)) as listener:
        print(f"listening on ws://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            connection, peer = listener.accept()
            threading.Thread(target=serve, args=(connection, peer, program), daemon=True).start()


try:
    main()
except KeyboardInterrupt:
    pass
