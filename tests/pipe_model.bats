# pipe model: versions of models, approvals, stages; steps that register or require them.
load helper

setup() {
    in_scratch
    TOOL=pipe
    export ML_HOME=$PWD/.ml
    ME=$(id -un)
}

ended() { # STATUS ARGUMENT...: pipe run ends with it
    local want=$1
    shift
    run -"$want" --separate-stderr pipe run "$@"
}

events() { # KIND: of the ledger
    jq -c "select(.event == \"$1\")" .ml/pipe/ledger.jsonl
}

# A model that is trained, registered and deployed when it is approved.
deployed() {
    cat >Pipefile <<'END'
steps:
  - {name: train, run: "cp a model; echo '{\"auc\": 0.5}' >metrics.json", in: a, out: [model, metrics.json]}
  - {name: register, register: {model: churn, file: model, metrics: metrics.json}}
  - {name: deploy, run: 'echo "$ML_MODEL" >deployed; cat model >>deployed', in: model, out: deployed, requires: {model: churn}}
END
    echo one >a
}

@test "the same file is the same version, another file is the next" {
    echo one >m
    [ "$(pipe model register churn m)" = churn/1 ]
    cp m other-name
    [ "$(pipe model register churn other-name)" = churn/1 ]
    echo two >m
    [ "$(pipe model register churn m)" = churn/2 ]
    [ "$(pipe model register churn other-name)" = churn/1 ]
    [ "$(pipe model register fraud m)" = fraud/1 ]
    [ "$(events model | wc -l)" -eq 3 ]
    pipe model list >all
    [ "$(jq -r '"\(.model)/\(.version)"' all | xargs)" = "fraud/1 churn/2 churn/1" ]
    pipe model list churn >some
    [ "$(jq -r .version some | xargs)" = "2 1" ]
    [ "$(jq -r .digest some | tail -n 1)" = "$(sha256sum <other-name | cut -d' ' -f1)" ]
}

@test "metrics come from JSON files and the command line" {
    echo one >m
    echo '{"auc": 0.91, "by": {"city": [1, 2]}}' >metrics.json
    pipe model register churn m --metrics metrics.json -M auc=0.92 -M note='a "b"' -M rows=1e3 -M id=007
    grep -q '"metrics":{"auc":0.92,' .ml/pipe/ledger.jsonl # as short as it is
    [ "$(pipe model show churn | jq -c .metrics)" = '{"auc":0.92,"by":{"city":[1,2]},"note":"a \"b\"","rows":1000,"id":"007"}' ]
    echo two >m
    echo '[1]' >bad.json
    fails_with 3 "'bad.json' has no JSON object of metrics" pipe model register churn m -M bad.json
    printf '{\n"a": }' >bad.json
    fails_with 3 "bad.json:2:" pipe model register churn m -M bad.json
    fails_with 4 "none.json" pipe model register churn m -M none.json
    [ "$(pipe model list | wc -l)" -eq 1 ]
}

@test "status, with who, when and why; the last word holds" {
    echo one >m
    pipe model register churn m
    [ "$(pipe model show churn | jq -r .status)" = pending ]
    pipe model approve churn/1 --comment "better than 0"
    pipe model show churn/1 >shown
    [ "$(jq -r '[.status, .by, .comment] | join(" ")' shown)" = "approved $ME better than 0" ]
    [ "$(jq -r .at shown)" = "$(events answer | jq -r .time)" ]
    pipe model reject churn/1 --comment "leaks"
    pipe model show churn/1 >shown
    [ "$(jq -r '[.status, .by, .comment] | join(" ")' shown)" = "rejected $ME leaks" ]
    [ "$(jq -r '.history[] | [.event, .answer // .status] | join(" ")' shown | xargs)" = "model pending answer approved answer rejected" ]
    echo two >m
    pipe model register churn m --status approved
    [ "$(pipe model show churn/2 | jq -r .status)" = approved ]
}

