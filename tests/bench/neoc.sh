#!/bin/sh
# bench of neoc: the same models and rows in neoc, XGBoost and ONNX Runtime, in one run. Before anything
# is measured, neoc's margins must be XGBoost's to the last bit.
#   d6 d8     $TREES trees of that depth, 256 bins; batches of $BATCH rows in memory, then single rows
#   bins      depth 6, 1024 bins: features with more than 255 thresholds
#   leafwise  31 leaves, depth at most 12, as LightGBM's text; the peers have the same trees
#   csv       from a CSV file of $ROWS rows to one of predictions
#   start     a process that loads the model and predicts one row
#   load      the library of an artefact, from dlopen to the first prediction
#   compile   neoc compile: time and size
# Rates are the highest, times the smallest of $RUNS runs. Rows per CPU second are of one thread; x2 is
# what a second thread adds on the wall. Ratios tell how many times the peer's cost is neoc's.
set -eu
BIN=${BIN:-build/release}
ROWS=${ROWS:-1000000} BATCH=${BATCH:-100000} RUNS=${RUNS:-3}
TREES=${TREES:-500} TRAIN=${TRAIN:-50000} # rows to learn from
all='d6 d8 bins leafwise csv start load compile'
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
if [ ! -x "$BIN/tests/xgboost" ]; then
    left_out "neoc (its models are trained by XGBoost, whose library is not there: libxgboost-dev)"
    exit 0
fi

# ---- rows and models ----

# rows_of COUNT SEED: the path of so many rows.
rows_of() {
    path=$work/rows-$1-$2.csv
    if [ ! -s "$path" ]; then
        "$BIN/tests/rows" "$1" "$2" >"$path.tmp"
        mv "$path.tmp" "$path"
    fi
    echo "$path"
}

parameters_of() {
    case $1 in
    d6) echo max_depth=6 ;;
    d8) echo max_depth=8 ;;
    bins) echo max_depth=6 max_bin=1024 ;;
    leafwise) echo grow_policy=lossguide max_leaves=31 max_depth=12 ;;
    esac
}

# model_of NAME: the path of its JSON, trained once. Threads do not change it.
model_of() {
    path=$work/$1-$TREES-$TRAIN.json
    if [ ! -s "$path" ]; then
        # shellcheck disable=SC2046
        "$BIN/tests/xgboost" train "$(rows_of "$TRAIN" 1)" "$work/training.json" "$TREES" \
            tree_method=hist eta=0.1 nthread=2 $(parameters_of "$1")
        mv "$work/training.json" "$path"
    fi
    echo "$path"
}

# Its trees in another format: converted MODEL.json onnx|lightgbm.
converted() {
    path=${1%.json}.$2
    if [ ! -s "$path" ]; then
        /usr/bin/python3 "$here/forest.py" "$2" "$1" "$path.tmp"
        mv "$path.tmp" "$path"
    fi
    echo "$path"
}

# What neoc is given: the twin in LightGBM's format of leafwise trees.
subject_of() {
    case $1 in
    leafwise) converted "$(model_of "$1")" lightgbm ;;
    *) model_of "$1" ;;
    esac
}

# ---- agreement ----

stop() {
    echo "neoc.sh: $*" >&2
    exit 1
}

# The largest difference of two columns of margins; -1 when they are not as long.
difference() {
    paste "$1" "$2" | awk 'NR > 1 {d = $1 - $2; d = d < 0 ? -d : d; if (d > m) m = d; if (NF != 2) bad = 1}
        END {print bad || NR < 2 ? -1 : m + 0}'
}

# near WHAT FILE: margins of sums in another order or precision.
near() {
    off=$(difference "$2" "$work/margins.xgboost")
    awk -v off="$off" 'BEGIN {exit !(off >= 0 && off < 1e-4)}' || stop "$1: margins are off by $off"
    echo "# $1: margins are off by at most $off"
}

verify() {
    model=$(model_of "$1") rows=$(rows_of "$BATCH" 2)
    "$BIN/tests/xgboost" margins "$model" "$rows" >"$work/margins.xgboost"
    for level in $LEVELS; do
        ML_SIMD=$level "$BIN/neoc" run --margin -o "$work/margins.neoc" "$model" "$rows"
        cmp -s "$work/margins.neoc" "$work/margins.xgboost" || stop "$1, $level: margins are not XGBoost's"
    done
    echo "# $1: $BATCH margins, the same bits in XGBoost and neoc ($LEVELS)"
    if [ "$1" = leafwise ]; then
        "$BIN/neoc" run --margin -o "$work/margins.neoc" "$(subject_of "$1")" "$rows"
        near "$1, LightGBM's text in neoc" "$work/margins.neoc"
    fi
    if has_node onnxruntime-node; then
        node "$here/onnxruntime.mjs" margins "$(converted "$model" onnx)" "$rows" >"$work/margins.onnx"
        near "$1, ONNX Runtime" "$work/margins.onnx"
    fi
}

