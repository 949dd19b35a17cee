"""Chaos around pgsync, and the proof after each exit 0. See scripts/chaos.sh."""

import argparse
import collections
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import threading
import time

import disturbers
from servers import Psql, Server

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


class Chaos:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.gate = disturbers.Gate()
        servers = {name: Server(options.work, name, options.server_user) for name in ("primary", "standby", "subscriber", "target")}
        self.primary, self.target = servers["primary"], servers["target"]
        self.source = servers[options.kind]
        self.snapshots = []
        self.counts, self.reasons = collections.Counter(), collections.Counter()
        self.failed = False

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

    def watch(self):
        """Imports every snapshot that a run exports, as soon as it is there."""
        folder, seen = self.source.data / "pg_snapshots", set()
        while not self.gate.done.is_set():
            try:
                files = {(name, (folder / name).stat().st_mtime_ns) for name in os.listdir(folder)}
            except OSError:
                continue
            # A name comes again after a restart.
            for name, moment in sorted(files - seen, key=lambda file: file[1]):
                seen.add((name, moment))
                session = Psql(self.source.url())
                settings = "set timezone = 'UTC'; set extra_float_digits = 3; set lock_timeout = '2s'"
                begun = session.run(settings, "begin isolation level repeatable read read only", f"set transaction snapshot '{name}'")
                self.snapshots.append((name, session if begun is not None else None))
            time.sleep(0.003)

    # The runs.

    def flags(self):
        flags = ["-parallel", str(self.random.randint(1, 4)), "-batch-size", str(self.random.choice([50, 1000, 10000]))]
        flags += ["-retries", "3", "-lock-timeout", "3s", "-json"]
        if self.random.random() < 0.15:
            flags.append("-reconcile")
        # A definition that differs fails in every run, until somebody does something about it.
        if self.random.random() < (0.5 if self.failed else 0.05):
            flags += ["-ddl", "reset"]
        return flags

    def once(self):
        for _, session in self.snapshots:
            if session:
                session.close()
        self.snapshots.clear()
        # A standby exports no snapshot: there nobody may write where something is to be compared.
        quiet = self.options.kind == "standby" and self.random.random() < 0.5
        if quiet:
            self.gate.close(self.threads)
            self.wait_for_replay()
        if self.random.random() < 0.2:
            self.target.sql("set lock_timeout = '3s'", self.random.choice(disturbers.TARGET_ROWS))
        command = [os.environ["PGSYNC_BIN"], "-source", self.source.url(), "-target", self.target.url(), *self.flags()]
        run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        killer = None
        if self.random.random() < 0.25:
            which = self.random.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
            killer = threading.Timer(self.random.random() * 1.5, lambda: run.poll() is None and run.send_signal(which))
            killer.start()
        said, errors = run.communicate()
        if killer:
            killer.cancel()
        self.count(run.returncode, said, errors)
        if run.returncode == 0:
            session = self.open_source() if quiet else self.imported(errors)
            self.prove(session, json.loads(said), command, errors)
        self.gate.open()

    def count(self, status, said, errors):
        self.failed = status == 1
        self.counts["runs"] += 1
        self.counts[f"exit {status}"] += 1
        if status in (0, -signal.SIGKILL, 128 + signal.SIGTERM):
            return
        report = json.loads(said or "{}")
        reasons = [f"{table['table']}: {table['error']['message']}" for table in report.get("tables", []) if table.get("error")]
        if report.get("error"):
            reasons.append(report["error"]["message"])
        for reason in reasons or [errors.decode()[-300:]]:
            reason = re.sub(r"[0-9]+", "#", reason)
            self.reasons[f"exit {status}: {reason}"] += 1
            if self.reasons[f"exit {status}: {reason}"] == 1:
                print(f"exit {status}, run {self.counts['runs']}: {reason}\n{errors.decode()[-1500:]}", flush=True)

    def wait_for_replay(self):
        written = self.primary.sql("select pg_current_wal_lsn()")
        if written:
            written = written.decode().strip()
            while self.source.sql(f"select pg_last_wal_replay_lsn() >= '{written}'") != b"t\n":
                time.sleep(0.1)

    def imported(self, errors):
        """The snapshot of the last round; some of the earlier ones may have ended before they had one."""
        rounds = errors.decode().count(" tables selected")
        return self.snapshots[-1][1] if self.snapshots and len(self.snapshots) >= rounds else None

    def prove(self, session, report, command, errors):
        if session is None:
            self.counts["no snapshot seen"] += 1
            return
        self.counts["exit 0 compared"] += 1
        names = [table["table"] for table in report["tables"]]
        for table in sorted(set(ALL_TABLES) & set(names)):
            verdict, told = self.compare(session, table)
            self.counts[verdict] += 1
            if verdict == "different":
                print(f"DIFFERENCE in {table}, seed {self.options.seed}, run {self.counts['runs']}, retries {report['retries']}: {told}", flush=True)
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

    def open_source(self):
        session = Psql(self.source.url())
        session.run("set timezone = 'UTC'; set extra_float_digits = 3", "begin isolation level repeatable read")
        return session

    def open_target(self):
        session = Psql(self.target.url())
        session.run("set timezone = 'UTC'; set extra_float_digits = 3; set lock_timeout = '2s'")
        return session

    def go(self):
        self.prepare()
        self.target_session = self.open_target()
        seeds = [self.random.random() for _ in range(4)]
        self.threads = [threading.Thread(target=disturbers.write, args=(self, seed)) for seed in seeds[:3]]
        self.threads.append(threading.Thread(target=disturbers.define, args=(self, seeds[3])))
        threads = [*self.threads, threading.Thread(target=self.watch)]
        for thread in threads:
            thread.daemon = True
            thread.start()
        until = time.monotonic() + self.options.minutes * 60
        while time.monotonic() < until:
            self.once()
        self.gate.done.set()
        for thread in threads:
            thread.join(60)
        self.settle()
        for reason, times in self.reasons.most_common():
            print(f"{times} x {reason}")
        print(f"{self.options.kind}, seed {self.options.seed}: " + ", ".join(f"{key} {self.counts[key]}" for key in sorted(self.counts)))
        return 1 if self.counts["different"] or not self.counts["equal"] else 0

    def settle(self):
        """The last run, when nobody writes any more: also for a standby, which exports no snapshot."""
        time.sleep(3)
        command = [os.environ["PGSYNC_BIN"], "-source", self.source.url(), "-target", self.target.url(), "-json", "-ddl", "reset"]
        for _ in range(5):
            run = subprocess.run(command, capture_output=True)
            if run.returncode == 0:
                break
            time.sleep(2)
        else:
            self.counts["no last exit 0"] += 1
            print(f"the last run ends with {run.returncode}: {run.stderr.decode()[-2000:]}", flush=True)
            return
        self.prove(self.open_source(), json.loads(run.stdout), command, run.stderr)


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
