#!/usr/bin/env bash
# Checks and tests everything, as continuous integration does: format, lints, layers, build, tests.
# Needs cargo; on Debian and Ubuntu it installs the PostgreSQL server programs when they are
# missing. The tests start and stop their own servers, unless PGSYNC_TEST_SOURCE and
# PGSYNC_TEST_TARGET name two (superuser URLs). Arguments are passed on to the test runner.
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
if [ -z "${PGSYNC_TEST_SOURCE:-}" ] && [ -z "${PGSYNC_TEST_SOURCE_BIN:-}" ]; then
    need_postgres
fi

step "format"
if cargo fmt --version >/dev/null 2>&1; then cargo fmt --check; else echo "rustfmt is not installed: skipped"; fi

step "lints"
if cargo clippy --version >/dev/null 2>&1; then
    cargo clippy --all-targets -- -D warnings
else
    echo "clippy is not installed: skipped"
fi

step "layers"
./scripts/check-layers.sh

if have shellcheck; then
    step "scripts"
    find scripts .ci tests -type f \( -name '*.sh' -o -name run \) -print0 | xargs -0 shellcheck -x
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
    cargo nextest run --no-fail-fast "$@" 2>&1 | tee target/test.log
else
    cargo test --no-fail-fast "$@" 2>&1 | tee target/test.log
fi

step "done"
grep -E 'Summary \[|^test result:' target/test.log
