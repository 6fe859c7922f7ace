# pipe: steps that wait for answers from outside, and commands that are told of what happens.
load helper

setup() {
    in_scratch
    TOOL=pipe
    export ML_HOME=$PWD/.ml
    ME=$(id -un)
}

# A gate behind what a step makes, and a step behind the gate.
gated() {
    cat >Pipefile <<'END'
steps:
  - {name: make, run: "cp a b", in: a, out: b}
  - {name: gate, approve: true, in: b}
  - {name: use, run: "cp b c", in: b, out: c, needs: gate}
END
    echo one >a
}

# ended STATUS ARGUMENT...: pipe run ends with it.
ended() {
    local want=$1
    shift
    run -"$want" --separate-stderr pipe run "$@"
}

events() { # KIND: of the ledger
    jq -c "select(.event == \"$1\")" .ml/pipe/ledger.jsonl
}

token() { # STEP: the token it waits by
    events question | jq -r "select(.step == \"$1\") | .about" | tail -n 1
}

# until_said COMMAND...: it is true within 10 s.
until_said() {
    for _ in $(seq 1000); do
        "$@" >/dev/null 2>&1 && return 0
        sleep 0.01
    done
    echo "not within 10 s: $*"
    return 1
}

waits() { # STEP N: it asked in N runs
    [ "$(events question | jq -r "select(.step == \"$1\") | .run" | wc -l)" -ge "$2" ]
}

@test "a step waits for an approval: status 5, and the command that it is answered by" {
    gated
    ended 5
    [ -e b ] && [ ! -e c ]
    [ "${stderr_lines[1]}" = "gate: waits for an approval: pipe approve $(pipe status | jq -r .run | tail -n 1) gate" ]
    [[ $stderr == *"pipe: 1 ran, 1 waiting" ]]
    [ "$(pipe status | jq -rc '[.state, .pending]' | tail -n 1)" = '["Pending",1]' ]
    sh -c "${stderr_lines[1]##*: } --comment 'looks good'"
    ended 0
    [[ $stderr == *"gate: approved by $ME: looks good"* ]]
    cmp a c
    [ "$(events answer | jq -r '[.answer, .user, .host, .comment] | join(" ")')" = "approved $ME $(hostname) looks good" ]
    [ "$(events step | jq -r 'select(.step == "gate") | [.state, .reason] | join(" ")')" = "Succeeded approved by $ME: looks good" ]
    ended 0
    [ "$stderr" = "pipe: 3 up to date" ]
    pipe audit
}

@test "an approval is for what was there when it was asked for" {
    gated
    ended 5
    pipe approve last gate
    ended 0
    echo two >a
    ended 5
    [ "$(cat c)" = one ]
    pipe approve last gate
    echo three >a # after the approval, before anybody used it
    ended 5
    [ "$(cat c)" = one ]
    echo two >a
    ended 0
    [ "$(cat c)" = two ]
    echo one >a # that was approved, too
    ended 0
    [ "$(cat c)" = one ]
}

@test "without in, an approval is for what the steps before it made" {
    gated
    sed -i 's/approve: true, in: b/approve: true, needs: make/' Pipefile
    ended 5
    pipe approve last gate
    ended 0
    ended 0
    echo two >a
    ended 5
}

@test "an approval behind a step without outputs is for its command; without either it counts once" {
    echo 'steps: [{name: test, run: "true"}, {name: gate, approve: true, needs: test}]' >Pipefile
    ended 5
    pipe approve last gate
    ended 0
    ended 0
    sed -i 's/"true"/"true again"/' Pipefile
    ended 5
    echo 'steps: [{name: gate, approve: true}, {name: do, run: "echo x >>log", needs: gate}]' >Pipefile
    ended 5
    pipe approve last gate
    ended 0
    ended 5
    [ "$(wc -l <log)" -eq 1 ]
}

@test "cache says for how long an approval holds" {
    gated
    sed -i 's/approve: true,/approve: true, cache: false,/' Pipefile
    ended 5
    pipe approve last gate
    ended 0
    ended 5
    sed -i 's/cache: false,/cache: 2s,/' Pipefile
    pipe approve last gate
    ended 0
    ended 0
    sleep 2.1
    ended 5
}

@test "a step that is rejected fails, and asks again in the run after that" {
    gated
    ended 5
    pipe reject last gate --comment "too few rows"
    ended 1
    [[ $stderr == *"gate: failed: rejected by $ME: too few rows"* ]]
    [ ! -e c ]
    ended 5
    pipe approve last gate
    ended 0
    [ -e c ]
}

@test "a person who is not on the list is refused, and that is kept" {
    gated
    sed -i 's/approve: true/approve: [nobody-else, ann]/' Pipefile
    ended 5
    [[ $stderr == *"gate: waits for an approval by nobody-else or ann: pipe approve "* ]]
    fails_with 1 "$ME may not answer: that is for nobody-else or ann" pipe approve last gate --comment please
    fails_with 1 "$ME may not answer" pipe reject last gate
    [ "$(events answer | jq -r '[.answer, .user] | join(" ")' | xargs)" = "refused $ME refused $ME" ]
    LOGNAME=ann USER=ann run -1 pipe approve last gate
    ended 5
    sed -i "s/nobody-else, ann/ann, $ME/" Pipefile
    ended 5
    pipe approve last gate
    ended 0
    sed -i "s/ann, $ME/ann/" Pipefile # what another list said is not what this one would
    ended 5
}

@test "the first answer counts, the second has status 1 and says what it was" {
    gated
    ended 5
    pipe reject last gate --comment no
    fails_with 1 "has its answer: rejected by $ME on $(hostname) at " pipe approve last gate
    fails_with 1 ": no" pipe reject last gate
    [ "$(events answer | wc -l)" -eq 1 ]
    ended 1
}

@test "of an approval and a rejection at one time exactly one wins" {
    gated
    won=""
    for round in $(seq 20); do
        echo "$round" >a
        ended 5
        pipe approve last gate 2>/dev/null &
        first=$!
        pipe reject last gate 2>/dev/null &
        second=$!
        yes=0 no=0
        wait $first || yes=$?
        wait $second || no=$?
        [ "$yes$no" = 01 ] || [ "$yes$no" = 10 ]
        [ "$(events answer | wc -l)" -eq "$round" ]
        if [ $yes -eq 0 ]; then ended 0; else ended 1; fi
        won="$won$yes"
    done
    echo "$won"
    pipe audit
}

@test "which run and step is answered" {
    gated
    ended 5
    first=$(pipe runs | jq -r .run | tail -n 1)
    ended 5
    [ "$(token gate)" = "$(events question | jq -r .about | head -n 1)" ] # it is one question
    fails_with 2 "there is no run 'zzz'" pipe approve zzz gate
    fails_with 2 "step 'make' did not wait in run" pipe approve last make
    fails_with 2 "STEP" pipe approve last
    pipe approve "$first" gate # any run that waits for it
    ended 0
    echo two >a
    fails_with 1 "has its answer" pipe approve "$first" gate # it asked of something else
    ended 5
    echo 'steps: [{name: hand, callback: "true"}]' >Pipefile
    ended 5
    fails_with 2 "is of step hand, which waits for a callback" pipe approve last hand
}

@test "a callback hands over a token, and goes on with what it is answered with" {
    cat >Pipefile <<'END'
steps:
  - {name: ask-them, callback: 'echo "$ML_CALLBACK_TOKEN $ML_STEP $ML_RUN" >handed', in: a}
  - {name: use, run: 'echo "$ASK_THEM_SCORE $ASK_THEM_WHO" >b', out: b, needs: ask-them}
  - {name: other, run: 'echo "[$ASK_THEM_SCORE]" >c', out: c, needs: use}
END
    echo 1 >a
    ended 5
    read -r token step id <handed
    [[ $token =~ ^[a-zA-Z0-9]{10}$ ]]
    [ "$step" = ask-them ]
    [ "$id" = "$(pipe status | jq -r .run | tail -n 1)" ]
    [[ $stderr == *"ask-them: waits for a callback: pipe callback success $token"* ]]
    rm handed
    ended 5
    [ ! -e handed ] # it was handed over
    [[ $stderr == *"pipe callback success $token"* ]]
    pipe callback success "$token" score=0.9 who='ann & bob'
    fails_with 1 "$token has its answer: succeeded by $ME" pipe callback failure "$token" late
    fails_with 1 "$token has its answer: succeeded by $ME" pipe callback success "$token" score=1
    ended 0
    [ "$(cat b)" = "0.9 ann & bob" ]
    [ "$(cat c)" = "[]" ] # for those that wait for it themselves
    [ "$(events answer | jq -c .values)" = '{"score":"0.9","who":"ann & bob"}' ]
    ended 0
    [ "$stderr" = "pipe: 3 up to date" ]
    echo 2 >a
    ended 5
    [ -e handed ] && [ "$(cut -d' ' -f1 handed)" != "$token" ]
    pipe callback success "$(token ask-them)" score=0.8
    ended 0
    [ "$(cat b)" = "0.8 " ]
    echo 1 >a # what was answered then, without asking
    ended 0
    [ "$(cat b)" = "0.9 ann & bob" ]
}

@test "tokens that are none, and values that are wrong" {
    echo 'steps: [{name: hand, callback: "true"}, {name: gate, approve: true}]' >Pipefile
    ended 5
    local token
    token=$(token hand)
    fails_with 2 "there is no token 'abcdefghij'" pipe callback success abcdefghij
    fails_with 2 "there is no token ''" pipe callback success ""
    fails_with 2 "there is no token 'm/1'" pipe callback success m/1
    fails_with 2 "'x' is none of success, failure" pipe callback x "$token"
    fails_with 2 "'x' is not NAME=VALUE" pipe callback success "$token" x
    fails_with 2 "'1=x': a value's name has letters, digits and _" pipe callback success "$token" 1=x
    fails_with 2 "value A is given twice" pipe callback success "$token" a=1 A=2
    fails_with 2 "more than 50 values" pipe callback success "$token" $(seq -f 'v%g=1' 51)
    fails_with 2 "a reason is one word" pipe callback failure "$token" too long
    fails_with 2 "is of step gate, which waits for an approval" pipe callback success "$(token gate)"
    [ "$(events answer | wc -l)" -eq 0 ]
    pipe callback success "$token" $(seq -f 'v%g=1' 50)
}

@test "a callback that is answered with failure fails, by its reason, or is tried again" {
    echo 'steps: [{name: hand, callback: "echo $ML_CALLBACK_TOKEN >>handed"}]' >Pipefile
    ended 5
    pipe callback failure "$(token hand)" "disk full"
    ended 1
    [[ $stderr == *"hand: failed: failed by $ME: disk full"* ]]
    ended 5
    [ "$(sort -u handed | wc -l)" -eq 2 ]
    sed -i 's/"}/", retry: 1}/' Pipefile
    ended 5
    pipe callback failure "$(token hand)"
    ended 5 # the second attempt hands over anew
    [ "$(sort -u handed | wc -l)" -eq 3 ]
    pipe callback success "$(token hand)"
    ended 0
}

@test "a command of a callback that fails is run again, with its token" {
    echo 'steps: [{name: hand, callback: "echo $ML_CALLBACK_TOKEN >>handed; [ -e go ]"}]' >Pipefile
    ended 1
    [[ $stderr == *"hand: failed: status 1"* ]]
    touch go
    ended 5
    [ "$(wc -l <handed)" -eq 2 ] && [ "$(sort -u handed | wc -l)" -eq 1 ]
}

@test "a callback may be answered by its own command" {
    echo 'steps: [{name: hand, callback: "pipe callback success $ML_CALLBACK_TOKEN n=3"}, {name: use, run: "echo $HAND_N >b", needs: hand, out: b}]' >Pipefile
    ended 0
    [[ $stderr != *waits* ]]
    [ "$(cat b)" = 3 ]
}

@test "what a callback is to make must be there when it is answered, and is kept" {
    cat >Pipefile <<'END'
steps:
  - {name: label, callback: "true", in: a, out: labels}
  - {name: use, run: "cp labels b", in: labels, out: b}
END
    echo 1 >a
    ended 5
    pipe callback success "$(token label)"
    ended 1
    [[ $stderr == *"label: failed: it did not make 'labels'"* ]]
    ended 5
    echo cats >labels
    pipe callback success "$(token label)"
    ended 0
    [ "$(cat b)" = cats ]
    rm labels
    ended 0
    [ "$(cat labels)" = cats ]
    rm -r .ml/pipe/objects labels # now somebody must make them again
    ended 5
}

@test "a token of another run answers what that run asked, no more" {
    echo 'steps: [{name: hand, callback: "true", in: a}]' >Pipefile
    echo 1 >a
    ended 5
    old=$(token hand)
    echo 2 >a
    ended 5
    new=$(token hand)
    [ "$old" != "$new" ]
    pipe callback success "$old"
    ended 5
    [ "$(token hand)" = "$new" ]
    echo 1 >a
    ended 0
    mkdir other && cp Pipefile a other && cd other # another pipeline, one state
    ended 5
}

@test "--wait goes on when the answer comes, and is idle until then" {
    gated
    pipe -q run --wait 2>err &
    local pid=$!
    until_said waits gate 1
    sleep 2
    [ ! -e c ]
    [ "$(awk '{print $14 + $15}' /proc/$pid/stat)" -le 10 ] # hundredths of a second of the processor
    pipe approve last gate
    wait $pid
    cmp a c
    grep -q "gate: waits for an approval" err
    echo 2 >a
    run -5 pipe -q run
    pipe resume -q --wait &
    pid=$!
    until_said waits gate 3
    pipe approve last gate
    wait $pid
    cmp a c
}

@test "--wait: data that changed while it was waited for is asked about anew" {
    cat >Pipefile <<'END'
steps:
  - {name: gate, approve: true, in: a}
  - {name: use, run: "cp a c", in: a, out: c, needs: gate}
END
    echo 1 >a
    pipe -q run --wait &
    local pid=$!
    until_said waits gate 1
    old=$(token gate)
    sleep 0.1
    echo 2 >a
    pipe approve last gate
    until_said waits gate 2
    [ "$(token gate)" != "$old" ] && [ ! -e c ]
    pipe approve last gate
    wait $pid
    [ "$(cat c)" = 2 ]
    [ "$(events step | jq -r 'select(.step == "use") | .in.a')" = "$(sha256sum <a | cut -d' ' -f1)" ]
}

@test "what does not wait goes on, and a failure is told before waiting" {
    cat >Pipefile <<'END'
steps:
  - {name: gate, approve: true, in: a}
  - {name: behind, run: "touch behind", needs: gate}
  - {name: beside, run: "sleep 0.2; touch beside"}
  - {name: bad, run: "exit 7", when: "n > 0"}
parameters: {n: 0}
END
    echo 1 >a
    ended 5 -j1
    [ -e beside ] && [ ! -e behind ]
    ended 1 -k -P n=1
    [[ $stderr == *"1 ran, 1 failed, 1 waiting" ]]
    [ "$(pipe status | jq -r .state | tail -n 1)" = Failed ]
    pipe approve last gate
    ended 0
    [ -e behind ]
}

@test "a step that waits is not up to date for those who look quickly" {
    gated
    ended 5
    for _ in 1 2 3; do
        sleep 0.03
        ended 5
    done
    run -1 pipe plan
    pipe approve last gate
    ended 0
    sleep 0.03
    ended 0
    [ "$stderr" = "pipe: 3 up to date" ]
    echo two >a
    ended 5
}

@test "plan and why say that it would ask, and write nothing" {
    gated
    sed -i '$a\  - {name: hand, callback: "touch handed", in: c}' Pipefile
    run -1 pipe plan
    [ "${lines[1]}" = "gate: what it waits for would run" ]
    ended 5
    before=$(pipe audit)
    run -1 pipe plan
    [ "$output" = "gate: it is not approved
use: what it waits for would run
hand: what it waits for would run" ]
    run -1 pipe why gate
    [ "$output" = "gate: it is not approved" ]
    pipe approve last gate
    run -1 pipe plan
    [ "$output" = "use: it never ran to its end
hand: what it waits for would run" ]
    [ "$(pipe audit | jq .events)" -eq $(($(jq .events <<<"$before") + 1)) ]
    [ ! -e handed ]
}

@test "--from asks again, and --only takes what was answered" {
    cat >Pipefile <<'END'
steps:
  - {name: hand, callback: "true", in: a}
  - {name: use, run: "echo $HAND_N >b", needs: hand, out: b}
END
    echo 1 >a
    ended 5
    pipe callback success "$(token hand)" n=1
    ended 0
    rm b
    ended 0 --only use
    [ "$(cat b)" = 1 ]
    ended 5 --from hand
    pipe callback success "$(token hand)" n=2
    ended 0
    [ "$(cat b)" = 2 ]
}

@test "events say what is waited for" {
    echo "steps: [{name: gate, foreach: [a, \"b c'd\"], approve: $ME}]" >Pipefile
    ended 5 --events
    jq -r 'select(.state == "Pending") | [.step, .about, .answer] | join("|")' <<<"$output" >got
    id=$(pipe runs | jq -r .run | tail -n 1)
    [ "$(cut -d'|' -f1,3 got)" = "gate[a]|pipe approve $id 'gate[a]'
gate[b c'd]|pipe approve $id 'gate[b c'\\''d]'" ]
    cut -d'|' -f3 got | sh -ex
    ended 0
    ended 5 # nothing by which to tell
}

@test "the command that answers can be given as it is told" {
    echo 'steps: [{name: -x, approve: true}, {name: hand, callback: "true"}]' >Pipefile
    unset ML_HOME
    ended 5 --home "my state"
    [[ ${stderr_lines[0]} == "-x: waits for an approval: pipe approve --home 'my state' -- "*" -x" ]]
    [[ ${stderr_lines[1]} == "hand: waits for a callback: pipe callback --home 'my state' success "* ]]
    sh -c "${stderr_lines[0]##*: }"
    sh -c "${stderr_lines[1]##*: }"
    ended 0 --home "my state"
    [ ! -e .ml ]
}

@test "kill -9 of a run that waits loses nothing: random moments" {
    cat >Pipefile <<'END'
steps:
  - {name: one, run: "cp a b", in: a, out: b}
  - {name: hand, callback: "echo $ML_CALLBACK_TOKEN >>handed", in: b}
  - {name: gate, approve: true, needs: hand, in: b}
  - {name: use, run: "echo $HAND_N >c", needs: [gate, hand], out: c}
END
    echo 1 >a
    for round in $(seq 25); do
        pipe -q run --wait 2>/dev/null &
        pid=$!
        sleep 0.$((RANDOM % 3))$((RANDOM % 10))
        if [ "$round" -eq 12 ]; then until_said waits hand 1; pipe callback success "$(token hand)" n=5; fi
        kill -9 $pid
        wait $pid 2>/dev/null || true
    done
    [ "$(sort -u handed | wc -l)" -eq 1 ] # one token, perhaps handed over again
    pipe -q run --wait 2>/dev/null &
    pid=$!
    until_said waits gate 1
    run -5 pipe -q run # it has the lock
    pipe approve last gate || { sleep 0.3; pipe approve last gate; }
    wait $pid
    [ "$(cat c)" = 5 ]
    [ "$(events question | jq -r 'select(.step == "gate") | .about' | sort -u | wc -l)" -eq 1 ]
    [ "$(events answer | wc -l)" -eq 2 ]
    pipe audit
}

@test "SIGTERM and stop end a run that waits" {
    gated
    pipe -q run --wait 2>/dev/null &
    local pid=$! got=0
    until_said waits gate 1
    pipe stop
    wait $pid || got=$?
    [ $got -eq 143 ]
    [ "$(pipe status | jq -r .state | tail -n 1)" = Stopped ]
    pipe approve last gate
    ended 0
}

@test "commands are told of what waits, fails and ends" {
    cat >Pipefile <<'END'
notify:
  - 'echo "$ML_EVENT,$ML_STEP,$ML_STATUS,$ML_RUN" >>all; cat >>lines'
  - {run: 'echo "$ML_STEP" >>failures', on: failed}
  - {run: 'echo "$ML_STATUS" >>ends', on: [ended, waiting]}
steps:
  - {name: gate, approve: true, in: a}
  - {name: bad, run: "exit 3", needs: gate}
END
    echo 1 >a
    ended 5
    ended 5 # one question, told once
    [ "$(cut -d, -f1-3 all | xargs)" = "waiting,gate,Pending ended,,Pending ended,,Pending" ]
    pipe approve last gate
    ended 1
    [ "$(cut -d, -f1-3 all | tail -n 2 | xargs)" = "failed,bad,Failed ended,,Failed" ]
    [ "$(cut -d, -f4 all | tail -n 1)" = "$(pipe status | jq -r .run | tail -n 1)" ]
    [ "$(cat failures)" = bad ]
    [ "$(xargs <ends)" = "Pending Pending Pending Failed" ]
    [ "$(jq -r '[.event, .step, .state] | join(" ")' lines | xargs -d '\n' printf '%s;')" = "question gate ;run  Pending;run  Pending;step bad Failed;run  Failed;" ]
    [ "$(jq -r 'select(.event == "step") | .reason' lines)" = "status 3" ]
}

@test "a command that is told of all, also where nothing is to be done" {
    echo '{"notify": "echo $ML_EVENT >>all", "steps": [{"name": "s", "run": "cp a b", "in": "a", "out": "b"}]}' >Pipefile
    echo 1 >a
    for _ in 1 2 3; do ended 0; sleep 0.03; done
    [ "$(xargs <all)" = "ended ended ended" ]
}

@test "a notification that fails or hangs is one warning, and no failure" {
    cat >Pipefile <<'END'
notify: ["exit 9", "no-such-command-here"]
steps: [{name: s, run: "echo 1 >b", out: b}, {name: gate, approve: true, in: b}]
END
    ended 5
    [ "$(grep -c warning <<<"$stderr")" -eq 1 ]
    [[ $stderr == *"pipe: warning: notify: 'exit 9': status 9"* ]]
    pipe approve last gate
    run -0 --separate-stderr pipe -q run
    [ -z "$stderr" ]
    echo '{"notify": {"run": "sleep 100", "on": "ended"}, "steps": [{"name": "s", "run": "true"}]}' >Pipefile
    SECONDS=0
    ended 0
    [ $SECONDS -lt 20 ]
    [[ $stderr == *"warning: notify: 'sleep 100': it took longer than 10 s"* ]]
}

@test "what is wrong in a definition of answers has its place" {
    wrong() { # TEXT PLACE MESSAGE
        printf "$1" >Pipefile
        fails_with 3 "Pipefile:$2: $3" pipe run
    }
    wrong 'steps:\n  - {name: a, run: x, approve: true}\n' 2:5 "step a wants run or fail, or approve, callback or register: one of them"
    wrong 'steps:\n  - {name: a, approve: false}\n' 2:24 "approve is true, or the names of those who may"
    wrong 'steps:\n  - {name: a, approve: []}\n' 2:24 "approve is true, or the names"
    wrong 'steps:\n  - {name: a, approve: {by: ann}}\n' 2:24 "approve is true, or the names"
    wrong 'steps:\n  - {name: a, approve: [ann, ""]}\n' 2:24 "an empty name"
    wrong 'steps:\n  - {name: a, approve: true, out: x}\n' 2:30 "step a runs no command, and so has no 'out'"
    wrong 'steps:\n  - {name: a, approve: true, retry: 2}\n' 2:30 "step a runs no command, and so has no 'retry'"
    wrong 'steps:\n  - {name: a, callback: []}\n' 2:25 "an empty list is no command"
    wrong 'steps:\n  - {name: a, callback: {run: x}}\n' 2:25 "a text is wanted here, not a map"
    wrong 'notify: {on: failed}\nsteps: []\n' 1:9 "notify is a command, or a map with run and on"
    wrong 'notify: {run: x, on: start}\nsteps: []\n' 1:22 "on is waiting, failed or ended"
    wrong 'notify: {run: x, to: me}\nsteps: []\n' 1:18 "unknown key 'to'"
    wrong 'notify: {run: x, on: []}\nsteps: []\n' 1:22 "on is an empty list"
    wrong 'steps:\n  - {name: a, aprove: true}\n' 2:15 "unknown key 'aprove': is it 'approve'?"
}

@test "a state that cannot be written takes no answer" {
    gated
    ended 5
    if [ "$(id -u)" -eq 0 ]; then
        command -v setpriv >/dev/null || skip "root may write anything"
        as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
        chmod 755 "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR" "$BATS_TEST_TMPDIR"/..
        "${as[@]}" pipe --version >/dev/null || skip "the binary is not for others"
    else
        as=()
        chmod -R a-w .ml
    fi
    TOOL=pipe fails_with 4 "ermission denied" "${as[@]}" pipe approve last gate
    chmod -R u+w .ml
    [ "$(events answer | wc -l)" -eq 0 ]
    ended 5
}

@test "lineage tells who approved, and is not led astray by copies" {
    cat >Pipefile <<'END'
steps:
  - {name: train, run: "cat in >m", in: [in], out: [m]}
  - {name: gate, approve: true, in: [m]}
  - {name: pack, run: "cp m model", in: [m], needs: [gate], out: [model]}
END
    echo 1 >in
    run -5 pipe -q run
    pipe approve last gate --comment 'below 2 %'
    pipe -q run
    pipe lineage model | jq -c '[.depth, .step, .reason, .after]' >got
    diff - got <<END
[0,"pack",null,["gate"]]
[1,"train",null,null]
[1,"gate","approved by $(id -un): below 2 %",null]
END
    # what was made later of the same content made nothing of it
    printf '  - {name: copy, run: "cp model again", in: [model], out: [again]}\n' >>Pipefile
    pipe -q run
    [ "$(pipe lineage again | jq -r .step | xargs)" = "copy pack train gate" ]
}
