#!/bin/sh
# bench of pipe: steps that do nothing, beside make, ninja and snakemake on the same graph, in one run.
#   steps     one file in, $STEPS steps of which each makes an empty file by the shell, two at once
#   idle      the same again, when nothing is to be done
#   touched   the same, with the one input another one: all steps run
#   copies    a step is a program and its words, cp in o/K, for which pipe and make need no shell
#   copied    the same, with the one input another one
#   big       nothing to be done with 100,000 steps (asked for by name: all tools must run them once)
# The run in the middle of $RUNS, in turns. The limits: a process costs 0.32 to 0.37 ms with two at once, of which the
# shell's own start is most; a look at a file costs about 1 us. pipe reads and digests what each step made,
# and keeps it, writes its line to the ledger and forces that to the disk every 256 steps; make and ninja
# go by times. snakemake runs the first $SNAKEMAKE_STEPS alone, once: see its time for a step.
set -eu
BIN=${BIN:-build/release}
RUNS=${RUNS:-3}
STEPS=${STEPS:-2000}
all='steps idle touched copies copied big'
SNAKEMAKE_STEPS=${SNAKEMAKE_STEPS:-200}
TASKS=${TASKS:-steps idle touched copies copied} # big takes minutes to be made
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
mkdir -p "$work"
work=$(cd "$work" && pwd)
export BIN BENCH_DIR="$work" SNAKEMAKE_STEPS
tools='pipe ninja make snakemake'

# graph COUNT COMMAND: the same steps for each tool, each in a folder of its own. COMMAND is what comes
# before the output's name.
graph() {
    rm -rf "$work/steps"
    for tool in $tools; do mkdir -p "$work/steps/$tool/o"; done
    cd "$work/steps"
    awk -v n="$1" -v command="$2" 'BEGIN {
        print "steps:" >"pipe/Pipefile"
        print "rule empty\n  command = " command "$out" >"ninja/build.ninja"
        printf "all:" >"make/Makefile"
        for (i = 0; i < n; i++) {
            printf "  - name: s%d\n    run: \"%so/%d\"\n    in: [in]\n    out: [o/%d]\n", i, command, i, i >"pipe/Pipefile"
            printf "build o/%d: empty in\n", i >"ninja/build.ninja"
            printf " o/%d", i >"make/Makefile"
        }
        print "" >"make/Makefile"
        for (i = 0; i < n; i++) printf "o/%d: in\n\t%s$@\n", i, command >"make/Makefile"
    }'
    cat >snakemake/Snakefile <<END
import os
rule all:
    input: [f"o/{i}" for i in range(int(os.environ["SNAKEMAKE_STEPS"]))]
rule empty:
    input: "in"
    output: "o/{i}"
    shell: "$2{output}"
END
    for tool in $tools; do echo 1 >"$tool/in"; done
}

run_pipe() { "$BIN/pipe" -q --home .ml run -j2; }
run_ninja() { ninja -j2; }
run_make() { make -s -j2 -f Makefile MAKEFLAGS=; }
run_snakemake() { snakemake -q -j2 all; }
run() { (cd "$work/steps/$1" && "run_$1"); }
# full TOOL: in a new folder, for files that were just removed make new ones dear.
full() {
    new=$(mktemp -d "$work/steps/new-XXXXXX")
    for file in Pipefile Makefile build.ninja Snakefile in; do
        if [ -e "$work/steps/$1/$file" ]; then cp "$work/steps/$1/$file" "$new/"; fi
    done
    mkdir "$new/o"
    (cd "$new" && "run_$1")
}
touched() {
    date +%N >"$work/steps/$1/in"
    run "$1"
}

# each TASK WORK: a line for each tool that is there.
each() {
    there=
    for tool in $tools; do
        if have "$tool" || [ "$tool" = pipe ]; then there="$there $tool"; else left_out "$tool"; fi
    done
    {
        measure_in_turn "${there%snakemake}" sh "$here/pipe.sh" "$2"
        case "$1 $there" in
        big*) ;;
        *snakemake) RUNS=1 measure snakemake sh "$here/pipe.sh" "$2" snakemake ;;
        esac
    } | awk -v task="$1" -v steps="$steps" -v few="$SNAKEMAKE_STEPS" '{n = $1 == "snakemake" ? few : steps}
        $1 == "pipe" {w = $2; c = $3}
        {printf "%-8s %-9s %7.3f s %7.3f CPU s %4d MB  %.3f ms a step", task, $1, $2, $3, $4 / 1024, 1000 * $2 / n
         if ($1 != "pipe") printf "  pipe takes %.3g of its wall, %.3g of its CPU for a step", w / steps / (($2 ? $2 : 0.001) / n),
                                  c / steps / (($3 ? $3 : 0.001) / n)
         print ""}'
}

case ${1:-} in
full | touched)
    "$1" "$2"
    exit
    ;;
idle)
    run "$2"
    exit
    ;;
esac

machine
made=
for task in $tasks; do
    steps=$STEPS
    [ "$task" = big ] && steps=100000
    case $task in
    cop*) command='cp in ' ;;
    *) command=': >' ;;
    esac
    if [ "$made" != "$steps $command" ]; then
        graph "$steps" "$command"
        made="$steps $command"
        cd "$work"
    fi
    if [ "$task" != steps ] && [ "$task" != copies ]; then
        for tool in $tools; do
            if [ "$tool" != snakemake ] || [ "$task" != big ]; then run "$tool" >/dev/null 2>&1 || true; fi
        done
        run pipe >/dev/null 2>&1 || true # once more: it is known then that nothing is to be done
    fi
    case $task in
    steps | copies) each "$task" full ;;
    touched | copied) each "$task" touched ;;
    *) each "$task" idle ;;
    esac
done
