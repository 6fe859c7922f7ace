#!/bin/sh
# bench of the sandbox: true in it, beside true alone and in others' sandboxes, 500 times each, in turn.
# Alone it costs what posix_spawn and a dynamic program cost. Ours and bwrap's have the same contents;
# unshare makes the namespaces and mounts nothing but /proc.
set -eu
BIN=${BIN:-build/release}
TASKS=${TASKS:-sandbox}
work=${BENCH_DIR:-build/bench} # measure.sh wants it
export work
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck disable=SC1091
. "$here/shared/measure.sh"
[ "$(known_tasks sandbox)" ] || exit 0
machine
"$BIN/tests/sandbox" 500
