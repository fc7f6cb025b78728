"""What the drivers of the two Python clients share: the line to the test, and
the connection's tap.

The test writes commands to standard input and reads observations from standard
output, one JSON object a line. The clients themselves are as they were
published: all that is put in their way is `websocket.create_connection`, so
that they come to the test's server instead of euphoria.io, and so that every
packet is told before they see it.

Import this before a client.
"""

import json
import os
import select
import threading
import traceback

import websocket

HOME = "wss://euphoria.io"

# Clients print; what they print is no observation, and goes to the log.
_observations = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)


def tell(**observation):
    _observations.write(json.dumps(observation) + "\n")


def tell_failure(*_):
    tell(failed=traceback.format_exc())


class Line:
    """Carries out commands, one at a time, on the thread that waits for packets:
    these clients expect to be used from inside of their own loop."""

    def __init__(self, commands):
        self._commands = commands
        self._read = b""
        self._thread = None

    def is_busy(self):
        """Whether this thread is in the middle of a command."""
        return self._thread == threading.get_ident()

    def carry_out(self):
        command = self._next()
        self._thread = threading.get_ident()
        try:
            self._commands[command.pop("do")](**command)
        except BaseException:
            tell_failure()
        finally:
            self._thread = None
        tell(done=True)

    def _next(self):
        while b"\n" not in self._read:
            more = os.read(0, 65536)
            if not more:
                os._exit(0)  # the test is over
            self._read += more
        line, self._read = self._read.split(b"\n", 1)
        return json.loads(line)


def tap(line, moved, base):
    """Leads `websocket.create_connection` to `base`. `moved()` makes what is
    raised where a client still reads from a connection that a command has
    replaced."""

    class Tap(websocket.WebSocket):
        def recv(self):
            while not line.is_busy():
                ready = select.select([self.sock, 0], [], [])[0]
                if self.sock in ready:
                    break
                line.carry_out()
                if not self.connected:
                    raise moved()
            try:
                text = super().recv()
            except Exception as error:
                tell(closed=repr(error))
                raise
            if text:
                tell(heard=json.loads(text))
            else:
                tell(closed="a close frame")
            return text

    connect = websocket.create_connection

    def create_connection(url, **options):
        assert url.startswith(HOME), url
        tell(opened=True)
        return connect(base.replace("http", "ws", 1) + url[len(HOME) :], class_=Tap, **options)

    websocket.create_connection = create_connection
