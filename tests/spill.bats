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
    # Some of the rows, with an interval from their id on, and others with the same values.
    awk -F, -v OFS=, 'NR == 1 { print $0 ",end"; next }
                      NR % 4 == 0 { if (NR % 28 == 0) $4 = -NR
                                    print $0, $1 + NR % 13 }' rows.csv >near.csv
    awk -F, -v OFS=, 'NR > 1000 && NR < 500000 && NR % 200000 > 9 { $4 = "" }
                      NR % 5 == 0 { $2 = "" } { print }' rows.csv >gaps.csv
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

@test "join: cross reads the table again for every row" {
    head -n 4 "$rows" >few.csv
    local large=$rows
    rows=few.csv
    spills "join $large how=cross take=id,note"
}

@test "join_asof: the nearest on a line, of tables sorted on disk" {
    local side=$BATS_FILE_TMPDIR/near.csv direction
    for direction in backward forward nearest; do
        spills "join_asof $side on=id by=group direction=$direction"
        spills "join_asof $side on=x direction=$direction exact=false tolerance=0.01 take=id"
    done
}

@test "join_range: intervals, of tables sorted on disk" {
    local side=$BATS_FILE_TMPDIR/near.csv closed
    for closed in both left right none; do
        spills "join_range $side value=id low=id high=end closed=$closed how=left take=x"
    done
    spills "join_range $side value=id low=id high=end by=group"
}

@test "join_fuzzy" {
    spills "join_fuzzy $BATS_FILE_TMPDIR/near.csv on=note by=group score=alike take=id"
}

@test "intersect, except" {
    local all
    for all in true false; do
        spills "intersect $BATS_FILE_TMPDIR/near.csv group,note all=$all"
        spills "except $BATS_FILE_TMPDIR/near.csv group all=$all"
    done
}

@test "update_lookup, diff_datasets" {
    spills "update_lookup $BATS_FILE_TMPDIR/near.csv on=key"
    spills "diff_datasets $BATS_FILE_TMPDIR/near.csv on=id"
}

@test "lookup_join, foreign_key" {
    spills "lookup_join id file=$BATS_FILE_TMPDIR/near.csv values=x,end prefix=near_"
    spills "foreign_key key file=$BATS_FILE_TMPDIR/side.csv action=drop"
}

@test "lookup_join: a key that is there twice" {
    run --separate-stderr -3 wrangle --memory 1M \
        "lookup_join group file=$rows key=group values=x prefix=near_" "$rows"
    [[ $stderr == *'rows.csv: rows 1 and 150001 have the same key'* ]]
}

@test "backward_fill, interpolate: long gaps" {
    rows=$BATS_FILE_TMPDIR/gaps.csv
    spills 'backward_fill x'
    spills 'backward_fill x limit=100000'
    spills 'backward_fill x,key by=group limit=1'
    spills 'interpolate x'
    spills 'interpolate x limit=100000'
    spills 'interpolate x by=group'
}

@test "lead: far ahead, and of many groups" {
    spills 'lead x k=400000'
    spills 'lead x,note k=2 by=key'
}

@test "windows: more groups than memory holds" {
    spills 'cumulative x by=note'
    spills 'rolling x with=mean window=3 by=key order=id'
    spills 'expanding x with=std by=key | ewm x alpha=0.5 by=group'
    spills 'lag x,note k=2 by=key'
    spills 'forward_fill key,x by=group limit=2'
    spills 'cumulative x by=note | head 20'
}

@test "windows: any number of jobs" {
    local jobs
    for jobs in 1 2 5; do
        wrangle --memory 1M -j "$jobs" 'cumulative x by=key | lead x by=group' "$rows" | cksum
    done >sums
    [ "$(sort -u sums | wc -l)" -eq 1 ]
}

@test "unique_check" {
    spills 'unique_check note'
    spills 'unique_check key,group action=drop'
}

@test "tail" {
    spills 'tail 2 by=key'
}

@test "top" {
    spills 'top 300000 x,id'
    spills 'top 2 x:asc by=key'
}

@test "rollup, cube: finer groups first" {
    spills 'rollup n=count() by=group,key'
    spills 'cube n=count() by=group,key'
}

@test "agg: approximate counts of many groups" {
    spills 'agg n=nunique_approx(note) by=group'
}

@test "agg: values of a few large groups" {
    spills 'set half = id % 2 | agg a=mode(note) b=median(x) c=quantile(x,0.9) d=mean(x) by=half'
    spills 'agg a=nunique(x) b=mode(note) c=median(x) d=quantile(id,0.25) by=group'
}

@test "agg: values of large groups, by any number of jobs" {
    local jobs
    for jobs in 1 2 5; do
        wrangle --memory 1M -j "$jobs" 'agg a=mode(key) b=nunique(key) c=median(x)' "$rows" | cksum
    done >sums
    [ "$(sort -u sums | wc -l)" -eq 1 ]
}

@test "frequency" {
    spills 'frequency key,x'
    spills 'frequency id,note max=1000'
}

@test "crosstab" {
    local share
    for share in rows columns; do
        spills "set third = id % 3 | crosstab key third share=$share"
    done
    spills 'set third = id % 3 | crosstab x third'
}

@test "fold: more classes than memory holds" {
    spills 'fold k=3 how=stratified by=note'
    spills 'fold k=3 how=group by=note'
}

@test "correlation of ranks" {
    local with
    rows=$BATS_FILE_TMPDIR/gaps.csv
    for with in spearman kendall; do
        spills "set y = round(x) | correlation x,y with=$with as=pairs"
    done
}

@test "drift" {
    local with
    for with in psi ks chi2 wasserstein; do
        spills "set half = id % 2 | drift key,x target=half with=$with"
    done
}

@test "concat_columns" {
    spills "concat_columns $rows take=note"
    spills "concat_columns $BATS_FILE_TMPDIR/near.csv lengths=cut"
    spills "concat_columns $BATS_FILE_TMPDIR/near.csv lengths=pad"
    local large=$rows
    rows=$BATS_FILE_TMPDIR/near.csv
    spills "concat_columns $large lengths=pad"
    run --separate-stderr -3 wrangle "concat_columns $large" "$rows"
    [[ $stderr == *'rows.csv has 600000 rows, the stream 150000 '* ]]
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

@test "transpose says that its columns do not fit" {
    fails_with 4 'transpose: 600000 rows would become columns, which take 172 MiB: raise --memory' \
        wrangle --memory 16M transpose "$rows"
    [ -z "$(ls tmp)" ]
}
