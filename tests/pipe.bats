# pipe: steps that make files from files.
load helper

setup() {
    in_scratch
    TOOL=pipe
    export ML_HOME=$PWD/.ml
}

simple() {
    cat >Pipefile <<'END'
parameters:
  scale: {type: integer, default: 2}
steps:
  - name: double
    run: "awk -v s=${scale} '{print $1*s}' a.txt > b.txt"
    in: [a.txt]
    out: [b.txt]
  - name: sum
    run: "echo ran >>log; awk '{s += $1} END {print s}' b.txt >c.txt"
    in: [b.txt]
    out: [c.txt]
END
    seq 5 >a.txt
}

# ran OPTION...: the names of the steps that ran, in order of their ends.
ran() {
    pipe run --events "$@" 2>err | jq -r 'select(.state == "Succeeded") | .step' | xargs
}

@test "a step runs once" {
    simple
    [ "$(ran)" = "double sum" ]
    [ "$(xargs <b.txt)" = "2 4 6 8 10" ]
    [ "$(cat c.txt)" = 30 ]
    [ "$(ran)" = "" ]
    touch a.txt
    [ "$(ran)" = "" ]
}

@test "content counts, not time, and what is the same in the end stops there" {
    simple
    ran
    printf '5\n4\n3\n2\n1\n' >a.txt
    [ "$(ran)" = "double sum" ]
    sed -i 's/awk -v/ awk -v/' Pipefile # another command that makes the same
    [ "$(ran)" = "double" ]
}

@test "parameters are given, checked, and lead to other outputs" {
    simple
    ran
    [ "$(ran -P scale=3)" = "double sum" ]
    [ "$(cat c.txt)" = 45 ]
    fails_with 2 "scale: 'x' is no integer" pipe run -P scale=x
    fails_with 2 "no parameter 'skale'" pipe run -P skale=1
    fails_with 2 "given twice" pipe run -P scale=1 -P scale=2
    fails_with 2 "is not NAME=VALUE" pipe run -P scale
    sed -i 's/default: 2/minimum: 1/' Pipefile
    fails_with 2 "parameter scale has no default" pipe run
    fails_with 2 "scale: '0' is less than its minimum" pipe run -P scale=0
}

@test "what was made before is put back" {
    simple
    ran
    ran -P scale=3
    pipe run --events >events
    [ "$(jq -r '.step + " " + .state' events | xargs)" = "double Restored sum Restored" ]
    [ "$(cat c.txt)" = 30 ]
    rm b.txt
    pipe run --events >events
    [ "$(jq -r '.step + " " + .state' events | xargs)" = "double Restored sum UpToDate" ]
}

@test "an output that was changed by hand is made good, though it has a second name" {
    simple
    ran
    echo 7 >>b.txt # in place: the kept one is changed with it
    [ "$(ran)" = "double" ]
    [ "$(xargs <b.txt)" = "2 4 6 8 10" ]
}

@test "plan and why say what changed, by status 1" {
    simple
    run -1 pipe plan
    [[ ${lines[0]} == "double: it never ran to its end" ]]
    pipe -q run
    run -0 pipe plan
    [ -z "$output" ]
    run -0 pipe why double
    [ "$output" = "double: up to date" ]
    run -1 pipe why double -P scale=4
    [ "$output" = "double: parameter scale was 2 and is 4" ]
    echo 6 >>a.txt
    run -1 pipe why double
    [[ $output == "double: input a.txt changed: "* ]]
    run -1 pipe why sum
    [ "$output" = "sum: what it waits for would run" ]
    [ ! -e .ml/pipe/locks/never ] && [ "$(cat c.txt)" = 30 ]
    fails_with 2 "there is no step 'dobule'" pipe why dobule
}

@test "a step that fails leaves nothing, and what waits for it does not run" {
    cat >Pipefile <<'END'
steps:
  - {name: half, run: "echo half >x; exit 3", out: [x]}
  - {name: after, run: "cat x >y", in: [x], out: [y]}
  - {name: other, run: "sleep 0.2; echo other >z", out: [z]}
END
    run -1 --separate-stderr pipe run -j1
    [[ $stderr == *"half: failed: status 3"* ]]
    [ ! -e x ] && [ ! -e y ] && [ ! -e z ]
    run -1 --separate-stderr pipe run -j1 -k
    [ -e z ] && [ ! -e y ]
    [[ $stderr == *"1 ran, 1 failed, 1 not run"* ]]
}

@test "an output that is not made is a failure" {
    echo 'steps: [{name: a, run: "true", out: [x]}]' >Pipefile
    run -1 --separate-stderr pipe run
    [[ $stderr == *"a: failed: it did not make 'x'"* ]]
}

@test "steps are tried again, and their time is limited" {
    cat >Pipefile <<'END'
steps:
  - name: flaky
    run: "echo x >>tries; [ $(wc -l <tries) -eq 3 ] && echo done >x"
    out: [x]
    retry: {attempts: 3, interval: 10ms, backoff: 2}
  - {name: slow, run: "sleep 100", timeout: 200ms}
END
    run -1 --separate-stderr pipe run -k
    [ "$(cat x)" = "done" ]
    [[ $stderr == *"slow: failed: its time of 0.2 s was up"* ]]
    [ "$(pipe steps last | jq -r 'select(.step == "flaky") | .attempt' | xargs)" = "1 2 3" ]
}

# tries STEP: the class of each attempt, "-" of one that ended well.
tries() {
    pipe steps last | jq -r --arg step "$1" 'select(.step == $step) | .class // "-"' | xargs
}

