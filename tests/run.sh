#!/bin/sh
# run.sh PROGRAMS RESULTS: runs the unit tests and the fuzz corpora (programs in PROGRAMS) and every
# bats suite, each writing TAP into RESULTS, and counts. SUITES="wrangle contract" runs only these
# suites. The last line is "N passed, N failed[, N skipped]"; status 1 when one failed or none ran.
set -eu
programs=$1 results=$2
rm -rf "$results"
mkdir -p "$results"
results=$(cd "$results" && pwd)
export LC_ALL=C

# tap NAME COMMAND...: a crash, or a plan that was not kept, becomes a failed test by count.awk.
tap() {
    name=$1
    shift
    "$@" >"$results/$name.tap" 2>"$results/$name.err" || echo "# status $?" >>"$results/$name.tap"
}

units() {
    [ -z "${SUITES:-}" ] || return 0
    for source in tests/unit/test_*.c; do
        name=$(basename "$source" .c)
        tap "$name" "$programs/$name"
    done
    for source in tests/fuzz/fuzz_*.c; do
        name=$(basename "$source" .c)
        name=${name#fuzz_}
        tap "replay_$name" "$programs/replay_$name" "tests/fuzz/corpus/$name"
    done
}

# Other people's answers: tests/oracle/*.py against pandas and scikit-learn of the system's Python,
# tests/oracle/*.mjs against packages of npm.
python=
for candidate in /usr/bin/python3 python3; do
    [ "$python" ] || ! "$candidate" -c 'import pandas, sklearn' 2>/dev/null || python=$candidate
done
NODE_PACKAGES=${NODE_PACKAGES:-$PWD/build/node/node_modules}
export NODE_PACKAGES
node=
! command -v node >/dev/null || [ ! -d "$NODE_PACKAGES/csv-spectrum" ] || node=node

# oracle FILE INTERPRETER NEEDS
oracle() {
    name=oracle_$(basename "$1" | sed 's/[.].*//')
    case " ${SUITES:-$name} " in *" $name "*) ;; *) return 0 ;; esac
    if [ "$2" ]; then
        tap "$name" "$2" "$1"
    else
        printf 'ok 1 - %s # SKIP without %s (ORACLES=1 installs it)\n1..1\n' "$name" "$3" >"$results/$name.tap"
    fi
}

oracles() {
    for file in tests/oracle/*.py; do
        [ "$file" = tests/oracle/oracle.py ] || oracle "$file" "$python" 'pandas and scikit-learn'
    done
    for file in tests/oracle/*.mjs; do
        oracle "$file" "$node" 'node and its packages'
    done
}

# suites SUITE...: those that are wanted.
suites() {
    for suite; do
        name=$(basename "$suite" .bats)
        case " ${SUITES:-$name} " in
        *" $name "*) tap "$name" bats --tap "$suite" ;;
        esac
    done
}

# Two lanes, about as long as each other; suites on a cluster wait for it most of their time.
{
    units
    oracles
    suites tests/*slurm.bats
} &
for suite in tests/*.bats; do
    case $suite in
    *slurm.bats) ;;
    *) suites "$suite" ;;
    esac
done
wait
exec awk -f tests/count.awk "$results"/*.tap
