"""A program whose runs follow each other without a pause: how far it is, and what it holds."""

import json
import os
import pathlib
import subprocess
import time
from dataclasses import dataclass


@dataclass
class Held:
    """Resident memory in KiB, and open files."""

    memory: int
    files: int


class Repeated:
    def __init__(self, program, source, target):
        command = [program, "-source", source, "-target", target, "-json", "-quiet", "-every", "0s"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.stdout.read()
        self.process.wait()

    def until(self, runs):
        """Waits for so many more runs, of which none may fail."""
        for _ in range(runs):
            line = self.process.stdout.readline()
            if not line or json.loads(line)["exit_status"]:
                raise SystemExit(f"pgsync: a run that changes nothing was expected: {line}")

    def seconds(self, runs):
        """What so many more runs take."""
        started = time.monotonic()
        self.until(runs)
        return time.monotonic() - started

    def held(self):
        folder = pathlib.Path("/proc") / str(self.process.pid)
        status = (folder / "status").read_text().splitlines()
        memory = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
        return Held(memory, len(os.listdir(folder / "fd")))
