#!/usr/bin/env python3
"""Measures the shape of src: cycles between its top modules, parameters and results that are tuples, long
functions, matches over true and false, public items without a doc line, long files. Tests are left out.

    scripts/house.py            the figures
    scripts/house.py --cycles   prints the modules of each cycle, and ends with 1 when there is one
    scripts/house.py --list     every place that is counted
    scripts/house.py --limits   lists what is above a limit, and ends with 1 when something is
"""
import re
import sys
from pathlib import Path

SRC = Path(__file__).resolve().parent.parent / "src"
LONG_FUNCTION, LONG_FILE = 60, 300
# What `--limits` holds these figures to. They may be lowered; whoever would raise one gives the pair a name
# or cuts the function instead.
PARAMETERS = "parameters that are tuples"
RESULTS = "results that are tuples"
FUNCTIONS = f"functions of more than {LONG_FUNCTION} lines"
FLAGS = "matches over true and false"
ITEMS = "public items without a doc line"
LIMITS = {PARAMETERS: 0, RESULTS: 8, FUNCTIONS: 0, FLAGS: 5, ITEMS: 0}
# Comments, strings and characters, which may hold braces.
QUIET = re.compile(r'//[^\n]*|/\*.*?\*/|b?"(?:\\.|[^"\\])*"|r#*".*?"#*|\'(?:\\.|[^\'\\])\'', re.S)


def sources():
    """Each file that is no test: its path below src, its text, and its text without comments and strings."""
    for path in sorted(SRC.rglob("*.rs")):
        name = path.relative_to(SRC)
        if "tests" in name.with_suffix("").parts or name.stem == "fuzz":
            continue
        text = path.read_text().split("#[cfg(test)]\nmod tests {")[0]
        blank = lambda found: re.sub(r"[^\n]", " ", found.group())
        yield str(name), text, QUIET.sub(blank, text)


def room(name):
    """The top module of a file."""
    return Path(name).with_suffix("").parts[0]


def cycles(files):
    """Sets of top modules that import each other, directly or by others."""
    imports = {}
    for name, _, code in files:
        others = set(re.findall(r"\bcrate::([a-z_]+)", code)) - {room(name)}
        imports.setdefault(room(name), set()).update(others)
    reached = {}
    for start in imports:
        seen, open_ = set(), [start]
        while open_:
            new = imports.get(open_.pop(), set()) - seen
            seen |= new
            open_ += new
        reached[start] = seen
    found = {frozenset(b for b in reached[a] if a in reached.get(b, set())) for a in reached if a in reached[a]}
    return sorted(sorted(cycle) for cycle in found)


def balanced(code, start, pair="()"):
    """The end of the bracket that opens at `start`."""
    depth = 0
    for at in range(start, len(code)):
        depth += (code[at] == pair[0]) - (code[at] == pair[1])
        if depth == 0:
            return at
    return len(code)


def functions(files):
    """Each function: file, line, name, parameters, result, lines of its body."""
    for name, _, code in files:
        for found in re.finditer(r"\bfn (\w+)(?:<[^(]*>)?\(", code):
            opens = found.end() - 1
            closes = balanced(code, opens)
            body = code.find("{", closes)
            semicolon = code.find(";", closes)
            if body < 0 or 0 <= semicolon < body:
                continue
            lines = code.count("\n", found.start(), balanced(code, body, "{}")) + 1
            line = code.count("\n", 0, found.start()) + 1
            yield name, line, found.group(1), code[opens + 1 : closes], code[closes + 1 : body], lines


def is_tuple(kind):
    """Whether a type is a tuple, or holds one behind a reference, an Option or a Result."""
    return re.search(r"(^|[<&\s])\((?!\))[^()]*,", kind.strip()) is not None and "Fn" not in kind


def parameters(text):
    """The parameters of a function, apart."""
    depth, current, parts = 0, "", []
    for sign in text:
        depth += (sign in "(<[{") - (sign in ")>]}")
        if sign == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += sign
    return [part for part in parts + [current] if part.strip()]


def undocumented(files):
    """Public items, fields and variants excepted, whose line has no doc comment above it."""
    item = re.compile(r"\s*pub (?:const |async |unsafe )*(?:fn|struct|enum|trait|type|const|static|mod) (\w+)")
    for name, text, _ in files:
        lines = text.split("\n")
        for number, line in enumerate(lines):
            found = item.match(line)
            # A module says what it is in its own file.
            if not found or re.match(r"\s*pub mod", line):
                continue
            above = number - 1
            while above >= 0 and lines[above].rstrip().endswith("]"):
                # An attribute may have several lines.
                while not lines[above].strip().startswith("#["):
                    above -= 1
                above -= 1
            if not lines[above].strip().startswith("///"):
                yield name, number + 1, found.group(1)


def main():
    files = list(sources())
    circles = cycles(files)
    if "--cycles" in sys.argv:
        for circle in circles:
            print("these modules import each other: " + ", ".join(circle))
        sys.exit(bool(circles))
    all_functions = list(functions(files))
    flags = [
        (name, code.count("\n", 0, found.start()) + 1, "")
        for name, _, code in files
        for found in re.finditer(r"\btrue =>", code)
    ]
    kind = lambda parameter: parameter.split(":", 1)[1] if ":" in parameter else ""
    measured = {
        "cycles between top modules": [(", ".join(circle), 0, "") for circle in circles],
        PARAMETERS: [
            (name, line, function)
            for name, line, function, given, _, _ in all_functions
            for parameter in parameters(given)
            if is_tuple(kind(parameter))
        ],
        RESULTS: [
            (name, line, function)
            for name, line, function, _, result, _ in all_functions
            if is_tuple(result.split("where")[0].replace("->", ""))
        ],
        FUNCTIONS: [
            (name, line, function) for name, line, function, _, _, lines in all_functions if lines > LONG_FUNCTION
        ],
        FLAGS: flags,
        ITEMS: list(undocumented(files)),
        f"files of more than {LONG_FILE} lines": [
            (name, text.count("\n"), "") for name, text, _ in files if text.count("\n") > LONG_FILE
        ],
    }
    if "--limits" in sys.argv:
        above = {what: limit for what, limit in LIMITS.items() if len(measured[what]) > limit}
        for what, limit in above.items():
            print(f"{len(measured[what])} {what}, {limit} are allowed (scripts/house.py):")
            for name, line, function in measured[what]:
                print(f"    src/{name}:{line} {function}")
        sys.exit(bool(above))
    for what, places in measured.items():
        print(f"{len(places):4}  {what}")
        if "--list" in sys.argv:
            for name, line, function in places:
                print(f"      {name}:{line} {function}")


main()
