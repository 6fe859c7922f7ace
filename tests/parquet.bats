# Parquet, in and out.
load helper

setup() {
    in_scratch
    TOOL=wrangle
}

typed() {
    printf 'id,name,price,ok,at\n'
    printf '1,anna,1.5,true,2001-01-31T12:00:00Z\n2,,-0.25,false,\n'
    printf '3,"x, ""y""\nz",,,1969-12-31T23:59:59.000001Z\n-4,"",1e+300,true,2002-02-28T00:00:00.500Z\n'
}

# table ROWS: a table of some width, with missing cells.
table() {
    awk -v n="$1" 'BEGIN {
        print "id,city,price,flag,note"
        for (i = 0; i < n; i++)
            printf "%d,city%d,%s,%s,%s\n", i, i % 37, i % 5 ? i / 8 : "", i % 2 ? "true" : "false",
                i % 3 ? "note " i * 7919 : ""
    }'
}

@test "typed columns come back byte for byte" {
    typed >in.csv
    wrangle convert in.csv -o in.parquet
    wrangle convert in.parquet >out.csv
    same in.csv out.csv
    [ "$(head -c 4 in.parquet)" = PAR1 ]
    [ "$(tail -c 4 in.parquet)" = PAR1 ]
}

@test "missing and empty text are two things" {
    printf 'a,b\n,""\nx,\n' >in.csv
    wrangle convert in.csv -o in.parquet
    wrangle convert -t jsonl in.parquet >out
    same out <(printf '{"a":null,"b":""}\n{"a":"x","b":null}\n')
}

@test "JSON Lines with lists and maps" {
    printf '{"id":1,"tags":["a","b"],"who":{"n":"x"}}\n{"id":2,"tags":null,"who":{}}\n' >in.jsonl
    wrangle convert in.jsonl -o x.parquet
    wrangle convert -t jsonl x.parquet >out.jsonl
    same in.jsonl out.jsonl
}

@test "the same bytes whatever the threads and chunks" {
    table 300000 >in.csv
    wrangle convert -j 1 in.csv -o one.parquet
    for jobs in 2 3 8; do
        wrangle convert -j "$jobs" in.csv -o many.parquet
        same one.parquet many.parquet
    done
    ML_CHUNK=5000 wrangle convert -j 2 in.csv -o many.parquet
    same one.parquet many.parquet
    [ "$(wrangle sniff one.parquet | jq -c '[.records, .row_groups]')" = '[300000,3]' ]
    for jobs in 1 2 5; do
        wrangle convert -j "$jobs" one.parquet >out.csv
        same in.csv out.csv
    done
    ML_CHUNK=3000 wrangle convert -j 3 one.parquet >out.csv
    same in.csv out.csv
}

@test "from standard input, from a pipe, compressed, by its first bytes" {
    typed >in.csv
    wrangle convert -t parquet in.csv >x.parquet
    wrangle convert <x.parquet >out.csv
    same in.csv out.csv
    cat x.parquet | wrangle convert -f parquet - >out.csv
    same in.csv out.csv
    cp x.parquet nameless
    wrangle convert nameless >out.csv
    same in.csv out.csv
    gzip -k x.parquet
    wrangle convert x.parquet.gz >out.csv
    same in.csv out.csv
    wrangle convert in.csv -o y.parquet.gz
    zcat y.parquet.gz | cmp - x.parquet
}

@test "several files are one stream, with other formats among them" {
    table 10 >a.csv
    table 5 >b.csv
    wrangle convert a.csv -o a.parquet
    wrangle convert a.csv b.csv a.csv >want
    wrangle convert a.parquet b.csv a.parquet >got
    same want got
    wrangle convert --source-column=from a.parquet b.csv | tail -n 1 >got
    [ "$(cat got)" = "4,city4,0.5,false,note 31676,b.csv" ]
    printf 'id,more\n7,x\n' | wrangle convert -t parquet >c.parquet
    wrangle 'tail n=2' a.parquet c.parquet >got
    same got <(printf 'id,city,price,flag,note,more\n9,city9,1.125,true,,\n7,,,,,x\n')
}

