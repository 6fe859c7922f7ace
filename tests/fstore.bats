# fstore: one test for each promise of fstore(1).
load helper

setup() {
    in_scratch
    TOOL=fstore
    export ML_HOME=$PWD/ml
    printf '%s\n' user_id,at,age,city,score \
        u1,2024-01-01T00:00:00Z,5,oslo,1.10 \
        u2,2024-01-02T00:00:00+01:00,,paris,2 \
        u1,2024-01-03T00:00:00Z,6,rome,007.5 >users.csv
}

# group [OPTION...]: the group users, with its records.
group() {
    fstore create users --id user_id --time at "$@"
    fstore ingest users users.csv >features
}

# status WANTED COMMAND...: standard output in out.
status() {
    local want=$1 got=0
    shift
    "$@" >out 2>err || got=$?
    [ "$got" -eq "$want" ] || { echo "status $got, not $want: $*"; cat err; return 1; }
}

member() { jq -c "$1" out; }

# ---- groups -----------------------------------------------------------------------------------

@test "the first rows say what the features are, and it is printed" {
    group
    [ "$(cat features)" = '{"features":[{"name":"age","type":"int"},{"name":"city","type":"text"},{"name":"score","type":"text"}]}' ]
    fstore describe users >out
    [ "$(member '.features | map(.type) | join(" ")')" = '"int text text"' ]
    [ "$(member .records)" = 3 ]
}

@test "rows that are refused say nothing of what the features are" {
    fstore create g --id id --time at
    printf 'id,at,x\n1,2024-01-01T00:00:00Z,1\n2,notatime,2\n' >bad.csv
    fails_with 3 "bad.csv:3:2: at: 'notatime' is not a time" fstore ingest g bad.csv
    [ "$(fstore describe g | jq -c .features)" = '[]' ]
    sed 's/notatime/2024-01-02T00:00:00Z/; s/,2$/,2.5/' bad.csv | fstore ingest g >out
    [ "$(cat out)" = '{"features":[{"name":"x","type":"float"}]}' ]
}

@test "types come from all rows, lists and times too; integers make ids integers" {
    jq -nc 'range(3000) | {id: ., at: "2024-01-01T00:00:00Z", n: (if . == 2999 then 0.5 else . end),
        l: [1, 2], s: ["a"], o: {a: 1}, b: true, t: "2024-01-01T00:00:00+02:00", d: "2024-01-01", z: "007"}' >x.jsonl
    fstore create g --id id --time at
    fstore ingest g x.jsonl >out
    [ "$(member '.features | map(.name + ":" + .type) | join(" ")')" = \
        '"n:float l:list-int s:list-text o:text b:bool t:time d:text z:text"' ]
    fstore get g 2999 >out
    [ "$(member '[.id, .n, .l, .o, .t, .z]')" = '[2999,0.5,[1,2],"{\"a\":1}","2024-01-01T00:00:00+02:00","007"]' ]
    fails_with 2 "group 'g' is 1 value" fstore get g 1 2
    fails_with 3 "'007' is not an integer" fstore put g '{"id": "007", "at": "2024-01-01T00:00:00Z"}'
}

@test "declared features, from options and from a file" {
    printf '# ages\nage:integral\n\n face:vector-2 \n' >schema
    fstore create g --id a,b --time at --time-unit ms --schema schema --feature tags:set-string,ok:bool
    fstore put g '{"a": "x", "b": "y", "at": 1700000000123, "age": 3, "face": [1, 2.5], "tags": ["p", "q"], "ok": true}'
    fstore get g x y >out
    [ "$(cat out)" = '{"a":"x","b":"y","at":1700000000123,"age":3,"face":[1, 2.5],"tags":["p", "q"],"ok":true}' ]
    fails_with 3 "has 3 numbers, not 2" fstore put g '{"a": "x", "b": "y", "at": 1, "face": [1, 2, 3]}'
    fails_with 3 "has an element twice" fstore put g '{"a": "x", "b": "y", "at": 1, "tags": ["p", "p"]}'
    fails_with 3 "is not of type int" fstore put g '{"a": "x", "b": "y", "at": 1, "age": "old"}'
    fstore describe g >described.json
    fstore create h --id a --time at --schema described.json
    [ "$(fstore describe h | jq -c .features)" = "$(jq -c .features described.json)" ]
    fails_with 2 "'x' is no type" fstore create i --id a --time at --feature a1:x
    fails_with 2 "schema:2" fstore create i --id a --time at --schema <(printf 'a:int\na:int\n') || :
}