# ---- batches and single rows ----

# figures NAME THREADS COMMAND...: its lines "name value" as "NAME/THREADS/name/value".
figures() {
    engine=$1 threads=$2
    shift 2
    "$@" 2>"$work/err" | awk -v engine="$engine" -v threads="$threads" '
        $1 == "kernel" {engine = engine " " $2}
        $1 ~ /^(rows_per|latency)/ {printf "%s/%s/%s/%s\n", engine, threads, $1, $2; n++}
        END {exit n < 2}' || stop "$engine failed: $(head -n 1 "$work/err")"
}

engines() {
    model=$(model_of "$1") rows=$(rows_of "$BATCH" 2) subject=$(subject_of "$1")
    for threads in 1 2; do
        for level in $LEVELS; do
            figures neoc "$threads" env ML_SIMD="$level" "$BIN/neoc" bench -j "$threads" --rows "$BATCH" --repeat 3 \
                "$subject" "$rows"
        done
        figures XGBoost "$threads" "$BIN/tests/xgboost" bench "$model" "$rows" "$threads" 3
        has_node onnxruntime-node || continue
        figures 'ONNX Runtime' "$threads" node "$here/onnxruntime.mjs" bench "${model%.json}.onnx" "$rows" "$threads" 3
    done
}

predict_task() {
    verify "$1"
    run=0
    : >"$work/figures"
    while [ $run -lt "$RUNS" ]; do
        run=$((run + 1))
        engines "$1" >>"$work/figures"
    done
    printf '%-9s %-14s %11s %11s %11s %5s %8s %8s %6s %6s %6s\n' task engine rows/CPU-s rows/s '2 threads' x2 \
        'p50 us' 'p99 us' CPU wall p50
    awk -F / -v task="$1" '
        {key = $1 "/" $2 "/" $3; rate = $3 ~ /^rows_per/
         if (!($1 in seen)) {seen[$1] = 1; name[++n] = $1}
         if (!(key in best) || (rate ? $4 + 0 > best[key] : $4 + 0 < best[key])) best[key] = $4 + 0}
        function of(i, what) {return best[name[i] "/" what]}
        function ratio(a, b) {return b > 0 ? a / b : 0}
        END {for (i = 1; i <= n; i++)
            printf "%-9s %-14s %11.0f %11.0f %11.0f %5.2f %8.2f %8.2f %6.1f %6.1f %6.1f\n", task, name[i],
                of(i, "1/rows_per_cpu_s"), of(i, "1/rows_per_s"), of(i, "2/rows_per_s"),
                ratio(of(i, "2/rows_per_s"), of(i, "1/rows_per_s")), of(i, "1/latency_us_p50"), of(i, "1/latency_us_p99"),
                ratio(of(1, "1/rows_per_cpu_s"), of(i, "1/rows_per_cpu_s")),
                ratio(of(1, "1/rows_per_s"), of(i, "1/rows_per_s")),
                ratio(of(i, "1/latency_us_p50"), of(1, "1/latency_us_p50"))}' "$work/figures"
}

# ---- processes ----

# table TASK COUNT UNIT: lines of measure, as seconds and as COUNT a CPU second.
table() {
    awk -v task="$1" -v count="$2" '
        NF == 4 {if (own == "") own = $3
                 printf "%-9s %-22s %8.2f %8.2f %11.0f %9.0f %6.1f\n", task, $1, $2, $3, ($3 > 0 ? count / $3 : 0),
                    $4 / 1024, (own > 0 ? $3 / own : 0)}'
}

pandas_to_csv='
import sys, pandas, xgboost
booster = xgboost.Booster({"nthread": 1}, model_file=sys.argv[1])
rows = pandas.read_csv(sys.argv[2], dtype="float32").to_numpy()
pandas.DataFrame({"prediction": booster.inplace_predict(rows)}).to_csv(sys.argv[3], index=False)
'

csv_engines() {
    model=$(model_of "$1")
    for jobs in 1 2; do
        measure "neoc-$1-j$jobs" "$BIN/neoc" run -j $jobs -o "$work/predictions.csv" "$model" "$rows"
        lines=$(wc -l <"$work/predictions.csv")
        [ "$lines" -eq $((ROWS + 1)) ] || stop "csv: $lines lines of predictions, not $((ROWS + 1))"
    done
    has_python pandas && has_python xgboost || return 0
    OMP_NUM_THREADS=1 measure "pandas+XGBoost-$1" /usr/bin/python3 -c "$pandas_to_csv" "$model" "$rows" \
        "$work/predictions.csv"
}

