# wrangle: one test per promise.
load helper

setup() {
    in_scratch
    TOOL=wrangle
    cat >f.csv <<'END'
date,delay,distance,origin
2001-01-01,20,300,ORD
2001-01-02,5,500,ATL
2001-01-03,,120,ORD
2001-01-04,44,800,ATL
END
    cat >train.csv <<'END'
age,fare,city
20,7.25,Paris
,71.5,London
40,8,Paris
30,,Rome
END
}

# gives COMMAND... <want: standard output equals standard input of gives, byte for byte.
gives() {
    cat >want
    "$@" >got
    same want got
}

@test "select" {
    gives wrangle 'select date,delay,origin' f.csv <<'END'
date,delay,origin
2001-01-01,20,ORD
2001-01-02,5,ATL
2001-01-03,,ORD
2001-01-04,44,ATL
END
}

@test "filter" {
    gives wrangle 'filter delay > 15 && origin in ("ORD","ATL")' f.csv <<'END'
date,delay,distance,origin
2001-01-01,20,300,ORD
2001-01-04,44,800,ATL
END
}

@test "set" {
    gives wrangle 'set late = if(delay > 15, 1, 0), speed = round(distance / 60, 2)' f.csv <<'END'
date,delay,distance,origin,late,speed
2001-01-01,20,300,ORD,1,5
2001-01-02,5,500,ATL,0,8.33
2001-01-03,,120,ORD,0,2
2001-01-04,44,800,ATL,1,13.33
END
}

@test "impute, scale, onehot" {
    gives wrangle 'impute age,fare with=median | scale age,fare method=standard | onehot city' train.csv <<'END'
age,fare,city_London,city_Paris,city_Rome
-1.414213562373095,-0.5954265923888241,0,1,0
0,1.7319442706366937,1,0,0
1.414213562373095,-0.5682588391239348,0,1,0
0,-0.5682588391239348,0,0,1
END
}

@test "ordinal, clip, bin" {
    gives wrangle 'ordinal city unknown=-1 | clip fare min=0 max=300 | bin age method=quantile bins=4' train.csv <<'END'
age,fare,city
0,7.25,1
,71.5,0
3,8,1
2,,2
END
}

@test "agg, sort" {
    gives wrangle 'agg n=count() mean_delay=mean(delay) p90=quantile(delay,0.9) by=origin | sort mean_delay:desc' f.csv <<'END'
origin,n,mean_delay,p90
ATL,2,24.5,40.1
ORD,2,20,20
END
}

# Functions of one column share what is kept of it.
@test "aggregates answer the same alone and together" {
    calls='n=count(delay) s=sum(delay) m=mean(delay) i=min(delay) a=max(delay) f=first(delay) l=last(delay)
        v=var(delay) d=std(delay) k=skew(delay) u=kurtosis(delay) p=median(delay) q=quantile(delay,0.9)
        o=mode(delay) e=nunique(delay) x=collect(delay)'
    wrangle "agg $(echo $calls) by=origin" -t jsonl f.csv -o together
    for call in $calls; do
        wrangle "agg $call by=origin | select ${call%%=*}" -t jsonl f.csv -o "${call%%=*}.alone"
        wrangle "select ${call%%=*}" together -f jsonl -t jsonl >part
        same "${call%%=*}.alone" part
    done
}

@test "lag, rolling" {
    gives wrangle 'lag delay by=origin order=date | rolling delay with=mean window=7 by=origin order=date' f.csv <<'END'
date,delay,distance,origin,delay_lag1,delay_mean7
2001-01-01,20,300,ORD,,20
2001-01-02,5,500,ATL,,5
2001-01-03,,120,ORD,20,20
2001-01-04,44,800,ATL,5,24.5
END
}

@test "join" {
    printf 'iata,state\nORD,IL\nSFO,CA\n' >airports.csv
    gives wrangle 'join airports.csv on=origin=iata how=left' f.csv <<'END'
date,delay,distance,origin,state
2001-01-01,20,300,ORD,IL
2001-01-02,5,500,ATL,
2001-01-03,,120,ORD,IL
2001-01-04,44,800,ATL,
END
}

@test "dedup, sample, split" {
    (cat f.csv; tail -n 1 f.csv) >twice.csv
    wrangle 'dedup date,origin | sample n=1000 seed=7 | split train=0.8 test=0.2 by_time=date' twice.csv >got
    [ "$(wc -l <got)" -eq 5 ]
    [ "$(grep -c ',train$' got)" -eq 3 ]
    [ "$(tail -n 1 got)" = '2001-01-04,44,800,ATL,test' ]
}

