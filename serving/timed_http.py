"""HTTP connections whose requests end in time, however slowly a server drips its answer.

The time-out of Python's sockets is that of a single operation; each byte that comes in time starts
it again.
"""

import http.client
import io
import socket
import time


class TimedConnection(http.client.HTTPConnection):
    """An HTTP connection that raises `TimeoutError` once a request's seconds are over.

    Only the system's look-up of the host's address is not timed.
    """

    def start_clock(self, seconds):
        """Gives the next request `seconds`; to be called before each one."""
        self._end = time.monotonic() + seconds

    def seconds_left(self):
        """Returns the seconds that are left; raises `TimeoutError` if there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def connect(self):
        self._create_connection = self._connect_in_time
        super().connect()
        self.sock = _TimedSocket(self.sock, self.seconds_left)

    def _connect_in_time(self, address, *_):
        for family, kind, protocol, _, place in socket.getaddrinfo(*address, 0, socket.SOCK_STREAM):
            connected = socket.socket(family, kind, protocol)
            try:
                connected.settimeout(self.seconds_left())
                connected.connect(place)
                return connected
            except OSError as error:
                connected.close()
                reason = error
        raise reason


class TimedTLSConnection(TimedConnection, http.client.HTTPSConnection):
    """The same with TLS."""


class _TimedSocket:
    """What http.client needs of a socket."""

    def __init__(self, connected, seconds_left):
        self._socket = connected
        self._seconds_left = seconds_left

    def sendall(self, data):
        self._socket.settimeout(self._seconds_left())  # sendall's time-out is that of all data
        self._socket.sendall(data)

    def makefile(self, _):
        return io.BufferedReader(_TimedReader(self._socket, self._seconds_left))

    def close(self):
        self._socket.close()


class _TimedReader(io.RawIOBase):
    def __init__(self, connected, seconds_left):
        self._socket = connected
        self._file = connected.makefile("rb", buffering=0)
        self._seconds_left = seconds_left

    def readable(self):
        return True

    def readinto(self, buffer):
        self._socket.settimeout(self._seconds_left())
        return self._file.readinto(buffer)

    def close(self):
        self._file.close()
        super().close()