@test "wrong groups are refused" {
    fails_with 2 "--id says" fstore create g --time at
    fails_with 2 "--time says" fstore create g --id a
    fails_with 2 "'../x': expected a name" fstore create ../x --id a --time at
    fails_with 2 "'is_deleted'" fstore create g --id is_deleted --time at
    fails_with 2 "'a' is named twice" fstore create g --id a --time a
    fails_with 2 "--online mysql" fstore create g --id a --time at --online mysql
    fails_with 2 "--offline orc" fstore create g --id a --time at --offline orc
    fails_with 2 "unknown time zone" fstore create g --id a --time at --zone Mars
    fstore create users --id a --time at
    fails_with 1 "there is a group 'users' already" fstore create users --id a --time at
    fails_with 2 "did you mean 'users'?" fstore get user x
    fstore drop users
    fails_with 2 "there is no group 'users'" fstore get users x
    [ -z "$(ls -A ml/fstore)" ]
}

@test "update adds features; records from before lack them" {
    group
    fstore update users --feature color:text --ttl 36500d --tag team=a --description "who they are"
    fstore get users u1 >out
    [ "$(member .color)" = null ]
    fstore put users '{"user_id": "u1", "at": "2025-01-01T00:00:00Z", "color": "red"}'
    [ "$(fstore get users u1 --features color,age)" = '{"user_id":"u1","at":"2025-01-01T00:00:00Z","color":"red","age":null}' ]
    fails_with 2 "'age' is named twice" fstore update users --feature age:float
    [ "$(fstore describe users | jq -r '.tags.team, .description')" = $'a\nwho they are' ]
    fstore update users --no-ttl
    [ "$(fstore describe users | jq .ttl_us)" = null ]
}

@test "list, search, tag, meta" {
    group --tag owner=me --description "People who fly"
    fstore create other --id a --time at --feature agent:text
    fstore meta users age unit=years "description=age at the time"
    [ "$(fstore list | jq -r .name)" = $'other\nusers' ]
    [ "$(fstore search FLY | jq -r .group)" = users ]
    [ "$(fstore search age | jq -r '.group + "." + (.feature // "")')" = $'other.agent\nusers.age' ]
    [ "$(fstore search unit=years | jq -r .feature)" = age ]
    [ "$(fstore search owner=me | jq -r .group)" = users ]
    status 1 fstore search nowhere
    fstore tag users owner= team=x
    [ "$(fstore describe users | jq -c .tags)" = '{"team":"x"}' ]
    [ "$(fstore meta users age | jq -r .unit)" = years ]
    fstore meta users age unit=
    [ "$(fstore meta users age | jq .unit)" = null ]
    fails_with 2 "has no feature 'ago': did you mean 'age'?" fstore meta users ago a=b
    fails_with 2 "at most 25 parameters" fstore meta users age p{1..26}=x
    [ "$(fstore describe users | jq -r '.features[0].description')" = "age at the time" ]
}

# ---- records ----------------------------------------------------------------------------------

@test "values come back as they came, the newest of each" {
    group
    [ "$(fstore get users u1)" = '{"user_id":"u1","at":"2024-01-03T00:00:00Z","age":6,"city":"rome","score":"007.5"}' ]
    [ "$(fstore get users u2)" = '{"user_id":"u2","at":"2024-01-02T00:00:00+01:00","age":null,"city":"paris","score":"2"}' ]
    status 1 fstore get users nobody
    [ ! -s out ]
    [ ! -s err ]
}

@test "later wins, older is history, equal keeps the first" {
    group
    fstore put users '{"user_id": "u1", "at": "2024-01-02T00:00:00Z", "age": 7}'
    fstore put users '{"user_id": "u1", "at": "2024-01-03T00:00:00Z", "age": 8}'
    [ "$(fstore get users u1 --features age)" = '{"user_id":"u1","at":"2024-01-03T00:00:00Z","age":6}' ]
    fstore put users '{"user_id": "u1", "at": "2024-01-03T00:00:00.000001Z", "age": 9}' --ack >out
    [ "$(member .lsn)" = 6 ]
    [ "$(fstore get users u1 --features age | jq .age)" = 9 ]
    [ "$(fstore history users u1 | jq .record.age | xargs)" = "5 6 7 8 9" ]
    fstore verify users
}

@test "put --merge keeps what is not given" {
    group
    fstore put users '{"user_id": "u1", "at": "2024-02-01T00:00:00Z", "city": "bern"}' --merge
    [ "$(fstore get users u1 | jq -c '[.age, .city, .score]')" = '[6,"bern","007.5"]' ]
    fails_with 1 "newer record" fstore put users '{"user_id": "u1", "at": "2024-01-15T00:00:00Z", "age": 1}' --merge
    fstore put users '{"user_id": "new", "at": "2024-01-15T00:00:00Z", "age": 1}' --merge
    fstore delete users u1 --time 2024-03-01T00:00:00Z
    fstore put users '{"user_id": "u1", "at": "2024-04-01T00:00:00Z", "city": "bern"}' --merge
    [ "$(fstore get users u1 | jq -c '[.age, .city]')" = '[null,"bern"]' ]
    fstore verify users
}

