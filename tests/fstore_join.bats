# fstore join: each label with the features of its time.
load helper

setup() {
    in_scratch
    export ML_HOME=$PWD/home
}

# users: u1 changes, is deleted and comes back; u2 expires.
users() {
    fstore create users --id user --time at --feature age:int,city:text --online none >/dev/null
    fstore ingest users - <<'CSV' >/dev/null
user,at,age,city,is_deleted
u1,2024-01-01T00:00:00Z,30,"Bern, CH",
u1,2024-01-03T00:00:00Z,31,,
u1,2024-01-03T00:00:00Z,99,late,
u1,2024-01-05T00:00:00Z,,,true
u1,2024-01-07T00:00:00Z,32,Basel,
CSV
    fstore ingest users --ttl 1d - <<'CSV' >/dev/null
user,at,age,city
u2,2024-01-02T00:00:00Z,7,007
CSV
}

clicks() {
    cat >clicks.csv <<'CSV'
n,user,at,"a ""b"""
1,u1,2024-01-02T00:00:00Z,1.10
2,u1,2024-01-03T00:00:00Z,x
3,u1,2023-12-31T23:59:59Z,
4,u1,2024-01-06T00:00:00Z,""
5,u1,2024-01-07T12:00:00+02:00,007
6,u2,2024-01-02T23:59:59.5Z,
7,u2,2024-01-03T00:00:00Z,
8,u3,2024-01-03T00:00:00Z,
CSV
}

@test "every label leaves once, in order, with what was so at its time" {
    users
    clicks
    fstore join --labels clicks.csv --time at --status --age users >out
    cat >wanted <<'CSV'
n,user,at,"a ""b""",users__age,users__city,users__age_s,users__status
1,u1,2024-01-02T00:00:00Z,1.10,30,"Bern, CH",86400,ok
2,u1,2024-01-03T00:00:00Z,x,31,,0,ok
3,u1,2023-12-31T23:59:59Z,,,,,missing
4,u1,2024-01-06T00:00:00Z,"",,,86400,deleted
5,u1,2024-01-07T12:00:00+02:00,007,32,Basel,36000,ok
6,u2,2024-01-02T23:59:59.5Z,,7,007,86399.5,ok
7,u2,2024-01-03T00:00:00Z,,,,86400,expired
8,u3,2024-01-03T00:00:00Z,,,,,missing
CSV
    same wanted out
    fstore join --time at --status --age users <clicks.csv >again
    same wanted again
}

@test "--strict, --lookback and named features" {
    users
    clicks
    fstore join --labels clicks.csv --time at --strict users:city,age | cut -d, -f1,5- >out
    grep -qx '2,"Bern, CH",30' out
    [ "$(head -n 1 out)" = n,users__city,users__age ]
    fstore join --labels clicks.csv --time at --lookback 12h --status users:age | cut -d, -f1,5- >out
    grep -qx '1,,expired' out
    grep -qx '2,31,ok' out
}

@test "--known-by leaves out what was written later" {
    fstore create g --id k --time t --time-unit s --feature v:int --online none
    fstore ingest g - <<<$'k,t,v\na,10,1' >/dev/null
    printf 'k,t,seen\na,20,4000000000\na,20,30\n' |
        fstore join --time t --time-unit s --known-by seen --status g >out
    printf 'k,t,seen,g__v,g__status\na,20,4000000000,1,ok\na,20,30,,missing\n' >wanted
    same wanted out
    printf 'k,t\na,20\na,4000000000\n' |
        fstore join --time t --time-unit s --known-by t --status g >out
    printf 'k,t,g__v,g__status\na,20,,missing\na,4000000000,1,ok\n' >wanted
    same wanted out
}

@test "several groups, ids by other names, JSON Lines out" {
    users
    fstore create shops --id shop,floor --time t --feature open:bool --online none
    fstore ingest shops - <<<$'shop,floor,t,open\ns,2,2024-01-01T00:00:00Z,true' >/dev/null
    printf 'who,shop,floor,t\nu1,s,2,2024-01-01T10:00:00Z\nu1,s,,2024-01-01T10:00:00Z\n' >l.csv
    fstore join --labels l.csv --time t --id who -t jsonl users >out
    [ "$(head -n 1 out)" = '{"who":"u1","shop":"s","floor":2,"t":"2024-01-01T10:00:00Z","users__age":30,"users__city":"Bern, CH"}' ]
    fstore join --labels l.csv --time t shops | cut -d, -f5 >out
    printf 'shops__open\ntrue\n\n' >wanted
    same wanted out
    printf 'user,shop,floor,t\nu1,s,2,2024-01-01T10:00:00Z\n' | fstore join --time t shops users:age >out
    [ "$(tail -n 1 out)" = u1,s,2,2024-01-01T10:00:00Z,true,30 ]
    fails_with 2 "--id: shops has 2 columns that are the id, not 1" \
        fstore join --labels l.csv --time t --id who shops
}