@test "which failures a step is tried again after" {
    cat >Pipefile <<'END'
steps:
  - name: mixed
    run: "echo >>n; case $(wc -l <n) in 1) exit 75 ;; 2) exit 7 ;; 3) kill -9 $$ ;; 4) exit 5 ;; esac; echo >mixed"
    out: mixed
    retry: [{on: [temporary, 7], attempts: 4, interval: 10ms}, {on: killed, attempts: 2, interval: 10ms, backoff: 3, expire: 10m}]
  - {name: other, run: "exit 3", retry: {on: [temporary, killed, capacity, limit, unreachable, timeout], attempts: 5}}
  - {name: slow, run: "exec sleep 9", timeout: 50ms, retry: {on: timeout, attempts: 2}}
  - {name: missing, run: "true", out: none, retry: {on: error, attempts: 3}}
  - {name: each, run: "exit 75", retry: [{on: temporary, attempts: 2}, {on: any, attempts: 5}]}
  - {name: first, run: "exit 75", retry: [{on: temporary, attempts: 1}, 5]}
  - {name: status, run: "exit 137", retry: {on: 137, attempts: 2}}
  - {name: all, run: "exit 1", retry: {on: [any], attempts: 2}}
  - {name: none, run: "exit 1", retry: []}
END
    run -1 pipe run -k --events
    [ "$(tries mixed)" = "temporary error killed temporary -" ]
    [ "$(tries other)" = error ]
    [ "$(tries slow)" = "timeout timeout" ]
    [ "$(tries missing)" = "error error error" ]
    [ "$(tries each)" = "temporary temporary" ]
    [ "$(tries first)" = temporary ]
    [ "$(tries status)" = "error error" ]
    [ "$(tries all)" = "error error" ]
    [ "$(tries none)" = error ]
    [ "$(jq -r 'select(.step == "mixed" and .class) | .class + " " + .state' <<<"$output" | head -n 1)" = "temporary Waiting" ]
}

@test "a step is tried again until its time is over" {
    cat >Pipefile <<'END'
steps:
  - {name: soon, run: "exit 1", retry: {expire: 250ms, interval: 100ms}}
  - {name: never, run: "exit 1", retry: {expire: 1h, interval: 2h}}
END
    run -1 pipe -q run -k
    soon=$(tries soon | wc -w)
    [ "$soon" -ge 1 ]
    [ "$soon" -le 3 ] # at 0, 100 and 200 ms, or fewer
    [ "$(tries never)" = error ]
}

@test "a retry that says nothing that can be is told, with its place" {
    while read -r place retry message; do
        [ "$place" ] || continue
        echo "steps: [{name: a, run: x, retry: ${retry//_/ }}]" >Pipefile
        fails_with 3 "Pipefile:1:$place: $message" pipe validate
    done <<'END'
39 {on:_bad,attempts:_2} on: 'bad' is none of error, temporary, killed, capacity, limit, unreachable, timeout, any and exit statuses from 1 to 255
39 {on:_[],attempts:_2} an empty list
39 {on:_0,attempts:_2} on: '0' is none of
39 {on:_256,attempts:_2} on: '256' is none of
40 {on:_[[any]],attempts:_2} on: a list is none of
34 {interval:_1s} a retry without attempts or expire
43 {expire:_x} expire: 'x' is no duration
34 1001 retry is a whole number from 0 to 1000
34 [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1] a step has at most 16 retries
57 {attempts:_2,_backoff:_0.5} backoff is a number of at least 1
END
}

@test "foreach and matrix make steps" {
    mkdir data
    echo 1 >data/a.csv
    echo 2 >data/b.csv
    cat >Pipefile <<'END'
steps:
  - {name: copy, foreach: {file: "data/*.csv"}, run: "cp ${file} out/${file}", in: ["${file}"], out: ["out/${file}"]}
  - name: grid
    matrix: {x: [1, 2], y: [a, b]}
    run: [sh, -c, "echo $0 >g-$0", "${x}${y}"]
    out: ["g-${x}${y}"]
  - {name: all, needs: [grid], run: "cat out/data/* >all", in: [out/data], out: [all]}
END
    pipe -q run
    [ "$(xargs <all)" = "1 2" ]
    [ "$(cat g-2b)" = 2b ]
    [ "$(pipe graph | grep '^all' | xargs)" = "all <- copy[data/a.csv] copy[data/b.csv] grid[1,a] grid[1,b] grid[2,a] grid[2,b]" ]
    echo 3 >data/c.csv
    [ "$(ran)" = "copy[data/c.csv] all" ]
}

@test "when leaves a step out, and what waits for it" {
    cat >Pipefile <<'END'
parameters: {n: 1, mode: fast}
steps:
  - {name: a, when: "n > 1 and mode == 'fast'", run: "echo a >a", out: [a]}
  - {name: b, run: "cp a b", in: [a], out: [b]}
END
    run -0 pipe run --events
    [ "$(jq -r '.step + " " + .state' <<<"$output" | xargs)" = "a Skipped b Skipped" ]
    [ "$(ran -P n=2)" = "a b" ]
    sed -i 's/n > 1/m > 1/' Pipefile
    run -3 --separate-stderr pipe run
    [[ $stderr == "pipe: Pipefile:3:"*"unknown column 'm'"* ]]
}

@test "what is wrong in a definition has its place" {
    wrong() { # TEXT PLACE MESSAGE
        printf "$1" >Pipefile
        fails_with 3 "Pipefile:$2: $3" pipe run
    }
    wrong 'steps:\n  - {name: a, rum: x}\n' 2:15 "unknown key 'rum': is it 'run'?"
    wrong 'steps:\n  - {run: x}\n' 2:5 "a step without a name"
    wrong 'steps:\n  - {name: a}\n' 2:5 "step a wants run or fail"
    wrong 'steps:\n  - {name: a, run: x}\n  - {name: a, run: x}\n' 3:5 "there are two steps a"
    wrong 'steps:\n  - {name: a, run: x, out: y}\n  - {name: b, run: x, out: ./y}\n' 3:5 "b is made by step a in line 2, too: 'y'"
    wrong 'steps:\n  - {name: a, run: x, in: y, out: z}\n  - {name: b, run: x, in: z, out: y}\n' 2:5 "the steps wait for one another: a waits for b waits for a"
    wrong 'steps:\n  - {name: a, run: "echo ${who}"}\n' 2:20 "no parameter 'who': the shell's own is written \$\${who}"
    wrong 'steps:\n  - {name: a, run: x, needs: c}\n' 2:30 "there is no step 'c'"
    wrong 'steps:\n  - {name: a, run: x, timeout: soon}\n' 2:32 "timeout: 'soon' is no duration"
    wrong 'steps: 3\n' 1:8 "steps are a list"
    wrong 'steps:\n\t- x\n' 2:1 "found character that cannot start any token"
    wrong 'parameters: {p: {type: number}}\nsteps: []\n' 1:24 "a type is"
    wrong 'parameters: {p: {type: integer, default: x}}\nsteps: []\n' 1:42 "p: 'x' is no integer"
    printf 'steps: [{name: a, run: x, in: gone}]\n' >Pipefile
    fails_with 4 "step a: its input 'gone' is not there, and no step makes it" pipe run
    rm Pipefile
    fails_with 4 "Pipefile" pipe run
}

