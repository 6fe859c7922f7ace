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

# one_run NAME COMMAND...: prints "name wall cpu rss".
one_run() {
    name=$1
    shift
    if ! /usr/bin/time -o "$work/time" -f '%e %U %S %M' "$@" >/dev/null 2>"$work/err"; then
        echo "$name failed: $(head -n 1 "$work/err")" >&2
        return 1
    fi
    echo "$name $(awk '{print $1, $2 + $3, $4}' "$work/time")"
}

# Of lines of one_run, each name's with the least CPU, in order of their first.
best_runs() {
    awk '!($1 in c) {order[n++] = $1}
        !($1 in c) || $3 < c[$1] {c[$1] = $3; line[$1] = $0}
        END {for (i = 0; i < n; i++) print line[order[i]]}'
}

# measure NAME COMMAND...: its best of $RUNS runs.
measure() {
    run=0
    while [ $run -lt "$RUNS" ] && one_run "$@"; do
        run=$((run + 1))
    done | best_runs
}

# Of lines of one_run, each name's with the CPU time in the middle.
middle_runs() {
    awk '!n[$1]++ {order[names++] = $1}
        {cpu[$1, n[$1]] = $3; line[$1, n[$1]] = $0}
        function middle(name,  i, k, below) {
            for (i = 1; i <= n[name]; i++) {
                below = 0
                for (k = 1; k <= n[name]; k++) below += cpu[name, k] < cpu[name, i] || (cpu[name, k] == cpu[name, i] && k < i)
                if (below == int((n[name] - 1) / 2)) return line[name, i]
            }
        }
        END {for (o = 0; o < names; o++) print middle(order[o])}'
}

# measure_in_turn "NAME..." COMMAND...: of $RUNS runs of COMMAND... NAME for each the one in the middle,
# in turns, so that minutes in which the machine is slower are so for all.
measure_in_turn() {
    names=$1
    shift
    run=0
    while [ $run -lt "$RUNS" ]; do
        for each in $names; do one_run "$each" "$@" "$each" || true; done
        run=$((run + 1))
    done | middle_runs
}
