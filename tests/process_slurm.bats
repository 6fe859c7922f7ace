# process on a Slurm cluster: results as on one machine, also when nodes, daemons or process itself are killed.
load helper
load slurm/cluster

setup() {
    [ -n "$CLUSTER" ] || skip "without slurm-wlm and munge"
    in_scratch
    TOOL=process
    export ML_HOME=$PWD/.ml
    unset SLURM_JOB_ID
    awk 'BEGIN {print "id,text"; for (i = 1; i <= 500; i++) printf "%d,\"line %d\nand more\"\n", i, i}' >big.csv
}

teardown() {
    [ -n "$CLUSTER" ] || return 0
    scancel -u "$(id -un)" 2>/dev/null || :
}

@test "the bytes that one machine makes" {
    wrangle 'set n = id * 2' big.csv >whole.csv
    process map 'wrangle "set n = id * 2"' -i big.csv -o out.csv --instances 6 --shard record --engine slurm -j3 >end.json
    same whole.csv out.csv
    [ "$(jq -c '[.status, .done]' end.json)" = '["Completed",6]' ]
    [ "$(process describe | jq '[.results[] | select(.user_s > 0 or .system_s > 0)] | length')" = 6 ]
    mkdir in && for i in 1 2 3 4 5; do seq $i >in/$i; done
    process run --engine slurm -j2 --instances 3 -i train=in -o 'out=made/{rank}' -e A=b \
        -- sh -c 'cat $ML_INPUT_TRAIN/* | wc -l >$ML_OUTPUT_OUT/n; echo $A; echo told >$ML_MESSAGE' >/dev/null
    [ "$(cat made/0000?/n | xargs)" = "5 7 3" ]
    [ "$(process logs last 1)" = b ]
    [ "$(process describe | jq -r '.results[2].message')" = told ]
    [ -z "$(find .ml/process/*/work -mindepth 1)" ]
}

@test "failures are told, tried again elsewhere or here, and resumed" {
    run -7 --separate-stderr process run --engine slurm -j2 --instances 3 -o out=res --retries 1 \
        -- sh -c 'echo $ML_ATTEMPT >>tries-$ML_RANK; [ $ML_RANK != 1 ] || [ -e luck ] || { echo no luck >&2; exit 7; }'
    [ "$(jq -c '[.done, .failed]' <<<"$output")" = "[2,1]" ]
    [[ $stderr == *"algo-2, attempt 2: exit status 7: no luck"* ]]
    [ "$(xargs <tries-1)" = "1 2" ]
    touch luck
    process resume -j2 >/dev/null # on this machine
    [ "$(xargs <tries-0)" = 1 ]
    run -124 process run --engine slurm --retries 0 --max-runtime 300ms -- sleep 30
    run -137 process run --engine slurm --retries 0 -- sh -c 'kill -9 $$'
}

@test "fit of shards on the cluster is the fit of the whole" {
    { echo id,x; seq 900 | awk '{print $1","($1 % 3 ? $1 * 7 % 101 : "")}'; } >r.csv
    program="impute x with=random_sample | scale x | bin x bins=3"
    wrangle fit -r whole.json "$program" r.csv
    process fit --engine slurm -j2 -r m.json "$program" r.csv --instances 5 >/dev/null
    same whole.json m.json
}

@test "killed, then resumed: each instance once, and nothing stays in the queue" {
    process run --engine slurm -j2 --instances 8 --name k -o out=res \
        -- sh -c 'sleep 0.3; echo x >>ran-$ML_RANK; echo x >$ML_OUTPUT_OUT/o-$ML_RANK' >/dev/null 2>&1 &
    while [ "$(ls .ml/process/k/results 2>/dev/null | wc -l)" -lt 2 ]; do sleep 0.05; done
    kill -9 $!
    wait $! || true
    done=$(ls .ml/process/k/results | sed 's/.json//')
    process resume k --engine slurm -j2 >end.json
    [ "$(jq .done end.json)" = 8 ]
    for i in $done; do [ "$(cat "ran-$i")" = x ]; done
    [ "$(ls res | wc -l)" = 8 ]
    [ -z "$(squeue -h)" ] || sleep 2
    [ -z "$(squeue -h)" ]
}

@test "a node that goes down in the middle" {
    process run --engine slurm -j3 --instances 6 --name d -o out=res \
        -- sh -c 'sleep 1; hostname >/dev/null; echo x >$ML_OUTPUT_OUT/o-$ML_RANK' >end.json 2>err &
    while [ -z "$(squeue -h -r -t R)" ]; do sleep 0.05; done
    sleep 0.5
    node=$(squeue -h -r -t R -o %N | head -n 1)
    scontrol update nodename="$node" state=down reason=test
    wait $! || { cat err; return 1; }
    scontrol update nodename="$node" state=resume 2>/dev/null || true
    [ "$(jq -c '[.status, .done]' end.json)" = '["Completed",6]' ]
    [ "$(ls res | wc -l)" = 6 ]
}

@test "without a cluster it is to be tried again later" {
    SLURM_CONF=/dev/null/none run -5 process run --engine slurm -- true
}