@test "deletes stay, and nothing older comes back" {
    group
    fstore delete users u1 --time 2024-01-02T00:00:00Z # older: a mark in the history
    fstore get users u1 >out
    fails_with 1 "nothing is deleted" fstore delete users u1 --hard --time 2024-01-03T00:00:00Z
    [ "$(fstore history users u1 | wc -l)" -eq 3 ]
    fstore delete users u1 --hard --time 2024-01-04T00:00:00Z
    status 1 fstore get users u1
    fstore put users '{"user_id": "u1", "at": "2024-01-03T12:00:00Z", "age": 1}'
    status 1 fstore get users u1
    fstore put users '{"user_id": "u1", "at": "2024-01-05T00:00:00Z", "age": 2}'
    [ "$(fstore get users u1 | jq .age)" = 2 ]
    fails_with 2 "exclude one another" fstore delete users u1 --hard --soft
    fstore verify users
}

@test "records expire by the group's ttl or their own" {
    group --ttl 7305d # 20 years
    [ "$(fstore get users u1 | jq .age)" = 6 ]
    [ "$(fstore get users u1 --now 2044-01-02T23:59:59Z | jq .age)" = 6 ]
    status 1 fstore get users u1 --now 2044-01-03T00:00:00Z
    fstore put users '{"user_id": "u1", "at": "2024-01-05T00:00:00Z", "age": 2}' --ttl 36500d
    [ "$(fstore get users u1 --now 2044-01-03T00:00:00Z | jq .age)" = 2 ]
    fstore put users '{"user_id": "u2", "at": "2024-01-05T00:00:00Z", "age": 2}' --ttl 1d # expired when it came
    printf 'user_id\nu1\nu2\nu3\n' | fstore mget users --features age --status >out
    [ "$(cat out)" = $'user_id,users__age,users__status\nu1,2,ok\nu2,,expired\nu3,,missing' ]
}

@test "times need an offset, a zone or a unit" {
    fstore create g --id a --time at --feature x:int
    fails_with 3 "is a time without an offset" fstore put g '{"a": "1", "at": "2024-01-01T00:00:00"}'
    fails_with 3 "the time is missing" fstore put g '{"a": "1"}'
    fstore create z --id a --time at --feature x:int --zone Europe/Oslo
    fstore put z '{"a": "1", "at": "2024-07-01 02:00"}'
    [ "$(fstore log z | jq -r .record.at)" = "2024-07-01 02:00" ]
    fstore put z '{"a": "1", "at": "2024-07-01T00:00:00.5Z", "x": 1}' # half a second later
    [ "$(fstore get z 1 | jq .x)" = 1 ]
    fstore create s --id a --time at --feature x:int --time-unit s
    fails_with 3 "is not a number of time" fstore put s '{"a": "1", "at": "2024-01-01T00:00:00Z"}'
    fstore put s '{"a": "1", "at": 1700000000.25}'
    [ "$(fstore get s 1 | jq .at)" = 1700000000.25 ]
}

@test "mget adds features to any stream, which leaves as it came" {
    group
    printf 'n,user_id,x\n1,u2,"a ""b"""\n2,u9,\n3,u1,007\n' >in.csv
    fstore mget users --features city in.csv >out
    [ "$(cat out)" = $'n,user_id,x,users__city\n1,u2,"a ""b""",paris\n2,u9,,\n3,u1,007,rome' ]
    printf '{"who":"u1","x":1.0}\n' | fstore mget users --id who >out
    [ "$(cat out)" = '{"who":"u1","x":1.0,"users__age":6,"users__city":"rome","users__score":"007.5"}' ]
    printf 'u1\nu2\n' | fstore mget users --no-header --columns user_id --features age -N >out
    [ "$(cat out)" = $'u1,6\nu2,' ]
    fails_with 2 "there is no column 'user_id' for the id" fstore mget users <(printf 'a\n1\n')
}

@test "composite ids" {
    fstore create g --id a,b --time at --feature x:int
    printf 'a,b,at,x\n1,2,2024-01-01T00:00:00Z,1\n12,,2024-01-01T00:00:00Z,2\n' >in.csv
    fails_with 3 "in.csv:3:2: b: the id is missing" fstore ingest g in.csv
    fstore ingest g in.csv --on-error=skip 2>err
    [[ $(cat err) == *"1 wrong row"* ]]
    [ "$(fstore get g 1 2 | jq .x)" = 1 ]
    status 1 fstore get g 12 1
    fails_with 2 "2 values" fstore get g 12
}

# ---- ingest -----------------------------------------------------------------------------------