csv_task() {
    rows=$(rows_of "$ROWS" 3)
    echo "# csv: $ROWS rows, $(wc -c <"$rows") bytes"
    printf '%-9s %-22s %8s %8s %11s %9s %6s\n' task engine wall CPU rows/CPU-s 'peak MB' CPU
    measure 'wc' wc -l "$rows" | table limit "$ROWS"
    measure 'wrangle-moments' "$BIN/wrangle" -j 1 'agg a=mean(f0) b=mean(f27)' "$rows" | table limit "$ROWS"
    for depth in d6 d8; do
        csv_engines $depth | table csv "$ROWS"
    done
}

# A process is too short for the clock: twenty of them.
twenty='i=0; while [ $i -lt 20 ]; do i=$((i + 1)); "$@"; done'

start_engines() {
    model=$(model_of d6) artefact=$work/d6.tar.gz
    if compiles "$model" "$artefact"; then
        measure neoc-artefact sh -c "$twenty" sh "$BIN/neoc" run "$artefact" "$rows"
    fi
    measure neoc-JSON sh -c "$twenty" sh "$BIN/neoc" run "$model" "$rows"
    measure XGBoost-JSON sh -c "$twenty" sh "$BIN/tests/xgboost" first "$model" "$rows"
    has_node onnxruntime-node || return 0
    measure ONNX-Runtime sh -c "$twenty" sh node "$here/onnxruntime.mjs" first "$(converted "$model" onnx)" "$rows"
}

start_task() {
    rows=$(rows_of 1 4)
    printf '%-9s %-22s %8s %8s %9s %6s\n' task engine 'wall ms' 'CPU ms' 'peak MB' CPU
    start_engines | awk '
        NF == 4 {if (own == "") own = $3
                 printf "start     %-22s %8.1f %8.1f %9.0f %6.1f\n", $1, $2 * 50, $3 * 50, $4 / 1024, (own > 0 ? $3 / own : 0)}'
}

# compiles MODEL ARTEFACT: false where there is no compiler yet.
compiles() {
    "$BIN/neoc" compile -o "$2" "$1" >"$work/err" 2>&1
}

# The median of 21 processes, in each of which the pages of the library are new but in the page cache.
load_task() {
    printf '%-9s %-22s %8s %8s\n' task model 'ms' 'least'
    for name in d6 d8 leafwise; do
        library=$work/$name.so
        "$BIN/neoc" compile --emit=so -o "$library" "$(subject_of $name)" >"$work/err" 2>&1 ||
            { left_out "load: $(head -n 1 "$work/err")"; return 0; }
        i=0
        while [ $i -lt 21 ]; do
            i=$((i + 1))
            "$BIN/tests/load" "$library" || stop "load of $library failed"
        done | sort -n | awk -v name=$name '
            {us[NR] = $1} END {printf "load      %-22s %8.2f %8.2f\n", name, us[11] / 1000, us[1] / 1000}'
    done
}

compile_task() {
    printf '%-9s %-22s %8s %8s %11s %11s\n' task model wall CPU 'model bytes' artefact
    for name in d6 d8 leafwise; do
        subject=$(subject_of $name) artefact=$work/$name.tar.gz
        compiles "$subject" "$artefact" || { left_out "compile: $(head -n 1 "$work/err")"; return 0; }
        measure $name "$BIN/neoc" compile -o "$artefact" "$subject" |
            awk -v from="$(wc -c <"$subject")" -v to="$(wc -c <"$artefact")" '
                NF == 4 {printf "compile   %-22s %8.2f %8.2f %11d %11d\n", $1, $2, $3, from, to}'
    done
}

# ---- all of it ----

# Kernels of this processor, the fastest first.
levels() {
    case $(uname -m) in
    x86_64)
        for level in avx512 avx2; do
            ! ML_SIMD=$level "$BIN/neoc" bench --rows 64 --repeat 1 "$(model_of d6)" | grep -q "^kernel *$level\$" || echo $level
        done ;;
    aarch64) echo neon ;;
    esac
    echo scalar
}

echo "$(machine); $TREES trees, 28 features, learnt from $TRAIN rows, batches of $BATCH"
has_node onnxruntime-node || left_out "ONNX Runtime (npm onnxruntime-node is not in $NODE_PACKAGES)"
{ has_python pandas && has_python xgboost; } || left_out "pandas with XGBoost (python3-pandas, python3-xgboost)"
LEVELS=$(levels | tr '\n' ' ')
for task in $tasks; do
    case $task in
    csv) csv_task ;;
    start) start_task ;;
    load) load_task ;;
    compile) compile_task ;;
    *) predict_task "$task" ;;
    esac
done
