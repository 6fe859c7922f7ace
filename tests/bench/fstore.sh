#!/bin/sh
# bench of fstore: the same rows in fstore and its peers, in one run.
#   join      1 M labels and 10 M feature rows of 100 k integer ids, CSV to CSV, each label with the
#             features of its time: DuckDB (ASOF), polars (joinAsof), pandas (merge_asof)
#   joinids   the same with ids that are texts
#   joinlog   the same from a group's log
#   ingest    1 M rows of 10 floats, CSV, into a new group: parsed, in the log and on the disk in batches of
#             10,000, and in the LMDB view. The limit is the disk's: 168 MB of log; and LMDB's (see fstore_online.sh)
#   mget      1 M random ids, CSV in, one feature added, CSV out
#   get       a process that prints one record: median of 500, beside one that does nothing
#   files     the 10 M records of joinlog into Parquet by the hour, 64 MiB held at a time
# Smallest of $RUNS runs. The limits: the 325 MB of features are read once (copied from the page cache at
# about 5 GB/s, 0.07 s; their cells found at about 2 GB/s, 0.16 s), and each of the 10 M records looks up
# its id, its labels' times and its slot, three to four lines of the cache, of which a core has about 16
# under way: at 80 ns a line 0.2 s. Of DuckDB's cost the join may take a quarter with integer ids, half
# with texts.
set -eu
BIN=${BIN:-build/release}
RUNS=${RUNS:-3}
all='join joinids joinlog ingest mget get files'
TASKS=${TASKS:-$all}
work=${BENCH_DIR:-build/bench}
NODE_PACKAGES=${NODE_PACKAGES:-$PWD/build/node/node_modules}
export NODE_PACKAGES LC_ALL=C
here=$(dirname "$0")
# shellcheck disable=SC1091
. "$here/shared/measure.sh"
# shellcheck disable=SC2086 # words are meant to be split
tasks=$(known_tasks $all)
[ "$tasks" ] || exit 0
mkdir -p "$work"
if ! has_node @duckdb/node-api; then
    left_out "fstore (its rows are made by DuckDB, which is not there)"
    exit 0
fi

# rows NAME: asof-f.csv, asof-l.csv, and asof-fs.csv, asof-ls.csv with texts as ids.
make_rows() {
    [ -s "$work/asof-ls.csv" ] || node "$here/asof.mjs" rows "$work"
}

# wide.csv: 1 M rows of 10 floats; wide-ids.csv: their ids in another order.
make_wide() {
    [ ! -s "$work/wide-ids.csv" ] || return 0
    awk 'BEGIN {
        srand(1)
        printf "id,at"
        for (k = 0; k < 10; k++) printf ",f%d", k
        print ""
        for (i = 0; i < 1000000; i++) {
            printf "user_%d,%d", i, 1600000000 + i
            for (k = 0; k < 10; k++) printf ",%.6g", rand() * 100
            print ""
        }
    }' >"$work/wide.csv"
    awk 'BEGIN { print "id"; for (i = 0; i < 1000000; i++) print "user_" (i * 611953) % 1000000 }' >"$work/wide-ids.csv"
}

ingest_wide() {
    rm -rf "$work/wide-home"
    "$BIN/fstore" --home "$work/wide-home" create w --id id --time at --time-unit s \
        --feature f0:float,f1:float,f2:float,f3:float,f4:float,f5:float,f6:float,f7:float,f8:float,f9:float
    "$BIN/fstore" --home "$work/wide-home" ingest w "$work/wide.csv"
}

wide_group() {
    make_wide
    [ -d "$work/wide-home/fstore/w/online" ] || ingest_wide
}

materialize() {
    rm -rf "$work/asof-home/fstore/f/offline"
    "$BIN/fstore" --home "$work/asof-home" materialize f --memory 64M
}

group() {
    home=$work/asof-home
    [ ! -d "$home/fstore/f" ] || return 0
    "$BIN/fstore" --home "$home" create f --id id --time ts --time-unit s --online none
    "$BIN/fstore" --home "$home" ingest f "$work/asof-f.csv" --durable none --batch 100000 >/dev/null
}

# The rows that found something, as polars and pandas find them.
check() {
    got=$(awk -F, '$4 != ""' "$work/asof-out.csv" | wc -l)
    [ "$got" -eq 990229 ] || { echo "fstore.sh: $got rows, not 990229" >&2; exit 1; }
}

peers() { # TEXTS
    measure duckdb node "$here/asof.mjs" duckdb "$work" "$1"
    if has_node nodejs-polars; then measure polars node "$here/asof.mjs" polars "$work" "$1"; fi
    if has_python pandas; then measure pandas /usr/bin/python3 "$here/asof.py" "$work" "$1"; fi
}

# report TASK: lines of measure from standard input, each with the ratios to fstore's.
report() {
    awk -v task="$1" '$1 == "fstore" {w = $2; c = $3}
        {printf "%-8s %-7s %6.2f s %6.2f CPU s %5d MB", task, $1, $2, $3, $4 / 1024
         if ($1 != "fstore") printf "  %5.2f of its wall, %5.2f of its CPU", w / $2, c / $3
         print ""}'
}

# rate NAME ROWS: the line of a task without peers.
rate() {
    awk -v task="$1" -v rows="$2" '{printf "%-8s %-7s %6.2f s %6.2f CPU s %5d MB  %.0f rows/s, %.0f rows/CPU s\n",
        task, $1, $2, $3, $4 / 1024, rows / $2, rows / $3}'
}

# own TASK: those that are measured beside nothing, or in another way.
own() {
    case $1 in
    ingest) make_wide && measure fstore sh "$0" ingest_wide | rate ingest 1000000 ;;
    mget)
        wide_group
        measure fstore "$BIN/fstore" --home "$work/wide-home" mget w --features f1 "$work/wide-ids.csv" |
            rate mget 1000000
        ;;
    get)
        wide_group
        for command in "$BIN/fstore --home $work/wide-home get w user_77" /bin/true; do
            # shellcheck disable=SC2086 # words are meant to be split
            echo "get      $(basename "${command%% *}") $("$BIN/tests/spawn" 500 $command)"
        done
        ;;
    files) group && measure fstore sh "$0" materialize | rate files 10000000 ;;
    esac
}

one() {
    case $1 in
    ingest | mget | get | files)
        own "$1"
        return
        ;;
    join) texts='' source=$work/asof-f.csv ;;
    joinids) texts=s source=$work/asof-fs.csv ;;
    joinlog) texts='' source=f && group ;;
    esac
    {
        measure fstore "$BIN/fstore" --home "$work/asof-home" join --labels "$work/asof-l$texts.csv" \
            --time ts --time-unit s --id id -o "$work/asof-out.csv" "$source"
        check >&2
        peers "$texts"
    } | report "$1"
}

case ${1-} in ingest_wide | materialize) "$1" && exit ;; esac
make_rows
machine
for task in $tasks; do
    one "$task"
done
