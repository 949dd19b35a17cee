#!/usr/bin/env bash
# Holds the house's shape: imports only point down the layers (docs/architecture.md, "The map"), source and
# target never import each other, each crate enters by its one door, only `report` prints.
# Prints every offending line and ends with 1 when there is one.
set -euo pipefail
cd "$(dirname "$0")/.."

# Module and layer.
layers='
main 4  cli 4  repeat 4  report 4  fuzz 4
run 3  verify 3  status 3  mask_suggestion 3  mask_preview 3  context 3  observe 3  schema 3  sync 3
metrics 2  notify 2  rejects 2  pg 2  source 2  target_side 2  sync_log 2
config 1  rules 1  select 1  plan 1  scrub 1  recall 1  copy_text 1  ddl_step 1  sql 1  suggest 1
ident 0  builtin_type 0  digest 0  backoff 0  table 0  schema_object 0  error 0  outcome 0  event 0  note 0  stop 0
'

# Crate and the paths below src that may name it.
doors='
clap                  cli
console               report
globset               select
http_body_util        metrics/listen
hyper                 metrics/listen
hyper_util            metrics/listen
indicatif             report/progress
deadpool              pg
deadpool_postgres     pg
ring                  notify/webhook
rustls                pg
rustls_native_certs   pg
rustls_pki_types      pg
tokio_rustls          pg
rusqlite              source/sqlite
md5                   source/sqlite
sd_notify             repeat/service
tracing               report/log
tracing_log           report/log
tracing_subscriber    report/log
ureq                  notify/http
tokio_postgres        pg
tokio_postgres_rustls pg
'

find src -name '*.rs' -print | LC_ALL=C sort | xargs awk -v layers="$layers" -v doors="$doors" '
function complain(why) { printf "%s:%d: %s: %s\n", FILENAME, FNR, why, text; bad = 1 }

# The part of `rest` that the last match() covered, without the `skip` characters before it.
function matched(skip) { return substr(rest, RSTART + skip, RLENGTH - skip) }

# A path may be named by the module file or by its folder: pg.rs, pg/mod.rs, pg/tls.rs.
function below(path, door) { return path == door || index(path, door "/") == 1 }

function import(name) {
    if (!(name in layer)) return
    if (layer[name] > layer[module]) complain(module " (layer " layer[module] ") imports " name " (layer " layer[name] ")")
    if (module == "source" && name == "target_side" || module == "target_side" && name == "source") complain("source and target do not know each other")
}

BEGIN {
    n = split(layers, word, /[ \n]+/)
    for (i = 1; i < n; i++) if (word[i + 1] ~ /^[0-9]$/) layer[word[i]] = word[i + 1]
    n = split(doors, word, /[ \n]+/)
    for (i = 1; i < n; i++) if (word[i] != "") { door[word[i]] = word[i + 1]; i++ }
}

FNR == 1 {
    path = FILENAME; sub(/^src\//, "", path); sub(/\.rs$/, "", path); sub(/\/mod$/, "", path)
    module = path; sub(/\/.*/, "", module)
    depth = split(path, word, "/")
    if (module != "lib" && !(module in layer)) { text = ""; complain("the module is in no layer: add it to the table in scripts/check-layers.sh, src/lib.rs and docs/architecture.md") }
}

{
    text = $0; sub(/^[ \t]+/, "", text)
    if (text ~ /^\/\// || module == "lib") next
    if (text ~ /(crate|pgsync)::[{]/) complain("write one `use` per module")

    rest = text
    while (match(rest, /(crate|pgsync)::[a-z_]+/)) {
        name = matched(0); sub(/.*::/, "", name); import(name)
        rest = substr(rest, RSTART + RLENGTH)
    }
    rest = text
    while (match(rest, /(super::)+[a-z_]+/)) {
        name = matched(0)
        if (gsub(/super::/, "", name) == depth) import(name) # so many lead out to the crate
        rest = substr(rest, RSTART + RLENGTH)
    }

    rest = text
    is_path = 0
    while (match(rest, /[A-Za-z_][A-Za-z0-9_]*(::|;)/)) {
        name = matched(0); sub(/(::|;)$/, "", name)
        before = RSTART > 2 ? substr(rest, RSTART - 2, 2) : RSTART == 1 && is_path ? "::" : ""
        is_path = matched(0) ~ /::$/
        if (name in door && before != "::" && !below(path, door[name]) && (matched(0) ~ /::$/ || text ~ /^use /))
            complain(name " belongs to " door[name])
        rest = substr(rest, RSTART + RLENGTH)
    }
    if (path !~ /^sql(\/statement)?$/ && text ~ /Sql::assembled|Statement::of\(/ || module != "sql" && text ~ /format_args!/) complain("statements are built by sql! and statement!")
    if (module != "report" && text ~ /(^|[^a-z_])(e?print(ln)?|dbg)!|io::(stdout|stderr)\(/) complain("only report prints")
}

END { exit bad }
' || exit 1

# Top modules import each other in no circle; pairs have names, and functions fit a page.
if command -v python3 >/dev/null 2>&1; then
    python3 scripts/house.py --cycles || exit 1
    python3 scripts/house.py --limits || exit 1
else
    echo "python3 is not installed: cycles between modules and long functions are not looked for"
fi

# A database may have any encoding, so a statement that is sent to it holds nothing but ASCII, comments too.
if git ls-files 'src/*.sql' | grep -v /tests/ | xargs grep -nP '[^\x00-\x7F]'; then
    echo "statements hold nothing but ASCII"
    exit 1
fi
