# pipe on a Slurm cluster: results as on one machine, and what becomes of steps when parts of the
# cluster fail. One cluster of three nodes on this machine serves all tests.
load helper
load slurm/cluster

setup() {
    [ -n "$CLUSTER" ] || skip "without slurm-wlm and munge"
    in_scratch
    TOOL=pipe
    export ML_HOME=$PWD/.ml
    unset SLURM_JOB_ID
}

teardown() {
    [ -n "$CLUSTER" ] || return 0
    [ -z "${PIPE:-}" ] || kill -9 "$PIPE" 2>/dev/null || :
    scancel -u "$(id -un)" 2>/dev/null || :
}

slurm() {
    pipe run --engine slurm "$@"
}

# in_background OPTION...: a run whose number is in PIPE and whose messages are in err.
in_background() {
    (exec pipe run --engine slurm "$@") >out 2>err 3>&- &
    PIPE=$!
}

# ends_with STATUS: the run in the background, within a minute.
ends_with() {
    local got=0
    timeout 60 tail --pid="$PIPE" -s 0.05 -f /dev/null || kill -9 "$PIPE"
    wait "$PIPE" || got=$?
    PIPE=
    [ "$got" -eq "$1" ] || { echo "status $got, not $1"; cat err; return 1; }
}

# until_true COMMAND: within 30 s.
until_true() {
    local until=$((SECONDS + 30))
    while [ "$SECONDS" -lt "$until" ]; do
        ! eval "$1" || return 0
        sleep 0.05
    done
    echo "never: $1"
    return 1
}

# steps MEMBER...: of the records of steps, sorted.
steps() {
    jq -c "select(.event == \"step\") | [$1]" .ml/pipe/ledger.jsonl | sort
}

none_in_queue() { [ -z "$(squeue -h)" ]; }

# Workers and steps that a cluster's daemons have lost, or that are theirs.
processes() {
    grep -lzx "SLURM_CONF=$SLURM_CONF" /proc/[0-9]*/environ 2>/dev/null | while read -r file; do
        ! grep -qz '^SLURM_JOB_ID=' "$file" || tr '\0' ' ' <"${file%environ}cmdline"
    done 2>/dev/null
}

# A step that says where it runs, and goes on when there is a file `go`, or when it is tried again.
waiting_step() {
    cat >Pipefile <<'END'
steps:
  - name: first
    run: "echo $SLURMD_NODENAME $SLURM_ARRAY_JOB_ID $$ >>where; n=$(wc -l <where); while [ ! -e go ] && [ $n = 1 ]; do sleep 0.05; done; echo $n >x"
    out: [x]
END
}
begun() { [ -e where ] && [ "$(wc -l <where)" = "${1:-1}" ]; }
node() { sed -n "${1}p" where | cut -d' ' -f1; }

