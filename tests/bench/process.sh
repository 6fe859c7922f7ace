#!/bin/sh
# bench of process: shards that do little, and one table cut between records, beside xargs and GNU parallel, in one run.
#   map       $SHARDS files through cat into files of their own, two at once; xargs and parallel need a shell for that
#   true      $SHARDS instances of true, two at once, without inputs: what an instance costs
#   isolated  a tenth of that many, each in its sandbox
#   records   a CSV file of $ROWS rows through wrangle, cut in 8 between records, two at once; and wrangle -j2 alone
# Smallest CPU time of $RUNS runs. The limits: a process costs 0.32 to 0.37 ms with two at once. process looks at each
# file, writes a result for each instance by a second name (link), and moves what it made.
set -eu
BIN=${BIN:-build/release}
RUNS=${RUNS:-3}
SHARDS=${SHARDS:-2000}
ROWS=${ROWS:-1000000}
all='map true isolated records'
TASKS=${TASKS:-$all}
work=${BENCH_DIR:-build/bench}
NODE_PACKAGES=${NODE_PACKAGES:-$PWD/build/node/node_modules}
export LC_ALL=C
BIN=$(cd "$BIN" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck disable=SC1091
. "$here/shared/measure.sh"
# shellcheck disable=SC2086 # words are meant to be split
tasks=$(known_tasks $all)
[ "$tasks" ] || exit 0
mkdir -p "$work/shards/in"
work=$(cd "$work" && pwd)
PATH=$BIN:$PATH
export BIN BENCH_DIR="$work" SHARDS ROWS PATH
cd "$work/shards"

clear_all() { rm -rf .ml out; mkdir out; }

map_process() { process --home .ml map cat -i in -o out/ -j2; }
map_xargs() { xargs -a list -P2 -n1 sh -c 'cat "in/$1" >"out/$1"' sh; }
map_parallel() { parallel -j2 'cat in/{} >out/{}' <list; }
true_process() { process --home .ml run --instances "$SHARDS" -j2 -- true; }
true_xargs() { xargs -a list -P2 -n1 true; }
true_parallel() { parallel -j2 true <list; }
isolated_process() { process --home .ml run --isolate --instances $((SHARDS / 10)) -j2 -- true; }
isolated_xargs() { head -n $((SHARDS / 10)) list | xargs -P2 -n1 unshare -Urpf --mount-proc true; }
isolated_parallel() { head -n $((SHARDS / 10)) list | parallel -j2 bwrap --ro-bind / / --unshare-all true; }
records_process() {
    process --home .ml map 'wrangle -j1 "set z = x * y"' -i big.csv -o big.out.csv --shard record --instances 8 -j2
}
records_wrangle() { wrangle -j2 'set z = x * y' big.csv -o big.out2.csv; }

case ${1:-} in
?*)
    clear_all
    "$1_$2"
    exit
    ;;
esac

machine
seq "$SHARDS" >list
if [ "$(find in -type f | wc -l)" != "$SHARDS" ]; then
    rm -rf in
    mkdir in
    while read -r i; do echo "$i,line" >"in/$i"; done <list
fi
for task in $tasks; do
    tools='process xargs parallel' n=$SHARDS
    case $task in
    isolated) n=$((SHARDS / 10)) ;;
    records)
        tools='process wrangle' n=8
        awk -v n="$ROWS" 'BEGIN {print "id,x,y"; for (i = 0; i < n; i++) printf "%d,%d,%.3f\n", i, i * 7 % 1000, i / 7}' >big.csv
        ;;
    esac
    for tool in $tools; do
        have "$tool" || { left_out "$tool"; continue; }
        if [ "$task $tool" = 'isolated parallel' ] && ! have bwrap; then left_out bwrap; continue; fi
        measure "$tool" sh "$here/process.sh" "$task" "$tool"
    done | awk -v task="$task" -v n="$n" '$1 == "process" {w = $2; c = $3}
        {printf "%-8s %-8s %7.3f s %7.3f CPU s %4d MB  %.3f ms each", task, $1, $2, $3, $4 / 1024, 1000 * $2 / n
         if ($1 != "process") printf "  process takes %.2f of its wall, %.2f of its CPU", w / ($2 ? $2 : 0.001), c / ($3 ? $3 : 0.001)
         print ""}'
done
if [ -e big.out.csv ] && [ -e big.out2.csv ]; then cmp big.out.csv big.out2.csv; fi
