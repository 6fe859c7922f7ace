# fstore: what the values of a group are like, and how far they are from before.
load helper

setup() {
    in_scratch
    TOOL=fstore
    export ML_HOME=$PWD/.ml
    GROUP=.ml/fstore/users
}

# rows SHIFT EVERY CITY: 2000 events of 100 entities: x about SHIFT, missing in each EVERYth row.
rows() {
    awk -v shift="$1" -v every="$2" -v other="$3" 'BEGIN {
        print "id,at,n,x,city,ok,seen,tags"
        for (i = 0; i < 2000; i++) {
            city = i % 10 == 0 ? other : i % 3 ? "oslo" : "rome"
            printf "u%d,2001-01-%02dT00:00:00Z,%d,%s,%s,%s,2001-02-%02dT00:00:00Z,%s\n", i % 100,
                1 + int(i / 100), i % 7, i % every ? (i * 37 % 1000) / 100 + shift : "", city,
                i % 2 ? "true" : "false", 1 + i % 28, i % 4 ? "[]" : "\"[\"\"a\"\",\"\"b\"\"]\""
        }
    }'
}

group() {
    fstore create users --id id --time at \
        --feature n:int,x:float,city:text,ok:bool,seen:time,tags:list-text
    rows 0 50 paris >before.csv
    fstore ingest users before.csv
}

# drifts WANTED OPTION...: the names of the features that drift, or are lacking; WANTED: exit status.
drifts() {
    local want=$1 got=0
    shift
    fstore drift users --baseline march "$@" >out || got=$?
    [ "$got" -eq "$want" ] || { echo "status $got, not $want"; cat out; return 1; }
    jq -r 'select(.verdict != "ok") | .name + ":" + .verdict' out | xargs
}

feature() { jq -c "select(.name == \"$1\") | $2" out; }

@test "stats says what the values are" {
    group
    fstore stats users >out
    [ "$(jq -r .name out | xargs)" = "n x city ok seen tags" ]
    [ "$(feature n '[.type, .rows, .missing, .distinct, .min, .max, .p50]')" = '["int",2000,0,7,0,6,3]' ]
    [ "$(feature x '[.rows, .missing, .min, .max]')" = '[2000,40,0.01,9.99]' ]
    [ "$(feature city .top)" = '[["oslo",1200],["rome",600],["paris",200]]' ]
    [ "$(feature city '[.min_length, .max_length, .top_exact, .mean]')" = '[4,5,true,null]' ]
    [ "$(feature ok .top)" = '[["false",1000],["true",1000]]' ]
    [ "$(feature seen '[.min, .max, .p50]')" = \
        '["2001-02-01T00:00:00Z","2001-02-28T00:00:00Z","2001-02-14T00:00:00Z"]' ]
    [ "$(feature tags '[.min, .max, .mean, .distinct]')" = '[0,2,0.5,2]' ]
    fstore stats users -t csv --features ok,n >out.csv
    [ "$(cut -d, -f1-3 out.csv | xargs)" = "name,type,rows ok,bool,2000 n,int,2000" ]
    [ "$(fstore stats users --top 1 | jq -c 'select(.name == "city") | .top')" = '[["oslo",1200]]' ]
    fstore stats users --features n,x >again
    [ "$(jq -r .name again | xargs)" = "n x" ]
    fails_with 2 "has no feature 'm'" fstore stats users --features n,m
    fails_with 2 "there is no group 'user'" fstore stats user
}

