# shellcheck shell=sh
# What the benches share; they set $TASKS, $RUNS, $work and $NODE_PACKAGES.
work=${work:?}

have() { command -v "$1" >/dev/null 2>&1; }
has_node() { have node && [ -d "$NODE_PACKAGES/$1" ]; }
has_python() { /usr/bin/python3 -c "import $1" 2>/dev/null; }
left_out() { echo "skipped: $*" >&2; }

# known_tasks TASK...: those of $TASKS that are among them; a bench without any has nothing to do.
known_tasks() {
    for task in $TASKS; do
        case " $* " in *" $task "*) printf '%s ' "$task" ;; esac
    done
}

machine() {
    echo "machine: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) processors"
}

# measure NAME COMMAND...: prints "name wall cpu rss" of the run that took the least CPU.
measure() {
    name=$1
    shift
    best=
    run=0
    while [ $run -lt "$RUNS" ]; do
        run=$((run + 1))
        if ! /usr/bin/time -o "$work/time" -f '%e %U %S %M' "$@" >/dev/null 2>"$work/err"; then
            echo "$name failed: $(head -n 1 "$work/err")" >&2
            return 0
        fi
        line=$(awk '{print $1, $2 + $3, $4}' "$work/time")
        best=$(printf '%s\n%s\n' "$best" "$line" | awk 'NF && (best == "" || $2 < c) {best = $0; c = $2} END {print best}')
    done
    echo "$name $best"
}
