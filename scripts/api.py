"""A program that uses /api/v1, by curl, from here or from another machine's shell."""

import contextlib
import json
import re
import secrets
import subprocess
import sys
import time
from pathlib import Path

from servers import START_SECONDS

TYPES = {".jpg": "image/jpeg", ".png": "image/png"}


def wait(what, look, seconds=START_SECONDS):
    """Returns what is seen, once there is something to see."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        if time.monotonic() > deadline:
            sys.exit(f"not within {seconds} s: {what}")
        time.sleep(0.1)
    return seen


def expect(so, what):
    if not so:
        raise AssertionError(what)


class Program:
    """With the right to everything: it makes the operators' token."""

    def __init__(self, pictures):
        self.token, self.pictures = secrets.token_hex(32), pictures

    def command(self, words):
        """How it is run where the program is."""
        return [*words]

    def begin(self, *words):
        """Something that goes on while others happen."""
        return subprocess.Popen(self.command(words), stdout=subprocess.PIPE, text=True)

    def says(self, *words, given=None):
        """What a command prints, whatever becomes of it."""
        return subprocess.run(self.command(words), input=given, capture_output=True, text=True, check=False).stdout.strip()

    def run(self, *words, given=None):
        ended = subprocess.run(self.command(words), input=given, capture_output=True, text=True, check=False)
        if ended.returncode:
            sys.exit(f"{' '.join(words)} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}")
        return ended.stdout.strip()

    def ready(self, port):
        """The body of `/readyz`, if that says yes."""
        with contextlib.suppress(json.JSONDecodeError):
            body = json.loads(self.says("curl", "-sS", f"http://127.0.0.1:{port}/readyz"))
            return body if body["ready"] else None

    def api(self, method, path, body=None):
        words = ["curl", "-sS", "--fail-with-body", "-X", method, "-H", f"Authorization: Bearer {self.token}"]
        if body is not None:
            words += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
        return json.loads(self.run(*words, f"http://127.0.0.1:8080/api/v1/{path}") or "null")

    def upload(self, picture, *how):
        """The media object, and its upload under way."""
        wish = {"agent": "bot:9fX19fX19fU=", "nick": "gallery", "content_type": TYPES[Path(picture).suffix]}
        handle = self.api("POST", "rooms/gallery/media", wish)
        headers = [f"-H{key}: {value}" for key, values in handle["headers"].items() for value in values]
        sent = ["--data-binary", f"@{self.pictures}/{picture}", "-o", "/dev/null", "-w", "%{http_code}"]
        return handle["id"], self.begin("curl", "-sS", "-X", "PUT", *how, *headers, *sent, handle["url"])

    def uploaded(self, picture):
        media, sending = self.upload(picture)
        expect(sending.communicate()[0] == "201", f"{picture} is accepted")
        return media

    def received(self):
        """Bytes of uploads that have come to the coordinator since it started."""
        numbers = self.run("curl", "-sS", "http://127.0.0.1:8080/metrics")
        return int(re.search(r"^heim_upload_bytes_total (\d+)", numbers, re.MULTILINE).group(1))

    def wait_until_ready(self, media):
        def state():
            found = self.api("GET", f"rooms/gallery/media/{media}")
            expect(found["state"] != "failed", f"{media}: {found}")
            return found["state"] == "ready"

        wait(f"{media} is ready", state, 4 * START_SECONDS)
