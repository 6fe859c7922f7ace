# spill: what does not fit in --memory goes to scratch files: the same bytes come out, memory stays
# bounded, and no file is left behind.
load helper

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return 1
    awk 'BEGIN {
        srand(1)
        print "id,key,group,x,note"
        for (i = 0; i < 600000; i++)
            printf "%d,%s,g%d,%.4f,\"note, %d\"\n", i, i % 50 ? "k" int(rand() * 500000) : "",
                   i * 7919 % 150000, rand() * 1000, i
    }' >rows.csv
    # Keys that are there none to three times in rows.csv, missing ones, and one there very often.
    awk -F, 'BEGIN { print "key,name" }
             NR % 2 == 1 && NR > 1 { print $2 "," NR ".0" }
             NR % 200 == 0 { print "k7,often " NR; print "nobody" NR ",alone" }' rows.csv >side.csv
    ! sanitized || echo '# spill: memory is not measured under the address sanitizer' >&3
}

# The address sanitizer keeps what was freed, so that what a program holds says nothing of it.
sanitized() {
    grep -q __asan_init "$BIN/wrangle"
}

setup() {
    in_scratch
    rows=$BATS_FILE_TMPDIR/rows.csv
    mkdir tmp
    export TMPDIR=$PWD/tmp
}

# peak FILE COMMAND...: standard output into FILE; prints the most memory it had, in KiB.
peak() {
    local out=$1 now most=0 pid
    shift
    if command -v /usr/bin/time >/dev/null; then
        /usr/bin/time -o peak -f %M "$@" >"$out" || return 1
        cat peak
        return
    fi
    "$@" >"$out" &
    pid=$!
    while now=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status" 2>/dev/null) && [ "$now" ]; do
        most=$now
    done
    wait "$pid" || return 1
    echo "$most"
}

# spills PROGRAM: the same bytes with little memory, which is kept to: 1 MiB, and 64 beside (not
# measured where it means nothing).
spills() {
    local most
    wrangle "$1" "$rows" >want
    most=$(peak got wrangle --memory 1M "$1" "$rows")
    cmp want got
    sanitized || [ "$most" -le $((65 * 1024)) ] || { echo "$1: $most KiB"; return 1; }
    [ -z "$(ls -A tmp)" ]
}

@test "sort" {
    spills 'sort x:desc,key'
}

@test "agg" {
    spills 'agg n=count() mean=mean(x) by=key'
}

@test "cube: groups with the same first row keep their order, spilled or not, by any number of jobs" {
    head -n 30001 "$rows" >few.csv
    wrangle --jobs=1 'cube n=count() by=key,group' few.csv >want
    wrangle --jobs=4 --memory=1M 'cube n=count() by=key,group' few.csv >got
    same want got
    for _ in $(seq 40); do
        printf 'a,b\nA,x\nB,x\n' | ML_CHUNK=1 wrangle --jobs=4 'cube n=count() by=a,b' >>often
    done
    [ "$(awk '{ key = NR % 7 } !(key in line) { line[key] = $0 } line[key] != $0' often)" = "" ]
}

@test "join" {
    local how
    for how in inner left right full semi anti; do
        spills "join $BATS_FILE_TMPDIR/side.csv on=key how=$how"
    done
}

@test "join: a table much larger than the stream" {
    head -n 1000 "$rows" >few.csv
    local large=$rows
    rows=few.csv
    spills "join $large on=id how=full"
}

@test "join: steps behind it see the same rows in the same order" {
    spills "join $BATS_FILE_TMPDIR/side.csv on=key how=full | head 20"
    spills "join $BATS_FILE_TMPDIR/side.csv on=key how=full | sample n=100 seed=1 | lag x"
}

@test "join: any number of jobs" {
    local jobs
    for jobs in 1 2 5; do
        wrangle --memory 1M -j "$jobs" "join $BATS_FILE_TMPDIR/side.csv on=key how=full" "$rows" |
            cksum
    done >sums
    [ "$(sort -u sums | wc -l)" -eq 1 ]
}

@test "join: cross must fit" {
    run --separate-stderr -4 wrangle --memory 1M "join $rows how=cross" "$BATS_FILE_TMPDIR/side.csv"
    [[ $stderr == *'does not fit in memory: raise --memory'* ]]
}

@test "dedup" {
    local keep
    for keep in first last none; do
        spills "dedup key,group keep=$keep"
        spills "dedup key keep=$keep"
    done
}

@test "unique, count_distinct" {
    spills 'unique key,x'
    spills 'count_distinct note,group'
    spills 'count_distinct key'
}

@test "no file is left after a failure" {
    { cat "$rows"; echo 'one,cell,too,many,here,now'; } >bad.csv
    local program
    for program in 'sort x' "join $rows on=id" 'dedup id keep=last'; do
        run --separate-stderr -3 wrangle --memory 1M "$program" bad.csv
        [[ $stderr == *'bad.csv:600002: '* ]]
        [ -z "$(ls -A tmp)" ]
    done
}

# has_scratch_file PID: true as soon as it does; looks a thousand times.
has_scratch_file() {
    local i
    for ((i = 0; i < 1000; i++)); do
        ! ls -l "/proc/$1/fd" | grep -qF "$TMPDIR" || return 0
    done
    return 1
}

@test "no file is left after kill -9" {
    local program pid
    mkfifo rows
    for program in 'sort x' "join $rows on=id" 'dedup id keep=last' 'agg n=count() by=id'; do
        wrangle --memory 1M "$program" - <rows >got &
        pid=$!
        exec 9>rows
        cat "$rows" >&9 # the end does not come
        has_scratch_file "$pid"
        kill -9 "$pid"
        wait "$pid" || true
        exec 9>&-
        [ -z "$(ls -A tmp)" ]
        rm -f got
    done
}
