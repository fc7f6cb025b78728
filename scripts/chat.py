"""A client of heim's socket protocol that uploads: a WebSocket (RFC 6455) as far as a room
needs one, and the handles by which files are uploaded."""

import base64
import http.client
import json
import os
import socket
import struct
import time
from urllib.parse import urlsplit

ANSWER_SECONDS = 60
# What a server says that takes nothing at this moment.
PASSING = (503, 507)
TRIES = 30
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
FINAL = ("ready", "failed")


class Hangup(Exception):
    """The server has closed the socket."""


class WebSocket:
    def __init__(self, base, path):
        url = urlsplit(base)
        self.socket = socket.create_connection((url.hostname, url.port), timeout=ANSWER_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((
            f"GET {path} HTTP/1.1\r\nHost: {url.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode())
        self.stream = self.socket.makefile("rb")
        status = self.stream.readline().decode().strip()
        if " 101 " not in f"{status} ":
            raise Hangup(f"{path}: {status}")
        while self.stream.readline().strip():
            pass

    def send(self, content, kind=TEXT):
        mask = os.urandom(4)
        size = len(content)
        head = bytes([0x80 | kind])
        if size < 126:
            head += bytes([0x80 | size])
        elif size < 1 << 16:
            head += struct.pack(">BH", 0x80 | 126, size)
        else:
            head += struct.pack(">BQ", 0x80 | 127, size)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(content))
        self.socket.sendall(head + mask + masked)

    def receive(self):
        """The next text. Pings are answered on the way."""
        text = b""
        while True:
            head = self.read(2)
            kind, size = head[0] & 15, head[1] & 127
            if size >= 126:
                size = int.from_bytes(self.read(2 if size == 126 else 8), "big")
            content = self.read(size)
            if kind == CLOSE:
                raise Hangup(f"closed: {content[2:].decode(errors='replace')}")
            if kind == PING:
                self.send(content, PONG)
            elif kind < CLOSE:
                text += content
                if head[0] & 0x80:
                    return text.decode()

    def read(self, size):
        content = self.stream.read(size)
        if len(content) < size:
            raise Hangup("cut")
        return content

    def close(self):
        self.socket.close()


class Agent:
    """One session in a room, which has read its snapshot."""

    def __init__(self, base, room, nick, passcode=None):
        self.socket = WebSocket(base, f"/room/{room}/ws?h=1&media=1")
        self.asked = 0
        # What each of its media objects is by now, and how long it waited for that.
        self.states = {}
        if passcode is not None:
            self.wait(lambda packet: packet["type"] == "bounce-event")
            if not self.ask("auth", {"type": "passcode", "passcode": passcode})["success"]:
                raise Hangup(f"{room}: the passcode is another one")
        else:
            self.wait(lambda packet: packet["type"] == "snapshot-event")
        self.ask("nick", {"name": nick})

    def wait(self, is_it):
        while True:
            packet = json.loads(self.socket.receive())
            data = packet.get("data") or {}
            if packet["type"] == "ping-event":
                self.send("ping-reply", {"time": data["time"]})
            if packet["type"] == "media-upload-event" and data["media_id"] in self.states:
                self.states[data["media_id"]] = data["state"]
            if is_it(packet):
                return packet

    def send(self, command, data, **more):
        self.socket.send(json.dumps({"type": command, "data": data, **more}).encode())

    def ask(self, command, data):
        self.asked += 1
        name = f"a{self.asked}"
        self.send(command, data, id=name)
        reply = self.wait(lambda packet: packet.get("id") == name)
        if reply.get("error"):
            raise Hangup(f"{command}: {reply['error']}")
        return reply["data"]

    def share(self, files):
        """Says something that shows these files, then uploads them: 16 at the most."""
        handles = [self.ask("media-upload", {}) for _ in files]
        self.states.update({handle["id"]: "created" for handle in handles})
        self.ask("send", {"content": "look", "attachments": [handle["id"] for handle in handles]})
        for handle, file in zip(handles, files):
            upload(handle, file.read_bytes())
            yield handle["id"]

    def wait_until_ended(self):
        """Until all that it has uploaded is ready or has failed, as it was told."""
        while not all(state in FINAL for state in self.states.values()):
            self.wait(lambda packet: packet["type"] == "media-upload-event")


def upload(handle, content):
    url = urlsplit(handle["url"])
    headers = {name: values[0] for name, values in handle["headers"].items()}
    for _ in range(TRIES):
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=ANSWER_SECONDS)
        try:
            connection.request(handle["method"], url.path + (f"?{url.query}" if url.query else ""), content, headers)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status == 201:
            return
        if answer.status not in PASSING:
            raise Hangup(f"{handle['id']}: {answer.status} {body.decode(errors='replace')}")
        time.sleep(int(answer.headers.get("Retry-After", 1)))
    raise Hangup(f"{handle['id']} was refused {TRIES} times")
