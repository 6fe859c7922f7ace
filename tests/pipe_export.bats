# pipe export and import: definitions in the formats of other tools, and theirs as ours.
load helper

setup() {
    in_scratch
    TOOL=pipe
    export ML_HOME=$PWD/.ml
}

# Texts that some language would take apart: what each step writes is compared byte by byte.
awkward() {
    cat >Pipefile <<'END'
name: awkward
parameters:
  rate: {type: float, default: 0.1}
  word: "o'neil $x #1"
env: {WHO: "${word} \"q\"", LINES2: "a\nb\n\n"}
steps:
  - name: inner
    directory: sub
    in: sub
    needs: two
    run: cat s.txt w.txt | tr a-z A-Z >../last.txt; echo "$WHO" >>../last.txt
    out: last.txt
  - name: script
    run: |
      # a comment: ${rate}
      v='$HOME `x` \n %s {{ a }} {% b %} {# c #}' # $v
      printf '%s|%s|%s\n' "$v" "$WHO" "$LINES2" >made/s.txt; : $$ ${x:-y}
      	cat <<E >>made/s.txt
      -one
      @two '''three''' """four""" \\ \' \
      END
      E
    out: made/s.txt
  - name: words
    run: [sh, -c, 'printf "%s\n" "$@" >made/w.txt', sh, "", "a  b", "$(x)", "'", '"', "#c", "a\tb\nc", "-n", "é%", "*", "\\"]
    out: [made/w.txt]
  - name: two
    run: [cp, made/s.txt, made/w.txt, sub]
    in: [made/s.txt, made/w.txt]
    out: [sub/s.txt, sub/w.txt]
    retry: {attempts: 2, interval: 1s}
    timeout: 1m
END
}

# made_by_pipe: what the steps make, in the folder want.
made_by_pipe() {
    mkdir want
    cp Pipefile want
    (cd want && ML_HOME=$PWD/.ml pipe -q run)
    rm -r want/.ml want/Pipefile
}

same_files() { # FOLDER
    diff -r want "$1"
}

@test "make runs texts with all that it, or a shell, would take apart" {
    awkward
    made_by_pipe
    mkdir got
    pipe export make -o got/Makefile
    make -s -C got
    [ "$(make -s -C got -n)" = "" ] # nothing is left to do
    rm -r got/Makefile got/.parameters
    same_files got
}

@test "ninja does, too" {
    command -v ninja >/dev/null || skip "no ninja"
    awkward
    made_by_pipe
    mkdir got
    pipe export ninja -o got/build.ninja
    ninja -C got >out
    ninja -C got | grep -q 'no work to do'
    rm -r got/build.ninja got/.ninja_*
    same_files got
}

