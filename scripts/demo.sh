#!/usr/bin/env bash
# Shows pgsync at work, in a minute and without leaving a trace: two throw-away PostgreSQL servers,
# a shop of some 390,000 rows, a first run, a day of changes (one of them in a transaction that
# began before the first run and commits after it), a second run, and an independent comparison.
# Ends with 0 when every table is equal by full content. PGSYNC_BIN names a program to use instead
# of building it.
set -euo pipefail
cd "$(dirname "$0")/.."

. scripts/lib/postgres.sh

bold='' plain=''
if [ -t 1 ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
say() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }

work=
late_pid=
clean_up() {
    if [ -n "$late_pid" ]; then kill "$late_pid" 2>/dev/null || true; fi
    stop_pair "$work"
}
clean_up_at_exit

need_postgres
if [ -z "${PGSYNC_BIN:-}" ]; then
    say "building"
    cargo build --release --locked
    PGSYNC_BIN=${CARGO_TARGET_DIR:-target}/release/pgsync
fi

say "two servers, for this demo only"
work=$(mktemp -d "${TMPDIR:-/tmp}/pgsync-demo-XXXXXX")
chmod 755 "$work"
source_port=$(free_port)
start_server "$work/source" "$source_port" "fsync = off"
target_port=$(free_port)
start_server "$work/target" "$target_port" "fsync = off"
SOURCE=postgres://postgres@127.0.0.1:$source_port/shop
TARGET=postgres://postgres@127.0.0.1:$target_port/shop
echo "source $SOURCE"
echo "target $TARGET"

# No settings of the caller's own, whatever they are.
for variable in $(compgen -e PG); do
    if [ "$variable" != PGSYNC_BIN ]; then unset "$variable"; fi
done
# Not a setting of pgsync, which would say so.
export -n PGSYNC_BIN
sql() { psql -X -q -v ON_ERROR_STOP=1 -d "$1" "${@:2}"; }
tables() { sql "$SOURCE" -At -c "select quote_ident(relname) from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' order by 1"; }
for url in "$SOURCE" "$TARGET"; do
    sql "${url%/shop}/postgres" -c 'create database shop'
    sql "$url" -f scripts/demo/schema.sql
done
sql "$SOURCE" -f scripts/demo/data.sql
rows=0
for table in $(tables); do rows=$((rows + $(sql "$SOURCE" -At -c "select count(*) from $table"))); done
echo "$rows rows in $(tables | wc -l) tables on the source, none on the target"

# The first line is kept: a pipe keeps the session, and so its transaction, open.
begin_late_transaction() {
    mkfifo "$work/late"
    psql -X -q -v ON_ERROR_STOP=1 -d "$SOURCE" -f "$work/late" >/dev/null &
    late_pid=$!
    exec 7>"$work/late"
    echo "set application_name = 'late'; begin; update product set name = 'changed by the late transaction' where id = 42;" >&7
    local open="select count(*) from pg_stat_activity where application_name = 'late' and state = 'idle in transaction'"
    while [ "$(sql "$SOURCE" -At -c "$open")" != 1 ]; do sleep 0.05; done
}

commit_late_transaction() {
    echo "commit;" >&7
    exec 7>&-
    wait "$late_pid"
    late_pid=
}

verdict=0
# Without an overlap nothing but the horizon can save the late transaction's row.
run() {
    echo "\$ pgsync -source $SOURCE -target $TARGET -overlap 0s"
    local status=0
    "$PGSYNC_BIN" -source "$SOURCE" -target "$TARGET" -overlap 0s || status=$?
    echo "exit status $status"
    if [ "$status" != 0 ]; then verdict=1; fi
}

# Every row of every table as sorted text, by nothing but COPY and sha256sum.
content() {
    psql -X -q -v ON_ERROR_STOP=1 -d "$1" -c "copy (select t::text from only $2 t order by t::text collate \"C\") to stdout" | sha256sum | cut -c 1-16
}

compare() {
    local table source target mark
    for table in $(tables); do
        source=$(content "$SOURCE" "$table")
        target=$(content "$TARGET" "$table")
        mark=equal
        if [ "$source" != "$target" ]; then
            mark=DIFFERENT
            verdict=1
        fi
        printf '%-18s %s  %s  %s\n' "$table" "$source" "$target" "$mark"
    done
}

say "a transaction changes product 42 and stays open; another overtakes it"
begin_late_transaction
sql "$SOURCE" -c "update product set name = 'changed in time' where id = 43"

say "run 1: empty tables are filled"
run
say "independent comparison (what is not committed yet is on neither side)"
compare

say "a day in the shop, and the late transaction commits"
sql "$SOURCE" -f scripts/demo/changes.sql
commit_late_transaction

say "run 2: only what changed travels"
run
say "independent comparison"
compare
sql "$TARGET" -At -c "select 'product 42 on the target: ' || name from product where id = 42"

say "run 3: nothing changed"
run

say "what the target remembers: sync_log"
sql "$TARGET" -c "select table_name, sync_type, status, rows_processed as processed, rows_inserted as inserted, rows_updated as updated, rows_deleted as deleted, bytes, watermark from sync_log order by start_time desc, table_name limit 20"

changed=$(sql "$TARGET" -At -c "select sum(rows_inserted + rows_updated + rows_deleted) from sync_log where run_id = (select run_id from sync_log order by id desc limit 1)")
if [ "$changed" != 0 ]; then
    echo "run 3 should have changed nothing, but changed $changed rows"
    verdict=1
fi

if [ "$verdict" = 0 ]; then
    say "VERDICT: the target equals the source, table by table"
else
    say "VERDICT: something differs or failed, see above"
fi
exit "$verdict"