@test "a wrong value is named with its place, and its batch is not taken" {
    group
    printf 'user_id,at,age\nu1,2025-01-01T00:00:00Z,1\nu1,2025-01-02T00:00:00Z,old\n' >bad.csv
    fails_with 3 "bad.csv:3:3: feature 'age': 'old' is not of type int" fstore ingest users bad.csv
    [ "$(fstore get users u1 | jq .age)" = 6 ]
    fstore ingest users bad.csv --on-error=null 2>err
    [ "$(fstore history users u1 | jq -c .record.age | xargs)" = "5 6 1 null" ]
    printf 'user_id,at,agee\nu1,2025-01-01T00:00:00Z,1\n' >bad.csv
    fails_with 3 "has no feature 'agee'" fstore ingest users bad.csv
    fstore ingest users bad.csv --ignore-others
    fails_with 3 "there is no column 'at'" fstore ingest users <(printf 'user_id,age\nu1,1\n')
    printf '{"user_id":"u1","at":"2025-01-03T00:00:00Z"}\n{"user_id":"u1","at":"2025-01-04T00:00:00Z","x":1}\n' >bad.jsonl
    fails_with 3 "bad.jsonl:2:" fstore ingest users bad.jsonl
}

@test "the same records from CSV, JSON Lines and Parquet, on any number of threads" {
    zcat "$ROOT/examples/flights/data/flights.csv.gz" |
        awk 'NR == 1 { print "id,at," $0; next }
            NR < 20000 { printf "%d,%d,%s\n", NR, 1700000000 + NR, $0 }' >rows.csv
    wrangle convert rows.csv -o rows.jsonl
    wrangle convert rows.csv -o rows.parquet
    local kind
    for kind in csv jsonl parquet; do
        fstore create "$kind" --id id --time at --time-unit s
        ML_CHUNK=20000 fstore ingest "$kind" rows.$kind -j4 >$kind.features
        fstore log "$kind" | jq -c .record >$kind.records
    done
    same csv.features jsonl.features
    same csv.records jsonl.records
    same csv.records parquet.records
    fstore create one --id id --time at --time-unit s
    fstore ingest one rows.csv -j1 >/dev/null
    fstore log one | jq -c .record | cmp - csv.records
}

