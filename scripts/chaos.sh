#!/usr/bin/env bash
# Runs pgsync again and again while writers, DDL on both sides and kills of everything are at work, and
# compares after each exit 0: ./scripts/chaos.sh [--minutes N] [--seed N] [--kind primary|standby|subscriber]
#
# The comparison is independent of pgsync: a session imports the snapshot that the run has exported (it
# lies as a file in the source's pg_snapshots), and sorted COPY of every table through sha256, there and
# on the target, has to be equal. A table that was replaced meanwhile cannot be read in that snapshot and
# is counted apart. Prints runs, exit statuses, comparisons and differences, and ends with 1 after a
# difference. PGSYNC_BIN names a program to use instead of building it. Needs python3 and psql.
set -euo pipefail
cd "$(dirname "$0")/.."

. scripts/lib/postgres.sh

work=
clean_up() {
    if [ -z "$work" ]; then return; fi
    for server in primary standby subscriber target; do stop_server "$work/$server"; done
    rm -rf "$work"
}
clean_up_at_exit

need_postgres
if [ -z "${PGSYNC_BIN:-}" ]; then
    cargo build --release --locked >&2
    PGSYNC_BIN=${CARGO_TARGET_DIR:-target}/release/pgsync
fi
for variable in $(compgen -e PG); do
    if [ "$variable" != PGSYNC_BIN ]; then unset "$variable"; fi
done
PATH=$(postgres_bin):$PATH
export PGSYNC_BIN PATH

work=$(mktemp -d "${TMPDIR:-/tmp}/pgsync-chaos-XXXXXX")
chmod 755 "$work"
settings=("fsync = off" "wal_level = logical" "max_connections = 60" "log_line_prefix = '%m [%p] %a '"
    "hot_standby_feedback = on" "wal_receiver_status_interval = 1s" "autovacuum_naptime = 5s")
for server in primary subscriber target; do
    start_server "$work/$server" "$(free_port)" "${settings[@]}"
done
echo "host replication all 127.0.0.1/32 trust" | as_server_user tee -a "$work/primary/data/pg_hba.conf" >/dev/null
psql -qX -h 127.0.0.1 -p "$(sed -n 4p "$work/primary/data/postmaster.pid")" -U postgres \
    -c "select pg_reload_conf()" >/dev/null
mkdir "$work/standby"
if [ "$(id -u)" = 0 ]; then chown "$(server_user)" "$work/standby"; fi
(
    cd /
    as_server_user pg_basebackup -R -c fast -h 127.0.0.1 -U postgres \
        -p "$(sed -n 4p "$work/primary/data/postmaster.pid")" -D "$work/standby/data"
    port=$(free_port)
    printf "port = %s\nunix_socket_directories = '%s'\n" "$port" "$work/standby" |
        as_server_user tee -a "$work/standby/data/postgresql.conf" >/dev/null
    as_server_user setsid --wait pg_ctl -D "$work/standby/data" -l "$work/standby/log" -w -t 60 start >/dev/null
)
server_user=
if [ "$(id -u)" = 0 ]; then server_user=$(server_user); fi
python3 scripts/chaos/main.py --work "$work" --server-user "$server_user" "$@"
