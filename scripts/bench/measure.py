"""Rounds: every contender of a case once per round, in turning order, timed and checked."""

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Callable

TOOL = "pgsync"


@dataclass
class Contender:
    """One way to do a case's work."""

    name: str
    run: Callable[[], object]
    # Makes the state that `run` starts from; not timed.
    prepare: Callable[[], object] = lambda: None
    seconds: list = field(default_factory=list)
    # Of pgsync only.
    tool_cpu: list = field(default_factory=list)
    server_cpu: list = field(default_factory=list)
    peak: int = 0


class Tool:
    """The program under test, and what its last run cost."""

    def __init__(self, program):
        self.program = program
        self.cpu, self.peak, self.report = 0.0, 0, {}

    def run(self, source, target, *flags, verb=()):
        command = [self.program, *verb, "-source", source, "-target", target, "-json", "-quiet", *flags]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, complaints = process.stdout.read(), process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"pgsync ended with {process.returncode}: {output}\n{complaints}")
        self.cpu = usage.ru_utime + usage.ru_stime
        # At most: a process begins with the memory of the one that started it, this one (20-35 MiB).
        self.peak = usage.ru_maxrss
        self.report = json.loads(output)

    def repeat(self, source, target, every, cycles):
        """Runs that follow each other, until there were so many; then the program is asked to end."""
        command = [self.program, "-source", source, "-target", target, "-json", "-quiet", "-every", every]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(cycles):
            self.report = json.loads(process.stdout.readline())
            if self.report["exit_status"] or self.report["totals"]["rows_processed"]:
                raise SystemExit(f"pgsync: a run that changes nothing was expected: {self.report}")
        process.terminate()
        # What it is writing does not fit into a pipe that nobody reads.
        process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu = usage.ru_utime + usage.ru_stime
        self.peak = usage.ru_maxrss

    def did(self, **expected):
        """Refuses a measurement in which something else was done than the case is about."""
        totals = self.report["totals"]
        kinds = {table["strategy"] for table in self.report["tables"]}
        for name, value in expected.items():
            found = kinds if name == "strategy" else totals[f"rows_{name}"]
            if found != ({value} if name == "strategy" else value):
                raise SystemExit(f"pgsync: {name} should be {value}, is {found}: {totals}")


@dataclass
class Result:
    """One line group of the table: a piece of work with its contenders, pgsync first."""

    case: str
    work: str
    contenders: list
    # Seconds that nothing can beat (a line's own), as a yardstick that is not run.
    bound: tuple = ()

    def tool(self):
        return self.contenders[0]

    def median(self, contender):
        return statistics.median(contender.seconds)

    def ratio(self, contender):
        """Median of the rounds' ratios: both sides of each met the same noise."""
        pairs = zip(self.tool().seconds, contender.seconds)
        return statistics.median(ours / theirs for ours, theirs in pairs)


class Bench:
    def __init__(self, pair, tool, rows, repeat):
        self.pair, self.tool, self.rows, self.repeat = pair, tool, rows, repeat
        self.results = []

    def measure(self, case, work, contenders, before_round=lambda number: None, bound=()):
        """`contenders` begin with pgsync. The first round only warms up the caches."""
        for number in range(self.repeat + 1):
            before_round(number)
            turn = number % len(contenders)
            for contender in contenders[turn:] + contenders[:turn]:
                self.once(contender, counts=number > 0)
        result = Result(case, work, contenders, bound)
        self.results.append(result)
        say(f"{case}: {work}: " + ", ".join(
            f"{c.name} {result.median(c):.3f} s" for c in contenders))
        return result

    def once(self, contender, counts):
        contender.prepare()
        spent, started = self.pair.cpu(), time.monotonic()
        contender.run()
        seconds = time.monotonic() - started
        if not counts:
            return
        contender.seconds.append(seconds)
        contender.server_cpu.append(self.pair.cpu() - spent)
        if contender.name == TOOL:
            contender.tool_cpu.append(self.tool.cpu)
            contender.peak = max(contender.peak, self.tool.peak)


def say(text):
    print(text, file=sys.stderr, flush=True)
