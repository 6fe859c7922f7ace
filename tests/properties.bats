# properties: what comes out depends on what goes in alone, not on threads, the size of chunks, the
# processor, or the way the bytes arrive.
load helper

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return 1
    # Newlines, quotes and delimiters inside quotes at every chunk border, and missing cells.
    zcat "$ROOT/examples/flights/data/flights.csv.gz" | awk -F, -v OFS=, 'NR > 1200 { next }
        NR == 1 { print $0, "note"; next }
        NR % 9 == 0 { $2 = "" }
        { print $0, NR % 7 == 0 ? "\"a \"\"b\"\", c\nd\"" : "x" NR % 40 }' >flights.csv
    printf 'iata,state\nORD,IL\nATL,GA\nLAX,CA\nDTW,\n' >airports.csv
    sed 's/$/\r/' flights.csv >crlf.csv
    wrangle -j 1 'select @all' flights.csv -t tsv -o flights.tsv
    wrangle -j 1 'set list = split(note, " ")' flights.csv -o flights.jsonl
}

setup() {
    in_scratch
    ln -s "$BATS_FILE_TMPDIR"/* .
}

# result NAME COMMAND...: what it wrote, in NAME.out and NAME.err, and its status, in NAME.status.
result() {
    local name=$1 got=0
    shift
    "$@" >"$name.out" 2>"$name.err" || got=$?
    echo "$got" >"$name.status"
}

# as_before COMMAND...: the same status, messages and, when it went well, bytes as in want.*.
as_before() {
    result got "$@"
    if ! cmp want.status got.status || ! cmp want.err got.err ||
        { [ "$(cat want.status)" = 0 ] && ! cmp want.out got.out; }; then
        echo "differs: ${settings:-} $*"
        return 1
    fi
}

# anyhow COMMAND...: on any number of threads, from chunks of any size, with any instructions.
anyhow() {
    local jobs chunk level settings
    result want "$@" -j 1
    for jobs in 1 2 5; do
        for chunk in 1 100 4096 ''; do
            settings="ML_CHUNK=$chunk -j $jobs"
            ML_CHUNK=$chunk as_before "$@" -j "$jobs"
        done
    done
    for level in scalar sse2 avx2 avx512; do
        settings="ML_SIMD=$level"
        ML_SIMD=$level ML_CHUNK=5000 as_before "$@"
    done
}

# any_way FILE FORMAT COMMAND...: named, packed, on standard input from the file or a pipe.
any_way() {
    local file=$1 format=$2 settings
    shift 2
    result want "$@" "$file"
    gzip -c "$file" >"packed.$format.gz"
    settings=packed as_before "$@" "packed.$format.gz"
    settings='<packed' as_before "$@" -f "$format" <"packed.$format.gz"
    settings='<file' as_before "$@" -f "$format" <"$file"
    set -o pipefail
    dd if="$file" bs=777 status=none | settings='|' as_before "$@" -f "$format"
}

# always FILE PROGRAM...: each of them, anyhow and any way.
always() {
    local file=$1 program
    shift
    for program; do
        anyhow wrangle "$program" "$file"
        [ "$(cat want.status)" = 0 ] || { echo "fails: $program"; cat want.err; return 1; }
        any_way "$file" "${file##*.}" wrangle "$program"
    done
}

@test "steps that stream" {
    always flights.csv 'select @all' 'filter delay > 15 && origin in ("ORD","ATL")' \
        'set speed = round(distance / 60, 2), words = len(note), late = if(delay > 15, 1, 0)' \
        'parse_date date pattern="%Y/%m/%d %H:%M" zone=America/Chicago | date_parts date' \
        'replace note pattern="[a-c]\\s*" with="<$0>" | add_index n by=origin' \
        'set digest = sha256(note) | head 700 | slice 100 2 | tail 300' 'forward_fill delay by=origin | cumulative distance'
}

@test "steps that learn" {
    always flights.csv \
        'impute delay with=median | scale delay,distance | onehot origin max=20 unknown=ignore' \
        'target_encode origin,destination target=distance with=folds | bin distance bins=5' \
        'tfidf note' 'pca delay,distance k=2 | drop date' 'drop_missing | outliers distance'
}

@test "steps that see all rows" {
    always flights.csv 'sort delay:desc,origin | rank distance' 'dedup origin,destination keep=last' \
        'agg n=count() m=mean(delay) s=std(delay) q=quantile(delay,0.9) c=nunique(note) by=origin' \
        'lag delay by=origin | rolling delay with=mean window=7 by=origin' \
        'join airports.csv on=origin=iata how=full' 'sample n=300 seed=3 | shuffle seed=5' \
        'describe' 'pivot_longer delay,distance | agg m=max(value) by=name' 'bootstrap seed=2' \
        'filter origin == "ORD" | crosstab origin destination'
}

@test "other formats" {
    always crlf.csv 'select @all' 'agg n=count() by=note'
    always flights.tsv 'select @all' 'sort note,date'
    always flights.jsonl 'select @all' 'explode list | agg n=count() by=list' \
        'set n = len(list) | filter n > 1'
}

@test "little memory" {
    anyhow wrangle --memory 1M 'sort note,delay' flights.csv
    anyhow wrangle --memory 1M 'agg n=count() m=mean(delay) by=date' flights.csv
    anyhow wrangle --memory 1M 'join airports.csv on=origin=iata how=full' flights.csv
    [ "$(cat want.status)" = 0 ]
}

# The state is what fit writes to standard output.
@test "states, and what apply makes of them" {
    local program
    for program in 'impute delay with=mean | scale distance | ordinal origin' \
        'bin delay method=quantile bins=7 | count_encode destination' 'tfidf note' \
        'select_best target=distance keep=1' 'kmeans_distance delay,distance k=3 | scale @numeric'; do
        anyhow wrangle fit -r /dev/stdout "$program" flights.csv
        any_way flights.csv csv wrangle fit -r /dev/stdout "$program"
        wrangle fit -r state.json "$program" flights.csv
        cmp state.json want.out
        anyhow wrangle apply state.json flights.csv
        any_way flights.csv csv wrangle apply state.json
    done
}

# steps STEP...: in one program they give what one program after the other does.
steps() {
    local program=$1 step
    wrangle "$1" flights.csv >want
    for step in "${@:2}"; do
        program="$program | $step"
        wrangle "$step" <want >next
        mv next want
    done
    wrangle "$program" flights.csv >got
    same want got || { echo "$program"; return 1; }
}

@test "what a step learns, it learns from what the steps before it hand on" {
    steps 'impute delay with=median' 'outliers delay action=remove' 'scale delay,distance' 'bin delay bins=4'
    steps 'outliers delay action=remove fold=1' 'scale distance' 'impute delay with=mean'
    steps 'scale distance' 'target_encode origin target=distance' 'ordinal destination'
    steps 'fill delay value=0' 'scale delay' 'select_best target=delay keep=1'
    steps 'sort delay,date' 'lag distance' 'impute distance_lag1 with=mean' 'scale distance,distance_lag1'
    steps 'agg m=mean(delay) d=max(distance) by=origin' 'impute m' 'scale m,d' 'sort m'
}

# The first bad row is named, whoever meets it first.
@test "complaints" {
    awk '!/"/ && (++n == 500 || n == 800) { $0 = "1,2" } { print }' flights.csv >ragged.csv
    awk -F, -v OFS=, 'NR == 700 || NR == 900 { $3 = "far" } { print }' flights.csv >far.csv
    local program
    for program in 'select @all' 'sort delay' 'scale distance' 'filter delay > 3 | head 300' 'tail 2'; do
        anyhow wrangle "$program" ragged.csv
        grep -q '^wrangle: ragged.csv:[0-9]*: 2 cells' want.err
    done
    for program in 'set x = distance + 1' 'agg m=mean(distance) by=origin' 'impute distance' \
        'lag delay by=origin | set x = distance + 1'; do
        anyhow wrangle "$program" far.csv
        grep -q "^wrangle: far.csv:[0-9]*:3: .*'far' is not a number" want.err
    done
    anyhow wrangle --on-error=skip --rejects=/dev/stderr 'set x = distance + 1' far.csv
    [ "$(cat want.status)" = 0 ]
    [ "$(wc -l <want.err)" -eq 3 ]
}

@test "what is passed over: in the order of the input, once, however often it is read" {
    awk -F, -v OFS=, 'NR > 1 && NR % 50 == 0 { $3 = "far" } NR % 70 == 6 { $1 = $1 ",more" } { print }' \
        flights.csv >bad.csv
    local program
    for program in 'set x = distance + 1' 'scale distance' 'impute distance | bin distance bins=3' \
        'set x = distance + 1, y = distance * 2'; do
        anyhow wrangle --on-error=skip --rejects=/dev/stderr "$program" bad.csv
        jq -c '[.line, .column]' <(grep -v ^wrangle want.err) >places
        same places <(sort -t '[' -k 2n -u places)
        grep -qx "wrangle: warning: $(wc -l <places) wrong rows or cells passed over" want.err
    done
    (head -n 1 flights.csv; echo short; sed -n 2p flights.csv; echo short) >z.csv
    anyhow wrangle --on-error=skip --rejects=/dev/stderr --source-column=f 'scale distance' z.csv bad.csv
    jq -r .file <(grep -v ^wrangle want.err) | uniq >files
    same files <(printf 'z.csv\nbad.csv\n')
}

@test "complaints: the first in the input, even when a later one is found sooner" {
    (echo a,b; echo 1,2; printf '1,"'; head -c 300000 /dev/zero | tr '\0' x; echo '",3'
     for _ in $(seq 5000); do echo 1; done) >slow.csv
    local i
    for i in $(seq 20); do
        result got env ML_CHUNK=10000 wrangle -j 5 'select @all' slow.csv
        same got.err <(echo 'wrangle: slow.csv:3: 3 cells where the header has 2')
    done
}