@test "stats over some of the records" {
    group
    [ "$(fstore stats users --features n --since 1990 | jq .rows)" = 10 ]
    [ "$(fstore stats users --features n --until 10 | jq .rows)" = 10 ]
    [ "$(fstore stats users --features n --from-time 2001-01-19 | jq .rows)" = 200 ]
    [ "$(fstore stats users --features n --to-time 2001-01-02 | jq .rows)" = 100 ]
    [ "$(fstore stats users --features n --online | jq .rows)" = 100 ]
    fstore delete users u1 --time 2002-01-01T00:00:00Z
    [ "$(fstore stats users --features n --online | jq .rows)" = 99 ]
    [ "$(fstore stats users --features n | jq .rows)" = 2000 ]
    fstore snapshot users -t csv | tail -n +2 | cut -d, -f3 | awk '{ n += $1 } END { print n / NR }' >want
    fstore stats users --features n --online | jq .mean | awk '{ print $1 + 0 }' >got
    same want got
    [ "$(fstore stats users --features n --online --since 2001 | jq .rows)" = 0 ]
}

@test "little memory gives the same" {
    fstore create wide --id id --time at --online none --feature x:float,y:float
    awk 'BEGIN { print "id,at,x,y"
        for (i = 0; i < 300000; i++) printf "%d,2001-01-01T00:00:00Z,%d,%.3f\n", i, i * 7919 % 300007, i % 1000 / 7 }' |
        fstore ingest wide
    fstore stats wide >want
    fstore stats wide --memory 1M >got
    same want got
    [ "$(jq -s -c '[.[0].p50, .[0].max, .[1].distinct]' want | cut -d, -f2)" != null ]
    fstore stats wide --save a >want
    (ulimit -v 120000 && fstore stats wide --memory 1M --save b >got && fstore drift wide --baseline b >drift)
    same want got
    sed 's/"made":"[^"]*"//' .ml/fstore/wide/baselines/a.json >a
    sed 's/"made":"[^"]*"//' .ml/fstore/wide/baselines/b.json >b
    same a b
}

@test "an empty group, and deletes alone" {
    fstore create users --id id --time at --feature x:float,city:text
    fstore stats users --save march >out
    [ "$(jq -c '[.rows, .missing, .distinct, .mean, .min, .p50]' out | uniq)" = '[0,0,0,null,null,null]' ]
    [ -z "$(drifts 0)" ]
    printf 'x,city\n1,oslo\n' >rows.csv
    drifts 1 rows.csv
    fstore delete users u1 --time 2002-01-01T00:00:00Z
    [ "$(fstore stats users | jq .rows | uniq)" = 0 ]
}

# ---- drift ------------------------------------------------------------------------------------

@test "a group does not drift from itself, nor from its rows in a file" {
    group
    fstore stats users --save march >out
    [ -z "$(drifts 0)" ]
    [ "$(jq -s 'map(.psi) | unique' -c out)" = '[0]' ]
    [ "$(jq -s 'map(.ks // 0) | unique' -c out)" = '[0]' ]
    cp out want
    [ -z "$(drifts 0 before.csv)" ]
    same want out
    for format in jsonl parquet; do
        fstore export users -o rows.$format
        [ -z "$(drifts 0 rows.$format)" ]
        same want out
    done
    [ -z "$(drifts 0 - <before.csv)" ]
    same want out
    [ -z "$(drifts 0 --since 1000)" ]
    rows 0 50 paris >again.csv
    drifts 0 before.csv again.csv >names
    [ "$(feature n .rows)" = 4000 ]
}

@test "what drifts is named, with the reason" {
    group
    fstore stats users --save march >out
    rows 3 50 paris >shifted.csv
    [ "$(drifts 1 shifted.csv)" = x:drift ]
    [[ $(feature x .reason) == *"psi "*" > 0.25; ks 0.3"* ]]
    [ "$(feature x '[.mean_before, .mean_after] | map(. * 10 | round)')" = '[50,80]' ]
    rows 0 4 paris >missing.csv
    [ "$(drifts 1 missing.csv)" = x:drift ]
    [[ $(feature x .reason) == *"change of missing 0.23 > 0.05"* ]]
    rows 0 50 bern >new.csv
    [ "$(drifts 1 new.csv)" = city:drift ]
    [[ $(feature city .reason) == *"new values 0.1 > 0.01"* ]]
    [ "$(feature city .new_share)" = 0.1 ]
    wrangle 'select -city' before.csv >lacking.csv
    [ "$(drifts 1 lacking.csv)" = city:lacking ]
    [ -z "$(drifts 0 lacking.csv --features n,x)" ]
    fstore ingest users shifted.csv
    [ "$(drifts 1 --since 2000)" = x:drift ]
    [ -z "$(drifts 0 --until 2000)" ]
}

