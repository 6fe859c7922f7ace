# faults: what the system does to a running tool: slow and half-ready pipes, full disks, signals,
# files that vanish. Each ends as documented, and never with half a file under the name that was asked for.
load helper

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return 1
    zcat "$ROOT/examples/flights/data/flights.csv.gz" >flights.csv
    head -n 300 flights.csv >few.csv
}

setup() {
    in_scratch
    TOOL=wrangle
    ln -s "$BATS_FILE_TMPDIR"/* .
    mkdir tmp
    export TMPDIR=$PWD/tmp
}

# ends_with STATUS COMMAND...: exactly.
ends_with() {
    local want=$1 got=0
    shift
    "$@" || got=$?
    [ "$got" -eq "$want" ] || { echo "status $got, not $want: $*"; return 1; }
}

# ---- pipes ------------------------------------------------------------------------------------

# Every read gives one byte.
trickle() {
    perl -e 'while (sysread STDIN, $c, 1) { syswrite STDOUT, $c; select undef, undef, undef, 0.0001 }'
}

@test "a pipe that gives a byte at a time" {
    local file
    wrangle convert few.csv -o few.jsonl
    wrangle convert few.csv -o few.csv.gz
    wrangle convert few.csv -o few.csv.xz
    wrangle 'set x = delay * 2' few.csv >want
    wrangle 'set x = delay * 2' few.jsonl >want.jsonl
    for file in few.csv few.csv.gz few.csv.xz; do
        trickle <$file | wrangle 'set x = delay * 2' >got
        same want got
    done
    trickle <few.jsonl | wrangle 'set x = delay * 2' >got.jsonl
    same want.jsonl got.jsonl
    trickle <few.csv | wrangle 'scale delay' >got # twice through it
    wrangle 'scale delay' few.csv | cmp - got
}

@test "pipes that are not ready: non-blocking ones are waited for" {
    wrangle 'select @all' flights.csv >want
    perl -MFcntl -e 'fcntl STDOUT, F_SETFL, O_WRONLY | O_NONBLOCK; exec @ARGV' \
        wrangle 'select @all' flights.csv | { sleep 0.2; cat; } >got
    same want got
    { sleep 0.2; cat flights.csv; } |
        perl -MFcntl -e 'fcntl STDIN, F_SETFL, O_RDONLY | O_NONBLOCK; exec @ARGV' \
            wrangle 'select @all' >got
    same want got
}

@test "a closed pipe ends the tool quietly, also when its parent ignores SIGPIPE" {
    local status
    set +e
    (trap '' PIPE; exec wrangle 'select @all' flights.csv flights.csv 2>err) | head -n 1 >first
    status=${PIPESTATUS[0]}
    set -e
    [ "$status" -eq 141 ]
    [ ! -s err ]
    same first <(head -n 1 flights.csv)
}

@test "a closed pipe of fit --emit leaves no state" {
    local status
    set +e
    wrangle fit -r state.json --emit 'scale delay' flights.csv flights.csv 2>err | head -n 1 >first
    status=${PIPESTATUS[0]}
    set -e
    [ "$status" -eq 141 ]
    [ ! -s err ]
    [ ! -e state.json ]
}

# ---- full disks -------------------------------------------------------------------------------

@test "a full disk is status 4, wherever it is met" {
    local full='cannot write: No space left on device'
    fails_with 4 "standard output: $full" sh -c 'wrangle "select @all" flights.csv >/dev/full'
    fails_with 4 "/dev/full: $full" wrangle 'select @all' flights.csv -o /dev/full
    ln -s /dev/full full.csv.gz
    fails_with 4 "full.csv.gz: $full" wrangle 'select @all' flights.csv -o full.csv.gz
    ln -s /dev/full full.csv.zst
    fails_with 4 "full.csv.zst: $full" wrangle 'select @all' flights.csv -o full.csv.zst
    fails_with 4 "/dev/full: $full" wrangle fit -r /dev/full 'scale delay' flights.csv
    fails_with 4 "/dev/full: $full" wrangle convert -t jsonl few.csv -o /dev/full
    fails_with 4 "$full" wrangle 'tee /dev/full | nothing' -N flights.csv
    wrangle fit -r state.json 'scale delay' few.csv
    fails_with 4 "standard output: $full" sh -c 'wrangle merge state.json state.json >/dev/full'
    fails_with 4 "standard output: $full" sh -c 'wrangle apply state.json few.csv >/dev/full'
    fails_with 4 "standard output: $full" sh -c 'wrangle list >/dev/full'
    fails_with 4 "standard output: $full" sh -c 'wrangle view few.csv >/dev/full'
    printf 'a,b\n1\n' >ragged.csv
    fails_with 4 "/dev/full: $full" \
        wrangle -q -N --on-error=skip --rejects=/dev/full 'select @all' ragged.csv
}

# limited KIB COMMAND...: no file grows beyond that.
limited() (
    trap '' XFSZ
    ulimit -f "$1"
    shift
    exec "$@"
)

@test "no room for scratch files: status 4, and none is left" {
    local program
    for i in $(seq 5); do cat flights.csv; done | awk 'NR == 1 || !/^date/' >rows.csv
    for program in 'sort delay' 'agg n=count() by=date,delay' 'dedup date,delay,destination keep=last' \
        'join flights.csv on=date,origin,destination how=full'; do
        fails_with 4 'scratch file: cannot write: File too large' \
            limited 256 wrangle -N --memory 1M "$program" rows.csv
        [ -z "$(ls -A tmp)" ]
    done
    fails_with 4 'scratch file: cannot write: File too large' \
        limited 256 sh -c 'cat rows.csv | wrangle fit -r state.json "scale delay"'
    [ ! -e state.json ]
}

@test "no room for the output: the old file stays" {
    local name
    for name in out.csv out.csv.gz out.jsonl; do
        echo before >$name
        fails_with 4 "$name: cannot write: File too large" limited 16 wrangle 'select @all' flights.csv -o $name
        [ "$(cat $name)" = before ]
    done
    [ "$(ls -A | grep -c '^\..*out')" -eq 0 ]
}

# ---- signals ----------------------------------------------------------------------------------

@test "SIGTERM, SIGINT and SIGHUP while writing: the old file stays, nothing is left, the status tells" {
    local signal number
    echo before >out.csv
    mkfifo fifo
    touch want got
    ls -A >want
    for signal in TERM INT HUP; do
        exec 9<>fifo
        # What a shell starts in the background ignores SIGINT, and below nohup SIGHUP: perl resets both.
        perl -e '$SIG{INT} = $SIG{HUP} = "DEFAULT"; exec @ARGV' wrangle 'set x = delay + 1' fifo -o out.csv 9<&- &
        head -c 60000 flights.csv >&9
        # Less than that fits into the pipe: what is read of the rest has been read of the first.
        head -c 60000 flights.csv | tail -c +25 >&9
        kill -$signal $!
        number=0
        wait $! || number=$?
        exec 9<&-
        [ "$number" -eq $((128 + $(kill -l $signal))) ]
        [ "$(cat out.csv)" = before ]
    done
    ls -A >got
    same want got
    [ -z "$(ls -A tmp)" ]
}

@test "kill -9 at any moment: the named file is the old one or the new one" {
    local i pid
    wrangle 'sort delay,date' flights.csv >new
    for i in $(seq 20); do
        echo before >out.csv
        wrangle --memory 1M 'sort delay,date' flights.csv -o out.csv &
        pid=$!
        sleep "0.0$((i * 37 % 10))$((i % 10))"
        kill -9 $pid 2>/dev/null || true
        wait $pid || true
        [ "$(cat out.csv)" = before ] || same new out.csv
        [ -z "$(ls -A tmp)" ]
    done 2>/dev/null
}

# ---- files that are not what they were --------------------------------------------------------

@test "a file that vanishes is named" {
    printf 'id,x\n1,a\n' >second.csv
    mkfifo first
    wrangle --live 'select id' first second.csv >out 2>err &
    exec 9>first
    printf 'id\n7\n' >&9
    until [ "$(wc -l <out)" -eq 2 ]; do sleep 0.01; done # all headers have been read
    rm second.csv
    exec 9>&-
    ends_with 4 wait $!
    same out <(printf 'id\n7\n')
    same err <(printf 'wrangle: second.csv: cannot open: No such file or directory\n')
}

@test "a file without the right to read it" {
    echo a >secret.csv
    chmod 000 secret.csv
    if [ "$(id -u)" -eq 0 ]; then
        # root reads everything, unless it gives that up
        command -v setpriv >/dev/null || skip 'root without setpriv'
        fails_with 4 'secret.csv: cannot open: Permission denied' \
            setpriv --bounding-set=-dac_override,-dac_read_search wrangle 'select @all' secret.csv
    else
        fails_with 4 'secret.csv: cannot open: Permission denied' wrangle 'select @all' secret.csv
    fi
}

@test "a state file that is damaged, missing or a folder" {
    wrangle fit -r state.json 'scale delay' few.csv
    head -c 100 state.json >half.json
    fails_with 3 half.json wrangle apply half.json few.csv
    : >empty.json
    fails_with 3 empty.json wrangle apply empty.json few.csv
    fails_with 4 none.json wrangle apply none.json few.csv
    fails_with 4 tmp wrangle apply tmp few.csv
    fails_with 3 half.json wrangle merge state.json half.json
    fails_with 4 none.csv wrangle 'join none.csv on=origin' few.csv
    fails_with 4 none.wr wrangle -p none.wr few.csv
}

# Memory is not asked for politely: the tool says so and gives up, and the named file stays.
@test "no memory: status 4, one line, the old file stays" {
    ! grep -q __asan_init "$BIN/wrangle" || skip 'the address sanitizer needs the address space'
    echo before >out.csv
    (echo a; head -c 40000000 /dev/zero | tr '\0' x; echo) >long.csv
    ends_with 4 sh -c 'ulimit -v 60000; exec wrangle -j 1 --max-record 1G "select @all" long.csv -o out.csv 2>err'
    grep -q '^wrangle: out of memory: [0-9]* bytes wanted$' err
    [ "$(wc -l <err)" -eq 1 ]
    [ "$(cat out.csv)" = before ]
}
