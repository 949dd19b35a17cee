"""What goes on beside the runs: writers, definitions that change, servers that restart."""

import random
import threading
import time

from servers import Psql


class Gate:
    """Lets the runs stop everybody for a moment."""

    def __init__(self):
        self.done, self.closed, self.resting = threading.Event(), threading.Event(), set()

    def passed(self, seconds):
        """Whether to go on, after a pause; waits while the gate is closed."""
        me = threading.get_ident()
        if self.done.wait(seconds):
            return False
        while self.closed.is_set() and not self.done.is_set():
            self.resting.add(me)
            time.sleep(0.05)
        self.resting.discard(me)
        return not self.done.is_set()

    def close(self, threads):
        """Returns when all of these threads rest."""
        self.closed.set()
        while not all(thread.ident in self.resting for thread in threads):
            time.sleep(0.05)

    def open(self):
        self.closed.clear()


def write(chaos, seed):
    """Transactions of all sizes; each change of a table with a timestamp sets it."""
    rng, session = random.Random(seed), Psql(chaos.primary.url())
    while chaos.gate.passed(rng.random() * 0.1):
        if session.run(*transaction(rng, chaos.options.kind)) is None:
            if session.run("rollback") is None and session.process.poll() is not None:
                time.sleep(0.3)
                session = Psql(chaos.primary.url())
    session.close()


def transaction(rng, kind):
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
        if rng.random() < 0.2:
            statements += ["savepoint s", f"update a set n = 0, updated_at = now() where id = {low}"]
            statements.append(rng.choice(["rollback to s", "release s"]))
    if rng.random() < 0.1:
        statements.append(f"select pg_sleep({rng.random() * 3})")
    statements.append(rng.choice(["commit", "commit", "commit", "rollback"]))
    return statements


SOURCE = [
    ["truncate b"], ["truncate a restart identity"], ["truncate bag", "insert into bag values (1, 'one')"],
]
# A subscription carries no definitions.
SOURCE_DDL = [
    ["alter table b rename body to body_2", "select pg_sleep(1)", "alter table b rename body_2 to body"],
    ["alter table a alter n type bigint"], ["alter table a alter n type int"],
    ["alter table b add extra int default 7", "select pg_sleep(1)", "alter table b drop extra"],
    ["begin", "alter table p detach partition p_1", "alter table q attach partition p_1 for values in (1)", "commit"],
    ["begin", "alter table q detach partition p_1", "alter table p attach partition p_1 for values in (1)", "commit"],
    ["cluster a using a_pkey"], ["vacuum full b"],
]
# Nobody else changes rows on the target while a run is at work or is compared.
TARGET = [
    ["create index on b (n)"], ["drop table b"], ["vacuum full bag"],
    ["begin", "lock table p in exclusive mode", "select pg_sleep(1)", "commit"],
]
TARGET_ROWS = [
    "truncate a", "delete from b where id % 7 = 0", "delete from a where id % 5 = 0", "delete from p where part = 2",
    "update b set n = -1 where id % 9 = 0", "insert into bag values (-1, 'nobody''s')", "insert into a (id) values (-1)",
]


def define(chaos, seed):
    """DDL on both sides, and restarts of servers."""
    rng = random.Random(seed)
    source = SOURCE + ([] if chaos.options.kind == "subscriber" else SOURCE_DDL)
    while chaos.gate.passed(rng.random() * 4):
        moment = rng.random()
        if moment < 0.06:
            rng.choice([chaos.source, chaos.target]).restart()
        elif moment < 0.25:
            chaos.target.sql("set lock_timeout = '3s'", *rng.choice(TARGET))
        else:
            chaos.primary.sql("set lock_timeout = '3s'", *rng.choice(source))
