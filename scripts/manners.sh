#!/usr/bin/env bash
# How long others wait for pgsync: while it works through a first run, an added column with keys, a reset
# and a reconcile, others write to the source, lock a small table of it for a moment and read the target
# every 50 ms. Prints the longest wait of each, with pgsync and without, and how long a snapshot of the
# source outlived the last read. Two throw-away servers; needs psql. PGSYNC_BIN names a program to use
# instead of building it.
#
# usage: scripts/manners.sh [--rows N]   (2,000,000 unless said otherwise)
set -euo pipefail
cd "$(dirname "$0")/.."

. scripts/lib/postgres.sh

rows=2000000
if [ "${1:-}" = --rows ]; then rows=$2; fi
work=
source='' target=''
clean_up() { stop_pair "$work"; }
clean_up_at_exit

need_postgres
if [ -z "${PGSYNC_BIN:-}" ]; then
    cargo build --release --locked >&2
    PGSYNC_BIN=${CARGO_TARGET_DIR:-target}/release/pgsync
fi
for variable in $(compgen -e PG); do
    if [ "$variable" != PGSYNC_BIN ]; then unset "$variable"; fi
done
# Not a setting of pgsync, which would say so.
export -n PGSYNC_BIN
PATH=$(postgres_bin):$PATH
work=$(mktemp -d "${TMPDIR:-/tmp}/pgsync-manners-XXXXXX")
chmod 755 "$work"
for side in source target; do
    port=$(free_port)
    start_server "$work/$side" "$port" "fsync = off" "max_wal_size = 16GB" \
        "log_min_duration_statement = 0" "log_disconnections = on" "log_line_prefix = '%n %a '"
    declare "$side=postgres://postgres@127.0.0.1:$port/postgres"
done
on() { psql -qAtX -v ON_ERROR_STOP=1 -d "$1" -c "$2"; }

# Somebody who does the same thing every 50 ms; what has vanished for a moment is no matter.
probe() {
    local url=$1 name=$2 statement=$3
    printf '\\timing on\n%s\n\\watch 0.05\n' "do \$\$ begin $statement exception when undefined_table or undefined_column then null; end \$\$" |
        stdbuf -oL psql -qAtX -d "$url" >"$work/$name" 2>&1 &
    probes+=($!)
}
begin_probes() {
    probes=()
    probe "$source" writer "update big set n = n + 1 where id = 1;"
    probe "$source" locker "lock table small in access exclusive mode;"
    probe "$target" reader "perform from big limit 1; perform from small limit 1;"
    logged=$(wc -l <"$work/source/log")
}
end_probes() {
    kill "${probes[@]}" 2>/dev/null || true
    wait "${probes[@]}" 2>/dev/null || true
}
longest() { awk '/^Time:/ && $2 > most { most = $2 } END { printf "%.0f", most }' "$work/$1"; }
# From the end of the last statement of pgsync on the source to the end of its last session there.
outlived() {
    tail -n "+$((logged + 1))" "$work/source/log" |
        awk '$2 == "pgsync" && /duration:/ { read = $1 } $2 == "pgsync" && /disconnection:/ { held = $1 }
             END { printf "%.0f", (held > read ? (held - read) * 1000 : 0) }'
}
report() { printf '%-28s %14s %14s %14s %16s\n' "$@"; }

# measure NAME FLAG…
measure() {
    local name=$1
    shift
    begin_probes
    sleep 1
    if [ $# -gt 0 ]; then
        "$PGSYNC_BIN" -source "$source" -target "$target" -quiet "$@" || echo "$name: exit $?"
    else
        sleep 4
    fi
    sleep 0.3
    end_probes
    report "$name" "$(longest writer) ms" "$(longest locker) ms" "$(longest reader) ms" "$(outlived) ms"
}

on "$source" "create table small (id int primary key, n int); insert into small select i, 0 from generate_series(1, 100) i;
    create table big (id bigint primary key, n int, code text not null, body text, updated_at timestamptz default now());
    insert into big select i, 0, 'c' || i, repeat(md5(i::text), 3), now() - interval '1 day' from generate_series(1, $rows) i;
    alter table big add unique (code); create index on big (updated_at);
    create table child (id int primary key, big bigint references big);
    insert into child select i, i from generate_series(1, least($rows, 100000)) i"
psql -qX -d "$source" -c "vacuum analyze"

report "$rows rows, longest wait of" "source writer" "source locker" "target reader" "snapshot after"
measure "without pgsync"
measure "first run" -lock-timeout 60s
on "$source" "alter table big add extra int not null default 7; alter table big add unique (id, code); create index on big (extra);
    alter table big add check (extra > 0); alter table small add big bigint references big; create table more (id int primary key, n int unique);
    insert into more select i, i from generate_series(1, 10000) i; update big set n = n + 1, updated_at = now() where id % 100 = 0"
measure "additive change" -lock-timeout 60s
on "$source" "alter table big alter n type text; update big set n = n || 'x', updated_at = now() where id % 100 = 1" 
measure "reset" -lock-timeout 60s -ddl reset
on "$target" "delete from big where id % 1000 = 7 and not exists (select from child c where c.big = big.id)"
measure "reconcile" -lock-timeout 60s -reconcile