@test "--ack names what is durable; --source goes on where it was" {
    fstore create g --id id --time at --time-unit s --feature x:int
    awk 'BEGIN { print "id,at,x"; for (i = 1; i <= 1000; i++) print i % 7 "," i "," i }' >in.csv
    fstore ingest g in.csv --source s --batch 300 --ack >out
    [ "$(cat out)" = '{"rows":300,"lsn":301}
{"rows":600,"lsn":602}
{"rows":900,"lsn":903}
{"rows":1000,"lsn":1004}' ]
    fstore ingest g in.csv --source s --ack >out
    [ ! -s out ]
    awk 'BEGIN { for (i = 1001; i <= 1010; i++) print i % 7 "," i "," i }' >>in.csv
    fstore ingest g in.csv --source s --ack >out
    [ "$(cat out)" = '{"rows":1010,"lsn":1015}' ]
    [ "$(fstore log g | grep -c '"record"')" -eq 1010 ]
    sed -i 's/^id,at,x/id,x,at/' in.csv
    fails_with 3 "does not begin as what was taken as --source s before" fstore ingest g in.csv --source s
    fstore create none --online none --id id --time at --time-unit s --feature x:int
    head -n 11 in.csv >few.csv
    fstore ingest none few.csv --source s
    fstore ingest none few.csv --source s
    [ "$(fstore log none | grep -c '"record"')" -eq 10 ]
}

@test "a pipe is taken as it comes" {
    fstore create g --id id --time at --time-unit s --feature x:int
    mkfifo rows acks
    exec 9<>acks
    fstore ingest g rows --ack >acks &
    exec 8>rows
    printf 'id,at,x\n1,1,1\n' >&8
    read -r line <&9
    [ "$line" = '{"rows":1,"lsn":1}' ]
    [ "$(fstore get g 1 | jq .x)" = 1 ]
    printf '1,2,2\n1,3,3\n' >&8
    read -r line <&9
    [ "$(fstore get g 1 | jq .x)" -ge 2 ]
    exec 8>&- 9<&-
    wait
}

@test "a second writer waits, then says so" {
    group
    mkfifo rows
    fstore ingest users rows &
    exec 8>rows
    printf 'user_id,at\n' >&8
    until [ -e ml/fstore/users/log/lock ] && ! flock -n ml/fstore/users/log/lock true; do :; done
    fails_with 5 "lock" fstore put users '{"user_id": "x", "at": "2025-01-01T00:00:00Z"}' --timeout 100ms
    fstore get users u1 >out # readers do not wait
    exec 8>&-
    wait
    fstore put users '{"user_id": "x", "at": "2025-01-01T00:00:00Z"}'
}

# ---- the log and what follows from it ----------------------------------------------------------

@test "verify finds what is not as the log says, rebuild mends it" {
    group
    fstore verify users >out
    [ "$(cat out)" = '{"group":"users","entities":2,"lsn":3}' ]
    fstore create other --id user_id --time at --feature age:int,city:text,score:text
    fstore put other '{"user_id": "u1", "at": "2024-01-03T00:00:00Z", "age": 1}'
    cp -r ml/fstore/other/online/. ml/fstore/users/online/
    fails_with 1 "does not have what the log says of 'u1'" fstore verify users
    fstore rebuild users
    fstore verify users
    rm -r ml/fstore/users/online # a view is made anew when it is gone
    [ "$(fstore get users u1 | jq .age)" = 6 ]
}

@test "a damaged log is named with file and byte" {
    group
    fstore put users '{"user_id": "u3", "at": "2024-01-03T00:00:00Z"}' # what is behind shows it is no torn tail
    printf X | dd of=ml/fstore/users/log/00000000000000000001.seg bs=1 seek=130 conv=notrunc 2>/dev/null
    status 3 fstore log users
    [ ! -s out ]
    fails_with 3 "00000000000000000001.seg: the log is damaged at byte 64" fstore verify users
}

@test "a torn tail is cut off, whole batches stay" {
    group
    fstore put users '{"user_id": "u3", "at": "2024-01-03T00:00:00Z"}'
    truncate -s -1 ml/fstore/users/log/00000000000000000001.seg
    [ "$(fstore log users | wc -l)" -eq 3 ]
    fstore rebuild users
    status 1 fstore get users u3
    fstore put users '{"user_id": "u4", "at": "2024-01-03T00:00:00Z"}'
    [ "$(fstore log users | jq .lsn | xargs)" = "1 2 3 4" ]
    fstore verify users
}

@test "gc drops what is dead, and nothing comes back" {
    group
    fstore delete users u1 --time 2024-02-01T00:00:00Z
    fstore put users '{"user_id": "x", "at": "2024-01-01T00:00:00Z"}' --ttl 3650d
    fstore verify users >out
    [ "$(member .entities)" = 3 ]
    fstore gc users --horizon 1d >out
    [[ $(member .horizon) == '"20'*Z\" ]]
    fstore verify users >out
    [ "$(member .entities)" = 2 ] # x lives
    printf 'user_id\nu1\n' | fstore mget users --features age --status | grep -q 'u1,,missing'
    fstore put users '{"user_id": "u1", "at": "2024-03-01T00:00:00Z", "age": 1}'
    status 1 fstore get users u1
    fstore put users '{"user_id": "u1", "at": "2100-01-01T00:00:00Z", "age": 1}'
    [ "$(fstore get users u1 | jq .age)" = 1 ]
    fstore gc users --horizon 36500d >out # never backwards
    [[ $(member .horizon) > '"2026' ]]
    fstore verify users
    fstore rebuild users
    fstore verify users
    [ "$(fstore log users | jq -r 'select(.horizon) | .lsn')" = 6 ]
}

@test "forget erases an entity everywhere" {
    group
    fstore put users '{"user_id": "secret-4711", "at": "2024-01-03T00:00:00Z", "city": "hideout"}'
    grep -rq hideout ml
    fstore forget users secret-4711 >out
    [ "$(cat out)" = '{"records":1}' ]
    run -1 grep -rqa 'hideout\|secret-4711' ml
    [ "$(jq -c '[.what, .records]' ml/fstore/users/audit.jsonl)" = '["forget",1]' ]
    [ "$(fstore get users u1 | jq .age)" = 6 ]
    fstore put users '{"user_id": "u5", "at": "2024-01-03T00:00:00Z", "city": "x"}'
    [ "$(fstore log users | jq .lsn | xargs)" = "1 2 3 4 5" ]
    fstore verify users
    status 1 fstore forget users nobody
    fstore put users '{"user_id": "secret-4711", "at": "2024-01-03T00:00:00Z", "city": "hideout"}'
    fstore materialize users >out
    cp -r ml/fstore/users/offline kept
    fstore forget users secret-4711 >out
    rm -rf ml/fstore/users/offline
    mv kept ml/fstore/users/offline # as one leaves it who dies before the files are gone
    status 1 fstore forget users secret-4711
    run -1 grep -rqa 'hideout\|secret-4711' ml/fstore/users/offline ml/fstore/users/log
}

# ---- windows ----------------------------------------------------------------------------------

# clicks [OPTION...]: the group clicks with aggregates, and its first records.
clicks() {
    fstore create clicks --id user_id --time at --feature amount:float,city:text --lateness 10m \
        --agg 'n_1h=count()@1h' --agg 'spent_1d=sum(amount)@1d,cities=nunique(city)@1d' "$@"
    printf '%s\n' user_id,at,amount,city \
        a,2024-01-01T00:00:00Z,1.5,x a,2024-01-01T00:30:00Z,2,y b,2024-01-01T00:31:00Z,,y \
        a,2024-01-01T01:00:00Z,,x a,2024-01-01T00:40:00Z,9,z a,2024-01-01T00:50:00Z,1,z >clicks.csv
    fstore ingest clicks clicks.csv 2>late
}

# aggregates: of each record in the log.
aggregates() { fstore log clicks | jq -c 'select(.record) | .record | [.n_1h, .spent_1d, .cities]'; }

@test "aggregates are of what had come, late records have none and are not counted" {
    clicks
    aggregates >got
    printf '%s\n' '[1,1.5,1]' '[2,3.5,2]' '[1,null,1]' '[2,3.5,2]' '[null,null,null]' '[3,4.5,3]' | cmp - got
    [ "$(cat late)" = "fstore: warning: 1 rows were late: their aggregates are missing" ]
    fstore put clicks '{"user_id": "a", "at": "2024-01-01T01:45:00Z", "amount": 4}'
    fstore put clicks '{"user_id": "a", "at": "2024-01-01T02:00:00Z", "city": "q"}' --merge
    fstore get clicks a >out # 00:50 and 00:40 are out of the hour, the late 9 is nowhere
    [ "$(member '[.amount, .n_1h, .spent_1d, .cities]')" = '[4,2,12.5,4]' ]
    fstore delete clicks a --time 2024-01-01T02:00:00Z
    fstore put clicks '{"user_id": "a", "at": "2024-01-01T02:01:00Z", "amount": 7}'
    [ "$(fstore get clicks a | jq -c '[.n_1h, .spent_1d, .cities]')" = '[1,7,0]' ]
    fstore verify clicks
}

@test "describe says what aggregates are" {
    clicks
    fstore describe clicks >out
    [ "$(member '[.lateness_us, .aggregates[1]]')" = \
        '[600000000,{"name":"spent_1d","function":"sum","of":"amount","window_us":86400000000}]' ]
    [ "$(member '.features | map(.name + ":" + .type) | join(" ")')" = \
        '"amount:float city:text n_1h:int spent_1d:float cities:int"' ]
}

@test "no value of an aggregate can be given, an export brings it back" {
    clicks
    fails_with 3 "'spent_1d' is computed" fstore put clicks \
        '{"user_id": "a", "at": "2024-01-02T00:00:00Z", "spent_1d": 5}'
    fstore put clicks '{"user_id": "a", "at": "2024-01-01T01:01:00Z", "spent_1d": null}'
    fstore put clicks '{"user_id": "a", "at": "2024-01-01T01:02:00Z", "spent_1d": 5}' --ignore-others
    printf 'user_id,at,n_1h\na,2024-01-01T01:03:00Z,5\n' >given.csv
    fails_with 3 "'n_1h' is computed" fstore ingest clicks given.csv
    fstore ingest clicks given.csv --ignore-others
    aggregates | tail -n 3 >got
    printf '%s\n' '[4,4.5,3]' '[5,4.5,3]' '[6,4.5,3]' | cmp - got
    aggregates >before
    fstore export clicks -o all.csv
    fstore drop clicks
    fstore create clicks --id user_id --time at --feature amount:float,city:text --lateness 10m \
        --agg 'n_1h=count()@1h' --agg 'spent_1d=sum(amount)@1d,cities=nunique(city)@1d'
    fstore import clicks all.csv
    aggregates | sort >after
    sort before | cmp - after
    fstore put clicks '{"user_id": "a", "at": "2024-01-01T01:04:00Z"}'
    [ "$(fstore get clicks a | jq -c '[.n_1h, .spent_1d, .cities]')" = '[7,4.5,3]' ]
}

@test "aggregates of features that the first rows bring" {
    fstore create g --id id --time at --time-unit s --agg 'm=max(x)@1m,n=count()@1m'
    [ "$(fstore describe g | jq -c '[.features, (.aggregates | length)]')" = '[[],2]' ]
    printf 'id,at,x\n1,100,3\n1,130,2\n1,190,1\n' >in.csv
    fstore ingest g in.csv >out
    [ "$(member '.features | map(.name + ":" + .type) | join(" ")')" = '"x:int m:int n:int"' ]
    [ "$(fstore log g | jq -c '.record | [.m, .n]' | xargs)" = '[3,1] [3,2] [1,1]' ]
    fstore create h --id id --time at --time-unit s --agg 'm=max(y)@1m'
    fails_with 3 "there is no feature 'y'" fstore ingest h in.csv
    fstore create i --id id --time at --time-unit s --agg 'x=count()@1m'
    fails_with 3 "'x' is computed" fstore ingest i in.csv
}

@test "what is no aggregate" {
    local make="fstore create g --id id --time at --feature x:int,s:text,l:list-int"
    fails_with 2 "expected NAME=FUNCTION(FEATURE)@DURATION" $make --agg 'count()@1h'
    fails_with 2 "expected NAME=FUNCTION(FEATURE)@DURATION" $make --agg 'n=count()'
    fails_with 2 "expected NAME=FUNCTION(FEATURE)@DURATION" $make --agg 'n=count()@0h'
    fails_with 2 "'median' is no function" $make --agg 'n=median(x)@1h'
    fails_with 2 "sum() is of a feature" $make --agg 'n=sum()@1h'
    fails_with 2 "there is no feature 'y'" $make --agg 'n=sum(y)@1h'
    fails_with 2 "'s' is none" $make --agg 'n=mean(s)@1h'
    fails_with 2 "'l' is none" $make --agg 'n=last(l)@1h'
    fails_with 2 "'x' is named twice" $make --agg 'x=count()@1h'
    fails_with 2 "'n' is named twice" $make --agg 'n=count()@1h,n=count()@2h'
    fails_with 2 "'n' is computed itself" $make --agg 'n=count()@1h,m=sum(n)@2h'
    $make --agg 'n=nunique(l)@1h'
    fails_with 2 "'n' is named twice" fstore update g --agg 'n=count()@1h'
    fails_with 2 "there is no feature 'y'" fstore update g --agg 'm=sum(y)@1h'
}

@test "aggregates that are added later count what was before" {
    fstore create g --id id --time at --time-unit s --feature x:int
    printf 'id,at,x\n1,100,3\n1,130,2\n' >in.csv
    fstore ingest g in.csv
    fstore update g --agg 'm=sum(x)@1m'
    fstore put g '{"id": "1", "at": 150, "x": 1}'
    [ "$(fstore log g | jq -c '.record.m' | xargs)" = 'null null 6' ]
    fstore update g --agg 'n=count()@1h'
    fstore put g '{"id": "1", "at": 165, "x": 1}'
    [ "$(fstore get g 1 | jq -c '[.m, .n]')" = '[4,4]' ]
    fstore verify g
}

@test "windows are made anew when they are gone, or not to be believed" {
    clicks
    for harm in 'rm -r ml/fstore/clicks/windows' 'echo x >ml/fstore/clicks/windows/state' 'fstore rebuild clicks'; do
        eval "$harm"
        fstore put clicks '{"user_id": "b", "at": "2024-01-01T01:00:00Z"}'
    done
    [ "$(fstore log clicks | tail -n 1 | jq .record.n_1h)" = 4 ]
    fstore put clicks '{"user_id": "secret-4711", "at": "2024-01-01T01:00:00Z", "city": "hideout"}'
    grep -rqa secret-4711 ml/fstore/clicks/windows
    fstore forget clicks secret-4711
    run -1 grep -rqa 'hideout\|secret-4711' ml
    fstore verify clicks
}

# ---- faults -----------------------------------------------------------------------------------

@test "kill -9 at any moment loses nothing that was acknowledged" {
    local rounds=${ROUNDS:-1000} i acked=0 safe
    fstore create g --id id --time at --time-unit s --feature x:int,y:float,z:text
    awk 'BEGIN { print "id,at,x,y,z"; for (i = 1; i <= 200000; i++)
        printf "%d,%d,%d,%g,text %d\n", (i * 7919) % 101, i, i, i / 7, i }' >in.csv
    for ((i = 0; i < rounds; i++)); do
        fstore ingest g in.csv --source s --batch $((1 + i % 13)) --ack >acks 2>/dev/null &
        perl -e 'select undef, undef, undef, rand 0.02'
        kill -9 $! 2>/dev/null
        wait $! 2>/dev/null || :
        safe=$(grep -o '^{"rows":[0-9]*,.*}$' acks | tail -n 1 | grep -o '[0-9]*' | head -n 1 || :)
        [ -z "$safe" ] || acked=$safe
        if [ $((i % 10)) -eq 0 ]; then
            fstore verify g >out
        fi
    done
    fstore verify g
    fstore log g | jq 'select(.record) | .record.x' >taken
    [ "$(wc -l <taken)" -ge "$acked" ]
    seq "$(wc -l <taken)" | cmp - taken # each once, none left out
}

@test "a full disk is status 4, and what was acknowledged is there" {
    fstore create g --id id --time at --time-unit s --feature x:int
    awk 'BEGIN { print "id,at,x"; for (i = 1; i <= 20000; i++) print i "," i "," i }' >in.csv
    local got=0
    (ulimit -f 600 && trap '' XFSZ && exec fstore ingest g in.csv --ack --batch 100) >out 2>err || got=$?
    [ "$got" -eq 4 ]
    [[ $(cat err) =~ fstore:\ .*/ml/.*(File\ too\ large|Input/output\ error) ]]
    local safe
    safe=$(tail -n 1 out | jq .rows)
    [ "$safe" -gt 100 ]
    [ "$(fstore log g | wc -l)" -ge "$safe" ]
    fstore ingest g in.csv
    fstore verify g
}

@test "a folder that cannot be written to" {
    group
    chmod -R a+rX,a-w ml
    local other=() # root may write everywhere
    if [ "$(id -u)" -eq 0 ]; then
        chmod a+rx "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR" .
        other=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    fi
    status 4 "${other[@]}" "$(command -v fstore)" put users '{"user_id": "x", "at": "2025-01-01T00:00:00Z"}'
    [[ $(cat err) == *"Permission denied"* ]]
    status 4 "${other[@]}" "$(command -v fstore)" create more --id a --time at
    chmod -R u+w ml
    fstore verify users
}

@test "a clock that goes backwards orders nothing" {
    fstore create g --id id --time at --feature x:int
    printf '%s\n' id,at,x,write_time 1,2024-01-01T00:00:00Z,1,2024-05-01T00:00:00Z \
        1,2024-01-02T00:00:00Z,2,2024-04-01T00:00:00Z 1,2024-01-02T00:00:00Z,3,2024-03-01T00:00:00Z >in.csv
    fstore import g in.csv >out
    [ "$(fstore get g 1 | jq .x)" = 2 ]
    [ "$(fstore log g | jq -r .write_time | xargs)" = "2024-05-01T00:00:00Z 2024-04-01T00:00:00Z 2024-03-01T00:00:00Z" ]
    fstore verify g
    printf 'id,t,k\n1,2024-02-01T00:00:00Z,2024-03-15T00:00:00Z\n' >labels.csv
    [ "$(fstore join --labels labels.csv --time t --known-by k g | tail -n 1 | cut -d, -f4)" = 3 ]
}

@test "readers see whole records while a writer writes" {
    fstore create g --id id --time at --time-unit s --feature x:int,y:int
    awk 'BEGIN { print "id,at,x,y"; for (i = 1; i <= 300000; i++) print i % 50 "," i "," i "," (-i) }' >in.csv
    awk 'BEGIN { print "id"; for (i = 0; i < 50; i++) print i }' >ids.csv
    head -n 51 in.csv | fstore ingest g
    fstore ingest g in.csv --batch 500 &
    local writer=$! readers=() i
    for i in 1 2 3; do
        (while kill -0 $writer 2>/dev/null; do fstore mget g ids.csv -t jsonl || exit 1; done >seen.$i) &
        readers+=($!)
    done
    wait $writer
    for i in "${readers[@]}"; do wait "$i"; done
    cat seen.* | jq -e -s 'length >= 150 and all(.[]; .g__x == -.g__y and .g__x % 50 == .id)' >/dev/null
    fstore verify g
}

@test "wide and long: 2500 features, values of 350 KB, ids of 2 KB" {
    perl -e 'print join(",", "id", "at", map { "f$_" } 1 .. 2500), "\n";
        print join(",", "x" x 2048, "2024-01-01T00:00:00Z", map { $_ / 8 } 1 .. 2500), "\n";' >wide.csv
    fstore create wide --id id --time at
    fstore ingest wide wide.csv >/dev/null
    id=$(perl -e 'print "x" x 2048')
    fstore get wide "$id" >out
    [ "$(member .f2500)" = 312.5 ]
    [ "$(fstore get wide "$id" --features f7 | jq .f7)" = 0.875 ]
    fails_with 3 "an id of more than 2048 bytes" fstore put wide "{\"id\": \"x$id\", \"at\": \"2024-01-01T00:00:00Z\"}"
    perl -e 'print "id,at,v\n1,2024-01-01T00:00:00Z,", "v" x 358400, "\n"' >big.csv
    fstore create big --id id --time at
    fstore ingest big big.csv >/dev/null
    [ "$(fstore get big 1 | jq '.v | length')" -eq 358400 ]
    fstore verify big
}

# ---- Redis ------------------------------------------------------------------------------------

# with_redis: a server of its own on a socket; with_redis stop.
redis_start() {
    redis-server --port 0 --unixsocket "$PWD/redis.sock" --save '' --appendonly no --dir "$PWD" \
        >redis.log 2>&1 3>&- &
    echo $! >redis.pid
    until redis-cli -s redis.sock ping >/dev/null 2>&1; do :; done
}
redis_stop() {
    kill -9 "$(cat redis.pid)"
    while redis-cli -s redis.sock ping >/dev/null 2>&1; do :; done
}
teardown() {
    [ ! -e redis.pid ] || kill -9 "$(cat redis.pid)" 2>/dev/null || :
}

@test "Redis gives the same answers as LMDB" {
    command -v redis-server >/dev/null || skip "redis-server is not installed"
    redis_start
    group
    fstore create r --id user_id --time at --online "redis+unix://$PWD/redis.sock"
    fstore ingest r users.csv >/dev/null
    for id in u1 u2; do
        [ "$(fstore get users $id)" = "$(fstore get r $id)" ]
    done
    status 1 fstore get r u3
    fstore delete r u1 --time 2024-02-01T00:00:00Z
    status 1 fstore get r u1
    fstore put r '{"user_id": "u1", "at": "2024-01-31T00:00:00Z"}'
    status 1 fstore get r u1
    fstore verify r
    redis_stop
    fails_with 5 "redis" fstore get r u2
    redis_start # empty: made anew from the log
    [ "$(fstore get users u2)" = "$(fstore get r u2)" ]
    fstore verify r
    fstore drop r
    [ "$(redis-cli -s redis.sock dbsize)" = 0 ]
}
