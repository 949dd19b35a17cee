#!/bin/sh
# The memory that a run needs, with as much of everything as the README promises to bear: five million
# rows with one timestamp, values of 100 MB, 2,000 tables, 32 workers. Prints the greatest resident size
# of each run beside its limit (64 MiB, plus twice the largest value as text) and fails beyond it.
#
# usage: scripts/stress.sh SOURCE_URL TARGET_URL   (superuser URLs of two empty databases; psql needed)
# SCALE=10 makes a tenth of it.
set -eu
cd "$(dirname "$0")/.."
source=$1 target=$2 scale=${SCALE:-1} failed=0
cargo build --release --quiet
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

both() { for url in "$source" "$target"; do psql -qX -v ON_ERROR_STOP=1 -d "$url" -c "$1" >/dev/null; done; }
on_source() { psql -qX -v ON_ERROR_STOP=1 -d "$source" -c "$1" >/dev/null; }

# run NAME LIMIT_KB FLAG...
run() {
    name=$1 limit=$2
    shift 2
    target/release/pgsync -source "$source" -target "$target" -quiet "$@" & pid=$!
    peak=0
    while now=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status" 2>/dev/null) && [ -n "$now" ]; do
        peak=$now
        sleep 0.05
    done
    wait "$pid" || { echo "$name: the run failed"; failed=1; }
    verdict=ok
    [ "$peak" -le "$limit" ] || { verdict='TOO MUCH'; failed=1; }
    printf '%-44s %8d KiB of %8d  %s\n' "$name" "$peak" "$limit" "$verdict"
}

base=65536
rows=$((5000000 / scale))
both "create table same (id int primary key, body text, updated_at timestamptz)"
on_source "insert into same select i, repeat('x', 50), '2024-01-01' from generate_series(1, $rows) i; analyze same"
run "first copy of $rows rows" $base -include same
on_source "update same set body = 'y', updated_at = '2024-02-01'"
run "$rows rows with one timestamp" $base -include same -overlap 0s
psql -qX -d "$target" -c "update same set body = 'z' where id % 3 = 0" >/dev/null
run "$rows rows compared" $base -include same -reconcile
both "drop table same"

mega=$((100 / scale)) value=$((100 * 1024 / scale))
both "create table large (id int primary key, body text)"
on_source "insert into large select i, repeat('v', $mega * 1024 * 1024) from generate_series(1, 3) i"
run "values of $mega MiB, first copy" $((base + 2 * value)) -include large
on_source "update large set body = body || 'w'"
run "values of $mega MiB, compared" $((base + 2 * value)) -include large
both "drop table large"

tables=$((2000 / scale))
both "do \$\$ begin for i in 1..$tables loop execute format('create table t%s (id int primary key, n int, updated_at timestamptz)', i); if i % 100 = 0 then commit; end if; end loop; end \$\$"
on_source "do \$\$ begin for i in 1..$tables loop execute format('insert into t%s select g, g, ''2024-01-01'' from generate_series(1, 10) g', i); end loop; end \$\$"
run "$tables tables, first copy, 32 workers" $base -parallel 32
run "$tables tables, nothing changed" $base -parallel 32
exit $failed
