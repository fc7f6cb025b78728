"""What the scripts that start a fleet on one machine share: free ports, and servers
of one's own."""

import contextlib
import hashlib
import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30


def free_ports(count):
    """Below those that the kernel gives to outgoing connections: one of these could
    have taken a port before its server does."""
    ports = set()
    while len(ports) < count:
        port = random.randrange(30_000, 32_768)
        with contextlib.closing(socket.socket()) as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            ports.add(port)
    return list(ports)


def tied(command, by="TERM"):
    """Ends with the script that starts it, also when that is killed."""
    return ["setpriv", "--pdeathsig", by, *command]


def tool(name):
    """A program on the PATH, or of Debian's newest PostgreSQL."""
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    # Servers that Debian keeps from users' PATH.
    found = str(versions[-1]) if versions else shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if not found:
        sys.exit(f"{name} is missing: `make` with the name of this script installs it")
    return found


def as_postgres(command):
    """PostgreSQL refuses to run as root. `setpriv` becomes it, so signals reach it."""
    become = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups", "--"]
    return [*become, *command] if os.geteuid() == 0 else command


def wait_for(port, what):
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with contextlib.closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"{what} did not start within {START_SECONDS} s")


def postgres(port, data, **how):
    # Not in the data folder: the account of PostgreSQL may not be let in there.
    folder = Path("/var/tmp") / f"heim-media-{hashlib.sha256(bytes(data)).hexdigest()[:16]}"
    if not (folder / "PG_VERSION").exists():
        folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(folder, account.pw_uid, account.pw_gid)
        subprocess.run(
            as_postgres([tool("initdb"), "-D", str(folder), "-U", "heim", "--auth=trust", "-E", "UTF8"]),
            check=True, stdout=subprocess.DEVNULL, cwd="/",
        )
    with contextlib.suppress(FileExistsError):
        (data / "postgres").symlink_to(folder)
    server = subprocess.Popen(
        as_postgres(tied(
            [tool("postgres"), "-D", str(folder), "-p", str(port), "-h", "127.0.0.1", "-k", str(folder)], "INT",
        )),
        stderr=(data / "postgres.log").open("ab"), cwd="/", **how,
    )
    wait_for(port, "PostgreSQL")
    create = [tool("createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "heim", "heim"]
    deadline = time.monotonic() + START_SECONDS
    while True:
        made = subprocess.run(create, capture_output=True, text=True, check=False)
        if made.returncode == 0 or "already exists" in made.stderr:
            return server
        if time.monotonic() > deadline:
            stop(server)
            sys.exit(f"cannot create the database: {made.stderr}")
        time.sleep(0.1)


def redis(port, data, **how):
    server = subprocess.Popen(
        tied([
            tool("redis-server"), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(data), "--appendonly", "yes",
        ]),
        stdout=(data / "redis.log").open("ab"), **how,
    )
    wait_for(port, "Redis")
    return server


def stop(server, by=signal.SIGINT):
    server.send_signal(by)
    try:
        server.wait(timeout=START_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def kept_secret(path):
    if not path.exists():
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_text()


def settings(data, page, ports, store):
    """The environment of a fleet's processes, by the role that may have it: secrets are
    made once, and kept with the data."""
    common = {
        "PATH": f"{ROOT / 'target' / 'debug'}:{os.environ['PATH']}",
        "HEIM_MEDIA__QUEUE__URL": f"redis://127.0.0.1:{ports['redis']}",
        "HEIM_MEDIA__HOOKS__SECRET": kept_secret(data / "hooks.secret"),
        "HEIM_MEDIA__WORKER__COORDINATOR_URL": page,
        **store,
    }
    coordinators = {
        "HEIM_MEDIA__DATABASE__URL": f"postgres://heim@127.0.0.1:{ports['postgres']}/heim",
        "HEIM_MEDIA__SIGNING__SECRET": kept_secret(data / "signing.secret"),
        "HEIM_MEDIA__KEYS__MASTER": kept_secret(data / "master.key"),
        "HEIM_MEDIA__ADMIN__TOKEN": kept_secret(data / "admin.token"),
    }
    return common, coordinators
