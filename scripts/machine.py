"""A machine of one's own, on which one can be an operator: a Debian in a folder, with
systemd as its first process, PostgreSQL, Redis, and no network but its loopback."""

import os
import subprocess
import sys
from pathlib import Path

from api import Program, wait
from servers import ROOT, stop, tied

PACKAGES = ["systemd", "systemd-sysv", "dbus", "postgresql", "redis-server", "curl", "util-linux", "procps"]
# Where the machine sees the checkout, the binaries and the pictures.
SHOWN = "/mnt/heim-media"
# systemd-nspawn keeps its machines from landlock unless it is asked for.
LANDLOCK = "landlock_create_ruleset landlock_add_rule landlock_restrict_self"
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}


def debian():
    """The release that the image is built of."""
    lines = (ROOT / "deploy" / "Dockerfile").read_text().splitlines()
    return next(line.removeprefix("ARG DEBIAN=") for line in lines if line.startswith("ARG DEBIAN="))


def installed(folder, packages, *options):
    """A Debian in this folder, made once."""
    done = folder / "etc" / "heim-media-installed"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["debootstrap", *options, debian(), str(folder)]
        if packages:
            command.insert(1, f"--include={','.join(packages)}")
        subprocess.run(command, check=True)
        done.touch()
    return folder


class Machine(Program):
    """Booted from that folder, in which it changes nothing."""

    def __init__(self, folder, binaries, pictures, log):
        super().__init__(f"{SHOWN}/pictures")
        shown = {ROOT: "checkout", binaries: "binaries", pictures: "pictures"}
        binds = [f"--bind-ro={path.resolve()}:{SHOWN}/{name}" for path, name in shown.items()]
        command = [
            "systemd-nspawn", "--boot", f"--directory={folder}", "--volatile=overlay", "--private-network",
            "--register=no", "--keep-unit", "--link-journal=no", "--console=pipe", "--machine=heim-media",
            f"--system-call-filter={LANDLOCK}", *binds,
        ]
        self.process = subprocess.Popen(
            tied(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
        )
        self.first = wait("the machine has a first process", self.first_process)
        wait("the machine has booted", lambda: self.says("systemctl", "is-system-running") in ("running", "degraded"))

    def first_process(self):
        if self.process.poll() is not None:
            sys.exit("systemd-nspawn ended; its log says why")
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        # Until it becomes systemd, it is what nspawn itself has started.
        return next((pid for pid in children if Path(f"/proc/{pid}/comm").read_text().strip() == "systemd"), None)

    def stop(self):
        stop(self.process, by=15)

    def command(self, words):
        enter = ["nsenter", "-t", self.first, "-m", "-u", "-i", "-n", "-p", "-C", "-r", "-w", "--", "env", "-i"]
        return [*enter, *(f"{key}={value}" for key, value in ENVIRONMENT.items()), *words]

    def write(self, path, text, mode):
        self.run("install", "-m", mode, "/dev/stdin", path, given=text)

    def unit(self, name, key):
        return self.run("systemctl", "show", "--property", key, "--value", name)

    def processes(self, unit):
        """Of its control group, the main one first."""
        group = self.unit(unit, "ControlGroup")
        found = self.says("cat", f"/sys/fs/cgroup{group}/cgroup.procs").split() if group else []
        main = self.unit(unit, "MainPID")
        return sorted(found, key=lambda pid: pid != main)

    def status(self, pid):
        """What the kernel says of one of its processes."""
        lines = self.run("cat", f"/proc/{pid}/status").splitlines()
        return {key: value.split() for key, _, value in (line.partition(":") for line in lines)}
