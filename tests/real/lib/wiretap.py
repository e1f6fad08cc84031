"""A TCP connection listened in on: what went over it, taken apart into WebSocket frames."""

import contextlib
import socket
import threading

from harness import WAIT


class Frame:
    def __init__(self, first, payload):
        self.fin, self.rsv1, self.opcode = bool(first & 0x80), bool(first & 0x40), first & 0x0F
        self.payload = payload

    def __repr__(self):
        return f"<{'' if self.fin else 'un'}finished, RSV1 {int(self.rsv1)}, opcode {self.opcode}, {len(self.payload)} bytes>"


class Wire:
    """What one side said: its HTTP head, and its frames."""

    def __init__(self, data):
        head, end, data = bytes(data).partition(b"\r\n\r\n")
        assert end, f"no whole head in {head!r}"
        self.head, self.frames = head.decode("latin-1"), []
        while data:
            size, at = data[1] & 0x7F, 2
            if size >= 126:
                wide = 2 if size == 126 else 8
                size, at = int.from_bytes(data[2 : 2 + wide], "big"), 2 + wide
            if data[1] & 0x80:
                at += 4
            assert len(data) >= at + size, "a frame is cut off"
            self.frames.append(Frame(data[0], data[at : at + size]))
            data = data[at + size :]

    def header(self, name):
        lines = [line.partition(":") for line in self.head.split("\r\n")[1:]]
        return ", ".join(value.strip() for found, _, value in lines if found.lower() == name.lower())

    def messages(self):
        """The frames of each message, control frames left out."""
        messages = []
        for frame in (frame for frame in self.frames if frame.opcode < 8):
            if frame.opcode:
                messages.append([])
            messages[-1].append(frame)
        return messages


class Wiretap:
    """Listens on a port of the kernel's choice and passes one connection on to `address`."""

    def __init__(self, address):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._address = address
        self.port = self._listener.getsockname()[1]
        self._said = [bytearray(), bytearray()]
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def _carry(self):
        with contextlib.suppress(OSError):
            self._listener.settimeout(2 * WAIT)
            client, _ = self._listener.accept()
            with client, socket.create_connection(self._address, WAIT) as server:
                ways = [(client, server, self._said[0]), (server, client, self._said[1])]
                threads = [threading.Thread(target=self._pass_on, args=way, daemon=True) for way in ways]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()

    @staticmethod
    def _pass_on(source, target, said):
        source.settimeout(2 * WAIT)
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                said += data
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def heard(self):
        """What the client said and what the server said, once both have ended."""
        self._thread.join(2 * WAIT)
        assert not self._thread.is_alive(), "the connection does not end"
        return Wire(self._said[0]), Wire(self._said[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()
