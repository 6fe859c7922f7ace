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
    rm got/Makefile
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
    last=$(awk 'END { print $2 }' ids)
    for _ in $(seq 200); do
        [ "$(squeue -h -j "$last" 2>/dev/null | wc -l)" -gt 0 ] || break
        sleep 0.5
    done
    rm -f got/submit got/slurm-*
    same_files got
}

@test "the DAG of Airflow is Python whose commands do what the steps do" {
    command -v python3 >/dev/null || skip "no python3"
    awkward
    made_by_pipe
    mkdir -p got fake/airflow/operators
    pipe export airflow -o got/dag.py
    python3 -c 'import ast, sys; ast.parse(open("got/dag.py").read())'
    cat >fake/airflow/__init__.py <<'END'
class DAG:
    def __init__(self, dag_id, **more): self.dag_id = dag_id
    def __enter__(self): return self
    def __exit__(self, *more): pass
END
    : >fake/airflow/operators/__init__.py
    cat >fake/airflow/operators/bash.py <<'END'
import os, subprocess
done = {}
class BashOperator:
    template_fields = ("bash_command",)
    def __init__(self, task_id, bash_command, cwd, append_env, skip_on_exit_code, retries, **more):
        assert type(self).template_fields == () and retries >= 0
        self.id, self.command, self.cwd, self.before = task_id, bash_command, cwd, []
        done[task_id] = self
    def __rshift__(self, other): other.before.append(self)
def run_all():
    ran = []
    while len(ran) < len(done):
        task = next(t for t in done.values() if t not in ran and all(b in ran for b in t.before))
        subprocess.run(["bash", "-c", task.command], cwd=task.cwd, check=True)
        ran.append(task)
END
    (cd got && PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=../fake python3 -c 'import runpy
runpy.run_path("dag.py")
import airflow.operators.bash as b; b.run_all()')
    rm -r got/dag.py fake/airflow
    same_files got
}

@test "a Jenkinsfile has the commands in texts that Groovy reads as they are" {
    command -v python3 >/dev/null || skip "no python3"
    awkward
    made_by_pipe
    mkdir got
    pipe export jenkins >Jenkinsfile
    python3 - <<'END'
import re, subprocess
text = open("Jenkinsfile").read()
literal = re.compile(r"sh '''((?:\\.|[^\\])*?)'''", re.S)
escapes = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
scripts = [re.sub(r"\\(.)", lambda m: escapes.get(m[1], m[1]), s, flags=re.S) for s in literal.findall(text)]
assert len(scripts) == 4
rest = literal.sub("sh", text)
assert "$" not in rest and rest.count("{") == rest.count("}"), rest
for script in scripts:
    subprocess.run(["sh", "-c", script], cwd="got", check=True)
END
    same_files got
}

@test "CodePipeline's actions take and give artifacts that the buildspec makes" {
    command -v python3 >/dev/null && /usr/bin/python3 -c 'import yaml' 2>/dev/null || skip "no PyYAML"
    awkward
    made_by_pipe
    pipe export codepipeline >pipeline.json
    pipe export buildspec >buildspec.yml
    /usr/bin/python3 - <<'END'
import json, os, shutil, subprocess, yaml
pipeline = json.load(open("pipeline.json"))["pipeline"]
spec = yaml.safe_load(open("buildspec.yml"))
assert spec["version"] == 0.2 and spec["artifacts"]["base-directory"] == ".artifact"
os.makedirs("artifact/Source"); os.makedirs("got")
for stage in pipeline["stages"][1:]:
    for action in stage["actions"]:
        config = action["configuration"]
        shutil.copytree("artifact/" + config["PrimarySource"], "work")
        env = dict(os.environ)
        for v in json.loads(config["EnvironmentVariables"]):
            env[v["name"]] = v["value"]
        for a in action["inputArtifacts"]:
            env["CODEBUILD_SRC_DIR_" + a["name"]] = os.path.abspath("artifact/" + a["name"])
        for command in spec["phases"]["build"]["commands"]:
            subprocess.run(["sh", "-c", command], cwd="work", env=env, check=True)
        for a in action["outputArtifacts"]:
            shutil.copytree("work/.artifact", "artifact/" + a["name"])
            shutil.copytree("work/.artifact", "got", dirs_exist_ok=True)
        shutil.rmtree("work")
END
    same_files got
}

# valid FILE: for other people's reading of the language.
valid() {
    node "$NODE_PACKAGES/asl-validator/dist/bin/asl-validator.js" --json-path "$1"
}

@test "a state machine is one for asl-validator, and its commands make the same" {
    command -v python3 >/dev/null || skip "no python3"
    awkward
    made_by_pipe
    mkdir got
    pipe export asl >machine.json
    python3 - <<'END'
import json, os, subprocess
def run(machine):
    name = machine["StartAt"]
    while name:
        state = machine["States"][name]
        if state["Type"] == "Parallel":
            for branch in state["Branches"]:
                run(branch)
        else:
            job = state["Parameters"]["ContainerOverrides"]
            env = dict(os.environ, **{v["Name"]: v["Value"] for v in job.get("Environment", [])})
            os.makedirs("got/made", exist_ok=True)
            os.makedirs("got/sub", exist_ok=True)
            subprocess.run(job["Command"], cwd="got", env=env, check=True)
        name = state.get("Next")
        assert ("Next" in state) != state.get("End", False)
machine = json.load(open("machine.json"))
two = machine["States"]["two"]
assert two["TimeoutSeconds"] == 60
assert two["Retry"] == [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 1, "BackoffRate": 1.0}]
run(machine)
END
    same_files got
    if [ -d "${NODE_PACKAGES:-}/asl-validator" ]; then
        valid machine.json
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
    for given in '-P rate=0.7 -P word=x' '-P rate=0.25' '-P rate=0.2' '-P rate=7 -P word=x' '-P rate=0.6 -P word=y'; do
        rm -rf want got
        mkdir want got
        cp Pipefile want
        pipe import sagemaker definition.json -o got/Pipefile
        for folder in want got; do (cd $folder && ML_HOME=$PWD/.ml pipe -q run $given && rm -r .ml Pipefile); done
        [ "$(ls want | xargs)" = "$(ls got | xargs)" ]
        same_files got
        ls want
    done | sort -u | xargs >all
    [ "$(cat all)" = "b.txt between.txt last.txt made none.txt some.txt sub" ]
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

@test "a condition that does not hold leaves out the step and those behind it" {
    cat >Pipefile <<'END'
parameters: {n: 1}
steps:
  - {name: a, when: "n > 1", run: "echo a >a", out: [a]}
  - {name: b, run: "cp a b", in: [a], out: [b]}
  - {name: c, run: "echo ${n} >c", out: [c]}
END
    pipe export make -o Makefile
    make -s
    [ ! -e a ]
    [ ! -e b ]
    [ "$(cat c)" = 1 ]
    rm c
    pipe export make -P n=2 -o Makefile
    make -s
    [ "$(cat b)" = a ]
    [ "$(cat c)" = 2 ]
    for format in make asl jenkins codepipeline buildspec airflow slurm ninja; do
        run -1 grep -w 'cp a b' <(pipe export $format)
    done
    pipe export sagemaker | jq -e '.Steps | length == 3' >out
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