@test "programs, fits and joins read it like any table" {
    table 2000 >in.csv
    wrangle convert in.csv -o in.parquet
    for program in 'filter price > 100 | select city,id' 'agg n=count() m=mean(price) by=city' \
        'head n=3 | select note' 'sort price:desc | head n=20' 'dedup city' 'set d = id * 2 | drop note' \
        'impute price with=mean | onehot city max=5 | scale @numeric' 'lag id by=city' 'row_number' \
        'select -note' 'sample n=10' 'bin price bins=4' 'fill note,price value=0'; do
        wrangle "$program" in.csv >want
        wrangle "$program" in.parquet >got
        same want got
    done
    wrangle fit -r a.json 'impute price with=median | scale price' in.csv
    wrangle fit -r b.json 'impute price with=median | scale price' in.parquet
    wrangle apply b.json in.csv >want
    wrangle apply a.json in.parquet >got
    same want got
    printf 'city,mayor\ncity3,"Ann, B"\ncity4,\ncity5,""\n' >side.csv
    wrangle convert side.csv -o side.parquet
    for how in left inner semi anti full; do
        wrangle "join side.csv on=city how=$how" in.csv >want
        wrangle "join side.parquet on=city how=$how" in.csv >got
        same want got
        wrangle "join side.parquet on=city how=$how" in.parquet >got
        same want got
    done
}

@test "side tables of every kind" {
    table 3000 >in.csv
    awk 'BEGIN {
        print "id,extra,city"
        for (i = 0; i < 4000; i += 3) printf "%d,%s,city%d\n", i, i % 2 ? "e" i : "", i % 31
    }' >side.csv
    awk 'BEGIN { print "from,to,band"; for (i = 0; i < 50; i++) printf "%d,%d,b%d\n", i * 40, i * 40 + 30, i }' >bands.csv
    wrangle convert in.csv -o in.parquet
    wrangle convert side.csv -o side.parquet
    wrangle convert bands.csv -o bands.parquet
    for program in 'join side.csv on=id how=full' 'update_lookup side.csv on=id' 'concat_columns bands.csv lengths=pad' \
        'select id,city | concat_rows side.csv' 'select id,city | merge_sorted side.csv on=id' \
        'select id | lookup_join id file=side.csv key=id' 'join_asof side.csv on=id by=city' \
        'head n=50 | join_fuzzy side.csv on=city' 'join_range bands.csv value=price low=from high=to' \
        'select id,city | diff_datasets side.csv on=id' 'select id | except side.csv columns=id' \
        'select id | intersect side.csv'; do
        wrangle --memory=1M "$program" in.csv >want
        wrangle --memory=1M "${program/.csv/.parquet}" in.csv >got
        same want got
        wrangle --memory=1M "${program/.csv/.parquet}" in.parquet >got
        same want got
    done
}

@test "output goes to Parquet from programs, whole or not at all" {
    table 1000 >in.csv
    wrangle 'set twice = id * 2, label = upper(city) | select label,twice' in.csv -o out.parquet
    wrangle 'set twice = id * 2, label = upper(city) | select label,twice' in.csv >want
    wrangle convert out.parquet >got
    same want got
    awk 'BEGIN { print "a"; for (i = 0; i < 2000; i++) print i; print "x" }' >bad.csv
    fails_with 3 "bad.csv:2002" wrangle convert bad.csv -o bad.parquet
    [ ! -e bad.parquet ]
    [[ $(cat err) == *"'x' is not an integer"*"--types"* ]]
    wrangle convert --types a:text bad.csv -o bad.parquet
    wrangle convert bad.parquet >got
    same bad.csv got
}

@test "wrong cells go by --on-error" {
    awk 'BEGIN { print "a,b"; for (i = 0; i < 2000; i++) print i ",y"; print "x,z"; print "7,w" }' >bad.csv
    wrangle -q convert --on-error=skip --rejects=r.jsonl bad.csv -o skip.parquet
    [ "$(wrangle convert skip.parquet | tail -n 2 | tr '\n' ' ')" = "1999,y 7,w " ]
    [ "$(jq -c '[.file, .line, .column, .text]' r.jsonl)" = '["bad.csv",2002,1,"x"]' ]
    wrangle -q convert --on-error=null bad.csv -o null.parquet
    [ "$(wrangle convert null.parquet | tail -n 2 | tr '\n' ' ')" = ",z 7,w " ]
}

@test "a wrong cell of a Parquet file is named by its row" {
    printf 'a\n1\nx\n' >in.csv
    wrangle convert in.csv -o in.parquet
    fails_with 3 "in.parquet:2:" wrangle 'set b = float(a)' in.parquet -o out.csv
    [ ! -e out.csv ]
}