@test "names that are none" {
    echo one >m
    pipe model register churn m
    fails_with 2 "there is no model 'chrn'" pipe model show chrn
    fails_with 2 "there is no model 'chrn'" pipe model list chrn
    fails_with 2 "there is no version 'churn/2'" pipe model approve churn/2
    fails_with 2 "there is no version 'churn/1x'" pipe model approve churn/1x
    fails_with 2 "there is no version 'churn/0'" pipe model show churn/0
    fails_with 2 "approve takes GROUP/VERSION" pipe model approve churn
    fails_with 2 "promote takes GROUP/VERSION STAGE" pipe model promote churn/1
    fails_with 2 "promote takes GROUP/VERSION STAGE" pipe model promote churn live
    fails_with 2 "'drop' is none of register, list" pipe model drop churn
    fails_with 2 "'a b': a group has letters, digits, _ and -" pipe model register 'a b' m
    fails_with 2 "'../x': a group has" pipe model register ../x m
    fails_with 4 "'gone' is not there" pipe model register churn gone
    fails_with 3 "'.' is no file" pipe model register churn .
    pipe model approve churn/1
    fails_with 2 "'a/b': a stage has letters, digits, _ and -" pipe model promote churn/1 a/b
}

@test "one version in a stage, and only an approved one; what was is kept" {
    for i in 1 2; do
        echo $i >m
        pipe model register churn m
    done
    fails_with 1 "churn/1 is not approved, but pending" pipe model promote churn/1 production
    pipe model approve churn/1
    pipe model approve churn/2
    pipe model promote churn/1 production
    pipe model promote churn/1 staging
    [ "$(pipe model show churn/1 | jq -c .stages)" = '["production","staging"]' ]
    pipe model promote churn/2 production
    [ "$(pipe model list | jq -c .stages | xargs)" = '[production] [staging]' ]
    [ "$(pipe model show churn/1 | jq -r '.history[] | select(.event == "stage") | .stage' | xargs)" = "production staging" ]
    [ "$(cat "$(pipe model path churn@production)")" = 2 ]
    [ "$(cat "$(pipe model path churn@staging)")" = 1 ]
    fails_with 1 "no version is in the stage of 'churn@test'" pipe model path churn@test
    pipe model reject churn/2
    fails_with 1 "churn/2 is not approved, but rejected" pipe model path churn@production
    [ "$(cat "$(pipe model path churn@production --any)")" = 2 ]
}

@test "path is of the newest that is approved" {
    for i in 1 2 3; do
        echo $i >m
        pipe model register churn m
    done
    fails_with 1 "no version of 'churn' is approved" pipe model path churn
    [ "$(cat "$(pipe model path churn --any)")" = 3 ]
    fails_with 1 "churn/2 is not approved, but pending" pipe model path churn/2
    [ "$(cat "$(pipe model path churn/2 --any)")" = 2 ]
    pipe model approve churn/2
    [ "$(cat "$(pipe model path churn)")" = 2 ]
    [ "$(pipe model path churn)" = "$(pipe model path churn/2)" ]
}

@test "the kept file is no second name of the one that was registered, and is proved when it is asked for" {
    echo one >m
    pipe model register churn m --status approved
    echo two >m # in place
    path=$(pipe model path churn)
    [ "$(cat "$path")" = one ]
    [ "$(sha256sum <"$path" | cut -d' ' -f1)" = "$(pipe model show churn | jq -r .digest)" ]
    echo bad >"$path"
    fails_with 4 "the file of churn/1 is not there as it was kept" pipe model path churn
    echo one >m
    [ "$(pipe model register churn m)" = churn/1 ] # it is kept again
    [ "$(cat "$(pipe model path churn)")" = one ]
}

@test "audit covers who approved what" {
    echo one >m
    pipe model register churn m
    pipe model approve churn/1
    pipe model promote churn/1 production
    pipe audit
    cp .ml/pipe/ledger.jsonl kept
    sed -i "s/\"answer\":\"approved\"/\"answer\":\"rejected\"/" .ml/pipe/ledger.jsonl
    run -1 --separate-stderr pipe audit
    cp kept .ml/pipe/ledger.jsonl
    sed -i 's/"stage":"production"/"stage":"development"/' .ml/pipe/ledger.jsonl
    head=$(cp kept old && ML_HOME=$PWD/x && mkdir -p x/pipe && cp kept x/pipe/ledger.jsonl && ML_HOME=$PWD/x pipe audit | jq -r .head)
    run -1 --separate-stderr pipe audit --head "$head"
}

