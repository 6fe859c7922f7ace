# Loaded by every suite: `load helper`. The tools under test come from $BIN.
ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
BIN=${BIN:-$ROOT/build/release}
PATH=$BIN:$PATH
export PATH ROOT BIN
export LC_ALL=C TZ=UTC
unset ML_HOME ML_SIMD
set -o pipefail

bats_require_minimum_version 1.5.0

# Names of all tools: the folders of cmd/.
tools() {
    local main
    for main in "$ROOT"/cmd/*/main.c; do
        basename "$(dirname "$main")"
    done
}

# in_scratch: every test works in a folder of its own.
in_scratch() {
    cd "$BATS_TEST_TMPDIR" || return 1
}

# fails_with STATUS TEXT COMMAND...: the status is exact, standard output is empty, the message is one
# line that begins with the tool's name ($TOOL, else the command's) and holds the text.
fails_with() {
    local want=$1 text=$2 got=0
    shift 2
    "$@" >out 2>err || got=$?
    if [ "$got" -ne "$want" ]; then
        echo "status $got, not $want: $*"
        cat err
        return 1
    fi
    [ ! -s out ] || { echo "standard output is not empty: $*"; return 1; }
    [ "$(wc -l <err)" -eq 1 ] || { echo "not one line:"; cat err; return 1; }
    [[ $(cat err) == "${TOOL:-$(basename "$1")}: "*"$text"* ]] || { cat err; return 1; }
}

# same FILE FILE: byte for byte.
same() {
    cmp "$1" "$2" || { diff -u "$1" "$2"; return 1; }
}