@test "what is no Parquet file, or a damaged one" {
    table 500 >in.csv
    wrangle convert in.csv -o in.parquet
    printf 'PAR1' >short.parquet
    fails_with 3 "short.parquet: is no Parquet file" wrangle convert short.parquet
    : >empty.parquet
    fails_with 3 "empty.parquet: is no Parquet file" wrangle convert empty.parquet
    fails_with 3 "in.csv: is no Parquet file" wrangle convert -f parquet in.csv
    head -c 3000 in.parquet >cut.parquet
    fails_with 3 "cut.parquet: is no Parquet file, or truncated" wrangle convert cut.parquet -o out.csv
    [ ! -e out.csv ]
    cp in.parquet hurt.parquet
    printf 'X' | dd of=hurt.parquet bs=1 seek=100 conv=notrunc 2>dd.err
    fails_with 3 "hurt.parquet: column 'id': " wrangle convert hurt.parquet -o out.csv
    [ ! -e out.csv ]
}

@test "types that are declared go before the file's" {
    printf 'id,n\n1,2.5\n2,\n' | wrangle convert -t parquet >x.parquet
    wrangle convert --types id:text -t jsonl x.parquet >out
    same out <(printf '{"id":"1","n":2.5}\n{"id":"2","n":null}\n')
    wrangle convert --types id:text,n:text x.parquet -o y.parquet
    [ "$(wrangle sniff y.parquet | jq -c '[.columns[].type]')" = '["text","text"]' ]
    wrangle convert --columns=a,b x.parquet >out
    same out <(printf 'a,b\n1,2.5\n2,\n')
    fails_with 3 "2 columns, not the 1 of --columns" wrangle convert --columns=a x.parquet
}

@test "compressed as asked" {
    table 5000 >in.csv
    for codec in none gzip snappy zstd; do
        [ "$codec" != zstd ] || ldconfig -p | grep -q libzstd.so.1 || continue
        wrangle convert --parquet-codec="$codec" in.csv -o "$codec.parquet"
        wrangle convert "$codec.parquet" >out.csv
        same in.csv out.csv
    done
    [ "$(stat -c %s gzip.parquet)" -lt "$(stat -c %s snappy.parquet)" ]
    [ "$(stat -c %s snappy.parquet)" -lt "$(stat -c %s none.parquet)" ]
}

@test "a table without rows, a table with no cells" {
    printf 'a,b\n' >in.csv
    wrangle convert in.csv -o in.parquet
    wrangle convert in.parquet >out.csv
    same in.csv out.csv
    printf 'a,b\n,\n,\n' >in.csv
    wrangle convert in.csv -o in.parquet
    wrangle convert in.parquet >out.csv
    same in.csv out.csv
}

@test "sniff tells columns, types, rows" {
    typed | wrangle convert -t parquet >x.parquet
    wrangle sniff x.parquet | jq -c '[.format, .records, [.columns[].type]]' >got
    same got <(echo '["parquet",4,["int","text","float","bool","time"]]')
    wrangle sniff <x.parquet | jq -r .file >got
    same got <(echo 'standard input')
}

@test "where text must be written Parquet is refused" {
    table 10 >in.csv
    run -2 wrangle 'tee x.parquet' in.csv
    [[ $output == *"tee: writes text only, not Parquet"* ]]
    [ ! -e x.parquet ]
}

# groups_of FILE: three row groups and a piece of one, in order of id, x, name and at. `some` is
# missing in the first group but for one row, `late` in all of it, `none` in the whole second one.
groups_of() {
    awk -v n=373640 'BEGIN {
        print "id,x,name,some,none,late,k"
        for (i = 0; i < n; i++)
            printf("%d,%s,n%07d,%s,%s,%s,%d\n", i - 1000, i / 8 - 0.5, i,
                i < 122880 ? (i == 777 ? 5 : "") : i % 50, i >= 122880 && i < 245760 ? "" : "v" i % 7, i < 122880 ? "" : i / 4, i % 11)
    }' | wrangle 'set at = from_epoch(id * 60)' - -o "$1"
}

setup_file() {
    groups_of "$BATS_FILE_TMPDIR/big.parquet"
    wrangle convert "$BATS_FILE_TMPDIR/big.parquet" >"$BATS_FILE_TMPDIR/big.csv"
}

big() {
    ln -sf "$BATS_FILE_TMPDIR/big.parquet" "$BATS_FILE_TMPDIR/big.csv" .
}