@test "replace, rename, drop" {
    printf 'phone,delay,notes\n+33 (0)6-12,1,x\n' >p.csv
    gives wrangle 'replace phone pattern="\\D+" with="" | rename delay=delay_min | drop notes' p.csv <<'END'
phone,delay_min
330612,1
END
}

@test "rows of a slow stream pass at once" {
    wrangle fit -r prep.json 'scale age' train.csv
    mkfifo live
    wrangle apply prep.json <live >features.csv &
    reader=$!
    exec 9>live
    printf 'age,fare,city\n30,1,Oslo\n' >&9
    for _ in $(seq 100); do
        [ "$(wc -l <features.csv)" -eq 2 ] && break
        sleep 0.05
    done
    same features.csv <(printf 'age,fare,city\n0,1,Oslo\n')
    exec 9>&-
    wait "$reader"
}

@test "head ends a run early, but not for steps before it that want every row" {
    (echo a; seq 20000) >in.csv
    for jobs in 1 4; do
        ML_CHUNK=1000 wrangle -j $jobs 'tee all.csv | head 3 | set b = a + 1' in.csv >got
        same got <(printf 'a,b\n1,2\n2,3\n3,4\n')
        same in.csv all.csv
        ML_CHUNK=1000 wrangle -j $jobs 'head 3 | tee some.csv' in.csv >got
        same got some.csv
    done
}

@test "rows behind a head are not even looked at" {
    (echo a; seq 20000; echo 1,2) >in.csv
    ML_CHUNK=1000 wrangle -j 1 'head 3' in.csv >got
    same got <(printf 'a\n1\n2\n3\n')
    fails_with 3 'in.csv:20002: 2 cells' env ML_CHUNK=1000 wrangle -N -j 1 'tee all.csv | head 3 | nothing' in.csv
    [ ! -e all.csv ]
}

# ---- fit, apply, merge ----------------------------------------------------------------------------

@test "fit and apply give what run gives" {
    program='impute age,fare with=median | scale age,fare | onehot city'
    wrangle "$program" train.csv >run
    wrangle fit -r prep.json "$program" train.csv
    wrangle apply prep.json train.csv >apply
    same run apply
    wrangle fit --emit -r again.json "$program" train.csv >emitted
    same run emitted
    same prep.json again.json
}

@test "a pivot adds columns to a table of any width" {
    local n
    for n in 6 7 8 9 14 15 16 17 30 31 32 33; do
        awk -v n=$n 'BEGIN { for (i = 1; i <= n; i++) printf "c%d,", i; print "name,value"
            for (r = 1; r < 4; r++) { for (i = 1; i <= n; i++) printf "%d,", i; print "k" r "," r } }' >wide.csv
        wrangle fit -r wide.json 'pivot_wider name value' wide.csv
        [ "$(wrangle apply wide.json wide.csv | tail -n 1 | cut -d, -f$((n + 1))-)" = 1,2,3 ]
    done
}

@test "what a step selects by type, it selects behind the steps before it" {
    program='bin age labels=range | impute @text with=mode | onehot @text'
    wrangle "$program" train.csv >run
    wrangle fit -r prep.json "$program" train.csv
    wrangle apply prep.json train.csv >apply
    same run apply
    [ "$(jq -c '.steps[1].columns' prep.json)" = '["age","city"]' ]
    wrangle explain "$program" train.csv | grep -q '^3 passes'
    wrangle explain 'scale age | impute @text with=mode' train.csv | grep -q '^1 pass '
}

# flights.csv with missing delays, and in three shards.
cut_flights() {
    zcat "$ROOT/examples/flights/data/flights.csv.gz" |
        awk -F, -v OFS=, 'NR > 1 && NR % 7 == 0 {$2 = ""} {print}' >flights.csv
    (head -n 1 flights.csv; sed -n '2,3000p' flights.csv) >1.csv
    (head -n 1 flights.csv; sed -n '3001,3001p' flights.csv) >2.csv
    (head -n 1 flights.csv; sed -n '3002,$p' flights.csv) >3.csv
}

# shards PROGRAM: the merged states of three shards of flights.csv equal the state of the whole.
shards() {
    wrangle fit -r whole.json "$1" flights.csv
    for i in 1 2 3; do wrangle fit -r $i.json "$1" $i.csv; done
    wrangle merge 3.json 1.json 2.json >merged.json
    same whole.json merged.json
}