@test "a file in place of a group" {
    printf 'k,t,v,w\na,1,x,"1,5"\nb,1,y,\na,3,z,2\n' >f.csv
    printf 'k,t\na,2\na,0\nb,9\na,3\n' >l.csv
    fstore join --labels l.csv --time t --time-unit s --id k ./f.csv >out
    printf 'k,t,f__v,f__w\na,2,x,"1,5"\na,0,,\nb,9,y,\na,3,z,2\n' >wanted
    same wanted out
    printf '{"id":"a","at":1,"v":"x"}\n{"id":"b","at":1}\n' >g.jsonl
    fstore join --labels l.csv --time t --time-unit s --id k --file-id id --file-time at g.jsonl >out
    printf 'k,t,g__v\na,2,x\na,0,\nb,9,\na,3,x\n' >wanted
    same wanted out
    fstore join --labels l.csv --time t --time-unit s --id k f.csv:w >out
    printf 'k,t,f__w\na,2,"1,5"\na,0,\nb,9,\na,3,2\n' >wanted
    same wanted out
}

@test "little memory and many threads change nothing" {
    awk 'BEGIN { srand(4); print "k,t,v"; for (i = 0; i < 60000; i++) print int(rand() * 300) "," int(rand() * 1e6) "," i }' >f.csv
    awk 'BEGIN { srand(5); print "k,t"; for (i = 0; i < 40000; i++) print int(rand() * 310) "," int(rand() * 1e6) }' >l.csv
    fstore join --labels l.csv --time t --time-unit s --id k f.csv -j 1 >one
    [ "$(wc -l <one)" -eq 40001 ]
    for options in '--memory 1M -j 1' '--memory 1M -j 4' '-j 3'; do
        # shellcheck disable=SC2086
        ML_CHUNK=20000 fstore join --labels l.csv --time t --time-unit s --id k f.csv $options >other
        same one other
    done
}

@test "wrong labels: where, or what --on-error says" {
    users
    printf 'user,at\nu1,2024-01-02T00:00:00Z\nu1,\nu1,soon\nu1,2024-01-02T00:00:00\n' >l.csv
    fails_with 3 "l.csv:3:2: at: the time is missing" fstore join --labels l.csv --time at -o no users
    [ ! -e no ]
    fstore join --labels l.csv --time at --on-error skip --rejects r users:age >out 2>err
    printf 'user,at,users__age\nu1,2024-01-02T00:00:00Z,30\n' >wanted
    same wanted out
    [ "$(wc -l <r)" -eq 3 ]
    fstore join --labels l.csv --time at --on-error null --zone UTC --status users:age >out 2>err
    printf 'user,at,users__age,users__status\nu1,2024-01-02T00:00:00Z,30,ok\nu1,,,missing\nu1,soon,,missing\nu1,2024-01-02T00:00:00,30,ok\n' >wanted
    same wanted out
}

@test "wrong features of a file: where" {
    printf 'k,t,v\na,1,x\na,,y\n,4,z\n' >f.csv
    printf 'k,t\na,2\n' >l.csv
    fails_with 3 "f.csv:3:2: t: the time is missing" \
        fstore join --labels l.csv --time t --time-unit s --id k -o no f.csv
    fstore join --labels l.csv --time t --time-unit s --id k --on-error skip --rejects r f.csv >out 2>err
    printf 'k,t,f__v\na,2,x\n' >wanted
    same wanted out
    [ "$(wc -l <r)" -eq 2 ]
    fails_with 3 "f.csv:1: no column 'q'" fstore join --labels l.csv --time t --id k --file-time q f.csv
}

@test "names that are not there" {
    users
    clicks
    fails_with 2 "user" fstore join --labels clicks.csv --time at user
    fails_with 2 "users has no feature 'agee'" fstore join --labels clicks.csv --time at users:agee
    fails_with 2 "--id" fstore join --labels clicks.csv --time at ./clicks.csv
    fails_with 3 "clicks.csv:1: the labels have no column 'when'" fstore join --labels clicks.csv --time when users
    fails_with 3 "clicks.csv:1: the labels have no column 'who'" fstore join --labels clicks.csv --time at --id who users
    fails_with 2 "there would be two columns 'users__age'" fstore join --labels clicks.csv --time at users users
    fails_with 2 "--time" fstore join --labels clicks.csv users
    fails_with 2 "no group" fstore join --labels clicks.csv --time at
    fails_with 4 "nowhere.csv" fstore join --labels nowhere.csv --time at users
}

@test "a manifest is replayed, whatever was written since" {
    users
    clicks
    printf 'k,at,v\nu1,2024-01-01T00:00:00Z,1\n' >f.csv
    fstore join --labels clicks.csv --time at --id user --file-id k --status --manifest m.json -o out.jsonl users f.csv
    grep -q '"rows": 8' m.json
    fstore ingest users - <<<$'user,at,age\nu1,2024-01-02T00:00:00Z,50' >/dev/null
    fstore join --labels clicks.csv --time at --id user --file-id k --status -o new.jsonl users f.csv
    run -1 cmp -s out.jsonl new.jsonl
    fstore join --replay m.json >again
    same out.jsonl again
    fstore join --from ./m.json >again
    same out.jsonl again
    fstore join --replay m.json -j 3 -o again.txt
    same out.jsonl again.txt
    fails_with 2 "--replay" fstore join --replay m.json users
    echo 'u2,2024-01-01T00:00:00Z,1' >>f.csv
    fails_with 1 "f.csv: is not what the manifest says" fstore join --replay m.json
    echo >>clicks.csv
    fails_with 1 "clicks.csv: is not what the manifest says" fstore join --replay m.json
    fails_with 2 "--manifest" fstore join --time at --manifest n.json users </dev/null
    echo '{}' >n.json
    fails_with 3 "n.json: not a manifest" fstore join --replay n.json
}
