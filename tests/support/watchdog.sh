#!/bin/sh
# Stops the test clusters and removes their folder when nobody uses them any more, however their
# users ended: every test process holds a shared lock on $2, which the kernel releases with it.
# Waits five idle seconds, because a runner that starts one process per test has gaps; SIGTERM
# asks for the first idle second. $3 is locked for as long as a watchdog lives: one is enough.
folder=$1 users=$2 alive=$3
exec 8>>"$alive" 9>>"$users"
flock -n -x 8 || exit 0
patience=5 idle=0
trap 'patience=1' TERM
echo $$ >"$folder/watchdog.pid"

while :; do
    sleep 1 8>&- 9>&-
    if flock -n -x 9; then idle=$((idle + 1)); else idle=0; fi
    [ "$idle" -ge "$patience" ] && break # and keep the lock: whoever comes now waits for the end
    flock -u 9
done

for file in "$folder"/*/data/postmaster.pid; do
    [ -e "$file" ] || continue
    pid=$(head -n 1 "$file")
    grep -qF "$folder" "/proc/$pid/cmdline" 2>/dev/null || continue # the number belongs to another
    kill -QUIT "$pid"
    while kill -0 "$pid" 2>/dev/null; do sleep 0.1 8>&- 9>&-; done
done
rm -rf "$folder"