@test "two runs of one pipeline: the second has status 5, or waits" {
    echo 'steps: [{name: a, run: "touch go; sleep 1; echo a >a", out: [a]}]' >Pipefile
    pipe -q run &
    until [ -e go ]; do sleep 0.01; done
    fails_with 5 "another run of Pipefile goes on" pipe run
    run -0 --separate-stderr pipe run --wait
    [[ $stderr == *"1 up to date"* ]]
    wait
}

@test "kill -9 of pipe: its steps die, and the next run does what is left" {
    cat >Pipefile <<'END'
steps:
  - {name: a, run: "echo a >a", out: [a]}
  - {name: b, run: "sleep 0.4; touch go; sleep 3; echo late >b; touch alive", in: [a], out: [b]}
END
    pipe -q run &
    local pid=$!
    until [ -e go ]; do sleep 0.01; done
    kill -9 $pid
    wait $pid || true
    sed -i 's/sleep 0.4; touch go; sleep 3; echo late/echo b/; s/; touch alive//' Pipefile
    [ "$(ran)" = b ]
    sleep 3.2
    [ ! -e alive ] && [ "$(cat b)" = b ]
}

@test "SIGTERM stops the steps and is told to the parent" {
    echo 'steps: [{name: a, run: "trap \"echo bye >x; exit 1\" TERM; touch go; sleep 9 & wait", out: [y]}]' >Pipefile
    pipe -q run &
    local pid=$! got=0
    until [ -e go ]; do sleep 0.01; done
    kill -TERM $pid
    wait $pid || got=$?
    [ $got -eq 143 ]
    [ "$(cat x)" = bye ]
    [ "$(pipe runs | jq -r .state | xargs)" = "Executing Stopped" ]
    run -1 pipe status
    [ "$(jq -r .state <<<"$output")" = Stopped ]
}

@test "the ledger has each step's command, digests and times, and logs what it wrote" {
    simple
    echo '  - {name: talk, run: "echo hello; echo world >&2"}' >>Pipefile
    pipe -q run 2>/dev/null
    [ "$(pipe logs last talk | xargs)" = "hello world" ]
    run -1 pipe logs last sum
    pipe steps >steps
    [ "$(jq -r 'select(.step == "double") | .out["b.txt"]' steps)" = "$(sha256sum b.txt | cut -d' ' -f1)" ]
    [ "$(jq -r 'select(.step == "double") | .uses.scale' steps)" = 2 ]
    [ "$(jq -r 'select(.step == "sum") | .in["b.txt"]' steps)" = "$(sha256sum b.txt | cut -d' ' -f1)" ]
    [ "$(pipe runs | jq -r .state | xargs)" = "Executing Succeeded" ]
}

@test "--only looks at one step, --from runs it and all behind it" {
    simple
    ran
    [ "$(ran --from double)" = "double sum" ]
    [ "$(ran --from sum)" = "sum" ]
    seq 3 >a.txt
    [ "$(ran --only sum)" = "" ]
    [ "$(ran --only double)" = "double" ]
    fails_with 2 "there is no step 'x'" pipe run --only x
}

@test "--to looks at a step and what it needs" {
    cat >Pipefile <<'END'
steps:
  - {name: a, run: "echo 1 >a", out: [a]}
  - {name: b, run: "cp a b", in: [a], out: [b]}
  - {name: c, run: "cp b c", in: [b], out: [c]}
  - {name: d, foreach: [1, 2], run: "echo ${item} >d${item}", out: ["d${item}"]}
END
    [ "$(ran -j1 --to b)" = "a b" ]
    [ "$(ran -j1 --to b)" = "" ]
    [ "$(ran -j1 --to 'd[2]' --to a)" = "d[2]" ]
    pipe plan --to c >out || [ $? = 1 ]
    [ "$(cat out)" = "c: it never ran to its end" ]
    [ "$(ran -j1 --to d)" = "d[1]" ]
    [ "$(ran -j1)" = c ]
    fails_with 2 "there is no step 'x'" pipe run --to x
}

@test "variables that a step passes, and programs it names, count" {
    mkdir bin
    printf '#!/bin/sh\necho one\n' >bin/tool
    chmod +x bin/tool
    echo 'steps: [{name: a, run: "tool >a; echo $WHO >>a", out: [a], pass: [WHO], tools: [tool], env: {LANG: C}}]' >Pipefile
    export PATH=$PWD/bin:$PATH WHO=ann
    [ "$(ran)" = a ]
    [ "$(ran)" = "" ]
    WHO=bob
    [ "$(ran)" = a ]
    printf '#!/bin/sh\necho two\n' >bin/tool
    [ "$(ran)" = a ]
    [ "$(xargs <a)" = "two bob" ]
}

@test "lineage goes back to what no step made, and forth" {
    simple
    ran
    cp c.txt copy
    pipe lineage copy >back
    [ "$(jq -r '"\(.depth) \(.step)"' back | xargs)" = "0 sum 1 double" ]
    pipe lineage --forth a.txt >forth
    [ "$(jq -r '"\(.depth) \(.step)"' forth | xargs)" = "0 double 1 sum" ]
    fails_with 1 "no step in the ledger made 'a.txt'" pipe lineage a.txt
    fails_with 4 "'none' is not there" pipe lineage none
}