@test "twenty at one time get twenty versions, and one for the same" {
    for i in $(seq 20); do
        echo "$i" >m$i
        pipe model register churn m$i >v$i &
        pipe model register churn m1 >same$i &
    done
    wait
    [ "$(cat v* | sort -u | wc -l)" -eq 20 ]
    [ "$(cat same* | sort -u)" = "$(cat v1)" ]
    [ "$(pipe model list | jq .version | sort -n | xargs)" = "$(seq 20 | xargs)" ]
    pipe audit
}

@test "kill -9 while registering: a version is whole or not there" {
    head -c 3000000 /dev/urandom >big
    for i in $(seq 20); do
        echo "$i" >>big
        pipe model register churn big >/dev/null &
        pid=$!
        sleep 0.00$((RANDOM % 9))$((RANDOM % 9))
        kill -9 $pid 2>/dev/null || true
        wait $pid 2>/dev/null || true
    done
    n=$(pipe model register churn big)
    [ "$(pipe model list | wc -l)" -eq "${n#churn/}" ]
    pipe model list | jq -r '"churn/\(.version) \(.digest)"' | while read -r version digest; do
        [ "$(sha256sum <"$(pipe model path "$version" --any)" | cut -d' ' -f1)" = "$digest" ]
    done
}

@test "a step registers, and a step behind it waits until the version is approved" {
    deployed
    ended 5
    [[ $stderr == *"[2/3] register: model churn/1"* ]]
    [[ $stderr == *"deploy: waits for the approval of model churn/1: pipe model approve churn/1"* ]]
    [ ! -e deployed ]
    [ "$(pipe model show churn | jq -c '[.metrics, .history[0].step]')" = '[{"auc":0.5},"register"]' ]
    [ "$(pipe model show churn | jq -r '.history[0].run')" = "$(pipe status | jq -r .run | tail -n 1)" ]
    ended 5
    pipe model approve churn/1
    ended 0
    [ "$(xargs <deployed)" = "churn/1 one" ]
    ended 0
    [ "$stderr" = "pipe: 3 up to date" ]
    echo two >a
    ended 5
    [ "$(xargs <deployed)" = "churn/1 one" ]
    pipe model approve churn/2
    ended 0
    [ "$(xargs <deployed)" = "churn/2 two" ]
    echo one >a # the first version is approved
    ended 0
    [ "$(xargs <deployed)" = "churn/1 one" ]
    [ "$(pipe model list | wc -l)" -eq 2 ]
}

@test "a model that was rejected fails the step that requires it, also when it was up to date" {
    deployed
    ended 5
    pipe model reject churn/1 --comment "too slow"
    ended 1
    [[ $stderr == *"deploy: failed: model churn/1 was rejected by $ME: too slow"* ]]
    pipe model approve churn/1
    ended 0
    sleep 0.05
    ended 0
    pipe model reject churn/1
    ended 1
}

@test "a step that registers with approve waits itself, for the word of certain people" {
    deployed
    sed -i "s/metrics: metrics.json/metrics: metrics.json, approve: [ann]/; s/, requires: {model: churn}/, needs: register/" Pipefile
    echo one >m
    pipe model register churn m
    pipe model approve churn/1 # before ann was asked
    ended 5
    [[ $stderr == *"register: waits for the approval of model churn/1 by ann: pipe model approve churn/1"* ]]
    [ "$(pipe model show churn | jq -r .status)" = pending ]
    fails_with 1 "$ME may not answer: that is for ann" pipe model approve churn/1
    fails_with 1 "$ME may not answer" pipe approve last register
    [ "$(events answer | jq -r .answer | xargs)" = "approved refused refused" ]
    sed -i "s/approve: \[ann\]/approve: [ann, $ME]/" Pipefile
    ended 0 # what was said before counts for this list
    sed -i "s/approve: \[ann, $ME\]/approve: [bob]/" Pipefile
    ended 5
    sed -i "s/approve: \[bob\]/approve: true/" Pipefile
    echo two >a
    ended 5
    pipe approve last register
    ended 0
    [ "$(pipe model show churn/2 | jq -r .status)" = approved ]
}

