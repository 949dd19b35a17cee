"""Servers of the chaos, and psql sessions that last."""

import pathlib
import subprocess


class Psql:
    """A session that lasts. Statements that fail give None."""

    def __init__(self, url):
        command = ["psql", "-XqAt", "-d", url]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.number = 0

    def run(self, *statements):
        """The bytes that the statements print; None when one failed or the session is gone."""
        self.number += 1
        end = f"-- end {self.number} ".encode()
        script = "\n".join(f"{statement};\n\\if :ERROR\n\\echo -- failed\n\\endif" for statement in statements)
        try:
            self.process.stdin.write(f"{script}\n\\echo -- end {self.number} \n".encode())
            self.process.stdin.flush()
        except OSError:
            return None
        lines = []
        for line in self.process.stdout:
            if line.rstrip(b"\n") == end.rstrip() or line.rstrip(b"\n") == end:
                failed = b"-- failed\n" in lines
                return None if failed else b"".join(lines)
            lines.append(line)
        return None

    def close(self):
        self.process.kill()
        self.process.wait()


class Server:
    def __init__(self, work, name, user):
        self.folder, self.user = pathlib.Path(work) / name, user
        self.data = self.folder / "data"
        self.port = int((self.data / "postmaster.pid").read_text().splitlines()[3])

    def url(self, database="chaos"):
        return f"postgres://postgres@127.0.0.1:{self.port}/{database}"

    def sql(self, *statements, database="chaos"):
        session = Psql(self.url(database))
        answer = session.run(*statements)
        session.close()
        return answer

    def restart(self):
        command = ["pg_ctl", "-D", str(self.data), "-l", str(self.folder / "log"), "-w", "-m", "immediate", "restart"]
        if self.user:
            command = ["setpriv", f"--reuid={self.user}", "--clear-groups", *command]
        subprocess.run(["setsid", "--wait", *command], cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
