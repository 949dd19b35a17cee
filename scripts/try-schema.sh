#!/usr/bin/env bash
# try-schema.sh FILE [SOURCE-VERSION TARGET-VERSION]: tries pgsync with a schema that somebody else wrote.
#
# Loads FILE (SQL, as far as psql gets), fills its tables with random rows, and runs pgsync: a first run into
# an empty database, a run without a change (no changes, no notes), runs after random changes, and `-ddl reset`
# (nothing to do). After each run the rows of both sides are compared without pgsync. At the end `pg_dump
# --schema-only` of the target has to print what it prints of a database into which the source's dump was restored, but
# for what pgsync never copies. The versions are those of scripts/test-matrix.sh; `system` (the default) is the
# installed one. Prints a line per step, and the differences. Ends with 0 when all is equal. PGSYNC_BIN names a program
# to use instead of the debug build, TRY_ROWS the rows per table (40), TRY_KEEP=1 leaves the servers running.
set -euo pipefail
cd "$(dirname "$0")/.."

. scripts/lib/postgres.sh
. scripts/lib/servers.sh

if [ $# -lt 1 ]; then sed -n '2,13s/^# \?//p' "$0" && exit 2; fi
file=$(realpath "$1")
from=${2:-system} to=${3:-$from}
rows=${TRY_ROWS:-40}
program=${PGSYNC_BIN:-${CARGO_TARGET_DIR:-target}/debug/pgsync}

for variable in $(compgen -e PG); do unset "$variable"; done
work=$(mktemp -d "${TMPDIR:-/tmp}/pgsync-try-XXXXXX")
chmod 755 "$work"
clean_up() {
    if [ -n "${TRY_KEEP:-}" ]; then echo "left running: $work"; else stop_pair "$work"; fi
}
clean_up_at_exit

# serve FOLDER VERSION: starts a server of a version; `system` is the one that is installed.
serve() {
    local port
    port=$(free_port)
    if [ "$2" = system ]; then
        start_server "$work/$1" "$port" "fsync = off"
    else
        need_server "$2"
        (
            postgres_bin() { server_bin "$version"; }
            version=$2
            start_server "$work/$1" "$port" "fsync = off"
        )
    fi
    echo "postgres://postgres@127.0.0.1:$port" >"$work/$1.url"
}

sql() { psql -X -q -v VERBOSITY=terse -d "$1" "${@:2}"; }

failed=0
fault() {
    failed=1
    echo "    FAULT: $*"
}

need_dump
pg_dump=$(dump_program)
serve source "$from"
serve target "$to"
SOURCE=$(cat "$work/source.url")/app TARGET=$(cat "$work/target.url")/app
for url in "$SOURCE" "$TARGET"; do
    sql "${url%/app}/postgres" -c 'create database app'
    sql "${url%/app}/postgres" -c "alter database app set timezone = 'UTC'"
done
sql "$SOURCE" -f "$file" >"$work/load.out" 2>"$work/load.err" || true
errors=$(grep -c 'ERROR\|FATAL' "$work/load.err" || true)
sql "$SOURCE" -v ON_ERROR_STOP=1 -f scripts/try-schema/fill.sql >/dev/null 2>&1
sql "$SOURCE" -c "select try_schema.fill($rows, 0)" >/dev/null 2>"$work/fill.err" || { head -3 "$work/fill.err"; fault "the tables could not be filled"; }
sql "$TARGET" -v ON_ERROR_STOP=1 -f scripts/try-schema/fill.sql >/dev/null
filled=$(sql "$SOURCE" -At -F ' ' -c "select count(*), count(*) filter (where rows > 0), sum(rows) from try_schema.contents()")
echo "$(basename "$file") $from -> $to: $errors statements did not load; tables, with rows, rows: $filled"

# pgsync ARGS…: a run over all schemas; its exit status is in `status`, its answer in files.
run() {
    local name=$1
    shift
    status=0
    "$program" -source "$SOURCE" -target "$TARGET" -schema '*' "$@" >"$work/$name.out" 2>"$work/$name.err" || status=$?
}

# What the answer of a run says, in figures: tables that failed, changes, notes.
answer() { python3 -c '
import json, sys
run = json.load(open(sys.argv[1]))
bad = [t for t in run["tables"] if t["status"] != "success"]
t = run["totals"]
notes = [n for n in run["notes"] if n["level"] != "detail"]
print(len(bad), t["rows_inserted"] + t["rows_updated"] + t["rows_deleted"], len(notes))
seen = {}
for b in bad:
    error = b["error"] or {}
    text = error.get("message", b["status"])
    text += "; hint: " + error["hint"] if error.get("hint") else ""
    seen.setdefault(text, []).append(b["table"])
for text, names in seen.items():
    print("      failed", ", ".join(names[:3]), len(names), text[:400])
if run["error"]:
    print("      error", run["error"]["message"][:400])
for n in notes:
    print("      note", n["table"] or "-", n["text"][:400])
' "$work/$1.out"; }

equal_rows() {
    for side in SOURCE TARGET; do
        # Words that one version quotes, another one does not.
        sql "${!side}" -At -c "select * from try_schema.contents()" 2>>"$work/compare.err" | tr -d '"' | sort >"$work/$side.rows"
    done
    if ! diff "$work/SOURCE.rows" "$work/TARGET.rows" >"$work/rows.diff"; then
        fault "rows differ: $(grep -c '^<' "$work/rows.diff") tables of the source"
        head -6 "$work/rows.diff" | sed 's/^/      /'
    fi
}

# step NAME CHANGES NOTES ARGS…: one run; CHANGES and NOTES are `any` or `none`.
step() {
    local name=$1 changes=$2 notes=$3 bad changed said text
    shift 3
    run "$name" -json "$@"
    text=$(answer "$name" 2>/dev/null) || { fault "$name: exit $status, no answer"; head -5 "$work/$name.err"; return; }
    read -r bad changed said <<<"$(head -1 <<<"$text")"
    echo "  $name: exit $status, $bad not in sync, $changed rows changed, $said notes"
    if [ -n "${TRY_TELL:-}" ] || [ "$status" != 0 ] || [ "$notes" = none ]; then tail -n +2 <<<"$text"; fi
    if [ "$status" != 0 ]; then fault "$name: exit $status"; fi
    if [ "$changes" = none ] && [ "$changed" != 0 ]; then fault "$name: $changed rows changed"; fi
    if [ "$notes" = none ] && [ "$said" != 0 ]; then fault "$name: $said notes"; fi
    equal_rows
}

# What a database is made of, without what pgsync never copies. One pg_dump, of the newest version, prints all.
dump() {
    "$pg_dump" --schema-only --no-owner --no-privileges --no-publications --no-subscriptions --exclude-schema=try_schema \
        --exclude-table='*.sync_log' "$1" 2>>"$work/dump.err"
}
definitions() { dump "$1" | python3 scripts/try-schema/definitions.py; }

step first any any
step unchanged none none
for round in 1 2; do
    sql "$SOURCE" -c "select try_schema.change(${round}000)" >/dev/null 2>>"$work/change.err" || fault "changes failed: $(tail -1 "$work/change.err")"
    step "changes-$round" any any
done
step reset none none -ddl reset
step unchanged-after none none
# A server words expressions in its own way once it has read them back. So the yardstick is what the target's
# server makes of a dump of the source.
RESTORED=${TARGET%/app}/restored
sql "${TARGET%/app}/postgres" -c 'create database restored'
dump "$SOURCE" >"$work/source.dump"
sql "$RESTORED" -f "$work/source.dump" >/dev/null 2>"$work/restore.err" || true
definitions "$RESTORED" >"$work/source.sql"
definitions "$TARGET" >"$work/target.sql"
if diff "$work/source.sql" "$work/target.sql" >"$work/sql.diff"; then
    echo "  definitions: equal, $(grep -c . "$work/source.sql") statements"
else
    # What no table needs stays behind: types and extensions.
    unused='^< (CREATE (TYPE|DOMAIN|EXTENSION)|COMMENT ON (TYPE|DOMAIN)|CREATE SCHEMA) '
    grep -E "$unused" "$work/sql.diff" | cut -c1-80 | sed 's/^</    not needed:/' || true
    if grep '^[<>]' "$work/sql.diff" | grep -vE "$unused" >"$work/sql.left"; then
        fault "definitions differ: $(wc -l <"$work/sql.left") lines"
        head -"${TRY_LINES:-12}" "$work/sql.left" | cut -c1-300 | sed 's/^/      /'
        grep -m 6 'ERROR' "$work/restore.err" | cut -c1-200 | sed 's/^/      restoring: /' || true
    else
        echo "  definitions: equal, but for what no table needs; $(grep -c . "$work/target.sql") statements"
    fi
fi
exit $failed