@test "requires without a step that registers is of the newest version there is" {
    cat >Pipefile <<'END'
steps:
  - {name: deploy, run: 'echo "$ML_MODEL" >deployed; cat $(pipe model path "$ML_MODEL") >>deployed', out: deployed, requires: {model: churn}}
END
    ended 1
    [[ $stderr == *"deploy: failed: no version of model churn is registered"* ]]
    echo one >m
    pipe model register churn m
    run -1 pipe plan
    [ "$output" = "deploy: model churn/1 is pending" ]
    ended 5
    pipe model approve churn/1
    ended 0
    [ "$(xargs <deployed)" = "churn/1 one" ]
    echo two >m
    pipe model register churn m
    ended 5
    pipe model approve churn/2
    ended 0
    [ "$(xargs <deployed)" = "churn/2 two" ]
    sleep 0.05
    ended 0
    sleep 0.05
    ended 0
    pipe model reject churn/2
    ended 1
}

@test "--wait goes on when the model is approved" {
    deployed
    pipe -q run --wait 2>/dev/null &
    local pid=$!
    for _ in $(seq 500); do
        grep -q '"event":"question"' .ml/pipe/ledger.jsonl 2>/dev/null && break
        sleep 0.01
    done
    pipe model approve churn/1
    wait $pid
    [ "$(xargs <deployed)" = "churn/1 one" ]
}

@test "foreach registers several, and a step waits for all of a group" {
    cat >Pipefile <<'END'
steps:
  - {name: train, foreach: [a, b], run: "echo ${item} >m-${item}", out: "m-${item}"}
  - {name: reg, foreach: [a, b], register: {model: "churn-${item}", file: "m-${item}", status: approved}}
  - {name: deploy, run: "cp m-a d", in: m-a, out: d, requires: {model: churn-a}}
END
    [ "$(pipe graph | grep deploy)" = "deploy <- train[a] reg[a]" ]
    ended 0
    [ "$(pipe model list | jq -r '"\(.model)/\(.version) \(.status)"' | sort | xargs)" = "churn-a/1 approved churn-b/1 approved" ]
}

@test "metrics that are none fail the step" {
    deployed
    sed -i 's/{\\"auc\\": 0.5}/0.5/' Pipefile
    ended 1
    [[ $stderr == *"register: failed: './metrics.json' has no JSON object of metrics"* ]]
}

@test "what is wrong in a definition of models has its place" {
    wrong() { # TEXT PLACE MESSAGE
        printf "$1" >Pipefile
        fails_with 3 "Pipefile:$2: $3" pipe run
    }
    wrong 'steps:\n  - {name: a, register: x}\n' 2:25 "register is a map with model and file"
    wrong 'steps:\n  - {name: a, register: {model: x}}\n' 2:25 "register is a map with model and file"
    wrong 'steps:\n  - {name: a, register: {model: x, file: y, fil: z}}\n' 2:45 "unknown key 'fil': is it 'file'?"
    wrong 'steps:\n  - {name: a, register: {model: x y, file: y}}\n' 2:33 "a model's name has letters, digits, _ and -, at most 64"
    wrong 'steps:\n  - {name: a, register: {model: x, file: ""}}\n' 2:42 "an empty path"
    wrong 'steps:\n  - {name: a, register: {model: x, file: y, status: good}}\n' 2:53 "status is pending or approved"
    wrong 'steps:\n  - {name: a, register: {model: x, file: y, approve: false}}\n' 2:54 "approve is true, or the names"
    wrong 'steps:\n  - {name: a, register: {model: x, file: y, status: approved, approve: true}}\n' 2:53 "what is approved already needs no approve"
    wrong 'steps:\n  - {name: a, register: {model: x, file: y}, run: z}\n' 2:5 "step a wants run or fail, or approve, callback or register: one of them"
    wrong 'steps:\n  - {name: a, run: x, requires: m}\n' 2:33 "requires is a map with model"
    wrong 'steps:\n  - {name: a, run: x, requires: {model: m, stage: p}}\n' 2:44 "unknown key 'stage'"
    wrong 'steps:\n  - {name: a, run: x, requires: {model: "m/1"}}\n' 2:41 "a model's name has letters"
    wrong 'steps:\n  - {name: a, register: {model: m, file: f}, requires: {model: n}}\n' 2:56 "a step that registers requires no model"
    wrong 'steps:\n  - {name: a, register: {model: m, file: f}, out: x}\n' 2:46 "step a runs no command, and so has no 'out'"
    wrong 'steps:\n  - {name: a, run: x, out: f, requires: {model: m}}\n  - {name: b, register: {model: m, file: f}}\n' 2:5 "the steps wait for one another: a waits for b waits for a"
}