# A sbatch that runs a job at once, when those it waits for ended well, and notes its words.
fake_sbatch() {
    mkdir bin jobs
    export JOBS=$PWD/jobs PATH=$PWD/bin:$PATH
    cat >bin/sbatch <<'END'
#!/bin/bash
id=$(($(ls "$JOBS" | grep -c 'sh$') + 1))
printf '%s\n' "$*" >>"$JOBS/calls"
cat >"$JOBS/$id.sh"
wanted=yes
for word; do
    case $word in
    --dependency=afterok:*)
        list=${word#*:}
        for before in ${list//:/ }; do [ -e "$JOBS/$before.ok" ] || wanted=; done ;;
    esac
done
[ ! "$wanted" ] || { bash -n "$JOBS/$id.sh" && sh "$JOBS/$id.sh" </dev/null >/dev/null 2>&1 && touch "$JOBS/$id.ok"; }
echo "$id;cluster"
END
    printf '#!/bin/sh\necho "$@" >>"$JOBS/cancelled"\n' >bin/scancel
    chmod +x bin/*
}

@test "the script for Slurm submits each step behind those it waits for" {
    awkward
    made_by_pipe
    fake_sbatch
    mkdir got
    pipe export slurm -o got/submit
    bash -n got/submit
    (cd got && SBATCH_OPTIONS='--partition=p -c 2' sh submit >../ids && rm submit)
    [ "$(xargs <ids)" = "script 1 words 2 two 3 inner 4" ]
    [ "$(sed -n 1p jobs/calls)" = "--parsable --open-mode=append --kill-on-invalid-dep=yes --job-name=script --partition=p -c 2" ]
    grep -q -- '--job-name=two --dependency=afterok:1:2 ' jobs/calls
    grep -q -- '--job-name=inner --dependency=afterok:1:2:3 \|--job-name=inner --dependency=afterok:3 ' jobs/calls
    same_files got
}

@test "a job of Slurm that fails keeps those behind it from running, and one that is refused ends all" {
    fake_sbatch
    cat >Pipefile <<'END'
steps:
  - {name: a, run: "echo half >x; exit 3", out: x}
  - {name: b, run: "cp x y", in: x, out: y}
  - {name: c, run: "echo c >z", out: z}
END
    pipe export slurm | sh >ids
    [ ! -e x ]
    [ ! -e y ]
    [ -e z ]
    cp bin/sbatch bin/real
    printf '#!/bin/sh\n[ "$(grep -c . "$JOBS/calls")" -lt 4 ] || exit 1\nexec real "$@"\n' >bin/sbatch
    run -4 sh <(pipe export slurm)
    [ "$(xargs <jobs/cancelled)" = 4 ]
}

teardown() {
    [ -z "${CLUSTER:-}" ] || sh "$ROOT/tests/slurm/cluster.sh" down "$CLUSTER"
    [ -z "${CLUSTER:-}" ] || rm -rf "$CLUSTER"
}

@test "Slurm itself runs it" {
    PATH=$PATH:/usr/sbin:/sbin
    for needed in slurmctld slurmd squeue munged; do
        command -v "$needed" >/dev/null || skip "without slurm-wlm and munge"
    done
    CLUSTER=$(mktemp -d /tmp/ml-slurm-XXXXXX)
    sh "$ROOT/tests/slurm/cluster.sh" up "$CLUSTER" $((21000 + RANDOM % 8000)) 2
    export SLURM_CONF=$CLUSTER/slurm.conf
    unset SLURM_JOB_ID
    awkward
    made_by_pipe
    mkdir got
    pipe export slurm -o got/submit
    (cd got && sh submit >../ids)
    all_have_ended
    rm -f got/submit got/slurm-*
    same_files got
    parametric
    sed -i 's/- {name: c1, /&resources: {memory: 20M}, /' Pipefile
    made_with_values 2
    rm -r got && mkdir got
    pipe export slurm -o got/submit
    (cd got && sh submit "${given[@]}" >../ids)
    all_have_ended
    rm -f got/submit got/slurm-*
    same_files got
}

# No job is in the queue, or runs.
all_have_ended() {
    for _ in $(seq 200); do
        [ "$(squeue -h 2>/dev/null | wc -l)" -gt 0 ] || break
        sleep 0.5
    done
}

# exported FORMAT [NAME=VALUE...]: what the export made, in the folder got.
exported() {
    rm -rf got work artifact
    mkdir got
    pipe -q export "$1" >document
    [ "$1" != codepipeline ] || pipe -q export buildspec >buildspec.yml
    [ "$1" != asl ] || mkdir -p got/made got/sub got/out got/elsewhere # a machine makes no folders
    # PyYAML is that of the system
    PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$ROOT/tests/tool/run_export.py" "$1" document got "${@:2}"
    find got -type d -empty -delete
}

has_python() {
    /usr/bin/python3 -c '' 2>/dev/null || skip "no python3"
}

has_yaml() {
    /usr/bin/python3 -c 'import yaml' 2>/dev/null || skip "no python3 with yaml"
}

@test "the DAG of Airflow is Python whose commands do what the steps do" {
    has_python
    awkward
    made_by_pipe
    exported airflow
    python3 -c 'import ast, sys; ast.parse(open("document").read())'
    same_files got
}

@test "a Jenkinsfile has the commands in texts that Groovy reads as they are" {
    has_python
    awkward
    made_by_pipe
    exported jenkins
    same_files got
    [ "$(grep -c '^ *sh(' document)" = 4 ]
    [ "$(tr -cd '{' <document | wc -c)" = "$(tr -cd '}' <document | wc -c)" ]
}

@test "CodePipeline's actions take and give artifacts that the buildspec makes" {
    has_yaml
    awkward
    made_by_pipe
    exported codepipeline
    same_files got
}

# valid FILE: for other people's reading of the language.
valid() {
    node "$NODE_PACKAGES/asl-validator/dist/bin/asl-validator.js" --json-path "$1"
}

@test "a state machine is one for asl-validator, and its commands make the same" {
    has_python
    awkward
    made_by_pipe
    exported asl
    [ "$(jq -c '.States.two | [.TimeoutSeconds, .Retry]' document)" = \
        '[60,[{"ErrorEquals":["States.ALL"],"IntervalSeconds":1,"MaxAttempts":1,"BackoffRate":1}]]' ]
    same_files got
    if [ -d "${NODE_PACKAGES:-}/asl-validator" ]; then
        valid document
        echo 'steps: [{name: a, run: "true"}, {name: f, fail: no, needs: a}, {name: b, run: "true", needs: f}]' >Pipefile
        pipe export asl >machine.json
        valid machine.json
        echo 'steps: []' >Pipefile
        pipe export asl >machine.json
        valid machine.json
    fi
}

@test "SageMaker's definition goes out and comes back: the same files, parameters and conditions" {
    awkward
    cat >>Pipefile <<'END'
  - {name: some, when: "rate > 0.5 and word != 'x' or rate in [0.1, 7] and not (rate between 0.2 and 0.3)", run: "echo yes ${rate} >some.txt", out: some.txt}
  - {name: none, when: "rate > 0.5", run: "echo no >none.txt", out: none.txt}
  - {name: behind, run: "cp none.txt b.txt", in: none.txt, out: b.txt}
  - {name: between, when: "rate between 0.2 and 0.3", run: "echo >between.txt", out: between.txt}
  - {name: guard, when: "rate >= 8", fail: "too much: ${rate}"}
  - {name: joined, when: "word . '-' . rate == 'x-0.6'", run: "echo >joined.txt", out: joined.txt}
END
    made_by_pipe
    [ -e want/some.txt ]
    [ ! -e want/none.txt ]
    mkdir got
    pipe export sagemaker >definition.json
    pipe import sagemaker definition.json -o got/Pipefile
    (cd got && ML_HOME=$PWD/.ml pipe -q run)
    rm -r got/.ml got/Pipefile
    same_files got
    # other values of parameters have the same meaning in both
    for given in '-P rate=0.7 -P word=x' '-P rate=0.25' '-P rate=0.2' '-P rate=7 -P word=x' '-P rate=0.6 -P word=x'; do
        rm -rf want got
        mkdir want got
        cp Pipefile want
        pipe import sagemaker definition.json -o got/Pipefile
        for folder in want got; do (cd $folder && ML_HOME=$PWD/.ml pipe -q run $given && rm -r .ml Pipefile); done
        [ "$(ls want | xargs)" = "$(ls got | xargs)" ]
        same_files got
        ls want
    done | sort -u | xargs >all
    [ "$(cat all)" = "b.txt between.txt joined.txt last.txt made none.txt some.txt sub" ]
    pipe import sagemaker definition.json -o Pipefile
    run -1 --separate-stderr pipe run -P rate=9
    [[ $stderr == *"guard: failed: too much: 9"* ]]
    # and what came back says the same when it goes out again
    pipe export sagemaker | jq -S 'del(.. | .RetryPolicies?)' >again.json
    jq -S 'del(.. | .RetryPolicies?)' definition.json >once.json
    diff <(jq -c '.Parameters' once.json) <(jq -c '.Parameters' again.json)
    diff <(jq '[.. | .ContainerArguments? // empty]' once.json) <(jq '[.. | .ContainerArguments? // empty]' again.json)
}

@test "SageMaker's definition has the words that the service knows" {
    command -v python3 >/dev/null || skip "no python3"
    awkward
    echo '  - {name: some, when: "rate > 0.5", run: "true", cache: 90m}' >>Pipefile
    echo '  - {name: always, run: "true", cache: false}' >>Pipefile
    pipe export sagemaker >definition.json
    python3 - <<'END'
import json, re
d = json.load(open("definition.json"))
assert d["Version"] == "2020-12-01" and set(d) <= {"Version", "Metadata", "Parameters", "Steps"}
name = re.compile(r"[A-Za-z0-9\-_]{1,64}$")
for p in d["Parameters"]:
    assert name.match(p["Name"]) and p["Type"] in ("String", "Integer", "Float", "Boolean")
steps, known = {}, {}
def take(list):
    for s in list:
        assert name.match(s["Name"]) and s["Name"] not in steps
        steps[s["Name"]] = s
        if s["Type"] == "Condition":
            take(s["Arguments"]["IfSteps"] + s["Arguments"]["ElseSteps"])
take(d["Steps"])
for s in steps.values():
    assert s["Type"] in ("Processing", "Fail", "Condition")
    assert all(n in steps for n in s.get("DependsOn", []))
    if s["Type"] != "Processing":
        continue
    a = s["Arguments"]
    assert set(a) <= {"ProcessingResources", "AppSpecification", "RoleArn", "Environment",
                      "ProcessingInputs", "ProcessingOutputConfig", "StoppingCondition"}
    assert 1 <= len(a["AppSpecification"]["ContainerEntrypoint"])
    for i in a.get("ProcessingInputs", []):
        assert i["S3Input"]["S3DataType"] == "S3Prefix" and i["S3Input"]["S3InputMode"] == "File"
    for r in s.get("RetryPolicies", []):
        assert 1 <= r["MaxAttempts"] <= 20 and 1 <= r["IntervalSeconds"] <= 43200
assert steps["script"]["Arguments"]["AppSpecification"]["ContainerEntrypoint"] == ["/bin/sh", "-c"]
assert steps["two"]["RetryPolicies"][0]["MaxAttempts"] == 1
assert steps["two"]["Arguments"]["StoppingCondition"] == {"MaxRuntimeInSeconds": 60}
assert steps["two"]["DependsOn"] == ["script", "words"]
assert steps["some"]["CacheConfig"] == {"Enabled": True, "ExpireAfter": "P0DT1H30M0S"}
assert steps["always"]["CacheConfig"] == {"Enabled": False}
assert steps["when-some"]["Arguments"]["Conditions"] == [
    {"Type": "GreaterThan", "LeftValue": {"Get": "Parameters.rate"}, "RightValue": 0.5}]
END
    types=${NODE_PACKAGES:-}/@aws-sdk/client-sagemaker/dist-types/models
    [ -d "$types" ] || skip "no @aws-sdk/client-sagemaker: names of fields are not compared with it"
    jq -r '[.. | objects | .Arguments? // empty | .. | objects | keys[]] | unique[]' definition.json |
        grep -v '^\(WHO\|LINES2\|Get\|Std:Join\|On\|Values\|Name\|Type\|DependsOn\|Arguments\|CacheConfig\|RetryPolicies\|Enabled\|ExpireAfter\|Conditions\|IfSteps\|ElseSteps\|LeftValue\|RightValue\)$' >fields
    [ -s fields ]
    while read -r field; do
        grep -qrE "^ +$field\??:" "$types" || { echo "the SDK has no $field"; return 1; }
    done <fields
}

# graph SEED: 30 steps in random order that note when they begin and end; edges: "step before".
graph() {
    awk -v seed="$1" 'BEGIN {
        srand(seed)
        for (i = 0; i < 30; i++) {
            reads = "in" int(rand() * 3); list = reads; needs = ""
            for (k = int(rand() * 4); k > 0 && i > 0; k--) {
                j = int(rand() * i)
                print "s" i, "s" j >"edges"
                if (silent[j] || rand() < 0.2) { needs = needs (needs ? ", " : "") "s" j; continue }
                reads = reads " \"out put/" j "\""; list = list ", \"out put/" j "\""
            }
            silent[i] = rand() < 0.2
            to = silent[i] ? "/dev/null" : "\"out put/" i "\""
            step[i] = sprintf("  - name: s%d\n    run: |\n      echo begin s%d >>log\n      cat %s | sha256sum >%s\n      sleep 0.00%d\n      echo end s%d >>log\n    in: [%s]\n", i, i, reads, to, int(rand() * 9), i, list)
            if (needs) step[i] = step[i] "    needs: [" needs "]\n"
            if (!silent[i]) step[i] = step[i] "    out: [\"out put/" i "\"]\n"
        }
        print "steps:" >"Pipefile"
        for (i = 0; i < 30; i++) {
            do k = int(rand() * 30); while (k in done)
            done[k] = 1
            printf "%s", step[k] >"Pipefile"
        }
    }'
    for i in 0 1 2; do echo "$1 $i" >in$i; done
}

# in_order: what the log says agrees with edges, and each step ran once.
in_order() {
    awk 'NR == FNR { edges[NR] = $0; next }
        { at[$1, $2] = FNR; times[$1, $2]++ }
        END {
            for (i in edges) {
                split(edges[i], e)
                if (!(at["begin", e[1]] > at["end", e[2]])) { print e[1], "began before the end of", e[2]; bad = 1 }
            }
            for (i = 0; i < 30; i++) if (times["end", "s" i] != 1) { print "s" i, "ran", times["end", "s" i] + 0, "times"; bad = 1 }
            exit bad
        }' edges log
}

@test "random graphs: make and ninja make the same files in an order that the graph allows" {
    command -v ninja >/dev/null || skip "no ninja"
    for seed in 1 2 3 4 5 6; do
        mkdir $seed && cd $seed
        graph $seed
        mkdir pipe ninja
        for tool in pipe ninja; do cp in* edges Pipefile $tool; done
        (cd pipe && ML_HOME=$PWD/.ml pipe -q run -j 2 && in_order)
        (cd ninja && pipe export ninja -o build.ninja && ninja -j 2 >/dev/null && in_order)
        diff -r 'pipe/out put' 'ninja/out put'
        fails_with 3 "make has no way to name the file 'out put/" pipe export make
        # make cannot have a blank in a name
        mkdir make && cp in* edges make && sed 's/out put/output/g' Pipefile >make/Pipefile
        (cd make && pipe export make -o Makefile && make -s -j 2 && in_order)
        diff -r 'pipe/out put' make/output
        cd ..
    done
}

@test "make and ninja: steps without outputs, folders, several outputs, what changes runs again" {
    command -v ninja >/dev/null || skip "no ninja"
    cat >Pipefile <<'END'
steps:
  - {name: all, run: "echo all >>log", needs: build}
  - {name: split, run: "mkdir -p parts; cp a.txt parts/1; cp a.txt parts/2; echo split >>log", in: a.txt, out: [parts/1, parts/2]}
  - {name: folder, run: "mkdir -p d; cp parts/1 d/x; echo folder >>log", in: parts/1, out: d}
  - {name: file, run: "cp d/x 'y$1#2'; echo file >>log", in: d/x, out: "y$1#2"}
  - {name: build, run: "cat parts/* >c.txt; echo build >>log", in: parts, out: c.txt}
END
    echo 1 >a.txt
    pipe export make -o Makefile
    pipe export ninja -o build.ninja
    touch all all-2 # are no files that make makes
    make -s
    [ "$(sort log | xargs)" = "all build file folder split" ]
    [ "$(cat 'y$1#2')" = 1 ]
    : >log
    sleep 0.02
    make -s # one without outputs runs each time, as in pipe
    [ "$(xargs <log)" = all ]
    : >log
    sleep 0.02
    echo 2 >a.txt
    make -s -j 2
    [ "$(grep -c split log)" -eq 1 ]
    grep -q build log
    [ "$(xargs <c.txt)" = "2 2" ]
    rm -rf log parts d c.txt 'y$1#2'
    ninja >/dev/null
    [ "$(sort log | xargs)" = "all build file folder split" ]
    [ "$(xargs <c.txt)" = "2 2" ]
}

@test "failures, retries and limits of time are the same in make and ninja" {
    command -v ninja >/dev/null || skip "no ninja"
    cat >Pipefile <<'END'
steps:
  - {name: flaky, run: "echo x >>tries; echo half >x; [ $(wc -l <tries) -ge 3 ]", out: x, retry: {attempts: 3, interval: 10ms}}
  - {name: slow, run: "sleep 60", timeout: 200ms, needs: flaky}
  - {name: half, run: "echo half >z; exit 3", out: z}
  - {name: liar, run: "true", out: never}
  - {name: guard, fail: "it's no good", needs: flaky}
  - {name: after, run: "cp z w", in: z, out: w}
END
    pipe export make -o Makefile
    run -2 make -s -k
    [ -e x ]
    [ "$(wc -l <tries)" -eq 3 ]
    [ ! -e z ]
    [ ! -e w ]
    [[ $output == *"it's no good"* && $output == *"it did not make never"* && $output == *"slow] Error 124"* ]]
    rm x tries
    pipe export ninja -o build.ninja
    run -1 ninja -k 0
    [ -e x ]
    [ "$(wc -l <tries)" -eq 3 ]
    [ ! -e z ]
    [ ! -e w ]
    [[ $output == *"it's no good"* && $output == *"it did not make never"* ]]
}

# Parameters everywhere that texts are, and conditions of every form.
parametric() {
    cat >Pipefile <<'END'
name: parametric
parameters:
  scale: {type: float, default: 2}
  word: "o'neil $x #1"
  train-lr: "0.50"
  train_lr: other
  flag: true
  n: 3
  where: out
  s: "*"
env: {ALL: "<${train-lr}>"}
steps:
  - {name: words, run: [sh, -c, 'printf "%s|" "$@" "$ALL" >words', sh, "${scale}", "${word}", "${train-lr}${train_lr}", "${flag}", "${n}", "${s}"], out: words}
  - {name: script, run: 'echo "scale ${scale} n ${n}" >${where}/s-${n}; v=$s; echo "$v" >>${where}/s-${n}', out: "${where}/s-${n}"}
  - {name: moved, directory: "${where}", env: {WORD: "${word}!"}, run: 'cat s-${n} >../moved; echo "$WORD" >>../moved', in: "${where}/s-${n}", out: moved}
  - {name: c1, when: "scale > 2 and flag", run: "echo c1 ${n} >c1", out: c1}
  - {name: c2, when: "word == \"o'neil $x #1\" or n in [4, 5]", run: "echo c2 >c2", out: c2, retry: 1}
  - {name: c3, when: "n between 2 and 3", run: "echo c3 >c3", out: c3}
  - {name: c4, when: "not flag", run: "echo c4 >c4", out: c4}
  - {name: c5, when: "word != 'x' and word < 'p' and `train-lr` not in ['0.5', 'a)b']", run: "echo c5 >c5", out: c5}
  - {name: c6, when: "2.5 >= scale and scale != n", run: "echo c6 >c6", out: c6}
  - {name: both, run: "cat c1 c2 >both", in: [c1, c2], out: both}
  - {name: later, needs: both, when: "n < 10", run: "echo later >later", out: later}
  - {name: always, when: "1 == 1", run: "echo always >always", out: always}
END
}

# What each of these sets of values makes; -P is before each.
values() { # NUMBER: fills given
    case $1 in
    1) given=() ;;
    2) given=(scale=3.5 "word=a'b" n=4 where=elsewhere) ;;
    3) given=(flag=false n=2 train-lr=0.5) ;;
    4) given=(word=x scale=1e1 'train_lr=$HOME `id` "q" \c') ;;
    5) given=(scale=0.1 n=5 flag=false word= "s=a  b") ;;
    6) given=(scale=2 n=2) ;;
    esac
}
SETS=6

made_with_values() { # NUMBER
    values "$1"
    rm -rf want
    mkdir want
    cp Pipefile want
    words=()
    for value in "${given[@]}"; do words+=(-P "$value"); done
    (cd want && ML_HOME=$PWD/.ml pipe -q run "${words[@]}" && rm -r .ml Pipefile)
}

@test "conditions and parameters: the values that are tried take every branch" {
    parametric
    for set in $(seq $SETS); do
        made_with_values $set
        (cd want && echo *)
    done >all
    for name in c1 c2 c3 c4 c5 c6 both later; do
        [ "$(grep -cw "$name" all)" -gt 0 ]
        [ "$(grep -cw "$name" all)" -lt $SETS ]
    done
}

@test "make takes other values of parameters, decides by them, and makes anew what goes by them" {
    parametric
    mkdir kept
    pipe export make -o kept/Makefile
    made_with_values 1
    make -s -C kept
    for set in $(seq $SETS); do
        made_with_values $set
        rm -rf got
        mkdir got
        pipe export make -o got/Makefile
        values $set
        make -s -C got "${given[@]}"
        rm -r got/Makefile got/.parameters
        same_files got
        # in the folder with what other values made only what goes by them is new
        make -s -C kept "${given[@]}"
        for file in $(cd want && find . -type f); do cmp "want/$file" "kept/$file"; done
        [ -z "$(make -s -C kept -n "${given[@]}")" ]
    done
    pipe export make >Makefile
    make -s n=9
    touch -d '1 hour ago' out/s-9 words
    make -s n=9 scale=7
    grep -q 'scale 7' out/s-9
    [ "$(make -s -n n=9 scale=7 flag=false | grep -c 'echo c4')" -eq 1 ]
}

@test "ninja takes other values of parameters, and makes anew what goes by them" {
    command -v ninja >/dev/null || skip "no ninja"
    parametric
    for set in $(seq $SETS); do
        made_with_values $set
        mkdir got-$set
        pipe export ninja -o got-$set/build.ninja
        values $set
        for value in "${given[@]}"; do
            # as the file says: what stands between single quotes, each $ twice
            sed "s/'/'\\\\''/g; s/\\$/\$\$/g" <<<"${value#*=}" >value
            awk -v name="${value%%=*}" '{ getline value <"value"; close("value") }
                index($0, name " = ") == 1 { $0 = name " = " value } { print }' got-$set/build.ninja >new
            mv new got-$set/build.ninja
        done
        ninja -C got-$set >log
        rm -r got-$set/build.ninja got-$set/.ninja_*
        same_files got-$set
    done
    pipe export ninja -o build.ninja
    ninja >log
    sed -i 's/^scale = .*/scale = 7/' build.ninja
    ninja >log
    grep -q 'scale 7' out/s-3
}

@test "the script for Slurm takes parameters, and submits what is to run with them" {
    parametric
    fake_sbatch
    for set in $(seq $SETS); do
        made_with_values $set
        rm -rf got jobs
        mkdir got jobs
        pipe export slurm -o got/submit
        values $set
        (cd got && sh submit "${given[@]}" >../ids && rm submit)
        same_files got
        [ "$(wc -l <ids)" = "$(find want -type f | wc -l)" ]
    done
    pipe export slurm >submit
    run -2 sh submit scal=3
    [[ $output == "there is no parameter scal=3" ]]
    sed -i 's/train_lr: other/train_lr: {type: string}/' Pipefile
    pipe export slurm >submit
    run -2 sh submit
    [[ $output == *"parameter train_lr has no default: give train_lr=VALUE" ]]
    # what a job takes of the machine
    cat >Pipefile <<'END'
steps: [{name: a, run: "true", resources: {cpus: 3, gpus: 2, memory: 5M}}]
END
    rm jobs/*
    pipe export slurm | sh >ids
    grep -q -- '--job-name=a --cpus-per-task=3 --gres=gpu:2 --mem=5120K' jobs/calls
}

# takes_values FORMAT NUMBER...: what an export makes with each of these sets of values.
takes_values() {
    parametric
    for set in "${@:2}"; do
        made_with_values $set
        exported "$1" "${given[@]}"
        same_files got || { echo "$1 with ${given[*]}"; return 1; }
    done
}

@test "Jenkins takes parameters, and decides by them" {
    has_python
    takes_values jenkins $(seq $SETS)
}

@test "Airflow takes parameters, and decides by them" {
    has_python
    takes_values airflow $(seq $SETS)
}

@test "CodePipeline takes parameters, and decides by them" {
    has_yaml
    takes_values codepipeline 1 2 3 4 6 # an empty text is no variable
}

@test "a state machine takes parameters, and decides by them" {
    has_python
    takes_values asl 1 2 3 5 6 # 1e1 is no text of a number there
    [ ! -d "${NODE_PACKAGES:-}/asl-validator" ] || valid document
    echo '{"parameters": {"w": "a", "n": 1}, "steps": [{"name": "f", "when": "n > 1", "fail": "too {much}: ${w}"}]}' >Pipefile
    pipe export asl >document
    [ ! -d "${NODE_PACKAGES:-}/asl-validator" ] || valid document
    PYTHONDONTWRITEBYTECODE=1 python3 "$ROOT/tests/tool/run_export.py" asl document got
    run -1 env PYTHONDONTWRITEBYTECODE=1 python3 "$ROOT/tests/tool/run_export.py" asl document got n=2 "w=it's"
    [ "$output" = "too {much}: it's" ]
}

# random_conditions SEED EASY: 40 steps with any conditions; EASY: without arithmetic.
random_conditions() {
    awk -v seed="$1" -v easy="$2" 'function one(list,   n, parts) { n = split(list, parts, " "); return parts[1 + int(rand() * n)] }
        function text() { return "'"'"'" one("x y ab A a_b z1 9 10") "'"'"'" }
        function number() { return one("-3 0 1 2 2.5 7 1e1") }
        function sign() { return one("== != < <= > >=") }
        function atom(   kind) {
            kind = int(rand() * (easy ? 9 : 12))
            if (kind == 0) return one("a b") " " sign() " " number()
            if (kind == 1) return number() " " sign() " " one("r a")
            if (kind == 2) return one("w v") " " sign() " " text()
            if (kind == 3) return one("t u")
            if (kind == 4) return one("a b") " in [" number() ", " number() ", 3]"
            if (kind == 5) return one("w v") " not in [" text() ", " text() "]"
            if (kind == 6) return one("a r") " between " one("-1 0 1") " and " one("1 2 3")
            if (kind == 7) return one("a b") " " sign() " " one("r b")
            if (kind == 8) return "w " sign() " v"
            if (kind == 9) return "a + " number() " " sign() " b * 2 - r"
            if (kind == 10) return "w . " text() " . a == v . " text() " . b"
            return one("t u") " == " one("true false t")
        }
        function tree(depth) {
            if (depth == 0 || rand() < 0.3) return atom()
            if (rand() < 0.25) return "not (" tree(depth - 1) ")"
            return "(" tree(depth - 1) ") " one("and or") " (" tree(depth - 1) ")"
        }
        BEGIN {
            srand(seed)
            print "parameters: {a: 1, b: 2, r: {type: float, default: 0.5}, w: x, v: y, t: true, u: false}\nsteps:"
            for (i = 1; i <= 40; i++)
                printf "  - {name: s%d, when: \"%s\", run: \"echo >s%d\", out: s%d}\n", i, tree(3), i, i
        }' >Pipefile
}

@test "random conditions mean for awk, in a Choice state and to SageMaker and back what they mean here" {
    has_python
    for seed in 1 2; do
        for easy in 0 1; do
            random_conditions $seed $easy
            pipe export make >Makefile 2>err
            [ ! -s err ]
            [ $easy = 0 ] || pipe export asl >machine.json 2>err
            [ ! -s err ]
            [ $easy = 0 ] || pipe export sagemaker >definition.json
            [ $easy = 0 ] || pipe import sagemaker definition.json -o back.yaml
            for values in 'a=1' 'a=-3 b=7 w=ab' 'r=2.5 t=false v=x' 'a=10 b=10 r=10 u=true' 'w=10 v=9 a=2 t=false' 'w= v=A b=0 a=0 r=0'; do
                rm -rf want got got2 got3
                mkdir want got got2 got3
                given=$(printf -- '-P %s ' $values)
                cp Pipefile want
                (cd want && ML_HOME=$PWD/.ml pipe -q run $given && rm -r .ml Pipefile)
                make -s -C got -f ../Makefile $values
                rm -r got/.parameters
                diff -r want got || { echo "make $values"; return 1; }
                [ $easy = 1 ] || continue
                PYTHONDONTWRITEBYTECODE=1 python3 "$ROOT/tests/tool/run_export.py" asl machine.json got2 $values
                diff -r want got2 || { echo "asl $values"; return 1; }
                cp back.yaml got3/Pipefile
                (cd got3 && ML_HOME=$PWD/.ml pipe -q run $given && rm -r .ml Pipefile)
                diff -r want got3 || { echo "sagemaker $values"; return 1; }
                ls want | wc -l >>counts
            done
        done
    done
    [ "$(sort -n counts | head -n 1)" -gt 2 ]
    [ "$(sort -n counts | tail -n 1)" -lt 38 ]
}

@test "a condition that a format has not is decided, and leaves out the step and those behind it" {
    cat >Pipefile <<'END'
parameters: {n: 1}
steps:
  - {name: a, when: "n // 1 > 1", run: "echo a >a", out: [a]}
  - {name: b, run: "cp a b", in: [a], out: [b]}
  - {name: c, run: "echo ${n} >c", out: [c]}
END
    pipe export make -o Makefile 2>err
    [ "$(cat err)" = "pipe: warning: Pipefile:3:5: step a: when: 'n // 1 > 1' is decided by the values of now: the format has no such condition" ]
    make -s
    [ ! -e a ]
    [ ! -e b ]
    [ "$(cat c)" = 1 ]
    rm c
    pipe -q export make -P n=2 -o Makefile
    make -s
    [ "$(cat b)" = a ]
    [ "$(cat c)" = 2 ]
    for format in make asl jenkins codepipeline buildspec airflow slurm ninja; do
        run -1 grep -w 'cp a b' <(pipe -q export $format)
    done
}

@test "where names of parameters would say something else, they have their values" {
    cat >Pipefile <<'END'
parameters: {n: 1, file: a-1, list: b}
steps:
  - {name: a, run: "echo ${n} >a-${n}", out: "a-${n}"}
  - {name: b, run: "cp ${file} b", in: "${file}", out: b}
END
    for format in make ninja slurm asl jenkins codepipeline buildspec airflow sagemaker; do
        pipe export $format >document 2>err
        grep -q "^pipe: warning: Pipefile: parameters have their values of now, conditions are decided: which steps wait" err
    done
    pipe -q export make >Makefile
    make -s
    [ "$(cat b)" = 1 ]
    sed -i 's/, in: .*/, when: "${n} == 1"}/' Pipefile
    pipe export make >Makefile 2>err
    grep -q "conditions are decided: a parameter put into a condition cannot keep its name" err
    echo '{"parameters": {"SHELL": "x", "l": ["a\nb"][0], "n": 1}, "steps": []}' >Pipefile
    cat >Pipefile <<'END'
parameters: {SHELL: "a", lines: "a\nb", n: {default: 1, maximum: 3}, each: x}
steps:
  - {name: a, run: [sh, -c, 'printf "%s\n" "$@" >a', sh, "${SHELL}", "${lines}", "${n}"], out: a}
  - {name: b, foreach: ["${each}", y], run: "echo ${item} >b-${item}", out: "b-${item}"}
END
    pipe export make >Makefile 2>err
    [ "$(sed 's/.*Pipefile: //' err)" = "parameter SHELL: make has its own use of the name: it has its value of now
parameter lines: make has no line feeds and control characters in a value: it has its value of now
parameter n: its minimum, maximum and choices have no place in make
parameter each: its value of now is in foreach and matrix" ]
    make -s n=2
    [ "$(xargs <a)" = "a a b 2" ]
    echo '{"parameters": {"n": {"type": "integer"}}, "steps": [{"name": "a", "run": "echo ${n} >a", "out": "a"}]}' >Pipefile
    fails_with 2 "parameter n has no default: give it by -P n=VALUE" pipe export ninja
    pipe export make >Makefile
    run -2 make -s
    [[ $output == *"parameter n has no default: make n=VALUE"* ]]
    make -s n=7
    [ "$(cat a)" = 7 ]
}

@test "what a format has no place for is a warning that names the step and the key" {
    cat >Pipefile <<'END'
notify: cat
steps:
  - {name: s, foreach: [1, 2], run: "true", priority: 1, pass: X, tools: cp, cache: 1h, metrics: m.json, resources: {cpus: 2, gpus: 1, memory: 1G, processes: 9}, retry: {on: [capacity, temporary], attempts: 2, expire: 1h}}
  - {name: t, run: "true", cache: false, retry: {on: [3, timeout], attempts: 2}}
END
    lost() { # FORMAT: what of s, then of t
        pipe export "$1" 2>&1 >document | sed 's/.*step //; s/.*Pipefile: //; s/ has no place in [a-z]*$//' | xargs
    }
    local shell="s: retry: a shell cannot tell what is capacity s: retry: expire counts the pauses alone in"
    all="s: priority s: pass s: tools s: a duration of cache s: resources: cpus s: resources: gpus s: resources: memory s: resources: processes s: metrics notify"
    for format in make ninja jenkins codepipeline buildspec airflow slurm asl sagemaker; do
        case $format in
        slurm) want="${all/s: resources: cpus s: resources: gpus s: resources: memory /} $shell slurm" ;;
        airflow) want="${all/s: priority /}"; want="${want/s: resources: cpus /} $shell airflow" ;;
        codepipeline) want=$all ;;
        asl) want="${all/s: resources: cpus s: resources: gpus s: resources: memory /} s: retry: expire has no place in a state machine s: retry: a state machine tells timeouts alone from other failures t: retry: a state machine tells timeouts alone from other failures" ;;
        sagemaker) want="${all/s: a duration of cache /} s: retry: a policy of SageMaker has no expire beside attempts t: retry: SageMaker does not try again after a timeout t: retry: SageMaker does not try again after status 3" ;;
        *) want="$all $shell $format" ;;
        esac
        [ "$(lost $format)" = "$want" ] || { echo "$format: $(lost $format)"; echo "$want"; return 1; }
    done
    [ -z "$(pipe -q export make 2>&1 >document)" ]
}

