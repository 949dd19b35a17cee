#!/usr/bin/env bash
# Measures pgsync beside its yardsticks, on two throw-away servers: ./scripts/bench.sh [case…]
# [--rows N] [--repeat N] [--md] [--json FILE]; --help lists the cases. In every round all contenders
# run one after the other, in turning order, on the same servers. PGSYNC_BIN names a program to use
# instead of building it. Needs python3 and psql; pgcopydb is measured where it is installed.
set -euo pipefail
cd "$(dirname "$0")/.."

. scripts/lib/postgres.sh

case " $* " in *" --help "* | *" -h "*) exec python3 scripts/bench/main.py --help ;; esac

work=
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
PATH=$(postgres_bin):$PATH
export PGSYNC_BIN PATH

work=$(mktemp -d "${TMPDIR:-/tmp}/pgsync-bench-XXXXXX")
chmod 755 "$work"
# Nothing of the machine's disk, and nothing that comes and goes by itself.
settings=("fsync = off" "shared_buffers = 1GB" "max_wal_size = 16GB" "checkpoint_timeout = 1h"
    "autovacuum = off" "max_connections = 50" "max_locks_per_transaction = 512")
for side in source target; do
    start_server "$work/$side" "$(free_port)" "${settings[@]}"
done
python3 scripts/bench/main.py --work "$work" "$@"