@test "limits are options" {
    group
    fstore stats users --save march >out
    rows 3 50 paris >shifted.csv
    rows 0 4 bern >other.csv
    [ "$(drifts 1 shifted.csv --psi 99)" = x:drift ]
    [ -z "$(drifts 0 shifted.csv --psi 99 --ks 1)" ]
    [ -z "$(drifts 0 other.csv --psi 99 --nulls 0.3 --new 0.2)" ]
    [ "$(drifts 1 other.csv --psi 99 --nulls 0.2 --new 0.2)" = x:drift ]
    [ "$(drifts 1 other.csv --psi 99 --nulls 0.3)" = city:drift ]
    sed 's/oslo/rome/' before.csv >fewer.csv
    [ -z "$(drifts 0 fewer.csv --psi 99)" ]
    [ "$(drifts 1 fewer.csv --psi 99 --cardinality 0.3)" = city:drift ]
    [[ $(feature city .reason) == *"change of distinct 0.33"* ]]
}

@test "features that came later, sparse JSON, times and lists" {
    group
    fstore stats users --save march >out
    fstore update users --feature late:int
    [ "$(drifts 0)" = late:new ]
    fails_with 2 "baseline 'march' has no feature 'late'" fstore drift users --baseline march --features late
    fstore export users -o rows.jsonl
    # The first record lacks what others have.
    { echo '{"n": 1}'; cat rows.jsonl; } >sparse.jsonl
    [ "$(drifts 0 sparse.jsonl)" = late:new ]
    sed 's/2001-02/2001-03/' before.csv >later.csv
    [ "$(drifts 1 later.csv)" = "seen:drift late:new" ]
    sed 's/\[\]/[1]/' before.csv >longer.csv
    [ "$(drifts 1 longer.csv)" = "tags:drift late:new" ]
    sed '5s/,3,/,three,/' before.csv >bad.csv
    fails_with 3 "bad.csv:5:" fstore drift users --baseline march bad.csv
    fails_with 2 "is said of the log" fstore drift users --baseline march before.csv --since 3
}

@test "baselines are listed, dropped, and looked at" {
    group
    fails_with 2 "has no baseline 'march'; there are none" fstore drift users --baseline march
    fails_with 2 "--baseline says" fstore drift users
    fails_with 2 "'../x': expected a name" fstore stats users --save ../x
    fstore stats users --save march >out
    fstore stats users --save april --since 1900 --online >out
    fstore stats users --list >out
    [ "$(jq -c '[.name, .records, .since, .until, .rows, .features]' out | xargs)" = \
        '[april,newest,1900,2000,100,6] [march,all,0,2000,2000,6]' ]
    fails_with 2 "has no baseline 'may'; there are april, march" fstore drift users --baseline may
    fstore stats users --drop april
    fails_with 2 "has no baseline 'april'; there is march" fstore stats users --drop april
    fails_with 2 "one of them" fstore stats users --list --drop march
    head -c 1000 "$GROUP/baselines/march.json" >cut
    cp cut "$GROUP/baselines/march.json"
    fails_with 3 "march.json: not JSON" fstore drift users --baseline march
    fails_with 3 "march.json" fstore stats users --list
    fstore stats users --save march >out
    [ -z "$(drifts 0)" ]
    fails_with 4 "/nowhere/out" fstore stats users -o /nowhere/out
    fstore drop users
    [ ! -e "$GROUP" ]
}
