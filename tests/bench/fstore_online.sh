#!/bin/sh
# bench of the online views: $ROWS records of 10 floats (144 bytes as a value) in random order into a view, and as
# many random ids out of it, beside what it stands on, in one run.
#   lmdb   through lib/store, and the same bytes through LMDB alone, in sorted transactions of 100,000
#   redis  through lib/store, and redis-benchmark: pipelined GET of the same keys, and SET without the comparison
#          of times, for which lib/store sends a script
# Rates are the highest of $RUNS runs, CPU that of the client in this run. Ratios are lib/store's rate over the peer's.
set -eu
BIN=${BIN:-build/release}
ROWS=${ROWS:-1000000} RUNS=${RUNS:-3}
all='lmdb redis'
TASKS=${TASKS:-$all}
work=${BENCH_DIR:-build/bench}
export LC_ALL=C
here=$(dirname "$0")
# shellcheck disable=SC1091
. "$here/shared/measure.sh"
# shellcheck disable=SC2086 # words are meant to be split
tasks=$(known_tasks $all)
[ "$tasks" ] || exit 0
mkdir -p "$work"
scratch=$(mktemp -d) # a socket's path must be short
server=

finish() {
    if [ "$server" ]; then
        kill "$server" 2>/dev/null || :
        wait "$server" || :
    fi
    rm -rf "$scratch" "$work/online-view"
}
trap finish EXIT
trap 'exit 1' INT TERM

stop() {
    echo "fstore_online.sh: $*" >&2
    exit 1
}

# Lines of JSON become "what tool rate cpu".
figures() {
    sed -n 's/^{"what": "\([a-z-]*\) \([a-z]*\)", "per_s": \([0-9]*\), "cpu_s": \([0-9.]*\)}$/\2 \1 \3 \4/p'
}

# in_folder KIND
in_folder() {
    rm -rf "$work/online-view"
    "$BIN/tests/online" "$1" "$ROWS" "$work/online-view" >"$work/online.json" || stop "$1 failed"
    figures <"$work/online.json"
}

start_server() {
    redis-server --port 0 --unixsocket "$scratch/r.sock" --save '' --appendonly no --dir "$scratch" >"$work/redis.log" 2>&1 &
    server=$!
    while [ ! -S "$scratch/r.sock" ]; do
        kill -0 "$server" 2>/dev/null || stop "redis-server does not start: $work/redis.log"
        sleep 0.1
    done
}

# peer WHAT COMMAND...: the rate of redis-benchmark.
peer() {
    what=$1
    shift
    redis-benchmark -s "$scratch/r.sock" -P 500 -c 1 -n "$ROWS" -r "$ROWS" --csv "$@" |
        awk -F '"' -v what="$what" 'END {if ($4 > 0) printf "%s redis-benchmark %.0f -\n", what, $4}'
}

in_server() {
    "$BIN/tests/online" redis "$ROWS" "redis+unix://$scratch/r.sock" >"$work/online.json" || stop "redis failed"
    figures <"$work/online.json"
    have redis-benchmark || return 0
    peer get get 'fs:{bench:__rand_int__}'
    peer apply set 'fs:{bench:__rand_int__}' "$(printf '%0144d' 0)"
}

runs_of() {
    run=0
    while [ $run -lt "$RUNS" ]; do
        run=$((run + 1))
        case $1 in
        lmdb) in_folder lmdb && in_folder raw-lmdb ;;
        redis) in_server ;;
        esac
    done
}

table() {
    awk '
        !(($1, $2) in rate) {line[++n] = $1 SUBSEP $2}
        $3 > rate[$1, $2] {rate[$1, $2] = $3; cpu[$1, $2] = $4}
        !($1 in own) {own[$1] = $2}
        END {
            for (i = 1; i <= n; i++) {
                split(line[i], k, SUBSEP)
                printf "%-6s %-16s %10d %8s %8.2f\n", k[1], k[2], rate[line[i]], cpu[line[i]],
                    rate[k[1], own[k[1]]] / rate[line[i]]
            }
        }' "$1"
}

echo "$(machine); $ROWS records"
printf '%-6s %-16s %10s %8s %8s\n' what tool '1/s' 'cpu s' ratio
for task in $tasks; do
    if [ "$task" = redis ]; then
        have redis-server || { left_out "redis (no redis-server)"; continue; }
        have redis-benchmark || left_out "redis-benchmark (not installed)"
        start_server
    fi
    runs_of "$task" >"$work/online.figures"
    table "$work/online.figures"
done