@test "retries by what a failure means are the same in a shell" {
    command -v ninja >/dev/null || skip "no ninja"
    step() { printf '  - {name: %s, run: "echo x >>%s.tries; %s", out: [%s], retry: %s}\n' "$1" "$1" "$2" "$1" "$3"; }
    {
        echo 'steps:'
        step temporary 'exit 75' '{on: temporary, attempts: 3}'
        step other 'exit 4' '{on: [temporary, killed, timeout], attempts: 3}'
        step killed 'kill -9 $$' '{on: killed, attempts: 2}'
        step error 'exit 4' '{on: error, attempts: 3}'
        step status 'exit 4' '{on: [4, 7], attempts: 4}'
        step two 'test $(wc -l <two.tries) -lt 3 && exit 75; exit 7' '[{on: temporary, attempts: 3}, {on: 7, attempts: 2}]'
        step never 'exit 5' '[{on: temporary, attempts: 1}, {attempts: 9}]'
        step missing 'true' '{on: error, attempts: 2}'
        echo '  - {name: slow, run: "echo x >>slow.tries; sleep 9", timeout: 50ms, retry: {on: timeout, attempts: 2}}'
    } >Pipefile
    run -1 pipe -q run -k
    wc -l *.tries | awk '{ print $1, $2 }' >want
    [ "$(xargs <want)" = "3 error.tries 2 killed.tries 2 missing.tries 1 never.tries 1 other.tries 2 slow.tries 4 status.tries 3 temporary.tries 4 two.tries 22 total" ]
    rm *.tries
    pipe export make >Makefile
    run -2 make -s -k
    wc -l *.tries | awk '{ print $1, $2 }' | same - want
    rm *.tries
    pipe export ninja >build.ninja
    run -1 ninja -k 0
    wc -l *.tries | awk '{ print $1, $2 }' | same - want
}