@test "audit finds a changed ledger" {
    simple
    ran
    head=$(pipe audit | jq -r .head)
    echo 7 >a.txt
    ran
    pipe audit --head "$head"
    run -1 --separate-stderr pipe audit --head "$(tr 0-9a-f 1-9a-f0 <<<"$head")"
    sed -i 's/"scale":"2"/"scale":"3"/' .ml/pipe/ledger.jsonl
    run -1 --separate-stderr pipe audit
    [[ $stderr == *"ledger.jsonl:"* ]]
}

@test "times of files do not hide a change" {
    simple
    ran
    [ "$(ran)" = "" ]
    touch -r a.txt stamp
    printf '9\n8\n7\n6\n5\n' >a.txt # as many bytes
    touch -r stamp a.txt
    [ "$(ran)" = "double sum" ]
    [ "$(cat c.txt)" = 70 ]
}

@test "nothing to do is found out without reading the definition" {
    simple
    pipe -q run
    sleep 0.05
    pipe -q run
    [ -e .ml/pipe/locks/*.seal ]
    run -0 --separate-stderr pipe run
    [ "$stderr" = "pipe: 2 up to date" ]
    [ "$(pipe status last | jq -c '[.state, .up_to_date]')" = '["Succeeded",2]' ]
    echo 8 >a.txt
    run -1 pipe plan
    [ "$(ran)" = "double sum" ]
    printf 'junk' >.ml/pipe/locks/*.seal # it may be damaged
    [ "$(ran)" = "" ]
    rm b.txt
    run -0 --separate-stderr pipe run
    [ "$stderr" = "[1/2] double: restored
pipe: 1 up to date, 1 restored" ]
}

@test "a digest file that is damaged is no harm" {
    simple
    ran
    printf 'junk' >.ml/pipe/digests
    [ "$(ran)" = "" ]
}

@test "stop ends a run as a signal does" {
    echo 'steps: [{name: a, run: "touch go; sleep 20", out: [y]}]' >Pipefile
    pipe -q run &
    local pid=$! got=0
    until [ -e go ]; do sleep 0.01; done
    pipe stop
    wait $pid || got=$?
    [ $got -eq 143 ]
    fails_with 1 "no run of Pipefile goes on" pipe stop
}

@test "resume goes on with the last run's definition and parameters" {
    simple
    sed -i 's/echo ran >>log;/[ -e go ] \&\&/' Pipefile
    run -1 pipe -q run -P scale=5
    touch go
    pipe -q resume
    [ "$(cat c.txt)" = 75 ]
    [ "$(pipe status | jq -r 'select(.parameters).parameters.scale')" = 5 ]
}

# graph SEED: 40 steps that each read some inputs and what some steps before them made, in random
# order, as a Pipefile and a Makefile; edges: "step file" for each file that a step reads.
graph() {
    awk -v seed="$1" 'BEGIN {
        srand(seed)
        for (i = 0; i < 40; i++) {
            reads = "in" int(rand() * 5)
            for (k = int(rand() * 4); k > 0 && i > 0; k--)
                reads = reads " out/" int(rand() * i)
            n = split(reads, file, " ")
            list = ""
            for (k = 1; k <= n; k++) {
                print "s" i, file[k] >"edges"
                list = list (k > 1 ? ", " : "") file[k]
            }
            step[i] = sprintf("  - {name: s%d, run: \"cat %s | sha256sum >out/%d\", in: [%s], out: [out/%d]}", i, reads, i, list, i)
            rule[i] = sprintf("out/%d: %s\n\tcat %s | sha256sum >$@", i, reads, reads)
            all = all " out/" i
        }
        print "steps:" >"Pipefile"
        print "all:" all >"Makefile"
        for (i = 0; i < 40; i++) {
            do k = int(rand() * 40); while (k in done)
            done[k] = 1
            print step[k] >"Pipefile"
            print rule[i] >"Makefile"
        }
    }'
}

# behind FILE: the steps that depend on it, by what edges say.
behind() {
    awk -v file="$1" '{ step[NR] = $1; reads[NR] = $2 }
        END {
            changed[file] = 1
            do {
                more = 0
                for (i = 1; i <= NR; i++)
                    if (reads[i] in changed && !("out/" substr(step[i], 2) in changed))
                        more = changed["out/" substr(step[i], 2)] = 1
            } while (more)
            for (file in changed) if (file ~ /^out/) print "s" substr(file, 5)
        }' edges | sort | xargs
}

@test "random graphs: make makes the same, and a changed file runs what depends on it, no more" {
    for seed in 1 2 3 4 5 6; do
        mkdir $seed && cd $seed
        export ML_HOME=$PWD/.ml
        for i in 0 1 2 3 4; do echo "$seed $i" >in$i; done
        graph $seed
        pipe -q run -j 8
        mv out by-eight
        rm -rf .ml
        [ "$(ran -j 1 | xargs -n 1 | wc -l)" -eq 40 ]
        diff -r out by-eight
        mkdir make && cp in* Makefile make && mkdir make/out && make -s -C make
        diff -r out make/out
        echo other >in$((seed % 5))
        want=$(behind in$((seed % 5)))
        [ "$(ran -j 4 | xargs -n 1 | sort | xargs)" = "$want" ]
        [ "$(ran)" = "" ]
        cd ..
    done
}

@test "kill -9 at random moments: what was recorded is not run again, and all is right in the end" {
    graph 7
    for i in 0 1 2 3 4; do echo $i >in$i; done
    sed -i 's/run: "cat/run: "sleep 0.02; cat/' Pipefile
    for round in $(seq 15); do
        pipe -q run -j 4 2>/dev/null &
        pid=$!
        sleep 0.0$((RANDOM % 9))$((RANDOM % 9))
        kill -9 $pid 2>/dev/null || true
        wait $pid 2>/dev/null || true
    done
    pipe -q run
    pipe audit >/dev/null
    # of one step there is one record, as its inputs never changed
    [ "$(jq -r 'select(.event == "step" and .state == "Succeeded") | .step' .ml/pipe/ledger.jsonl | sort | uniq -d)" = "" ]
    mkdir make && cp in* Makefile make && mkdir make/out && make -s -C make
    diff -r out make/out
}

@test "what is kept for a time runs again when that is over" {
    echo 'steps: [{name: a, run: "date >a", out: [a], cache: 3s}]' >Pipefile
    [ "$(ran)" = a ]
    [ "$(ran)" = "" ]
    sleep 3.1
    [ "$(ran)" = a ]
}

@test "steps without outputs, with conditions on time, or without their ledger are no quick matter" {
    echo 'steps: [{name: a, when: "1 == 1", run: "echo x >>log"}]' >Pipefile
    ran; ran; ran
    [ "$(wc -l <log)" -eq 3 ]
    simple
    ran
    ran
    rm .ml/pipe/ledger.jsonl
    run -1 pipe plan
}

@test "an error that is no step's stops what runs, and what is half made goes" {
    cat >Pipefile <<'END'
parameters: {n: 0}
steps:
  - {name: slow, run: "echo half >x; touch go; sleep 9; echo whole >x", out: [x]}
  - {name: cond, when: "n == 0", in: [gone], run: "true", out: [y]}
END
    run -1 --separate-stderr pipe run -j 2
    [[ $stderr == *"cond: failed: its input 'gone' is not there"* ]]
    sed -i 's/n == 0/n = 0/' Pipefile
    run -3 --separate-stderr pipe validate
    [[ $stderr == "pipe: Pipefile:4:"* ]]
}

@test "definitions that were taken wrongly once" {
    mkdir 'a[1]' a1
    touch 'a[1]/x.txt' a1/y.txt
    echo 'steps: [{name: s, foreach: "*.txt", run: "true"}, {name: t, needs: s, run: "true"}]' >'a[1]/Pipefile'
    [ "$(pipe graph 'a[1]/Pipefile' | xargs)" = "s[x.txt] t <- s[x.txt]" ]
    rm 'a[1]/x.txt'
    [ "$(pipe graph 'a[1]/Pipefile')" = t ]
    echo 'steps: [{name: s, matrix: {m: [{a: 1}]}, run: "true"}]' >Pipefile
    fails_with 3 "Pipefile:1:32: a text is wanted here, not a map" pipe validate
    echo '{parameters: {p: {default: 1, choices: 3}}, steps: []}' >Pipefile
    fails_with 3 "choices are a list" pipe validate
    echo '{parameters: {p: {default: x, minimum: 3}}, steps: []}' >Pipefile
    fails_with 3 "only numbers have limits" pipe validate
    echo 'steps: [{name: s, directory: none, run: "true"}]' >Pipefile
    run -1 --separate-stderr pipe run
    [[ $stderr == *"s: failed: its folder none is not there"* ]]
    echo 'steps: [{name: s, run: "echo 1 >x", out: [x]}]' >Pipefile
    pipe -q run
    rm x && mkdir x
    run -1 --separate-stderr pipe run
    [[ $stderr == *"s: failed: status"* ]]
    fails_with 2 "--head: a digest has 64 hexadecimal digits" pipe audit --head 0
}

@test "-v says why a step runs" {
    simple
    run -0 --separate-stderr pipe -v run
    [[ $stderr == *"double: it never ran to its end"* ]]
}

@test "a step that waits for its next attempt has failed when the run ends" {
    cat >Pipefile <<'END'
steps:
  - {name: again, run: "exit 1", retry: {attempts: 5, interval: 1h}}
  - {name: bad, run: "sleep 0.3; exit 2"}
END
    run -1 --separate-stderr pipe run -j2
    [[ $stderr == *"2 failed"* ]]
}

@test "gc removes what no run of late has used, and no more" {
    simple
    ran >/dev/null
    ran -P scale=3 >/dev/null
    [ "$(pipe gc | jq -c .)" = '{"objects":0,"definitions":0,"runs":0,"bytes":0}' ]
    sleep 2.2
    pipe gc --keep 2s -n >gone
    [ "$(jq -c 'del(.bytes)' gone)" = '{"objects":4,"definitions":1,"runs":2}' ] || { cat gone; return 1; }
    [ "$(find .ml/pipe/objects -type f | wc -l)" = 4 ]
    pipe gc --keep 2s >/dev/null
    [ "$(find .ml/pipe/objects -type f | wc -l)" = 0 ]
    [ "$(ran -P scale=3)" = "" ] # its outputs are there
    rm b.txt c.txt
    [ "$(ran -P scale=3)" = "double sum" ]
    ran -P scale=5 >/dev/null
    rm b.txt c.txt
    [ "$(pipe run -P scale=3 2>&1 | tail -n 1)" = "pipe: 2 restored" ]
    pipe audit >/dev/null
}

@test "a run says which commit it had, and whether more than that" {
    simple
    git init -q . && git config user.email a@b && git config user.name a
    git add Pipefile a.txt && git commit -qm one
    ran >/dev/null
    pipe runs | jq -r 'select(.state == "Executing") | .commit + " " + (.changes // "none")' >one
    [ "$(cat one)" = "$(git rev-parse HEAD) none" ]
    echo 6 >>a.txt
    ran >/dev/null
    [ "$(pipe runs | jq -r 'select(.changes) | .changes')" = \
        "$(git diff --binary --no-ext-diff HEAD | sha256sum | cut -d' ' -f1)" ]
}

@test "the longest way to the end begins first, once it is known" {
    cat >Pipefile <<'END'
steps:
  - {name: a, run: "sleep 0.1; echo a >a", in: x, out: a}
  - {name: b, run: "sleep 0.1; echo b >b", in: x, out: b}
  - {name: c, run: "sleep 0.1; echo c >c", in: x, out: c}
  - {name: d, run: "sleep 0.3; cat c x >d", in: [c, x], out: d}
END
    begun() { pipe run -j2 --events 2>err | jq -r 'select(.state == "Executing") | .step' | xargs; }
    echo 1 >x
    [ "$(begun)" = "a b c d" ]
    echo 2 >x
    [[ $(begun) == "c "* ]]
    echo 3 >x
    pipe run -j1 --events 2>err | jq -r 'select(.state == "Executing") | .step' | xargs >order
    [ "$(cat order)" = "a b c d" ]
}

@test "resources: processors and GPUs are shared, memory is kept" {
    cat >Pipefile <<'END'
steps:
  - {name: wide, run: "sleep 0.2; date +%s%N >wide", in: x, out: wide, resources: {cpus: 8}}
  - {name: one, run: "date +%s%N >one", in: x, out: one}
  - {name: g, run: "echo gpu $CUDA_VISIBLE_DEVICES >g; sleep 0.2", in: x, out: g, resources: {gpus: 1}}
  - {name: h, run: "echo gpu $CUDA_VISIBLE_DEVICES >h; sleep 0.2", in: x, out: h, resources: {gpus: 2}}
END
    echo 1 >x
    pipe -q run -j3 --gpus 2
    [ "$(cat wide)" -lt "$(cat one)" ] # nothing ran beside it
    [ "$(cat g)" = "gpu 0" ]
    [ "$(cat h)" = "gpu 0,1" ]
    echo 2 >x
    fails_with 2 "Pipefile:5:5: step h wants 2 GPUs, and there are 1" pipe run --gpus 1
    printf 'steps:\n  - {name: a, run: "true", resources: {memory: 10X}}\n' >Pipefile
    fails_with 3 "memory: '10X' is no number of bytes" pipe validate
    printf 'steps:\n  - {name: a, run: "python3 -c \\"x = bytearray(300 << 20)\\"", resources: {memory: 50M}}\n' >Pipefile
    run -1 --separate-stderr pipe run
    [[ $stderr == *"memory limit of 52428800 bytes"* || $stderr == *"cannot limit memory"* ]]
}

@test "metrics are in the record, and a file that has none fails the step" {
    cat >Pipefile <<'END'
steps:
  - name: train
    run: 'echo "{\"auc\": 0.91, \"rows\": 20, \"by\": {\"city\": {\"a\": 1.5}}, \"name\": \"x\"}" >m.json'
    out: m.json
    metrics: m.json
END
    pipe -q run
    [ "$(pipe steps | jq -c .metrics)" = '{"auc":0.91,"rows":20,"by.city.a":1.5}' ]
    sed -i 's/0.91/oops/' Pipefile
    run -1 --separate-stderr pipe run
    [[ $stderr == *"its metrics: m.json:1:"* ]]
}

# eventually COMMAND...: within some seconds.
eventually() {
    for _ in $(seq 200); do
        if "$@"; then return 0; fi
        sleep 0.05
    done
    return 1
}
has() { [ "$(cat "$1" 2>/dev/null)" = "$2" ]; }

@test "watch runs again when a file or the definition changes, and rests else" {
    simple
    pipe watch >out 2>err &
    eventually has c.txt 30
    seq 4 >a.txt
    eventually has c.txt 20
    sed -i 's/default: 2/default: 3/' Pipefile
    eventually has c.txt 30
    sleep 0.3
    [ "$(wc -l <log)" = 3 ] # what it made itself is no change
    echo 'steps: [' >Pipefile # wrong for a while
    eventually grep -q 'Pipefile:' err
    simple
    eventually has c.txt 30
    kill $!
    wait $! || true
}

@test "diff says what two runs differ in" {
    cat >Pipefile <<'END'
parameters: {scale: 2}
steps:
  - {name: double, run: "awk '{print $1 * ${scale}}' a.txt >b.txt", in: a.txt, out: b.txt}
  - name: sum
    run: "awk '{s += $1} END {printf \"{\\\"sum\\\": %d}\", s}' b.txt >m.json"
    in: b.txt
    out: m.json
    metrics: m.json
END
    seq 5 >a.txt
    pipe -q run
    first=$(pipe runs | tail -n 1 | jq -r .run)
    pipe -q run -P scale=3
    run -1 pipe diff "$first"
    [ "${lines[0]}" = "parameter scale: 2 -> 3" ]
    [ "$(grep -c '^step double: output b.txt: [0-9a-f]\{12\} -> ' <<<"$output")" = 1 ]
    [[ $output == *"step sum: metric sum: 30 -> 45 (+15)"* ]]
    pipe -q run -P scale=2 # put back
    third=$(pipe runs | tail -n 1 | jq -r .run)
    [ -z "$(pipe diff "$first" "$third")" ]
    echo 6 >>a.txt
    pipe -q run -P scale=2
    run -1 pipe diff "$third" last
    [[ $output == *"step double: input a.txt: "* ]]
    fails_with 2 "there is no run 'nope'" pipe diff nope last
}

@test "a run's events as OpenLineage has them" {
    simple
    ran >/dev/null
    pipe lineage --openlineage last >ol.jsonl
    [ "$(jq -r '.eventType + " " + .job.name' ol.jsonl | head -n 3 | xargs)" = \
        "START $(basename "$PWD") START $(basename "$PWD").double COMPLETE $(basename "$PWD").double" ]
    [ "$(jq -r .eventType ol.jsonl | sort | uniq -c | xargs)" = "3 COMPLETE 3 START" ]
    [ "$(jq -r '.run.runId' ol.jsonl | sort -u | grep -cE '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$')" = 3 ]
    [ "$(jq -r 'select(.inputs | length > 0) | .inputs[0].name | split("/") | last' ol.jsonl | sort -u | xargs)" = "a.txt b.txt" ]
    [ "$(jq -r 'select(.outputs[0].name | endswith("/b.txt")?) | .outputs[0].facets.version.datasetVersion' ol.jsonl | sort -u)" = \
        "$(sha256sum <b.txt | cut -d' ' -f1)" ]
    fails_with 2 "no run" pipe lineage --openlineage nope
}

# Each event has what OpenLineage's schema 2-0-2 requires, in the formats that it names: compared with
# the schema itself when this was written.
good_events() { # FILE
    jq -e --slurp '
        def uuid: type == "string" and test("^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$");
        def time: type == "string" and test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})$");
        def uri: type == "string" and test("^[a-z][a-z0-9+.-]*:[^ ]+$");
        def facets: . == null or (type == "object" and all(.[]; (._producer | uri) and (._schemaURL | uri)));
        def named: (.namespace | type == "string" and . != "") and (.name | type == "string" and . != "");
        def dataset: named and (.facets | facets) and (.facets.version.datasetVersion | test("^[0-9a-f]{64}$"));
        def parent: . == null or ((.run.runId | uuid) and (.job | named));
        def failure: . == null or ((.message | type == "string") and (.programmingLanguage | type == "string"));
        all(.[]; (.eventType | IN("START", "COMPLETE", "ABORT", "FAIL")) and (.eventTime | time) and (.producer | uri)
            and .schemaURL == "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
            and (.run.runId | uuid) and (.run.facets | facets) and (.run.facets.parent | parent)
            and (.run.facets.errorMessage | failure) and (.job | named) and (.job.facets | facets)
            and (.job.facets.sourceCode | . == null or ((.language | type == "string") and (.sourceCode | type == "string")))
            and (.inputs | type == "array" and all(.[]; dataset)) and (.outputs | type == "array" and all(.[]; dataset)))
        and (group_by(.run.runId) | all(.[]; map(.eventType) | length == 2 and .[0] == "START" and .[1] != "START"))
    ' "$1" >/dev/null
}

@test "all events for OpenLineage are what its schema wants, of each end there is" {
    cat >Pipefile <<'END'
steps:
  - {name: copy, run: "cp in.txt out.txt", in: in.txt, out: out.txt}
  - {name: bad, run: "exit 3", needs: copy, retry: 1}
  - {name: many, matrix: {x: [1, "a b"]}, run: [echo, "${x}"]}
  - {name: slow, run: "sleep 9", timeout: 50ms}
  - {name: asks, approve: true, in: out.txt}
END
    echo 1 >in.txt
    run -1 pipe -q run -k
    pipe lineage --openlineage last >failed.jsonl
    good_events failed.jsonl
    [ "$(jq -r .eventType failed.jsonl | sort | uniq -c | xargs)" = "3 COMPLETE 4 FAIL 7 START" ]
    sed -i '/bad\|slow/d' Pipefile
    run -5 pipe -q run
    pipe lineage --openlineage last >waits.jsonl
    good_events waits.jsonl
    [ "$(jq -r .eventType waits.jsonl | xargs | grep -o 'ABORT$')" = ABORT ]
    printf 'all: made\nmade: in.txt\n\tcp in.txt made\n' >Makefile
    make -s SHELL=pipe-sh
    make=$(jq -r 'select(.run | startswith("make-")) | .run' .ml/pipe/ledger.jsonl | head -n 1)
    pipe lineage --openlineage "$make" >make.jsonl
    good_events make.jsonl
    [ "$(jq -r .eventType make.jsonl | xargs)" = "START COMPLETE" ]
    # and the test sees what is wrong
    for wrong in 'del(.run.runId)' '.run.runId = "make-1-2"' '.eventTime = "now"' '.producer = "pipe"' 'del(.job.name)' '.eventType = "START"' '.schemaURL = ""'; do
        jq -c "if .eventType == \"START\" then . else $wrong end" make.jsonl >wrong.jsonl
        run -1 good_events wrong.jsonl
    done
}

@test "a drawing is well-formed, and has each step and edge" {
    pipe graph -t svg "$ROOT/examples/flights/Pipefile" >g.svg
    python3 - <<'END'
import xml.etree.ElementTree as t
svg = t.parse('g.svg').getroot()
ns = '{http://www.w3.org/2000/svg}'
names = [x.text for x in svg.iter(ns + 'text')]
assert 'features' in names and 'register' in names and len(names) == len(set(names)), names
open('edges', 'w').write(str(len(list(svg.iter(ns + 'path')))))
boxes = {(r.get('x'), r.get('y')) for r in svg.iter(ns + 'rect')}
assert len(boxes) == len(names)
END
    [ "$(cat edges)" = "$(pipe graph -t dot "$ROOT/examples/flights/Pipefile" | grep -c -- '->')" ]
    printf 'steps:\n  - {name: a, run: "echo <&>"}\n' >Pipefile
    pipe graph -t svg | python3 -c 'import sys, xml.etree.ElementTree as t; t.parse(sys.stdin)'
}

@test "what runs is shown on a terminal, above it what ended, and nothing of it stays" {
    cat >Pipefile <<'END'
steps:
  - {name: long, foreach: ["a\tb"], run: "sleep 1; touch long", out: [long]}
  - {name: quick, run: "sleep 0.4; echo said; touch quick", out: [quick]}
END
    export TERM=xterm
    script -qec 'pipe run -j2' /dev/null >out
    grep -q '^  quick  0\.[1-9] s' out
    grep -q '^  long\[a?b\]  0\.[0-9] s' out
    grep -q '\[0/2\] 2 running, 0\.[0-9] s' out
    grep -q '\[1/2\] quick: ' out
    grep -q '^said' out
    # as a terminal has it in the end: drawn lines are wiped by going up and erasing
    python3 - <<'END' >shown
import re
lines = []
for part in re.split(r'(\x1b\[\d+A\r\x1b\[J|\r?\n)', re.sub(r'\x1b\[\?7[lh]', '', open('out', newline='').read())):
    if re.fullmatch(r'\r?\n', part): lines.append('')
    elif part.startswith('\x1b'): up = int(part[2:-5]); lines = lines[:len(lines) - 1 - up] + ['']
    else: lines = (lines or [''])[:-1] + [(lines or [''])[-1] + part]
print(re.sub(r'\d\.\d+', 'N', '\n'.join(lines)))
END
    [ "$(cat shown)" = "[1/2] quick: N s
said
[2/2] long[a"$'\t'"b]: N s
pipe: 2 ran" ]
    rm long quick
    for off in '--progress=off' '-q' '--events'; do
        script -qec "pipe run $off --home new$off" /dev/null >out
        ! grep -q running out
    done
    TERM=dumb script -qec 'pipe run --home dumb' /dev/null >out
    ! grep -q running out
}

@test "status says how far a run is, by its exit status, too" {
    cat >Pipefile <<'END'
parameters: {code: 0}
steps:
  - {name: quick, run: "true", out: []}
  - {name: long, foreach: [1, 2], run: "sleep 60 & echo $! >pid; wait; exit ${code}"}
END
    pipe -q run -j2 &
    for _ in $(seq 100); do
        sleep 0.1
        pipe status >now 2>/dev/null || true
        [ "$(jq '.running | length' now)" = 2 ] && break
    done
    [ "$(jq -c '[.state, .steps, .ran, [.running[] | .step]]' now)" = '["Executing",3,1,["long[1]","long[2]"]]' ]
    run -5 pipe status last
    kill -9 %1
    wait %1 || true
    run -1 pipe status
    [ "$(jq -c '[.state, .running]' <<<"$output")" = '["Interrupted",null]' ]
    sed -i 's/sleep 60/sleep 0/' Pipefile
    pipe -q run
    [ "$(pipe status | jq -c '[.state, .ran, .failed, (.ended > .began)]')" = '["Succeeded",3,0,true]' ]
    pipe -q run -P code=3 || true
    run -1 pipe status
    [ "$(jq -c '[.state, .failed > 0, .parameters.code]' <<<"$output")" = '["Failed",true,"3"]' ]
    run -1 pipe status last
    fails_with 2 "there is no run" pipe status xyz
}

@test "a full disk: the run ends, the ledger is whole, and with room again the rest is made" {
    mkdir disk
    seq 40 | awk '{
        if (NR == 1) print "steps:"
        printf "  - {name: s%d, run: \"head -c 3000 /dev/zero >o%d\", out: [o%d]}\n", $1, $1, $1
    }' >Pipefile.full
    cat >inside <<'END'
mount -t tmpfs -o size=128k none disk || exit 9
cd disk
export ML_HOME=$PWD/.ml
cp ../Pipefile.full Pipefile
pipe run -j2 2>../first
echo $? >../status
pipe audit verify >../audit 2>&1
mount -o remount,size=2m "$PWD" && cd "$PWD"
pipe -q run || exit 8
pipe audit verify >../audit2 || exit 7
cat o* | wc -c >../bytes
pipe plan || exit 6
END
    unshare -rm true 2>err || skip "$(<err)"
    unshare -rm sh inside
    [[ $(cat status) == [14] ]]
    grep -q 'No space left on device\|failed' first
    [ "$(cat bytes)" = 120000 ]
}

@test "a clock that was wrong does no harm" {
    simple
    touch -d '2099-01-01' a.txt
    [ "$(ran)" = "double sum" ]
    [ "$(ran)" = "" ]
    printf '1\n' >a.txt
    touch -d '2001-01-01' a.txt
    [ "$(ran)" = "double sum" ]
    touch -d '2099-01-01' b.txt c.txt Pipefile .ml/pipe/ledger.jsonl .ml/pipe/digests
    [ "$(ran)" = "" ]
    touch -d '1980-01-01' b.txt c.txt Pipefile .ml/pipe/ledger.jsonl .ml/pipe/digests
    [ "$(ran)" = "" ]
    pipe audit verify >/dev/null
}

@test "100,000 steps: each behind the one before it, or all side by side" {
    echo 1 >f0
    for before in 0 'i - 1'; do
        awk 'BEGIN {
            print "steps:"
            for (i = 1; i <= 100000; i++)
                printf "  - {name: s%d, run: \"cp f%d f%d\", in: [f%d], out: [f%d]}\n", i, '"$before"', i, '"$before"', i
        }' >Pipefile
        pipe validate
        [ "$(pipe graph | wc -l)" = 100000 ]
        pipe plan >out || [ $? = 1 ]
        [ "$(wc -l <out)" = 100000 ]
        [ "$(tail -n 1 out | cut -d: -f1)" = s100000 ]
    done
    printf '  - {name: first, run: "cp f100000 f1", in: [f100000], out: [f0]}\n' >>Pipefile
    fails_with 3 "the steps wait for one another: " pipe validate
}

@test "a program with plain words runs without a shell, as it would with one" {
    mkdir bin other
    printf '#!/bin/sh\ncat /proc/$PPID/comm >"$1"\n' >bin/parent
    printf '#!/bin/sh\necho other >"$1"\n' >other/parent
    printf 'echo "no first line: $1" >"$2"\n' >bin/plain
    chmod +x bin/parent bin/plain other/parent
    cat >Pipefile <<'END'
steps:
  - {name: direct, run: parent a, out: [a]}
  - {name: block, run: "parent b\n", out: [b]}
  - {name: shell, run: "parent c; true", out: [c]}
  - {name: path, run: parent d, out: [d], env: {PATH: "other:/usr/bin:/bin"}}
  - {name: headless, run: plain x e, out: [e]}
  - {name: folder, run: "printenv PWD", directory: other}
  - {name: missing, run: no-such-program here}
END
    PATH=$PWD/bin:$PATH run -1 pipe -q run --keep-going
    [ "$(cat a)" = pipe ]
    [ "$(cat b)" = pipe ]
    [ "$(cat c)" = sh ]
    [ "$(cat d)" = other ]
    [ "$(cat e)" = "no first line: x" ]
    [ "$(pipe logs last folder)" = "$PWD/other" ]
    [[ "$(pipe logs last missing)" == *"no-such-program: not found"* ]]
    pipe steps | jq -se 'any(.step == "missing" and .exit == 127)'
}
