"""Chaos around pgsync, and the proof after each exit 0. See scripts/chaos.sh."""

import argparse
import collections
import hashlib
import json
import os
import pathlib
import random
import signal
import subprocess
import threading
import time

SCHEMA = """
create table a (id serial primary key, n int, body text, updated_at timestamptz not null default now());
create table b (id int primary key, n int, body text);
create table bag (n int, body text);
create table p (id int, part int, n int, updated_at timestamptz not null default now(), primary key (id, part)) partition by list (part);
create table p_1 partition of p for values in (1);
create table p_2 partition of p for values in (2);
create table q (id int, part int, n int, updated_at timestamptz not null default now(), primary key (id, part)) partition by list (part);
"""
ROWS = """
insert into a (n, body, updated_at) select i, repeat('a', 100), '2024-01-01' from generate_series(1, 3000) i;
insert into b select i, i, repeat('b', 100) from generate_series(1, 3000) i;
insert into bag select i % 100, 'bag' from generate_series(1, 1000) i;
insert into p select i, 1 + i % 2, i, '2024-01-01' from generate_series(1, 2000) i;
"""
ALL_TABLES = ["a", "b", "bag", "p", "q"]


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


class Chaos:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.done = threading.Event()
        servers = {name: Server(options.work, name, options.server_user) for name in ("primary", "standby", "subscriber", "target")}
        self.primary, self.target = servers["primary"], servers["target"]
        self.source = servers[options.kind]
        self.snapshots = []
        self.counts = collections.Counter()

    def prepare(self):
        self.primary.sql("create database chaos", database="postgres")
        self.target.sql("create database chaos", database="postgres")
        self.primary.sql(*SCHEMA.strip().split("\n"))
        if self.options.kind == "subscriber":
            self.source.sql("create database chaos", database="postgres")
            self.source.sql(*SCHEMA.strip().split("\n"))
            self.primary.sql("alter table bag replica identity full", "create publication all_of_it for all tables")
            connection = f"host=127.0.0.1 port={self.primary.port} user=postgres dbname=chaos"
            self.source.sql(f"create subscription chaos connection '{connection}' publication all_of_it")
        self.primary.sql(*ROWS.strip().split("\n"))
        while self.source.sql("select count(*) from p") != b"2000\n":
            time.sleep(0.1)

    # What goes on beside the runs.

    def write(self, seed):
        """Transactions of all sizes; each change of a table with a timestamp sets it."""
        rng, session = random.Random(seed), Psql(self.primary.url())
        while not self.done.is_set():
            statements = ["begin"]
            for _ in range(rng.randint(1, 6)):
                low, key = rng.randint(1, 3000), rng.randint(1, 10**9)
                statements.append(rng.choice([
                    f"update a set n = n + 1, updated_at = now() where id between {low} and {low + 20}",
                    f"delete from a where id between {low} and {low + 3}",
                    f"insert into a (n, body) select i, 'new' from generate_series(1, {rng.randint(1, 50)}) i",
                    f"update b set n = n + 1 where id between {low} and {low + 20}",
                    f"delete from b where id between {low} and {low + 3}",
                    f"insert into b (id, n) values ({key}, 0) on conflict do nothing",
                    f"insert into bag select {low % 100}, 'more' from generate_series(1, 3)",
                    f"delete from bag where n = {low % 100}",
                    f"update p set n = n + 1, updated_at = now() where id between {low} and {low + 20}",
                    f"update p set part = 3 - part, updated_at = now() where id = {low}",
                    f"insert into p values ({key}, {1 + key % 2}, 0) on conflict do nothing",
                    f"delete from p where id between {low} and {low + 2}",
                ]))
                # Importing a snapshot on a standby while there are subtransactions can damage it.
                if rng.random() < 0.2 and self.options.kind == "primary":
                    statements += ["savepoint s", f"update a set n = 0, updated_at = now() where id = {low}"]
                    statements.append(rng.choice(["rollback to s", "release s"]))
            if rng.random() < 0.1:
                statements.append(f"select pg_sleep({rng.random() * 3})")
            statements.append(rng.choice(["commit", "commit", "commit", "rollback"]))
            if session.run(*statements) is None:
                if session.run("rollback") is None and session.process.poll() is not None:
                    time.sleep(0.3)
                    session = Psql(self.primary.url())
            time.sleep(rng.random() * 0.1)
        session.close()

    def define(self, seed):
        """DDL on both sides, and restarts of servers."""
        rng = random.Random(seed)
        source = [
            ["truncate b"], ["truncate a restart identity"], ["truncate bag", "insert into bag values (1, 'one')"],
        ]
        if self.options.kind != "subscriber":
            source += [
                ["alter table b rename body to body_2", "select pg_sleep(1)", "alter table b rename body_2 to body"],
                ["alter table a alter n type bigint"], ["alter table a alter n type int"],
                ["alter table b add extra int default 7", "select pg_sleep(1)", "alter table b drop extra"],
                ["begin", "alter table p detach partition p_1", "alter table q attach partition p_1 for values in (1)", "commit"],
                ["begin", "alter table q detach partition p_1", "alter table p attach partition p_1 for values in (1)", "commit"],
                ["cluster a using a_pkey"], ["vacuum full b"],
            ]
        target = [
            ["create index on b (n)"], ["truncate a"], ["drop table b"], ["vacuum full bag"],
            ["begin", "lock table p in exclusive mode", "select pg_sleep(1)", "commit"],
        ]
        while not self.done.wait(rng.random() * 4):
            moment = rng.random()
            if moment < 0.06:
                rng.choice([self.source, self.target]).restart()
            elif moment < 0.25:
                self.target.sql("set lock_timeout = '3s'", *rng.choice(target))
            else:
                self.primary.sql("set lock_timeout = '3s'", *rng.choice(source))

    def watch(self):
        """Imports every snapshot that a run exports, as soon as it is there."""
        folder, seen = self.source.data / "pg_snapshots", set()
        while not self.done.is_set():
            try:
                names = sorted(set(os.listdir(folder)) - seen, key=lambda name: (folder / name).stat().st_mtime_ns)
            except OSError:
                continue
            for name in names:
                seen.add(name)
                session = Psql(self.source.url())
                settings = "set timezone = 'UTC'; set extra_float_digits = 3; set lock_timeout = '2s'"
                begun = session.run(settings, "begin isolation level repeatable read read only", f"set transaction snapshot '{name}'")
                self.snapshots.append((name, session if begun is not None else None))
            time.sleep(0.003)

    # The runs.

    def flags(self):
        flags = ["-parallel", str(self.random.randint(1, 4)), "-batch-size", str(self.random.choice([50, 1000, 10000]))]
        flags += ["-retries", "3", "-lock-timeout", "3s", "-json"]
        return flags + (["-reconcile"] if self.random.random() < 0.15 else [])

    def once(self):
        for _, session in self.snapshots:
            if session:
                session.close()
        self.snapshots.clear()
        flags = self.flags()
        command = [os.environ["PGSYNC_BIN"], "-source", self.source.url(), "-target", self.target.url(), *flags]
        run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        killer = None
        if self.random.random() < 0.25:
            which = self.random.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
            killer = threading.Timer(self.random.random() * 1.5, lambda: run.poll() is None and run.send_signal(which))
            killer.start()
        said, errors = run.communicate()
        if killer:
            killer.cancel()
        self.counts["runs"] += 1
        self.counts[f"exit {run.returncode}"] += 1
        if run.returncode == 0:
            self.prove(json.loads(said), command, errors)

    def prove(self, report, command, errors):
        rounds = report["retries"] + 1
        # Some of the earlier rounds may have ended before they had a snapshot; the last one had.
        session = self.snapshots[-1][1] if self.snapshots else None
        if session is None:
            self.counts["no snapshot seen"] += 1
            return
        names = [table["table"] for table in report["tables"]]
        for table in sorted(set(ALL_TABLES) & set(names)):
            verdict, told = self.compare(session, table)
            self.counts[verdict] += 1
            if verdict == "different":
                print(f"DIFFERENCE in {table}, seed {self.options.seed}, run {self.counts['runs']}, round {rounds}: {told}", flush=True)
                print(" ", " ".join(command), "\n", errors.decode()[-3000:], said_of(report, table), flush=True)

    def compare(self, session, table):
        session.run("savepoint here")
        answer = self.compare_in(session, table)
        session.run("rollback to here")
        return answer

    def compare_in(self, session, table):
        """The rows that both sides have of a table, as the run's snapshot knows it."""
        columns = session.run(f"""
            select string_agg(quote_ident(attname), ', ' order by attname) from pg_attribute
            where attrelid = 'public.{table}'::regclass and attnum > 0 and not attisdropped""")
        columns = (columns or b"").decode().strip()
        if not columns:
            return "moved on", ""
        copy = f'copy (select line from (select row({columns})::text as line from {table}) s order by line collate "C") to stdout'
        source = session.run(copy)
        # Truncated, rewritten, partitions moved? The table is locked since it was read: what is now was so then.
        files = f"""
            with recursive tree(oid) as (select 'public.{table}'::regclass::oid union all
                select inhrelid from pg_inherits join tree on inhparent = tree.oid)
            select string_agg(oid || ' ' || relfilenode, ',' order by oid) from tree join pg_class c using (oid)
            where relkind = 'r'"""
        known, now = session.run(files), self.source.sql(files)
        target = self.target_session.run(copy)
        if target is None:
            self.target_session.close()
            self.target_session = self.open_target()
            target = self.target_session.run(copy)
        if source is None or known is None or known != now:
            return "moved on", ""
        if target is None:
            return "target altered", ""
        if hashlib.sha256(source).digest() == hashlib.sha256(target).digest():
            return "equal", ""
        here, there = collections.Counter(source.splitlines()), collections.Counter(target.splitlines())
        less, more = list((here - there).elements()), list((there - here).elements())
        return "different", f"{len(less)} rows only on the source {less[:3]}, {len(more)} only on the target {more[:3]}"

    def open_target(self):
        session = Psql(self.target.url())
        session.run("set timezone = 'UTC'; set extra_float_digits = 3; set lock_timeout = '2s'")
        return session

    def go(self):
        self.prepare()
        self.target_session = self.open_target()
        seeds = [self.random.random() for _ in range(5)]
        threads = [threading.Thread(target=self.write, args=(seed,)) for seed in seeds[:3]]
        threads += [threading.Thread(target=self.define, args=(seeds[3],)), threading.Thread(target=self.watch)]
        for thread in threads:
            thread.daemon = True
            thread.start()
        until = time.monotonic() + self.options.minutes * 60
        while time.monotonic() < until:
            self.once()
        self.done.set()
        for thread in threads:
            thread.join(60)
        self.settle()
        print(f"{self.options.kind}, seed {self.options.seed}: " + ", ".join(f"{key} {self.counts[key]}" for key in sorted(self.counts)))
        return 1 if self.counts["different"] or not self.counts["equal"] else 0

    def settle(self):
        """The last word, when nobody writes any more: also for a standby, which exports no snapshot."""
        time.sleep(3)
        command = [os.environ["PGSYNC_BIN"], "-source", self.source.url(), "-target", self.target.url(), "-json"]
        for _ in range(5):
            run = subprocess.run(command, capture_output=True)
            if run.returncode == 0:
                break
            time.sleep(2)
        else:
            self.counts["no last exit 0"] += 1
            print(f"the last run ends with {run.returncode}: {run.stderr.decode()[-2000:]}", flush=True)
            return
        session = Psql(self.source.url())
        session.run("begin isolation level repeatable read; set timezone = 'UTC'; set extra_float_digits = 3")
        self.snapshots = [(None, session)]
        self.prove(json.loads(run.stdout), command, run.stderr)


def said_of(report, table):
    return [json.dumps(one) for one in report["tables"] if one["table"] == table]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", required=True)
    parser.add_argument("--server-user", default="")
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100000)
    parser.add_argument("--kind", choices=["primary", "standby", "subscriber"], default="primary")
    raise SystemExit(Chaos(parser.parse_args()).go())


main()
