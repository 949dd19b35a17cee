#!/usr/bin/env bash
# Checks and tests everything, as continuous integration does: format, lints, documentation, layers,
# build, tests.
# Needs cargo; on Debian and Ubuntu it installs the PostgreSQL server programs when they are
# missing. The tests start and stop their own servers, unless PGSYNC_TEST_SOURCE and
# PGSYNC_TEST_TARGET name two (superuser URLs). Where npm is installed, what depends on the server's
# version is tested between the oldest and the newest, too; scripts/test-matrix.sh does more of that.
# Arguments are passed on to the test runner.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null

. scripts/lib/postgres.sh

step() { printf '\n== %s\n' "$*"; }

have() { command -v "$1" >/dev/null 2>&1; }

if ! have cargo; then
    echo "cargo is missing: see https://rustup.rs" >&2
    exit 1
fi
# The beginnings of the names of tests that this machine cannot do.
left_out=()
leave_out() {
    printf '\nNOT TESTED HERE, %s: %s\n\n' "$1" "$2" >&2
    left_out+=("$2")
}
if [ -z "${PGSYNC_TEST_SOURCE:-}" ] && [ -z "${PGSYNC_TEST_SOURCE_BIN:-}" ]; then
    need_postgres
    need_postgis || {
        leave_out "since PostGIS cannot be installed" extensions::postgis_
        leave_out "since PostGIS cannot be installed" values::postgis_
        leave_out "since PostGIS cannot be installed" geopackage::ogr_
    }
fi
need_pgbouncer || leave_out "since pgbouncer cannot be installed" poolers::
need_program promtool prometheus || {
    leave_out "since promtool of Prometheus cannot be installed" metrics::promtool
    leave_out "since promtool of Prometheus cannot be installed" recipes::promtool
}
need_program ogr2ogr gdal-bin || leave_out "since ogr2ogr cannot be installed" geopackage::ogr_
need_program yamllint yamllint || leave_out "since yamllint cannot be installed" recipes::a_yaml_parser
have systemd-analyze || leave_out "since there is no systemd" recipes::systemd_analyze
need_program shellcheck shellcheck || true
need_program faketime faketime || leave_out "since faketime cannot be installed" clock::
can_mount || leave_out "since no file system can be mounted" servers::a_full_disk
can_lose_packets || leave_out "since no network can be made, as root with ip and ss" silence::servers_that_vanish

step "format"
if cargo fmt --version >/dev/null 2>&1; then cargo fmt --check; else echo "rustfmt is not installed: skipped"; fi

step "lints"
if cargo clippy --version >/dev/null 2>&1; then
    cargo clippy --all-targets -- -D warnings
else
    echo "clippy is not installed: skipped"
fi

step "documentation"
RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items

step "layers"
./scripts/check-layers.sh

step "scripts"
if have shellcheck; then
    find scripts .ci tests -type f \( -name '*.sh' -o -name run \) -print0 | xargs -0 shellcheck -x -S warning
else
    echo "shellcheck cannot be installed: skipped"
fi

# The servers of the tests end by themselves a few seconds after the last test; ask them to hurry.
dismiss_servers() {
    local file
    for file in "${TMPDIR:-/tmp}"/pgsync-test-*/watchdog.pid /tmp/pgsync-test-*/watchdog.pid; do
        if [ -e "$file" ] && grep -qF "$PWD/target/tmp" "/proc/$(cat "$file")/cmdline" 2>/dev/null; then
            kill -TERM "$(cat "$file")" 2>/dev/null || true
        fi
    done
}
trap dismiss_servers EXIT

step "tests"
if have cargo-nextest; then
    all_but="all()$(printf -- ' - test(/^%s/)' "${left_out[@]}")"
    [ "${#left_out[@]}" -gt 0 ] || all_but="all()"
    cargo nextest run --no-fail-fast -E "$all_but" "$@" 2>&1 | tee target/test.log
else
    skipped=()
    for name in "${left_out[@]}"; do skipped+=(--skip "$name"); done
    cargo test --no-fail-fast "$@" -- "${skipped[@]}" 2>&1 | tee target/test.log
fi

# Only for the whole suite on servers of our own.
if [ $# = 0 ] && [ -z "${PGSYNC_TEST_SOURCE:-}" ] && [ -z "${PGSYNC_TEST_SOURCE_BIN:-}" ]; then
    step "oldest and newest servers"
    if have npm && have cargo-nextest; then
        ./scripts/test-matrix.sh --pairs "10-18 18-10" \
            types:: composed:: key_types:: widening:: extensions:: partitions:: shapes:: columns:: \
            digests:: triggers:: sequences:: not_null::
        ./scripts/test-matrix.sh --pairs "18-18" not_null::
    else
        echo "npm or cargo-nextest is not installed: skipped"
    fi
fi

step "done"
if [ "${#left_out[@]}" -gt 0 ]; then echo "NOT TESTED HERE: ${left_out[*]}"; fi
grep -E 'Summary \[|^test result:' target/test.log