# hurt first|last FILE: a byte in the pages of the first column of the first row group, or of the
# last column of the last.
hurt() {
    local at=200 size footer
    if [ "$1" = last ]; then
        size=$(stat -c %s "$2")
        footer=$(tail -c 8 "$2" | od -An -tu4 -N4)
        at=$((size - 8 - footer - 20))
    fi
    printf 'XYZ' | dd of="$2" bs=1 seek="$at" conv=notrunc 2>dd.err
}

# alike PROGRAM: the same of the table as text and as Parquet, by one thread and by several.
alike() {
    wrangle -j 2 "$1" big.csv >want
    for jobs in 1 4; do
        wrangle -j "$jobs" "$1" big.parquet >got
        same want got || { echo "$1"; return 1; }
    done
}

@test "row groups passed over change no result" {
    big
    for condition in 'id < 100' 'id <= -1000' '300000 < id' 'id == 122880' 'id == 121880' 'id > 121879 and id < 121881' \
        'id > 372639' 'id >= 372639' 'id < -1000' 'x > 46000.5' 'x == 15359.5' '15359.5 == x' 'x <= -0.5' 'x < 1e300' \
        'id > 300000.5' 'id in (5, 371000)' 'id in (5, 90000) && x < 3' 'id not in (5, 6) and x < 7' \
        'id between 200000 and 200100' 'id not between -5000 and 370000' 'name < "n0000100"' 'name == "n0122880"' \
        'name in ("n0300000", "n0300001", "m")' 'name > "n03"' 'name >= "n0373639"' 'name > "o"' \
        'at < "1970-01-02"' 'at >= "1970-08-01T00:00:00Z"' 'at == "1970-03-26T15:20:00Z"' 'some == 5 && id < 3000' \
        'some > 48 and none == "v1"' 'is_null(some) and id < 50000' 'not_null(some) and id < 1000' 'not_null(none) and id < 124000' \
        'none != "v1" and id > 240000' 'is_null(none) and id > 244000' 'id < 10 or id > 372600' \
        'not (id < 372600 or k == 3)' 'k != 3 and id > 372600' 'id > 372600 and name =~ "5$"' \
        'id < 9007199254740993 and x < 0' 'id > 372000 and id < 0' 'late > "1" and id < 122000' 'not_null(late) and id < 122000'; do
        alike "filter $condition | select id,at,x,some,none"
    done
}

@test "what comes behind sees the same rows, with their numbers" {
    big
    for program in 'filter id > 250000 | agg n=count() m=mean(x) s=sum(some) by=k' 'filter id > 121870 | head n=20' \
        'filter id > 371000 | set n = row_num(), r = rand()' 'filter id > 250000 | sample n=20' \
        'filter id > 372600 | set p = prev(id)' 'filter prev(id) == 300000' 'filter id >= 121880 and prev(id) == 121879' 'filter id > 300000 and prev(k) == 3 | head n=5' \
        'filter id > 250000 | filter id < 250010' 'filter id > 250000 | filter some == 3 | head n=9 | row_number' \
        'filter id > 250000 | sort x:desc | head n=5' 'filter_not id < 372600' 'head n=200000 | filter id > 198990' \
        'filter row_num() > 372 and id < -600' 'filter id > 372000 | impute none with=mode | scale x' \
        'select id | filter id > 372600' 'set id = -id | filter id > 900'; do
        alike "$program"
    done
    for file in big.csv big.parquet; do
        wrangle fit -r "$file.json" 'filter id > 250000 | set r = rand() | scale x,r | impute some with=median' "$file"
        jq -c '[.rows, .ranges, .steps[].state]' "$file.json" >"$file.state"
    done
    same big.csv.state big.parquet.state
    [ "$(jq .rows big.parquet.json)" -eq 373640 ]
}

@test "several files, of which some are passed over" {
    big
    printf 'id,x,name,some,none,k,at\n7,1,n,2,v,3,1970-01-01T00:00:00Z\n' >small.csv
    printf 'id,more\n300001,y\n' | wrangle convert -t parquet >other.parquet
    for condition in 'id == 300000' 'id > 300000 and x < 37626' 'name == "n"' 'id == 7' 'more == "y"'; do
        program="filter $condition | set n = row_num()"
        wrangle "$program" big.csv small.csv other.parquet big.csv >want
        wrangle -j 3 "$program" big.parquet small.csv other.parquet big.parquet >got
        same want got
        wrangle --types id:text "filter id == \"300000\"" big.csv >want
        wrangle --types id:text "filter id == \"300000\"" big.parquet >got
        same want got
    done
}

