#!/bin/sh
# bench of fstore: the same rows in fstore and its peers, in one run.
#   join      1 M labels and 10 M feature rows of 100 k integer ids, CSV to CSV, each label with the
#             features of its time: DuckDB (ASOF), polars (joinAsof), pandas (merge_asof)
#   joinids   the same with ids that are texts
#   joinlog   the same from a group's log
# Smallest of $RUNS runs. The limits: the 325 MB of features are read once (copied from the page cache at
# about 5 GB/s, 0.07 s; their cells found at about 2 GB/s, 0.16 s), and each of the 10 M records looks up
# its id, its labels' times and its slot, three to four lines of the cache, of which a core has about 16
# under way: at 80 ns a line 0.2 s. Of DuckDB's cost the join may take a quarter with integer ids, half
# with texts.
set -eu
BIN=${BIN:-build/release}
RUNS=${RUNS:-3}
all='join joinids joinlog'
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

one() {
    case $1 in
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

make_rows
machine
for task in $tasks; do
    one "$task"
done
