# fstore: files for other tools, and records as rows.
load helper

setup() {
    in_scratch
    TOOL=fstore
    export ML_HOME=$PWD/.ml
    GROUP=.ml/fstore/users
}

# rows FROM TO: events of 100 entities over some hours.
rows() {
    awk -v from="$1" -v to="$2" 'BEGIN {
        print "id,at,n,x,city,tags,is_deleted"
        for (i = from; i < to; i++)
            printf "u%d,2001-01-31T%02d:%02d:00Z,%d,%s,%s,%s,%s\n", i * 7 % 100, i * 11 % 5, i % 60, i,
                i % 3 ? i / 8 "0" : "", i % 4 ? "\"a, b\"" : "", "\"[\"\"t" i % 3 "\"\"]\"", i % 29 ? "false" : "true"
    }'
}

group() {
    fstore create "${1:-users}" --id id --time at --feature n:int,x:float,city:text,tags:list-text --offline "${2:-parquet}"
}

@test "materialize brings the files up to the log" {
    group
    rows 0 1000 | fstore ingest users
    fstore materialize users >out
    same out <(echo '{"rows":1000,"files":5,"lsn":1000}')
    [ "$(find "$GROUP/offline/data" -name '*.parquet' | wc -l)" -eq 5 ]
    [ -e "$GROUP"/offline/data/year=2001/month=01/day=31/hour=04/*.parquet ]
    rows 1000 1010 | fstore ingest users
    fstore materialize users >out
    same out <(echo '{"rows":10,"files":5,"lsn":1010}')
    fstore materialize users >out
    same out <(echo '{"rows":0,"files":0,"lsn":1010}')
    [ "$(jq -s 'length' "$GROUP/offline/manifest.jsonl")" -eq 2 ]
    jq -r '.files[] | "\(.sha256)  \(.path)"' "$GROUP/offline/manifest.jsonl" >sums
    (cd "$GROUP/offline" && sha256sum --quiet -c ../../../../sums)
    wrangle "agg rows=count() n=sum(n)" $(find "$GROUP/offline/data" -name '*.parquet') | tail -n 1 >got
    fstore export users --deleted | wrangle 'agg rows=count() n=sum(n)' | tail -n 1 >want
    same want got
}

@test "compact leaves one file of each hour" {
    group
    rows 0 1000 | fstore ingest users
    fstore materialize users >out
    rows 990 1100 | fstore ingest users
    fstore materialize users >out
    fstore compact users >out
    [ "$(jq -c '[.partitions, .files_before, .files_after, .rows, .dropped, .collected]' out)" = '[5,10,5,1100,10,0]' ]
    [ "$(find "$GROUP/offline/data" -name '*.parquet' | wc -l)" -eq 15 ]
    fstore compact users --grace 1us >out
    [ "$(jq -c '[.partitions, .collected]' out)" = '[0,10]' ]
    [ "$(find "$GROUP/offline/data" -name '*.parquet' | wc -l)" -eq 5 ]
}

@test "a group that is not kept offline" {
    group users none
    fails_with 1 "group 'users' is not kept offline" fstore materialize users
    fails_with 1 "group 'users' is not kept offline" fstore compact users
    fails_with 2 "there is no group" fstore materialize nobody
    fails_with 2 "there is no group" fstore export nobody
}

@test "export and import make the same group" {
    group
    group copy
    rows 0 1000 | fstore ingest users
    fstore delete users u5
    for name in x.csv x.jsonl x.csv.gz; do
        fstore export users --deleted -o "$name"
        rm -rf .ml/fstore/copy
        group copy
        fstore import copy "$name" >out
        [ "$(jq .rows out)" -eq 1001 ]
        fstore export copy --deleted -t csv | cut -d, -f1-8 >got
        fstore export users --deleted | cut -d, -f1-8 >want
        same want got
        for id in u0 u1 u5 u50 u99; do
            fstore get users "$id" >want || [ $? -eq 1 ]
            fstore get copy "$id" >got || [ $? -eq 1 ]
            same want got
        done
        fstore snapshot users >want
        fstore snapshot copy >got
        same want got
    done
    fstore export users --deleted -t jsonl | fstore import copy
    fstore snapshot copy >got
    same want got
}

@test "export of some records" {
    group
    rows 0 100 | fstore ingest users
    [ "$(fstore export users | tail -n +2 | wc -l)" -eq 96 ]
    [ "$(fstore export users --deleted --since 90 | tail -n +2 | wc -l)" -eq 10 ]
    [ "$(fstore export users --deleted --until 90 | tail -n +2 | wc -l)" -eq 90 ]
    early=$(fstore export users --to-time 2001-01-31T02:00:00Z | tail -n +2 | wc -l)
    late=$(fstore export users --from-time 2001-01-31T02:00:00Z | tail -n +2 | wc -l)
    [ $((early + late)) -eq 96 ]
    [ "$early" -gt 0 ]
    fails_with 2 "--from-time: 'x' is not a time" fstore export users --from-time x
    fails_with 2 "--to: unknown format 'x'" fstore export users --to x
}

@test "a snapshot has what get finds" {
    group
    rows 0 1000 | fstore ingest users
    fstore snapshot users -t jsonl | jq -c 'del(.write_time)' >got
    for id in $(seq 0 99 | sed s/^/u/ | sort); do
        fstore get users "$id" || [ $? -eq 1 ]
    done | jq -c . >want
    same want got
    fstore snapshot users --at 2001-01-31T00:00:00Z -o early.csv
    [ "$(cut -d, -f2 early.csv | sed 1d | sort -u)" = 2001-01-31T00:00:00Z ]
    fstore snapshot users --lsn 10 | wc -l >n
    [ "$(cat n)" -eq 10 ]
}

@test "an empty group" {
    group
    fstore materialize users >out
    same out <(echo '{"rows":0,"files":0,"lsn":0}')
    fstore export users >out
    same out <(echo 'id,at,n,x,city,tags,write_time,is_deleted,_lsn,_expires_at,_how')
    fstore snapshot users >out
    same out <(echo 'id,at,n,x,city,tags,write_time')
}

@test "what is forgotten leaves the files, too" {
    group users jsonl.gz
    rows 0 500 | fstore ingest users
    fstore materialize users >out
    find "$GROUP/offline/data" -name '*.gz' -exec zcat {} + >all
    grep -q '"u42"' all
    fstore forget users u42
    [ "$(find "$GROUP/offline" -name '*.gz' | wc -l)" -eq 0 ]
    fstore materialize users >out
    [ "$(jq .rows out)" -eq 495 ]
    find "$GROUP/offline/data" -name '*.gz' -exec zcat {} + >all
    run -1 grep -q '"u42"' all
}

@test "ten times the rows need no more memory" {
    group
    rows 0 300000 | fstore ingest users
    (
        ulimit -v 200000
        fstore materialize users --memory 8M -j 1 >out
        fstore export users --deleted >all.csv
        fstore snapshot users --memory 8M >newest.csv
        fstore compact users --memory 8M -j 1 >compacted
    )
    [ "$(jq .rows out)" -eq 300000 ]
    [ "$(wc -l <all.csv)" -eq 300001 ]
    [ "$(jq .files_after compacted)" -eq 5 ]
}