@test "what a format cannot say is told, with its place" {
    refused() { # FORMAT DEFINITION MESSAGE
        printf '%s\n' "$2" >Pipefile
        fails_with 3 "Pipefile:1:9: step s: $3" pipe export "$1"
    }
    refused make 'steps: [{name: s, run: x, out: "a b"}]' "make has no way to name the file 'a b'"
    refused make 'steps: [{name: s, run: x, in: "a:b"}]' "make has no way to name the file 'a:b'"
    refused make 'steps: [{name: s, run: x, in: "a%b"}]' "make has no way to name the file 'a%b'"
    refused ninja 'steps: [{name: s, run: x, out: "a|b"}]' "ninja has no way to name the file 'a|b'"
    refused buildspec 'steps: [{name: s, run: x, out: /tmp/x}]' "no artifact can have a file outside of its folder"
    refused sagemaker 'steps: [{name: s, run: x, retry: 21}]' "a step is tried again at most 20 times"
    refused sagemaker 'steps: [{name: s, run: x, in: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]}]' "a job has at most 10 inputs"
    echo '{"parameters": {"p": "a"}, "steps": [{"name": "s", "run": "x", "when": "upper(p) == '"'A'"'"}]}' >Pipefile
    fails_with 3 "Pipefile:1:38: step s: SageMaker has no such condition: 'upper(p) == 'A''" pipe export sagemaker
    sed -i 's/upper(p)/lower(${p})/' Pipefile
    fails_with 3 "Pipefile:1:72: a parameter put into a condition cannot keep its name" pipe export sagemaker
}

