"""A TCP proxy that cuts a connection once nothing has passed for a while, as proxies do."""

import contextlib
import select
import socket
import threading
import urllib.parse


class IdleProxy:
    """Forwards to the server of `url` until nothing has passed for `seconds`; its own address is in `url`."""

    def __init__(self, url, seconds):
        target = urllib.parse.urlsplit(url)
        self._target = (target.hostname, target.port)
        self._seconds = seconds
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client):
        with client, socket.create_connection(self._target) as server, contextlib.suppress(OSError):
            sinks = {client: server, server: client}
            while sinks:
                ready, _, _ = select.select(list(sinks), [], [], self._seconds)
                if not ready:
                    return
                for source in ready:
                    if data := source.recv(1 << 16):
                        sinks[source].sendall(data)
                    else:
                        sinks.pop(source).shutdown(socket.SHUT_WR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)  # closing it alone would not wake who waits
        self._listener.close()
