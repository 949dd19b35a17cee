"""What was measured, as text, as Markdown and as JSON."""

import json
import os
import platform
import statistics

HEAD = ("case", "work", "how", "median", "min", "max", "pgsync is", "peak", "own CPU", "share")


def machine(pair):
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    version = pair.source.run("postgres", "show server_version")
    return f"{os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB, both servers on it, PostgreSQL {version}"


def lines(results):
    for result in results:
        for number, one in enumerate(result.contenders):
            ours = number == 0
            yield (
                result.case if ours else "",
                result.work if ours else "",
                one.name,
                *(f"{seconds:.3f} s" for seconds in (result.median(one), min(one.seconds), max(one.seconds))),
                "" if ours else f"{result.ratio(one):.2f} ×",
                f"{one.peak / 1024:.0f} MiB" if ours else "",
                f"{statistics.median(one.tool_cpu):.2f} s" if ours else "",
                f"{share(one):.0%}" if ours else "",
            )
        if result.bound:
            name, seconds = result.bound
            ratio = result.median(result.tool()) / seconds
            yield ("", "", name, f"{seconds:.3f} s", "", "", f"{ratio:.2f} ×", "", "", "")


def share(contender):
    """The tool's part of all CPU that a run cost, servers included."""
    own, servers = sum(contender.tool_cpu), sum(contender.server_cpu)
    return own / (own + servers) if own + servers else 0


def as_text(results, about):
    rows = [HEAD, *lines(results)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEAD))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join([about, *text])


def as_markdown(results, about):
    rows = [HEAD, ("---",) * len(HEAD), *lines(results)]
    return "\n".join([f"{about}.", "", *("| " + " | ".join(row) + " |" for row in rows)])


def as_json(results, about):
    return json.dumps({"machine": about, "results": [
        {
            "case": result.case,
            "work": result.work,
            "bound": dict([result.bound]) if result.bound else {},
            "contenders": [
                {
                    "name": one.name,
                    "seconds": one.seconds,
                    "ratio": result.ratio(one),
                    "peak_kib": one.peak,
                    "tool_cpu_seconds": one.tool_cpu,
                    "server_cpu_seconds": one.server_cpu,
                }
                for one in result.contenders
            ],
        }
        for result in results
    ]}, indent=1, ensure_ascii=False) + "\n"