@test "a text that is not UTF-8 is no text of JSON, YAML or Python, and nothing else is lost of it" {
    name=$(printf 'f\377.csv')
    echo x >"$name"
    cat >Pipefile <<'END'
parameters: {w: a}
steps:
  - {name: a, foreach: "f*.csv", run: [cp, "${item}", "b${w}"], in: "${item}", out: "b${w}"}
END
    for format in sagemaker asl codepipeline buildspec airflow; do
        fails_with 3 "Pipefile:3:5: step a[f\xFF.csv]: $format has no way to write what is not UTF-8: 'f\xFF.csv'" pipe export $format
    done
    pipe export make -P "w=$name" | make -s -f -
    cmp "$name" "b$name"
    sed -i 's/f\*.csv/P*/' Pipefile
    fails_with 3 "parameter w: asl has no way to write what is not UTF-8" pipe export asl -P "w=$name"
}

@test "the control character that stands for parameters is none of a text" {
    echo '{"steps": [{"name": "s", "run": "x\u0001"}]}' >Pipefile
    fails_with 3 "Pipefile:1:12: step s: a text with the control character 1" pipe export make
    echo '{"parameters": {"p": "x"}, "steps": [{"name": "s", "run": "x ${p}"}]}' >Pipefile
    fails_with 3 "parameter p: a text with the control character 1" pipe export make -P "p=$(printf 'a\001')"
    touch "$(printf 'f\0017')"
    echo 'steps: [{name: s, foreach: "f*", run: [cat, "${item}"]}]' >Pipefile
    fails_with 3 "a text with the control character 1" pipe export asl
}

