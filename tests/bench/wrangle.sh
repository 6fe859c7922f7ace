#!/bin/sh
# shellcheck disable=SC2016 # dollars belong to awk and Miller
# bench of wrangle: each task beside the tools that can do it, in one run, on one generated file. CPU is user +
# system seconds, the smallest of $RUNS runs; peak memory is that of the largest process. $ROWS rows
# (2,800,000 are about 500 MB), $TASKS to run some only. Ratios are CPU of the peer over CPU of wrangle.
set -eu
BIN=${BIN:-build/release}
ROWS=${ROWS:-2800000} RUNS=${RUNS:-3}
all='count select filter moments group sort encode jsonl regex parquet unparquet'
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
data=$work/bench-$ROWS.csv

if [ ! -s "$data" ]; then
    "$BIN/tests/generate" "$ROWS" >"$data.tmp"
    mv "$data.tmp" "$data"
fi
# The same rows without quotes, delimiters and newlines in cells, for tools that split lines.
tsv=$work/bench-$ROWS.tsv
[ -s "$tsv" ] || "$BIN/wrangle" 'replace address,comment pattern="[\t\n\"]" with=" "' "$data" -t tsv --quote none -o "$tsv" 2>/dev/null ||
    "$BIN/wrangle" convert "$data" -t tsv -o "$tsv"

# What unparquet reads.
table=$work/bench-$ROWS.parquet
[ -s "$table" ] || "$BIN/wrangle" convert "$data" -o "$table"

program_of() {
    case $1 in
    count) echo 'agg n=count()' ;;
    select) echo 'select id,country,amount' ;;
    filter) echo 'filter amount > 200' ;;
    moments)
        for c in quantity unit_price discount amount age score lat lon; do
            calls="${calls:-} n_$c=count($c) m_$c=mean($c) s_$c=std($c) i_$c=min($c) a_$c=max($c)"
        done
        echo "agg$calls" ;;
    group) echo 'agg mean=mean(amount) by=country' ;;
    sort) echo 'sort amount' ;;
    encode) echo 'onehot country | scale amount,unit_price,score' ;;
    regex) echo 'replace address pattern="[0-9]+" with="#"' ;;
    esac
}

ours() {
    case $1 in
    jsonl | parquet) measure "wrangle-j$2" "$BIN/wrangle" convert -t "$1" -j "$2" "$data" ;;
    unparquet) measure "wrangle-j$2" "$BIN/wrangle" convert -t csv -j "$2" "$table" ;;
    *) measure "wrangle-j$2" "$BIN/wrangle" -j "$2" "$(program_of "$1")" "$data" ;;
    esac
}

pandas_of() {
    cat <<END
import pandas as pd
f = "$data"
eight = ["quantity", "unit_price", "discount", "amount", "age", "score", "lat", "lon"]
t = "$1"
if t == "group": pd.read_csv(f, usecols=["country", "amount"]).groupby("country").amount.mean()
elif t == "select": pd.read_csv(f, usecols=["id", "country", "amount"]).to_csv("/dev/null", index=False)
elif t == "moments": pd.read_csv(f, usecols=eight).agg(["count", "mean", "std", "min", "max"])
elif t == "encode":
    from sklearn.preprocessing import StandardScaler, OneHotEncoder
    d = pd.read_csv(f, usecols=["country", "amount", "unit_price", "score"])
    StandardScaler().fit_transform(d[["amount", "unit_price", "score"]])
    OneHotEncoder().fit_transform(d[["country"]])
END
}

peers() {
    for tool in duckdb polars; do
        case $tool in duckdb) package=@duckdb/node-api ;; polars) package=nodejs-polars ;; esac
        if has_node "$package"; then
            measure "$tool" node "$here/peers.mjs" "$tool" "$1" "$([ "$1" = unparquet ] && echo "$table" || echo "$data")"
        else
            left_out "$tool (npm $package is not in $NODE_PACKAGES)"
        fi
    done
    case $1 in group | select | moments | encode)
        /usr/bin/python3 -c 'import pandas, sklearn' 2>/dev/null && measure pandas /usr/bin/python3 -c "$(pandas_of "$1")" ;;
    esac
    case $1 in
    count) measure wc wc -l "$data" ;;
    select)
        have mawk && measure mawk-tsv mawk -F '\t' -v 'OFS=\t' '{print $1, $5, $11}' "$tsv" ;;
    filter)
        have mawk && measure mawk-tsv mawk -F '\t' '$11 > 200' "$tsv" ;;
    group)
        have mawk && measure mawk-tsv mawk -F '\t' '{n[$5]++; s[$5] += $11} END {for (k in n) print k, s[k] / n[k]}' "$tsv"
        have datamash && [ "${SLOW:-}" ] && measure datamash-tsv datamash -s --header-in -g 5 count 1 <"$tsv" ;;
    sort)
        measure gnu-sort-tsv sort -t "$(printf '\t')" -k 11,11g -S 1G "$tsv" ;;
    jsonl)
        have jq && [ "${SLOW:-}" ] && measure jq sh -c "'$BIN/wrangle' convert -t jsonl '$data' | jq -c ." ;;
    esac
    [ -z "${SLOW:-}" ] || ! have mlr || case $1 in
    count) measure mlr mlr --icsv --ojson count "$data" ;;
    select) measure mlr mlr --csv cut -o -f id,country,amount "$data" ;;
    filter) measure mlr mlr --csv filter '$amount > 200' "$data" ;;
    group) measure mlr mlr --icsv --ojson stats1 -a mean -f amount -g country "$data" ;;
    esac
    return 0
}

echo "$(machine); file: $(wc -c <"$data") bytes, $ROWS rows"
printf '%-8s %-14s %8s %8s %9s %8s\n' task tool wall cpu 'peak MB' ratio
measure limit wc -l "$data" | awk '{printf "%-8s %-14s %8.2f %8.2f %9.0f\n", "limit", "wc -l", $2, $3, $4 / 1024}'
for task in $tasks; do
    { ours "$task" 1; ours "$task" 2; peers "$task"; } | awk -v task="$task" '
        NF == 4 {if (own == "") own = $3
                 printf "%-8s %-14s %8.2f %8.2f %9.0f %8.1f\n", task, $1, $2, $3, $4 / 1024, (own > 0 ? $3 / own : 0)}'
done
measure version "$BIN/wrangle" --version | awk '{printf "%-8s %-14s %8.3f\n", "start-up", "wrangle", $2}'
