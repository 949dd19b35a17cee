# shellcheck shell=bash
# Finds or installs the PostgreSQL server programs, and starts throw-away servers. Sourced.

# Runs a command as root, if that is possible without asking.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

# The folder of the newest server programs; fails when there are none.
postgres_bin() {
    local bin newest=
    for bin in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V); do
        if [ -x "$bin/initdb" ]; then newest=$bin; fi
    done
    if [ -z "$newest" ] && command -v pg_config >/dev/null 2>&1; then
        bin=$(pg_config --bindir)
        if [ -x "$bin/initdb" ]; then newest=$bin; fi
    fi
    [ -n "$newest" ] && printf '%s\n' "$newest"
}

# Installs the server programs where they are missing, without a cluster of the system's own.
need_postgres() {
    if postgres_bin >/dev/null; then return; fi
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "no PostgreSQL server programs (initdb, postgres) found: install them" >&2
        return 1
    fi
    echo "installing PostgreSQL from this system's packages"
    as_root mkdir -p /etc/postgresql-common/createcluster.d
    echo 'create_main_cluster = false' | as_root tee /etc/postgresql-common/createcluster.d/pgsync.conf >/dev/null
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql >/dev/null
    as_root rm -f /etc/postgresql-common/createcluster.d/pgsync.conf
    postgres_bin >/dev/null
}

# Installs PostGIS for the server programs that postgres_bin finds; fails where that cannot be done.
need_postgis() {
    local bin major
    bin=$(postgres_bin)
    major=$("$bin/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')
    if [ -e "$("$bin/pg_config" --sharedir 2>/dev/null)/extension/postgis.control" ] ||
        [ -e "/usr/share/postgresql/$major/extension/postgis.control" ]; then
        return
    fi
    if ! command -v apt-get >/dev/null 2>&1; then return 1; fi
    echo "installing PostGIS from this system's packages"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "postgresql-$major-postgis-3" >/dev/null
}

# Installs a program from this system's package of this name; fails where that cannot be done.
need_program() {
    local program=$1 package=$2
    if command -v "$program" >/dev/null 2>&1; then return; fi
    if ! command -v apt-get >/dev/null 2>&1; then return 1; fi
    echo "installing $package from this system's packages"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$package" >/dev/null
}

need_pgbouncer() {
    if command -v pgbouncer >/dev/null 2>&1; then return; fi
    if ! command -v apt-get >/dev/null 2>&1; then return 1; fi
    echo "installing pgbouncer from this system's packages"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends pgbouncer >/dev/null
}

# Whether a small file system can be mounted, as the test of a full disk does.
can_mount() {
    local folder
    folder=$(mktemp -d)
    if as_root mount -t tmpfs -o size=1m tmpfs "$folder" 2>/dev/null; then as_root umount "$folder"; else rmdir "$folder" && return 1; fi
    rmdir "$folder"
}

# Whether a network of a test's own can be made.
can_lose_packets() {
    local name=pgs$$
    command -v ss >/dev/null 2>&1 && ip netns add "$name" 2>/dev/null || return 1
    if ip link add "${name}a" type veth peer name "${name}b" netns "$name" 2>/dev/null; then ip netns del "$name"; else ip netns del "$name" && return 1; fi
}

# Runs a command as the user that may run servers: they refuse root.
as_server_user() {
    local user
    if [ "$(id -u)" != 0 ]; then
        "$@"
        return
    fi
    user=$(server_user)
    setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups "$@"
}

server_user() {
    if id postgres >/dev/null 2>&1; then echo postgres; else echo nobody; fi
}

# A port that nobody listens on.
free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        if ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return
        fi
    done
}

# start_server FOLDER PORT [SETTING…]: makes a cluster in FOLDER and starts it; superuser
# `postgres` needs no password. The server is stopped by stop_server FOLDER.
start_server() {
    local folder=$1 port=$2 bin setting
    shift 2
    bin=$(postgres_bin)
    mkdir -p "$folder"
    if [ "$(id -u)" = 0 ]; then chown "$(server_user)" "$folder"; fi
    (
        cd /
        as_server_user "$bin/initdb" -D "$folder/data" -N -A trust -U postgres -E UTF8 --locale=C.UTF-8 >/dev/null
        for setting in "listen_addresses = '127.0.0.1'" "port = $port" "unix_socket_directories = '$folder'" "$@"; do
            echo "$setting" | as_server_user tee -a "$folder/data/postgresql.conf" >/dev/null
        done
        as_server_user setsid --wait "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w -t 60 start >/dev/null
    )
}

# stop_server FOLDER: at once, by its pid; its data is thrown away anyway.
stop_server() {
    local file=$1/data/postmaster.pid pid
    [ -e "$file" ] || return 0
    pid=$(head -n 1 "$file")
    kill -QUIT "$pid" 2>/dev/null || return 0
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
}

# stop_pair FOLDER: the servers `source` and `target` in FOLDER, and all that is in it.
stop_pair() {
    if [ -z "$1" ]; then return; fi
    stop_server "$1/source"
    stop_server "$1/target"
    rm -rf "$1"
}

# Whatever ends the script, clean_up runs first.
clean_up_at_exit() {
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
}