@test "what goes by files that other steps make is a warning" {
    cat >Pipefile <<'END'
steps:
  - {name: split, run: "mkdir -p parts; seq 2 | split -l 1 - parts/", out: parts}
  - {name: each, foreach: {f: "parts/*"}, run: "cp ${in} ${out}", in: "${f}", out: "o-${f}"}
END
    pipe export make 2>err >Makefile
    [ "$(cat err)" = "pipe: warning: Pipefile:3:5: step each: it goes by files that steps make: it is as they are now" ]
    pipe -q run
    pipe -q export make | grep -q 'o-parts/ab'
}

@test "formats have names" {
    echo 'steps: []' >Pipefile
    fails_with 2 "no format 'ninjaa': is it 'ninja'?" pipe export ninjaa
    fails_with 2 "no format 'x': there are sagemaker, dvc" pipe import x Pipefile
    for command in export import; do
        run -2 --separate-stderr pipe $command zzz Pipefile
        formats=${stderr#*there are }
        [ "$(wc -w <<<"$formats")" -ge 2 ]
        for format in ${formats//,/}; do
            pipe $command --help | grep -qw "$format"
        done
    done
    fails_with 4 "none" pipe export make none
    fails_with 4 "none" pipe import dvc none
    for format in make ninja slurm sagemaker asl jenkins codepipeline buildspec airflow; do
        pipe export $format >out
        [ -s out ]
    done
}

@test "what asks somebody outside goes out in the words that a format has for it" {
    cat >Pipefile <<'END'
parameters: {size: 3}
steps:
  - {name: train, run: "echo ${size} >m", out: [m]}
  - {name: gate, approve: [ann, "o'neil"], in: [m]}
  - {name: label, callback: "send ${size} $ML_CALLBACK_TOKEN", needs: [gate]}
  - {name: release, register: {model: churn, file: m, approve: true}, needs: [label]}
END
    for format in make ninja slurm airflow; do
        fails_with 3 "Pipefile:4:5: step gate: $format has no way to say what it does" pipe export $format
    done
    pipe export sagemaker -o whole.json 2>err
    grep -q 'step release: approve: a pipeline of SageMaker does not wait for it' err
    jq -c '.Steps[1:][] | [.Name, .Type, .DependsOn[0], .SqsQueueUrl != null, .Arguments.by]' whole.json | diff - <(cat <<'END'
["gate","Callback","train",true,"ann,o'neil"]
["label","Callback","gate",true,null]
["release","RegisterModel","train",false,null]
END
    )
    [ "$(jq -c '.Steps[2].Arguments.command' whole.json)" = '{"Std:Join":{"On":"","Values":["send ",{"Get":"Parameters.size"}," $ML_CALLBACK_TOKEN"]}}' ]
    [ "$(jq -c '.Steps[3].Arguments | [.ModelPackageGroupName, .ModelApprovalStatus, .InferenceSpecification.Containers[0].ModelDataUrl]' whole.json)" = \
        '["churn","PendingManualApproval","s3://BUCKET/m"]' ]
    pipe import sagemaker whole.json >back
    pipe graph back -P command-gate=true -P command-label=true | grep -q '^label <- gate'
    sed -i '/release/d' Pipefile
    pipe export asl >machine.json
    [ ! -d "${NODE_PACKAGES:-}/asl-validator" ] || valid machine.json
    [ "$(jq -c '[.States.gate.Resource, .States.gate.Parameters.MessageBody["token.$"], .States.label.Parameters.MessageBody.step]' machine.json)" = \
        '["arn:aws:states:::sqs:sendMessage.waitForTaskToken","$$.Task.Token","label"]' ]
    fails_with 3 "step label: jenkins has no way" pipe export jenkins
    sed -i '/label/d' Pipefile
    pipe export jenkins >Jenkinsfile
    grep -qF "input(message: '''gate''', submitter: '''ann,o\\'neil''')" Jenkinsfile
    pipe export codepipeline | jq -r '.pipeline.stages[2].actions[0] | .actionTypeId.provider, .configuration.CustomData' >got
    diff - got <<'END'
Manual
gate: by ann,o'neil
END
    pipe export buildspec >buildspec.yml
    ! grep -q gate buildspec.yml
}

@test "make: 300 random conditions hold where they hold here" {
    cat >conditions.awk <<'END'
function rnd(n) { seed = (seed * 1103515245 + 12345) % 2147483648; return int(seed / 65536) % n }
function sign() { return substr("==!=< <=> >=", 2 * rnd(6) + 1, 2) }
function number(depth,  k) {
    k = rnd(depth > 2 ? 4 : 7)
    return k == 0 ? "i" : k == 1 ? "f" : k == 2 ? rnd(5) : k == 3 ? rnd(40) / 10 \
         : "(" number(depth + 1) " " substr("+-*", rnd(3) + 1, 1) " " number(depth + 1) ")"
}
function text(k) {
    k = rnd(4)
    return k == 0 ? "s" : k == 1 ? "t" : k == 2 ? "'" substr("abB 2-10", rnd(6) + 1, rnd(3)) "'" : "'b'"
}
function truth(depth,  k) {
    k = rnd(depth > 3 ? 4 : 11)
    return k == 0 ? "b" : k == 1 ? "c" : k == 2 ? number(depth) " " sign() " " number(depth) \
         : k == 3 ? text() " " sign() " " text() : k == 4 ? "(" truth(depth + 1) ") and (" truth(depth + 1) ")" \
         : k == 5 ? "(" truth(depth + 1) ") or (" truth(depth + 1) ")" : k == 6 ? "not (" truth(depth + 1) ")" \
         : k == 7 ? "(" truth(depth + 1) ") == (" truth(depth + 1) ")" : k == 8 ? text() " in ('a', 'b', '2')" \
         : k == 9 ? number(depth) " in (1, 2, 3.5)" : number(depth) " between " number(depth) " and " number(depth)
}
BEGIN {
    seed = 7
    for (n = 0; n < 300; n++)
        printf "  - {name: s%d, run: \": >o%d\", out: [o%d], when: \"%s\"}\n", n, n, n, truth(0)
}
END
    cat >Pipefile <<'END'
parameters:
  i: {type: integer, default: 2}
  f: {type: float, default: 2.5}
  b: {type: boolean, default: true}
  c: {type: boolean, default: false}
  s: {type: string, default: b}
  t: {type: string, default: "10"}
steps:
END
    awk -f conditions.awk >>Pipefile
    pipe export make >Makefile 2>warnings
    [ ! -s warnings ]
    for given in "" "i=1 f=3.5 b=false s=a t=2"; do
        rm -f o[0-9]*
        # shellcheck disable=SC2086 # words are meant to be split
        pipe -q run $(printf ' -P %s' $given | sed 's/-P $//')
        printf '%s\n' o[0-9]* >here
        rm -f o[0-9]*
        # shellcheck disable=SC2086
        make -s $given
        printf '%s\n' o[0-9]* >there
        cmp here there
        [ "$(wc -l <here)" -gt 100 ]
    done
}