@test "the fit of shards merges into the fit of the whole" {
    cut_flights
    shards 'impute delay with=median'
    shards 'impute delay with=median | scale delay,distance | onehot origin max=20 unknown=ignore'
    shards 'impute delay with=mean | scale delay,distance method=minmax | ordinal destination unknown=-1'
    shards 'bin delay method=quantile bins=7 | target_encode origin target=distance | count_encode destination'
    shards 'pca delay,distance k=2'
}

@test "a state keeps its seed; states of different seeds do not merge" {
    (echo a; seq 100) >in.csv
    local program='scale a | sample_bernoulli fraction=0.4'
    wrangle --seed=5 "$program" in.csv >want
    wrangle fit --seed=5 -r 5.json "$program" in.csv
    wrangle apply 5.json in.csv >got
    same want got
    wrangle fit --seed=6 -r 6.json "$program" in.csv
    wrangle apply 6.json in.csv >got
    run -1 cmp want got
    fails_with 3 'cannot merge: the seeds differ' wrangle merge 5.json 6.json
}

@test "a merged schema is that of the whole: a column without a value in a shard, whole and broken numbers" {
    printf 'a,b,c\n,1,\n,2,\n' >1.csv
    printf 'a,b,c\n3,1.5,\n4,2,\n' >2.csv
    (cat 1.csv; tail -n +2 2.csv) >all.csv
    local i
    wrangle fit -r whole.json 'impute a,b with=mean' all.csv
    for i in 1 2; do wrangle fit -r $i.json 'impute a,b with=mean' $i.csv; done
    wrangle merge 1.json 2.json >merged.json
    same whole.json merged.json
    wrangle merge 2.json 1.json >merged.json
    same whole.json merged.json
    same <(jq -c '[.schema[].type, .rows]' whole.json) <(echo '["int","float",null,4]')
}

@test "with --first-row shards draw by row as the whole does" {
    cut_flights
    program='impute delay from=distance with=knn sample=50
        | target_encode origin target=distance with=folds | isolation_forest distance trees=5
        | sample_bernoulli fraction=0.5 | set n = row_num(), u = rand()'
    wrangle fit -r whole.json "$program" flights.csv
    wrangle fit -r 1.json "$program" 1.csv
    wrangle fit -r 2.json --first-row=3000 "$program" 2.csv
    wrangle fit -r 3.json --first-row=3001 "$program" 3.csv
    wrangle merge 3.json 1.json 2.json >merged.json
    same whole.json merged.json
    wrangle merge 3.json 1.json >gap.json
    wrangle merge 2.json gap.json | cmp - whole.json
    wrangle apply whole.json flights.csv >whole.csv
    wrangle apply merged.json 1.csv >shards.csv
    wrangle apply -N --first-row=3000 merged.json 2.csv >>shards.csv
    wrangle apply -N --first-row=3001 merged.json 3.csv >>shards.csv
    same whole.csv shards.csv
    [ "$(wc -l <whole.csv)" -gt 1000 ]
}

@test "shards that draw by row and have one in common do not merge" {
    program='impute age with=random_sample'
    wrangle fit -r a.json "$program" train.csv
    wrangle fit -r b.json --first-row=3 "$program" train.csv
    fails_with 3 "step 1 (impute) goes by the numbers of rows, and row 3 is in both" wrangle merge b.json a.json
    sed '/"ranges"/,/^  \]/d' a.json >old.json
    fails_with 3 "a state does not say which ones it is of" wrangle merge old.json b.json
    sed 's/\[1, 4\]/[1, 3]/' a.json >wrong.json
    fails_with 3 '$.ranges: expected' wrangle apply wrong.json train.csv
    fails_with 2 "first-row" wrangle fit --first-row=0 "$program" train.csv
}

@test "numbers of rows do not depend on chunks, whatever is passed over" {
    printf 'a,b\n1,2\n3\n\n#x,y\n5,6\n7,8\n' >bad.csv
    printf '{"a":1}\n\n \n{"a":2}\n{"a":3}\n' >blank.jsonl
    for chunk in 1 9 1000000; do
        ML_CHUNK=$chunk wrangle --on-error=skip --comment='#' 'set n = row_num()' bad.csv >$chunk.csv
        ML_CHUNK=$chunk wrangle --first-row=11 'set n = row_num(), u = rand()' blank.jsonl >$chunk.jsonl
        same 1.csv $chunk.csv
        same 1.jsonl $chunk.jsonl
    done
    same 1.csv <(printf 'a,b,n\n1,2,1\n5,6,4\n7,8,5\n')
    wrangle -t csv 'set n = row_num() | select n' --first-row=11 blank.jsonl | cmp - <(printf 'n\n11\n12\n13\n')
}