@test "files, logs and records are as on this machine" {
    mkdir local slurm
    for engine in local slurm; do
        cat >$engine/Pipefile <<'END'
parameters: {n: 3}
steps:
  - {name: words, run: "seq 2000 | sed 's/$/ w\xe9/' >words; printf '\\377\\000' >>words; echo made; printf '\\377' >&2", out: [words]}
  - name: part
    matrix: {k: [1, 2, 3, 4]}
    run: "awk -v k=${k} -v m=$M 'NR % 4 == k - 1 {print m $0}' words >out/${k}; pwd >&2; umask"
    env: {M: "a 'b'"}
    in: [words]
    out: ["out/${k}"]
  - {name: all, run: [sh, -c, 'cat out/* | cksum >sum'], in: ["out/1", "out/2", "out/3", "out/4"], out: [sum]}
END
        (cd $engine && ML_HOME=$PWD/.ml pipe run --engine $engine -j3 >out.txt 2>err.txt)
    done
    diff -r local/out slurm/out
    same local/words slurm/words
    same local/sum slurm/sum
    for engine in local slurm; do
        (cd $engine && steps '.step,.state,.attempt,.exit,.fingerprint,.command,.env,.in,.out' >../$engine.steps)
        for log in $engine/.ml/pipe/runs/*/*.log; do
            echo "$(basename "$log") $(sed "s|/$engine\$||" "$log" | cksum)"
        done >$engine.logs
    done
    [ "$(wc -l <slurm.steps)" = 6 ]
    same local.steps slurm.steps
    [ "$(wc -l <slurm.logs)" = 5 ]
    same local.logs slurm.logs
    sed 's/[0-9.]* s$//' local/err.txt | grep -c '^\[' >local.lines
    grep -c '^\[' slurm/err.txt | same - local.lines
    cd slurm
    ML_HOME=$PWD/.ml
    pipe run 2>&1 | grep -qx 'pipe: 6 up to date'
    [ ! -e "$(echo .ml/pipe/locks/*.spool)" ]
    run -0 pipe audit
}

@test "a thousand small steps are no thousand jobs" {
    printf 'steps:\n  - name: s\n    matrix: {i: [%s]}\n    run: "echo ${i} >out/${i}; echo $SLURM_ARRAY_JOB_ID >>jobs"\n    out: ["out/${i}"]\n' \
        "$(seq -s, 1000)" >Pipefile
    pipe -q run -j2
    mv out out.local
    rm -rf .ml jobs
    pipe -q run -j2 --engine slurm
    diff -r out out.local
    [ "$(wc -l <jobs)" = 1000 ]
    [ "$(sort -u jobs | wc -l)" = 1 ]
}

@test "statuses, signals, time limits and retries are as on this machine" {
    cat >Pipefile <<'END'
steps:
  - {name: seven, run: "exit 7"}
  - {name: killed, run: "kill -9 $$", retry: {attempts: 2, interval: 100ms, on: killed}}
  - {name: busy, run: "exit 75"}
  - {name: missing, run: [no-such-program]}
  - {name: slow, run: "echo begun; sleep 20", timeout: 300ms}
  - {name: good, run: "echo good >g", out: [g]}
END
    run -1 --separate-stderr pipe run -k -j2
    steps '.step,.state,.attempt,.exit,.class,.reason' >local
    rm -rf .ml
    run -1 --separate-stderr slurm -k -j2
    [[ $stderr == *"seven: failed: status 7"* && $stderr == *"killed: failed: signal 9"* ]]
    [[ $stderr == *"slow: failed: its time of 0.3 s was up"* && $stderr == *"cannot run 'no-such-program'"* ]]
    [[ $stderr == *"1 ran, 5 failed"* ]]
    steps '.step,.state,.attempt,.exit,.class,.reason' >slurm
    [ "$(wc -l <slurm)" = 7 ]
    same local slurm
    jq -es 'any(.[]; .step == "good" and .max_rss > 100000 and .seconds < 5)' .ml/pipe/ledger.jsonl >/dev/null
}

@test "options of the cluster reach it" {
    cat >Pipefile <<'END'
steps:
  - {name: who, run: "echo $SLURM_JOB_PARTITION $SLURM_CPUS_PER_TASK $SLURM_MEM_PER_NODE $SLURM_JOB_ACCOUNT $OURS >x", out: [x]}
END
    OURS=own slurm --partition other --engine-cpus 2 --engine-memory 100M --engine-option=--account=ml 2>err
    [ "$(cat x)" = "other 2 100 ml own" ]
    rm x .ml/pipe/ledger.jsonl
    fails_with 4 "nvalid partition" pipe -q run --engine slurm --partition none
    until_true none_in_queue
}

@test "of those that have not begun none begins after a failure" {
    cat >Pipefile <<'END'
steps:
  - {name: bad, run: "sleep 0.2; exit 1", priority: 1}
  - name: s
    matrix: {i: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]}
    run: "sleep 0.2; echo >x${i}"
    out: ["x${i}"]
END
    run -1 --separate-stderr slurm -j1
    [ "$(ls x* | wc -l)" -le 1 ] # the one that the pilot had taken meanwhile
    slurm -j3 --only s
    [ "$(ls x* | wc -l)" = 12 ]
}

@test "a node that is set down: its step runs elsewhere, once more" {
    waiting_step
    in_background -j1
    until_true begun
    scontrol update nodename="$(node 1)" state=down reason=test
    ends_with 0
    scontrol update nodename="$(node 1)" state=resume
    begun 2
    [ "$(node 1)" != "$(node 2)" ]
    [ "$(cat x)" = 2 ]
    [ "$(steps .state,.attempt)" = '["Succeeded",1]' ]
    until_true none_in_queue
}

@test "daemons of a node are killed: what they leave ends, and the step runs elsewhere" {
    waiting_step
    in_background -j1
    until_true begun
    local node pid
    node=$(node 1)
    pid=$(sed -n 1p where | cut -d' ' -f3)
    for process in /proc/[0-9]*; do
        grep -qsx 'slurmd\|slurmstepd' "$process/comm" || continue
        ! ls -l "$process/fd" | grep -qF "$CLUSTER/$node" || kill -9 "${process#/proc/}"
    done
    kill -0 "$pid" # nobody has told it
    ends_with 0
    run -1 kill -0 "$pid"
    begun 2
    [ "$(node 1)" != "$(node 2)" ]
    [ "$(cat x)" = 2 ]
    [ "$(steps .state,.attempt)" = '["Succeeded",1]' ]
    sh "$ROOT/tests/slurm/cluster.sh" node "$CLUSTER" "${node#n}"
    until_true none_in_queue
    until_true '[ -z "$(processes)" ]'
    until_true '[ "$(sinfo -h -p batch -o %T)" = idle ]'
}

@test "somebody else cancels the jobs: once is made good, twice is a failure" {
    waiting_step
    in_background -j1
    until_true begun
    scancel "$(cut -d' ' -f2 where)"
    ends_with 0
    begun 2
    [ "$(steps .state,.attempt)" = '["Succeeded",1]' ]
    rm -rf x where .ml
    sed -i 's/ && \[ $n = 1 \]//' Pipefile
    in_background -j1
    for n in 1 2; do
        until_true "begun $n"
        scancel "$(sed -n "${n}p" where | cut -d' ' -f2)"
    done
    ends_with 1
    grep -q "first: failed: lost with node $(node 2), for the second time" err
    begun 2
    [ "$(steps .state,.exit)" = '["Failed",137]' ]
    [ ! -e x ]
}

@test "a worker that is killed is missed, though its job is soon forgotten" {
    waiting_step
    in_background -j1
    until_true begun
    pid=$(cut -d' ' -f3 where)
    kill -9 "$(awk '{print $4}' "/proc/$pid/stat")" # the shell's parent
    ends_with 0
    kill -9 "$pid" 2>/dev/null || : # nobody has told it: this cluster does not track by cgroup
    begun 2
    [ "$(steps .state,.attempt)" = '["Succeeded",1]' ]
}

@test "jobs that are held are released" {
    waiting_step
    touch go
    in_background -j1 --engine-option=--hold
    ends_with 0
    [ "$(cat x)" = 1 ]
}

@test "the run is killed: the next one ends what it left, and does what is left" {
    cat >Pipefile <<'END'
steps:
  - {name: first, run: "echo first >>log; echo >x", out: [x]}
  - name: second
    run: "echo second $$ >>log; trap '' TERM; [ -e go ] || sleep 60; [ -e go ] || sleep 60; echo >y"
    in: [x]
    out: [y]
END
    for engine in slurm local; do
        rm -rf log x y go .ml
        in_background -j2
        until_true 'grep -qs second log'
        sleep 0.3 # the record of the first is on the disk
        kill -9 "$PIPE"
        ends_with 137
        pid=$(awk '$1 == "second" {print $2}' log)
        kill -0 "$pid"
        touch go
        pipe -q run --engine $engine
        run -1 kill -0 "$pid"
        [ "$(cut -d' ' -f1 log | xargs)" = "first second second" ]
        [ "$(steps .step,.state | xargs)" = "[first,Succeeded] [second,Succeeded]" ]
        until_true none_in_queue
        [ ! -e "$(echo .ml/pipe/locks/*.spool)" ]
    done
    until_true '[ -z "$(processes)" ]'
}

@test "a signal ends steps of the cluster, too" {
    waiting_step
    in_background -j1
    until_true begun
    kill -TERM "$PIPE"
    ends_with 143
    run -1 kill -0 "$(cut -d' ' -f3 where)"
    [ "$(steps .state)" = '["Stopped"]' ]
    [ ! -e x ]
    until_true none_in_queue
}

@test "the controller is killed and comes back: nothing is lost" {
    cat >Pipefile <<'END'
steps:
  - name: s
    matrix: {i: [1, 2, 3, 4, 5, 6, 7, 8]}
    run: "echo ${i} >>log; sleep 0.6; echo >x${i}"
    out: ["x${i}"]
END
    in_background -j2
    until_true '[ -s log ] && [ "$CLUSTER/state/job_state" -nt log ]' # it knows of them when it comes back
    kill -9 "$(cat "$CLUSTER/controller.pid")"
    run -0 sleep 1.5
    sh "$ROOT/tests/slurm/cluster.sh" controller "$CLUSTER"
    ends_with 0
    [ "$(sort -n log | xargs)" = "1 2 3 4 5 6 7 8" ]
    until_true none_in_queue
}

@test "without a cluster the status is 5" {
    waiting_step
    sed "s/^SlurmctldPort=.*/SlurmctldPort=1/" "$SLURM_CONF" >nobody.conf
    SLURM_CONF=$PWD/nobody.conf fails_with 5 "no Slurm cluster answers" timeout 60 pipe run --engine slurm
    fails_with 5 "cannot run 'scontrol'" env PATH=/nowhere "$BIN/pipe" run --engine slurm
}
