"""The two servers of a bench: statements by psql, databases made and dropped, CPU spent so far."""

import os
import pathlib
import subprocess

TICK = os.sysconf("SC_CLK_TCK")


class Server:
    """One server, in the folder in which it was started."""

    def __init__(self, folder):
        lines = (pathlib.Path(folder) / "data" / "postmaster.pid").read_text().splitlines()
        self.pid, self.port = int(lines[0]), int(lines[3])

    def url(self, database, port=None):
        return f"postgres://postgres@127.0.0.1:{port or self.port}/{database}"

    def psql(self, database, *statements):
        """The command that runs `statements`, each in a transaction of its own."""
        command = ["env", "PGOPTIONS=-c client_min_messages=warning", "psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)]
        for statement in statements:
            command += ["-c", statement]
        return command

    def run(self, database, *statements):
        return subprocess.run(
            self.psql(database, *statements), check=True, stdout=subprocess.PIPE, text=True
        ).stdout.strip()

    def create(self, database, template="template0"):
        self.run("postgres", f"drop database if exists {database} with (force)",
                 f"create database {database} template {template}")

    def drop(self, database):
        self.run("postgres", f"drop database if exists {database} with (force)")

    def cpu(self):
        """Seconds of this server's processes, those that have ended included."""
        total = 0
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(entry.name) == self.pid:
                total += sum(int(field) for field in fields[11:15])
            elif int(fields[1]) == self.pid:
                total += sum(int(field) for field in fields[11:13])
        return total / TICK


class Pair:
    """Source and target."""

    def __init__(self, work):
        self.work = pathlib.Path(work)
        self.source, self.target = Server(self.work / "source"), Server(self.work / "target")

    def both(self, database, *statements):
        """Runs on both at once; gives what each printed."""
        running = [
            subprocess.Popen(side.psql(database, *statements), stdout=subprocess.PIPE, text=True)
            for side in (self.source, self.target)
        ]
        answers = [process.communicate()[0] for process in running]
        if any(process.returncode for process in running):
            raise SystemExit(f"a statement failed: {statements}")
        return answers

    def create(self, *databases):
        for database in databases:
            self.source.create(database)
            self.target.create(database)

    def drop(self, *databases):
        for database in databases:
            self.source.drop(database)
            self.target.drop(database)

    def cpu(self):
        return self.source.cpu() + self.target.cpu()


def pipe(*commands):
    """Runs commands as a pipeline, as a shell would."""
    running, stdin = [], None
    for command in commands:
        last = command is commands[-1]
        process = subprocess.Popen(
            command, stdin=stdin, stdout=subprocess.DEVNULL if last else subprocess.PIPE
        )
        if stdin:
            stdin.close()
        stdin = process.stdout
        running.append(process)
    if any([process.wait() for process in running]):
        raise SystemExit(f"a pipeline failed: {commands[0][:3]}…")