@test "a state counts the rows of the input, also those behind the last one wanted" {
    for program in 'head 2 | scale age' 'head 2 | select age'; do
        for chunk in 1 1000000; do
            ML_CHUNK=$chunk wrangle fit -j 1 -r $chunk.json "$program" train.csv
            ML_CHUNK=$chunk wrangle fit --emit -r emit.json "$program" <train.csv >/dev/null
            grep -q '"rows": 4' $chunk.json
            same $chunk.json emit.json
        done
        same 1.json 1000000.json
    done
}

# stages PROGRAM: fits three shards of flights.csv in stages; the last one's state is that of the whole.
stages() {
    local after=begin i stage
    wrangle fit -r whole.json "$1" flights.csv
    wrangle fit --begin -r begin.json "$1" flights.csv
    for stage in 1 2 3 4 5 6; do
        wrangle fit --after=$after.json -r p1.json 1.csv
        wrangle fit --after=$after.json -r p2.json --first-row=3000 2.csv
        wrangle fit --after=$after.json -r p3.json --first-row=3001 3.csv
        wrangle merge p3.json p1.json >p.json
        wrangle merge --whole -o $stage.json p2.json p.json
        after=$stage
        cmp -s whole.json $stage.json && return
    done
    same whole.json $stage.json
}

@test "shards fitted in stages give the fit of the whole" {
    cut_flights
    stages 'impute delay with=median | scale delay,distance | pca delay,distance k=1'
    [ -e 3.json ] && [ ! -e 4.json ]
    stages 'onehot origin max=3 unknown=ignore | scale origin_* | impute delay with=knn from=distance sample=50'
    stages 'set u = rand() | scale u | filter u > 0 | bin delay bins=5 labels=range | target_encode @text target=distance'
    stages 'split a=0.5 b=0.5 | ordinal split | isolation_forest distance trees=5 sample=64 | scale @numeric'
    stages 'filter delay > 15'
    stages 'outliers delay action=remove fold=1 | impute delay | drop_constant | select_best target=delay keep=1 | scale @numeric'
}

@test "a part need not be enough to learn from" {
    printf 'd,y\n03/04/2024,1\n05/04/2024,1\n' >1.csv
    printf 'd,y\n25/04/2024,0\n26/04/2024,0\n' >2.csv
    (cat 1.csv; tail -n +2 2.csv) >all.csv
    local i program='infer_date_format d | select_information_value target=y bins=2 | scale @numeric'
    wrangle fit -r whole.json "$program" all.csv
    fails_with 3 'read it equally well' wrangle fit -r no.json "$program" 1.csv
    wrangle fit --begin -r 0.json "$program" all.csv
    for stage in 1 2 3; do
        for i in 1 2; do wrangle fit --after=$((stage - 1)).json -r p$i.json $i.csv; done
        wrangle merge --whole -o $stage.json p1.json p2.json
        ! cmp -s whole.json $stage.json || return 0
    done
    same whole.json $stage.json
}

@test "what a stage begins with has the columns of the whole" {
    { echo a,b,c; seq 2000 | awk '{print $1 "," ($1 < 5 ? $1 : "") "," ($1 < 9 ? "x" : $1)}'; } >all.csv
    (echo a,b,c; sed -n '1602,$p' all.csv) >2.csv
    head -n 1601 all.csv >1.csv
    program='impute @numeric | impute @text with=mode | scale @numeric'
    wrangle fit -r whole.json "$program" all.csv
    wrangle fit --begin -r 0.json "$program" all.csv
    for stage in 1 2; do
        for i in 1 2; do wrangle fit --after=$((stage - 1)).json -r p$i.json $i.csv; done
        wrangle merge --whole -o $stage.json p1.json p2.json
    done
    same whole.json 2.json
    printf 'a,c,b\n1,2,3\n' >other.csv
    fails_with 3 "column 2 is 'c', not 'b' as in the whole" wrangle fit --after=0.json -r no.json other.csv
    printf 'a,b\n1,2\n' >other.csv
    fails_with 3 '2 columns, not the 3 of the whole' wrangle fit --after=0.json -r no.json other.csv
    [ ! -e no.json ]
}

