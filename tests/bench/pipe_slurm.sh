#!/bin/sh
# bench of pipe on a Slurm cluster (tests/slurm/cluster.sh: one node of this machine), beside the same
# on this machine: wall seconds.
#   slurm     one step, and $STEPS steps that make a small file by the shell, two at once
# Smallest of $RUNS runs in turn. A job of the cluster takes 0.1 s and more; steps are no jobs.
set -eu
BIN=${BIN:-build/release}
RUNS=${RUNS:-3}
STEPS=${STEPS:-2000}
all='slurm'
TASKS=${TASKS:-$all}
work=$(mktemp -d /tmp/ml-bench-XXXXXX) # short: sockets lie in it
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
export LC_ALL=C
BIN=$(cd "$BIN" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck disable=SC1091
. "$here/shared/measure.sh"
# shellcheck disable=SC2086 # words are meant to be split
tasks=$(known_tasks $all)
[ "$tasks" ] || exit 0
PATH=$PATH:/usr/sbin:/sbin
if ! have slurmctld || ! have munged; then
    left_out "slurm without slurm-wlm and munge"
    exit 0
fi

end() {
    sh "$here/../slurm/cluster.sh" down "$work"
    rm -rf "$work"
}
trap end EXIT
sh "$here/../slurm/cluster.sh" up "$work" 29500 1
export SLURM_CONF="$work/slurm.conf" ML_HOME="$work/home"
mkdir "$work/steps"
cd "$work/steps"

# wall STEPS ENGINE: seconds of one run.
wall() {
    rm -rf "$ML_HOME" out
    printf 'steps:\n  - name: s\n    matrix: {i: [%s]}\n    run: "echo ${i} >out/${i}"\n    out: ["out/${i}"]\n' \
        "$(seq -s, "$1")" >Pipefile
    from=$(date +%s%N)
    "$BIN/pipe" -q run -j2 --engine "$2" || exit 1
    echo "$from $(date +%s%N)" | awk '{ printf "%.3f\n", ($2 - $1) / 1e9 }'
}

machine
for steps in 1 "$STEPS"; do
    for engine in local slurm; do : >"$work/$engine"; done
    i=0
    while [ "$i" -lt "$RUNS" ]; do
        for engine in local slurm; do wall "$steps" "$engine" >>"$work/$engine"; done
        i=$((i + 1))
    done
    echo "steps $steps: local $(sort -n "$work/local" | head -n 1) s," \
        "Slurm $(sort -n "$work/slurm" | head -n 1) s"
done
