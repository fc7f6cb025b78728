"""An operator for scripts: at the dashboard, at the shell, and at the database behind
the back of both."""

import json
import os
import re
import shlex
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request

ANSWER_SECONDS = 30


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Dashboard:
    """Somebody who has logged in."""

    def __init__(self, base, token):
        self.base, self.cookie = base, ""
        self.opener = urllib.request.build_opener(NoRedirect)
        self.cookie = self.send("/ops/login", {"token": token}).headers["Set-Cookie"].split(";")[0]

    def page(self, path):
        request = urllib.request.Request(self.base + path, headers={"Cookie": self.cookie})
        with self.opener.open(request, timeout=ANSWER_SECONDS) as answer:
            return answer.read().decode()

    def send(self, path, fields):
        headers = {"Origin": self.base, "Cookie": self.cookie}
        form = urllib.parse.urlencode(fields).encode()
        request = urllib.request.Request(self.base + path, form, headers)
        try:
            answer = self.opener.open(request, timeout=ANSWER_SECONDS)
        except urllib.error.HTTPError as error:
            answer = error
        # What was done leads back to a page.
        if answer.status != 303 or answer.headers["Location"] == "/ops/login":
            raise RuntimeError(f"{path}: {answer.status} {answer.read().decode(errors='replace')}")
        return answer

    def post(self, path, fields):
        form = re.search(r'name="form" value="([^"]*)"', self.page("/ops/audit")).group(1)
        return self.send(path, {"form": form, **fields})

    def numbers(self):
        """All numbers of the overview, by their names."""
        found = re.findall(r'id="n-([a-z-]+)">(\d+)<', self.page("/ops/"))
        return {name: int(number) for name, number in found}

    def usage(self):
        """Media objects, objects and bytes, by room."""
        count = r'</td>\s*<td[^>]*>(\d+)'
        row = rf'href="/ops/jobs\?room=[^"]*">([^<]*)</a>{count}{count}</td>.*?title="(\d+) bytes"'
        found = re.findall(row, self.page("/ops/usage"), re.DOTALL)
        return {room: [int(media), int(objects), int(size)] for room, media, objects, size in found}


class Shell:
    """The environment of a coordinator, as `make demo-fleet` has left it."""

    def __init__(self, file):
        pairs = (line.split("=", 1) for line in file.read_text().splitlines())
        self.settings = {name: shlex.split(value)[0] for name, value in pairs}

    def __getitem__(self, name):
        return self.settings[f"HEIM_MEDIA__{name}"]

    def admin(self, *words, said=""):
        """`heim-coordinator admin … --json`, which reads what is said on its standard input."""
        command = ["heim-coordinator", "admin", *words, "--json"]
        environment = {**os.environ, **self.settings}
        done = subprocess.run(command, env=environment, input=said, check=True, stdout=subprocess.PIPE, text=True)
        return json.loads(done.stdout)

    def pixels(self, files):
        """Why each of these files cannot be made transcodings of, `None` where it can: by
        `heim-worker pixels`, which does it in the same children and knows no fleet."""
        with tempfile.TemporaryDirectory() as folder:
            # What it makes is named after the file alone.
            links = [os.path.join(folder, f"{number}{file.suffix}") for number, file in enumerate(files)]
            for link, file in zip(links, files):
                os.symlink(file.resolve(), link)
            report = os.path.join(folder, "report.json")
            command = ["heim-worker", "pixels", *links, "--out", os.path.join(folder, "made"), "--report", report]
            subprocess.run([*command, "--refusals-ok"], env={**os.environ, "PATH": self.settings["PATH"]}, check=True)
            with open(report) as said:
                inputs = json.load(said)["inputs"]
        return [one["failure"] and one["failure"]["reason"] for one in inputs]

    def rows(self, statement):
        """What the database says."""
        command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
        done = subprocess.run(
            [*command, "--command", statement, self["DATABASE__URL"]], check=True, capture_output=True, text=True,
        )
        return [line.split("|") for line in done.stdout.splitlines()]

    def number(self, statement):
        return int(self.rows(statement)[0][0])