@test "errors are those of all rows" {
    big
    fails_with 3 "big.parquet:250002:" wrangle -j 1 'filter id > 249000 | set b = int(name)' big.parquet -o got
    fails_with 3 "big.parquet:1001:" wrangle 'filter 1 / id > 0 and id > 300000' big.parquet -o got
    fails_with 3 "big.parquet:1001:" wrangle 'filter some > 5 and 1 / id > 0 and k > 50' big.parquet -o got
    fails_with 3 "big.parquet:1001:" wrangle 'filter 1 / id > 0 | filter id > 300000' big.parquet -o got
    wrangle 'filter id > 300000 and 1 / id > 0 | agg n=count()' big.parquet >got
    same got <(printf 'n\n72639\n')
}

@test "row groups that hold nothing wanted are not read" {
    cp "$BATS_FILE_TMPDIR/big.parquet" first.parquet
    cp first.parquet last.parquet
    hurt first first.parquet
    hurt last last.parquet
    for condition in 'id > 121879' 'x > 15360' 'name >= "n0122880"' 'at > "1970-03-27"' 'id in (300000, 300001)' \
        '130000 <= id' 'id > 122000 and 1 / x > 0' 'k == 3 and id > 122000' 'id between 130000 and 1e9' \
        'not (id < 130000 or k == 3)' 'some != 5' 'id > 122000 and (k == 2 or k == 3)' \
        'not_null(late)' 'late != ""' 'late > "0"'; do
        wrangle "filter $condition | tail n=1" first.parquet >got
        fails_with 3 "first.parquet: column 'id': " wrangle "filter $condition or k == 10" first.parquet -o got
    done
    for condition in 'id > 121878' 'x > 15358' 'at >= "1970-01-01"' 'id in (7, 300000)' 'k == 3' 'some == 5' \
        '1 / x > 0 and id > 122000' 'some > 5 and 1 / x > 0' 'name > "n"'; do
        fails_with 3 "first.parquet: column 'id': " wrangle "filter $condition" first.parquet -o got
    done
    for condition in 'id < 367640' 'x < 46079.5' 'name < "n0368640"' 'id < 300000 and is_null(none)' 'at < "1970-09-01"'; do
        wrangle "filter $condition | drop k" last.parquet >got
    done
    for condition in 'id <= 367640' 'x <= 46079.5' 'name <= "n0368640"'; do
        fails_with 3 "last.parquet: column 'at': " wrangle "filter $condition" last.parquet -o got
    done
    wrangle fit -r r.json 'filter id < 5 | scale x | impute some with=mean' last.parquet
    [ "$(jq .rows r.json)" -eq 373640 ]
    wrangle apply r.json last.parquet >got
    wrangle 'filter id > 371000' first.parquet first.parquet >got
    [ "$(wc -l <got)" -eq 3279 ]
}

@test "fstore join reads no rows later than all labels" {
    big
    TOOL=fstore
    printf 'k,at\n3,1970-01-15T00:00:00Z\n4,1970-03-01T00:00:00Z\n77,1970-01-01T00:00:00Z\n' >labels.csv
    fstore join --labels labels.csv --time at --id k --age --status big.csv >want
    fstore join --labels labels.csv --time at --id k --age --status big.parquet >got
    same want got
    cp "$BATS_FILE_TMPDIR/big.parquet" last.parquet
    hurt last last.parquet
    fstore join --labels labels.csv --time at --id k --age --status last.parquet:id,x >got
    printf '5,1971-01-01T00:00:00Z\n' >>labels.csv
    fails_with 3 "last.parquet: column 'at': " fstore join --labels labels.csv --time at --id k last.parquet:id,x -o got
    printf 'k,t\n3,100\n4,-1000\n5,200000\n' >labels.csv
    for unit in s ms us ns; do
        fstore join --labels labels.csv --time t --file-time id --time-unit "$unit" --id k --age --status big.csv:x >want
        fstore join --labels labels.csv --time t --file-time id --time-unit "$unit" --id k --age --status big.parquet:x >got
        same want got
        [ "$unit" = ns ] || fstore join --labels labels.csv --time t --file-time id --time-unit "$unit" --id k last.parquet:x,at >got
    done
    # A missing id is told wherever it is.
    printf 'none,t\nv1,100\n' >labels.csv
    fails_with 3 "big.parquet:122881:5: column 'none': the id is missing" \
        fstore join --labels labels.csv --time t --file-time id --time-unit s --id none big.parquet:x,at -o got
}