@test "a state that is not fitted to the end is no state for apply" {
    program='impute age | scale age'
    wrangle fit --begin -r 0.json "$program" train.csv
    wrangle fit --after=0.json -r p.json train.csv
    wrangle merge --whole -o 1.json p.json
    wrangle fit --after=1.json -r q.json train.csv
    wrangle merge --whole -o 2.json q.json
    local state
    for state in 0 p 1 q; do
        fails_with 3 "$state.json: is not fitted to the end" wrangle apply $state.json train.csv
    done
    wrangle apply 2.json train.csv >/dev/null
    fails_with 3 '2.json: has learnt all there is to learn' wrangle fit --after=2.json train.csv
    fails_with 3 'p.json: is a part' wrangle fit --after=p.json train.csv
    fails_with 3 '1.json: is what a stage begins with' wrangle merge 1.json
    fails_with 3 '2.json: is no part' wrangle merge --whole 2.json
    fails_with 3 'q.json: cannot merge: the stages differ' wrangle merge p.json q.json
    fails_with 3 'parts of 8 rows, and the stages before learnt from 4' wrangle merge --whole q.json q.json
    fails_with 3 '2.json: cannot merge: one is a part' wrangle merge p.json 2.json
    fails_with 2 'the program is in STATE' wrangle fit --after=0.json --begin train.csv
    fails_with 2 'the program is in STATE' wrangle fit --after=0.json --program=p.wr train.csv
    fails_with 2 'rows leave when all is learnt' wrangle fit --after=0.json --emit -r no.json train.csv
    (cat train.csv; tail -n 1 train.csv) >more.csv
    wrangle fit --after=0.json -r m.json more.csv
    wrangle merge --whole -o m1.json m.json
    wrangle fit --after=m1.json -r n.json train.csv
    fails_with 3 'n.json: cannot merge' wrangle merge q.json n.json
}

@test "shards whose rows a step mixes are refused before a row is read" {
    local program
    for program in 'head 3 | scale age' 'scale age | rolling age window=2 into=m | bin m' 'agg m=mean(age) by=city | scale m' \
        'onehot city | set p = prev(age) | scale p' 'oversample_random city | scale age'; do
        fails_with 3 'makes of several rows' wrangle fit --begin -r no.json "$program" train.csv
    done
    [ ! -e no.json ]
    run -2 wrangle fit --begin 'lag age into=p | scale nosuch' train.csv
    wrangle fit --begin 'scale age | rolling age window=2 into=r' train.csv >/dev/null
    wrangle fit --begin 'rolling age window=2 into=r | add_index n | scale age | drop r,n | scale @numeric' train.csv >/dev/null
}

@test "a merge that cannot be exact is refused" {
    wrangle fit -r a.json 'clip age min=0 | scale age | bin age' train.csv
    fails_with 3 "cannot merge: step 3 (bin)" wrangle merge a.json a.json
}

@test "apply names a column that is missing" {
    wrangle fit -r prep.json 'scale age' train.csv
    printf 'fare,city\n1,x\n' >bad.csv
    fails_with 3 "'age'" wrangle apply prep.json bad.csv
}

@test "apply refuses unknown columns only when asked" {
    wrangle fit -r prep.json 'scale age' train.csv
    printf 'age,fare,city,extra\n30,1,x,y\n' >more.csv
    gives wrangle apply prep.json more.csv <<'END'
age,fare,city,extra
0,1,x,y
END
    fails_with 3 "'extra'" wrangle apply --strict prep.json more.csv
}

# ---- cells nobody touched leave as they came -----------------------------------------------------

@test "select @all copies CSV byte for byte" {
    printf 'a,"b c",d\r\n1,"x, ""y""",007\r\n,"",1.10\r\n"multi\nline",,123456789012345678901234567890\r\n' >in.csv
    tr -d '\r' <in.csv >want
    wrangle 'select @all' in.csv >got
    same want got
}

@test "JSON Lines keep their keys, order and digits" {
    printf '{"b":1.10,"a":"x"}\n{"a":null,"c":[1,2],"b":1e2}\n{"b":-0}\n' >in.jsonl
    wrangle 'select @all' in.jsonl >got || true
    wrangle convert in.jsonl >got
    same in.jsonl got
}
