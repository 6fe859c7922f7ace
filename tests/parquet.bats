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
