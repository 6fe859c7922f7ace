# pipe import: pipelines of SageMaker and DVC as Pipefiles.
load helper

setup() {
    in_scratch
    TOOL=pipe
    export ML_HOME=$PWD/.ml
}

# definition STEPS [PARAMETERS]: a whole definition around steps, as JSON.
definition() {
    printf '{"Version": "2020-12-01", "Parameters": [%s], "Steps": [%s]}\n' "${2:-}" "$1"
}

# A shell's command as a Processing step: NAME COMMAND [MORE]
job() {
    jq -nc --arg name "$1" --arg command "$2" --argjson more "${3:-{\}}" \
        '{Name: $name, Type: "Processing", Arguments: {AppSpecification: {ImageUri: "i", ContainerEntrypoint: ["/bin/sh", "-c"], ContainerArguments: [$command]}}} + $more'
}

@test "a definition as SageMaker's SDK writes it runs here" {
    mkdir -p s3:/bucket/code s3:/bucket/in
    echo 'sed "s/^/$1 /" "$3"/rows >"$2"/all && echo "{\"auc\": {\"best of\": [0.25]}}" >"$2"/report.json' >s3:/bucket/code/prep.sh
    seq 3 >s3:/bucket/in/rows
    cat >definition.json <<'END'
{"Version": "2020-12-01", "Metadata": {"Pipeline": "churn", "team": "a\nb"},
 "ParallelismConfiguration": {"MaxParallelExecutionSteps": 3},
 "Parameters": [{"Name": "Word", "Type": "String", "DefaultValue": "a b"}, {"Name": "Rate", "Type": "Float", "DefaultValue": 0.5}, {"Name": "Bucket", "DefaultValue": "bucket"}],
 "Steps": [
  {"Name": "Prep", "Type": "Processing", "DisplayName": "P", "Description": "reads ${x}", "Arguments": {
    "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1}}, "RoleArn": "r",
    "AppSpecification": {"ImageUri": "i", "ContainerEntrypoint": ["sh", "/opt/ml/processing/input/code/prep.sh"],
      "ContainerArguments": [{"Std:Join": {"On": "-", "Values": [{"Get": "Parameters.Word"}, "${HOME}", 7]}}, "/opt/ml/processing/train", "/opt/ml/processing/in"]},
    "ProcessingInputs": [
      {"InputName": "code", "AppManaged": false, "S3Input": {"S3Uri": "s3://bucket/code/prep.sh", "LocalPath": "/opt/ml/processing/input/code", "S3DataType": "S3Prefix", "S3InputMode": "File"}},
      {"InputName": "in", "AppManaged": false, "S3Input": {"S3Uri": "s3://bucket/in", "LocalPath": "/opt/ml/processing/in", "S3DataType": "S3Prefix", "S3InputMode": "File"}}],
    "ProcessingOutputConfig": {"Outputs": [{"OutputName": "train", "AppManaged": false, "S3Output": {
      "S3Uri": {"Std:Join": {"On": "/", "Values": ["s3:/", {"Get": "Parameters.Bucket"}, {"Get": "Execution.PipelineExecutionId"}, "train"]}}, "LocalPath": "/opt/ml/processing/train", "S3UploadMode": "EndOfJob"}}]}},
   "PropertyFiles": [{"PropertyFileName": "report", "OutputName": "train", "FilePath": "report.json"}]},
  {"Name": "Train", "Type": "Training", "Arguments": {
    "AlgorithmSpecification": {"TrainingImage": "t", "TrainingInputMode": "File",
      "ContainerEntrypoint": ["sh", "-c", "cat \"$SM_CHANNEL_TRAIN_1/all\" - >/opt/ml/model/m; echo \"$1 $SM_HPS\" >>$SM_MODEL_DIR/m", "sh"],
      "ContainerArguments": [{"Std:Join": {"On": "", "Values": ["auc=", {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Prep.PropertyFiles.report"}, "Path": "auc['best of'][0]"}}, "!"]}}]},
    "HyperParameters": {"depth": "3", "rate": {"Get": "Parameters.Rate"}},
    "InputDataConfig": [{"ChannelName": "train-1", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": {"Get": "Steps.Prep.ProcessingOutputConfig.Outputs['train'].S3Output.S3Uri"}}}}],
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/models/"}, "ResourceConfig": {}, "RoleArn": "r"}},
  {"Name": "Notify", "Type": "Lambda", "FunctionArn": "arn:f", "Arguments": {"rate": {"Get": "Parameters.Rate"}, "model": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}},
   "OutputParameters": [{"OutputName": "id", "OutputType": "String"}]},
  {"Name": "Use", "Type": "Processing", "Arguments": {"AppSpecification": {"ImageUri": "i", "ContainerEntrypoint": ["sh", "-c", "echo \"$0\" \"$1\" >used"],
    "ContainerArguments": [{"Get": "Steps.Notify.OutputParameters['id']"}, {"Get": "Steps.Prep.ProcessingInputs['in'].S3Input.S3Uri"}]}}},
  {"Name": "Score", "Type": "Transform", "DependsOn": ["Use"], "Arguments": {"ModelName": "m", "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in"}}}, "TransformOutput": {"S3OutputPath": "s3://bucket/scores"}}},
  {"Name": "Check", "Type": "QualityCheck", "CheckType": "DATA_QUALITY", "SkipCheck": true, "Arguments": {"AppSpecification": {"ImageUri": "q"}}},
  {"Name": "Bias", "Type": "ClarifyCheck", "CheckType": "DATA_BIAS", "DependsOn": ["Check"], "Arguments": {"AppSpecification": {"ImageUri": "q"}}}
 ]}
END
    pipe import sagemaker definition.json -o Pipefile
    grep -q '^# "team": "a\\nb"$' Pipefile
    grep -q '^# at most 3 steps at once: pipe run -j 3$' Pipefile
    grep -q '# not used here: ProcessingResources, RoleArn' Pipefile
    fails_with 2 "parameter Execution-PipelineExecutionId has no default" pipe run
    given=(-P Execution-PipelineExecutionId=e1 -P 'command-Notify=jq "{id: (.rate + 1), model, f: env.ML_FUNCTION}"'
        -P 'command-Score=cp s3://bucket/in/rows s3://bucket/scores/rows'
        -P 'command-Check=echo "$ML_CHECK" >check' -P 'command-Bias=echo "$ML_CHECK" >bias')
    [ "$(pipe graph "${given[@]}" | sort | xargs)" = "Bias <- Check Check Notify <- Train Prep Score <- Use Train <- Prep Use <- Prep Notify" ]
    pipe -q run "${given[@]}"
    [ "$(cat s3:/bucket/e1/train/all)" = "$(printf 'a b-${HOME}-7 %s\n' 1 2 3)" ]
    [ "$(head -n 3 s3:/bucket/models/Train/model/m | tail -n 1)" = 'a b-${HOME}-7 3' ]
    [ "$(tail -n 1 s3:/bucket/models/Train/model/m)" = 'auc=0.25! {"depth":"3","rate":0.5}' ]
    [ "$(jq -c . Notify.result.json)" = '{"id":1.5,"model":"s3://bucket/models/Train/model","f":"arn:f"}' ]
    [ "$(cat used)" = "1.5 s3://bucket/in" ]
    [ "$(cat check)" = '{"CheckType":"DATA_QUALITY","SkipCheck":true}' ]
    [ -e bias ]
    cmp s3:/bucket/in/rows s3:/bucket/scores/rows
}

@test "conditions in both spellings, nested, with both branches" {
    # case NAME TRUTH CONDITION
    true_ones='' steps=''
    case_of() {
        local c="{\"Name\": \"c-$1\", \"Type\": \"Condition\", \"Arguments\": {\"Conditions\": [$3], \"IfSteps\": [$(job "$1-yes" "echo >$1-yes")], \"ElseSteps\": [$(job "$1-no" "echo >$1-no")]}}"
        steps="$steps${steps:+,}$c"
        true_ones="$true_ones $1-$2"
    }
    n='{"Get": "Parameters.N"}' s='{"Get": "Parameters.S-1"}' b='{"Get": "Parameters.B"}'
    case_of eq yes "{\"Type\": \"Equals\", \"LeftValue\": $n, \"RightValue\": 3.0}"
    case_of ne no "{\"Type\": \"NotEquals\", \"LeftValue\": $s, \"RightValue\": \"it's \\\\ \${x}\"}"
    case_of gt no "{\"Type\": \"GreaterThan\", \"LeftValue\": $n, \"RightValue\": 3}"
    case_of ge yes "{\"Type\": \"GreaterThanOrEqualTo\", \"LeftValue\": $n, \"RightValue\": 3}"
    case_of lt yes "{\"Type\": \"LessThan\", \"LeftValue\": -4e0, \"RightValue\": $n}"
    case_of le no "{\"Type\": \"LessThanOrEqualTo\", \"LeftValue\": $n, \"RightValue\": 2}"
    case_of le2 yes "{\"Type\": \"LessThanOrEqualTo\", \"LeftValue\": $n, \"RightValue\": 3}"
    case_of in1 yes "{\"Type\": \"In\", \"QueryValue\": $n, \"Values\": [1, 3]}"
    case_of in2 no "{\"Type\": \"In\", \"Value\": $s, \"In\": [\"a\", \"b\"]}"
    case_of notin yes "{\"Type\": \"NotIn\", \"Value\": $n, \"In\": [1, 2]}"
    case_of not no "{\"Type\": \"Not\", \"Expression\": {\"Type\": \"Equals\", \"LeftValue\": $b, \"RightValue\": true}}"
    case_of or yes "{\"Type\": \"Or\", \"Conditions\": [{\"Type\": \"Equals\", \"LeftValue\": $n, \"RightValue\": 1}, {\"Type\": \"Equals\", \"LeftValue\": $n, \"RightValue\": 3}]}"
    case_of two no "{\"Type\": \"Equals\", \"LeftValue\": $n, \"RightValue\": 3}, {\"Type\": \"Equals\", \"LeftValue\": $b, \"RightValue\": false}"
    case_of join yes "{\"Type\": \"Equals\", \"LeftValue\": {\"Std:Join\": {\"On\": \"-\", \"Values\": [\"x\", $n]}}, \"RightValue\": \"x-3\"}"
    inner="{\"Name\": \"inner\", \"Type\": \"Condition\", \"Arguments\": {\"Conditions\": [{\"Type\": \"Equals\", \"LeftValue\": $n, \"RightValue\": 4}], \"IfSteps\": [$(job in-yes 'echo >in-yes')], \"ElseSteps\": [$(job in-no 'echo >in-no')]}}"
    outer="{\"Name\": \"outer\", \"Type\": \"Condition\", \"DependsOn\": [\"eq-yes\"], \"Arguments\": {\"Conditions\": [{\"Type\": \"Equals\", \"LeftValue\": $n, \"RightValue\": 3}], \"IfSteps\": [$inner, $(job tail 'echo >tail')], \"ElseSteps\": [{\"Name\": \"never\", \"Type\": \"Fail\", \"Arguments\": {\"ErrorMessage\": \"no\"}}]}}"
    false=${inner//in-/deep-}
    false="{\"Name\": \"false\", \"Type\": \"Condition\", \"Arguments\": {\"Conditions\": [{\"Type\": \"Equals\", \"LeftValue\": $n, \"RightValue\": 7}], \"IfSteps\": [${false/\"inner\"/\"deep\"}]}}"
    behind=$(job behind 'echo >behind' '{"DependsOn": ["outer"]}')
    skipped=$(job skipped 'echo >skipped' '{"DependsOn": ["in-yes"]}')
    definition "$steps, $outer, $false, $behind, $skipped" '{"Name": "N", "Type": "Integer", "DefaultValue": 3}, {"Name": "S-1", "DefaultValue": "it'"'"'s \\ ${x}"}, {"Name": "B", "Type": "Boolean", "DefaultValue": true}' >definition.json
    pipe import sagemaker definition.json -o Pipefile
    pipe -q run
    rm Pipefile definition.json
    [ "$(ls | xargs)" = "$(printf '%s\n' $true_ones in-no tail behind | sort | xargs)" ]
}

@test "what waits for a Condition step waits for what that one waits for" {
    definition "$(job a true), {\"Name\": \"c\", \"Type\": \"Condition\", \"DependsOn\": [\"a\"], \"Arguments\": {\"Conditions\": [{\"Type\": \"Equals\", \"LeftValue\": 1, \"RightValue\": 1}], \"IfSteps\": [$(job b true)], \"ElseSteps\": []}}, $(job d true '{"DependsOn": ["c"]}')" >definition.json
    pipe import sagemaker definition.json -o Pipefile
    [ "$(pipe graph | xargs)" = "a b <- a d <- a" ]
}

@test "durations of caches in every spelling there is" {
    while read -r text seconds; do
        definition "$(job a true "{\"CacheConfig\": {\"Enabled\": true, \"ExpireAfter\": \"$text\"}}")" >definition.json
        pipe import sagemaker definition.json >got
        grep -q "^    cache: ${seconds}s # $text" got || { echo "$text"; cat got; return 1; }
    done <<'END'
30d 2592000
5y 157680000
T16m 960
30dT5h 2610000
p30d 2592000
P4DT12H 388800
T12H 43200
PT90S 90
P1W 604800
P30M 77760000
PT30M 1800
END
    grep -q 'cache: 1800s # PT30M$' got
    sed -i 's/PT30M/P30M/' definition.json
    pipe import sagemaker definition.json | grep -q 'a month as 30; minutes have a T before them'
    for text in P T PT 30 1h P1X "P1DT" "1d " "1 " "T1 " -1d; do
        definition "$(job a true "{\"CacheConfig\": {\"Enabled\": true, \"ExpireAfter\": \"$text\"}}")" >definition.json
        fails_with 3 "ExpireAfter: '$text' is no duration" pipe import sagemaker definition.json
    done
    definition "$(job a true '{"CacheConfig": {"Enabled": false, "ExpireAfter": "T1H"}}'), $(job b true), $(job c true '{"CacheConfig": {"Enabled": true}}')" >definition.json
    [ "$(pipe import sagemaker definition.json | grep -c 'cache: false')" -eq 2 ]
}

@test "retry policies in both spellings, by number and by time, go in and come out again" {
    retry_of() {
        definition "$(job a true "{\"RetryPolicies\": [$1]}")" >definition.json
        pipe import sagemaker definition.json | sed -n 's/^    retry: //p'
    }
    [ "$(retry_of '{"ExceptionType": ["Step.THROTTLING", "Step.SERVICE_FAULT"], "IntervalSeconds": 5, "BackoffRate": 1.5, "MaxAttempts": 3}')" = "{on: [temporary, unreachable], attempts: 4, interval: 5s, backoff: 1.5}" ]
    [ "$(retry_of '{"ExceptionType": "SageMaker.CAPACITY_ERROR", "MaxAttempts": 1}')" = "{on: [capacity], attempts: 2, interval: 1s, backoff: 2}" ]
    [ "$(retry_of '{"ExceptionType": "SageMaker.JOB_INTERNAL_ERROR", "ExpireAfterMin": 90}')" = "{on: [killed], expire: 5400s, interval: 1s, backoff: 2}" ]
    [ "$(retry_of '{"ExceptionType": ["Emr.RESOURCE_LIMIT"], "MaxAttempts": 3, "ExpireAfterMin": 1}')" = "{on: [limit], attempts: 4, expire: 60s, interval: 1s, backoff: 2}" ]
    [ "$(retry_of '{"ExceptionType": ["Step.THROTTLING"], "ExpireAfterMin": 0}')" = "{on: [temporary], attempts: 1, interval: 1s, backoff: 2}" ]
    [ "$(retry_of '{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 2, "BackoffRate": 0.5}')" = "{on: [temporary], attempts: 3, interval: 1s, backoff: 1}" ]
    pipe import sagemaker definition.json | grep -q '# BackoffRate 0.5 is taken as 1'
    [ "$(retry_of '{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 2}, {"ExceptionType": "SageMaker.RESOURCE_LIMIT", "MaxAttempts": 9, "IntervalSeconds": 30}')" = "[{on: [temporary], attempts: 3, interval: 1s, backoff: 2}, {on: [limit], attempts: 10, interval: 30s, backoff: 2}]" ]
    for policy in '{"MaxAttempts": 2}' '{"ExceptionType": "x", "MaxAttempts": 2}' '{"ExceptionType": [], "MaxAttempts": 2}' '{"ExceptionType": "Step.THROTTLING", "MaxAttempts": 21}' '{"ExceptionType": "Step.THROTTLING", "Pause": 1}' '{"ExceptionType": "Step.THROTTLING"}' '{"ExceptionType": "Step.THROTTLING", "ExpireAfterMin": 14401}'; do
        definition "$(job a true "{\"RetryPolicies\": [$policy]}")" >definition.json
        fails_with 3 "definition.json:1:" pipe import sagemaker definition.json
    done
    policies='[{"ExceptionType": ["Step.SERVICE_FAULT", "SageMaker.CAPACITY_ERROR"], "IntervalSeconds": 5, "BackoffRate": 1.5, "MaxAttempts": 20}, {"ExceptionType": ["Step.THROTTLING"], "IntervalSeconds": 43200, "BackoffRate": 1.0, "ExpireAfterMin": 14400}, {"ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR", "SageMaker.RESOURCE_LIMIT"], "IntervalSeconds": 1, "BackoffRate": 2.0, "MaxAttempts": 1}]'
    definition "$(job a true "{\"RetryPolicies\": $policies}")" >definition.json
    pipe import sagemaker definition.json -o Pipefile
    pipe export sagemaker 2>err >again.json
    [ ! -s err ]
    sorted='.Steps[0].RetryPolicies | map(.ExceptionType |= sort)'
    [ "$(jq -cS "$sorted" again.json)" = "$(jq -cS "$sorted" definition.json)" ]
}

@test "a model that waits for approval, a callback, and a failure" {
    definition '{"Name": "m", "Type": "RegisterModel", "Arguments": {"ModelPackageGroupName": "g", "ModelApprovalStatus": "PendingManualApproval", "InferenceSpecification": {"Containers": [{"ModelDataUrl": "s3://b/m"}]}}},
        {"Name": "c", "Type": "Callback", "SqsQueueUrl": "https://q", "Arguments": {"a": 1}, "DependsOn": ["m"]},
        {"Name": "f", "Type": "Fail", "Arguments": {"ErrorMessage": "a: b"}}' >definition.json
    pipe import sagemaker definition.json >got
    cat >want <<'END'
# from a pipeline definition of SageMaker, version 2020-12-01
parameters:
  command-c: {type: string, description: the command of the step}
steps:
  - name: m
    register: {model: g, file: "s3://b/m", approve: true}
    in: [m.result.json]
  - name: m-record
    run: ["/bin/sh", "-c", "printf '%s\\n' \"$ML_ARGUMENTS\" >\"$${1}\"", sh, m.result.json]
    in: ["s3://b/m"]
    out: [m.result.json]
    env:
      ML_ARGUMENTS: "{\"ModelPackageGroupName\":\"g\",\"ModelApprovalStatus\":\"PendingManualApproval\",\"InferenceSpecification\":{\"Containers\":[{\"ModelDataUrl\":\"s3://b/m\"}]}}"
  - name: c
    callback: "${command-c}"
    env:
      ML_ARGUMENTS: "{\"a\":1}"
      ML_QUEUE: "https://q"
    needs: [m]
  - name: f
    fail: "a: b"
END
    same want got
    sed -i 's/PendingManualApproval/Approved/; s/^ *{"Name": "c".*//; s/}}},$/}}}, /' definition.json
    pipe import sagemaker definition.json -o Pipefile
    mkdir -p s3:/b && : >s3:/b/m
    run -1 pipe -q run -k
    [ "$(jq -r .ModelApprovalStatus m.result.json)" = Approved ]
    [ "$(pipe model list g | jq -c '[.model, .version, .status]')" = '["g",1,"approved"]' ]
    sed 's/"ModelPackageGroupName": "g", //; s/Approved/PendingManualApproval/' definition.json >nameless.json
    pipe import sagemaker nameless.json | grep -A2 '^  - name: m$' | diff - <(cat <<'END'
  - name: m
    approve: true
    in: [m.result.json]
END
    )
    sed -i 's/Approved/Maybe/' definition.json
    fails_with 3 "ModelApprovalStatus: 'Maybe' is not PendingManualApproval, Approved or Rejected" pipe import sagemaker definition.json
}

@test "what a Pipefile cannot say is told, with its place" {
    refused() { # MESSAGE DEFINITION
        printf '%s\n' "$2" >definition.json
        fails_with 3 "definition.json:" pipe import sagemaker definition.json
        [[ $(cat err) == *"$1"* ]] || { cat err; return 1; }
    }
    all() { definition "$1" '{"Name": "P", "Type": "Integer", "DefaultValue": 1}'; }
    refused "1:1: not a JSON value" 'x'
    refused "has the Version 2020-12-01" '{"Version": "2021-01-01", "Steps": []}'
    refused "without Steps" '{"Version": "2020-12-01"}'
    refused "'Extra' of a pipeline definition has no place in a Pipefile" '{"Version": "2020-12-01", "Steps": [], "Extra": 1}'
    for type in Tuning AutoML EMR Model Endpoint EndpointConfig NotebookJob; do
        refused "step a: a Pipefile has no step of the type '$type'" "$(all "{\"Name\": \"a\", \"Type\": \"$type\", \"Arguments\": {}}")"
    done
    for type in Processing Training Transform QualityCheck ClarifyCheck; do
        refused "a $type step has Arguments" "$(all "{\"Name\": \"a\", \"Type\": \"$type\"}")"
    done
    refused "a step is a map with Name and Type" "$(all '{"Name": "a"}')"
    refused "a step's name has letters" "$(all '{"Name": "a b", "Type": "Fail"}')"
    refused "there are two steps a" "$(all "$(job a true), $(job a true)")"
    refused "there is no step 'z'" "$(all "$(job a true '{"DependsOn": ["z"]}')")"
    refused "no Pipefile can say this: the steps wait for one another" "$(all "$(job a true '{"DependsOn": ["b"]}'), $(job b true '{"DependsOn": ["a"]}')")"
    refused "'Tuner' of a Processing step has no place" "$(all "$(job a true '{"Tuner": 1}')")"
    refused "'Secret' of a processing job has no place" "$(all "$(job a true | jq -c '.Arguments.Secret = 1')")"
    refused "DatasetDefinition" "$(all "$(job a true | jq -c '.Arguments.ProcessingInputs = [{InputName: "i", DatasetDefinition: {}}]')")"
    refused "'N': there is no such parameter" "$(all "$(job a true | jq -c '.Arguments.AppSpecification.ContainerArguments = [{Get: "Parameters.N"}]')")"
    refused "'z': there is no such step" "$(all "$(job a true | jq -c '.Arguments.AppSpecification.ContainerArguments = [{Get: "Steps.z.A"}]')")"
    refused "a property that a step has only on SageMaker" "$(all "$(job b true), $(job a true | jq -c '.Arguments.AppSpecification.ContainerArguments = [{Get: "Steps.b.ProcessingJobArn"}]')")"
    refused "'Std:Map': a function that is not known" "$(all "$(job a true | jq -c '.Arguments.AppSpecification.ContainerArguments = [{"Std:Map": {}}]')")"
    refused "known only when a step has run" "$(all "{\"Name\": \"l\", \"Type\": \"Lambda\", \"FunctionArn\": \"f\"}, $(job a true | jq -c '.Arguments.Environment = {X: {Get: "Steps.l.OutputParameters['x']"}}' | sed "s/\[x\]/['x']/")")"
    refused "goes back to itself" "$(all "$(job a true | jq -c '.Arguments.ProcessingOutputConfig = {Outputs: [{OutputName: "o", S3Output: {S3Uri: {Get: "Steps.a.ProcessingOutputConfig.Outputs[\"o\"].S3Output.S3Uri"}}}]}')")"
    refused "those of a Pipefile know parameters alone" "$(all "{\"Name\": \"c\", \"Type\": \"Condition\", \"Arguments\": {\"Conditions\": [{\"Type\": \"Equals\", \"LeftValue\": {\"Std:JsonGet\": {}}, \"RightValue\": 1}], \"IfSteps\": [], \"ElseSteps\": []}}")"
    refused "unknown condition 'Like'" "$(all '{"Name": "c", "Type": "Condition", "Arguments": {"Conditions": [{"Type": "Like"}]}}')"
    refused "a type is String, Integer, Float or Boolean" "$(definition '' '{"Name": "P", "Type": "List"}')"
    refused "P: '1.5' is no integer" "$(definition '' '{"Name": "P", "Type": "Integer", "DefaultValue": 1.5}')"
}

@test "stages of DVC: templates, foreach, matrix, folders, lists of commands" {
    cat >dvc.yaml <<'END'
vars:
  - models: [a, b]
    regions: {us: {limit: 10}, uk: {limit: 15}}
  - extra.yaml
plots: [x.csv]
stages:
  prepare:
    cmd: echo "lr=${ train.lr } $NAME \${NAME}" >data/p.txt
    deps: [raw.txt]
    params: [train.lr, {other.yaml: [x]}]
    outs:
      - data/p.txt: {cache: false}
  sub:
    wdir: data
    cmd:
      - cd .. # in a shell of its own
      - cat p.txt ../raw.txt >q.txt
      - 'echo "{}" >m.json'
    deps: [p.txt, ../raw.txt]
    outs: [q.txt]
    metrics: [{m.json: {cache: false}}]
  limits:
    foreach: ${regions}
    do:
      cmd: echo ${key} ${item.limit} >c-${key}
      outs: ["c-${key}"]
  named:
    foreach: {x: 1, y: 2}
    do: {cmd: "echo ${item} >e-${key}", outs: ["e-${key}"]}
  maps:
    foreach: [{m: 1, t: "p q"}, {m: 2, t: r}]
    do: {cmd: "echo ${item.m} '${item.t}' >h-${item.m}", outs: ["h-${item.m}"]}
  listed:
    foreach: ${models}
    do: {cmd: "echo '${deep.er[1]}' ${item} >f-${item}", outs: ["f-${item}"]}
  grid:
    matrix: {m: "${models}", n: [1, 2]}
    cmd: echo ${item.m}${item.n} >g-${item.m}${item.n}
    outs: ["g-${item.m}${item.n}"]
    desc: "all: pairs"
    always_changed: true
END
    printf 'train: {lr: 0.10}\n' >params.yaml
    echo 'deep: {er: [p, "q r"]}' >extra.yaml
    echo 'x: 1' >other.yaml
    echo raw >raw.txt
    mkdir data
    pipe import dvc dvc.yaml -o Pipefile
    NAME=n pipe -q run
    [ "$(cat data/p.txt)" = "lr=0.10 n n" ]
    [ "$(cat data/q.txt)" = "lr=0.10 n n"$'\n'raw ]
    [ "$(cat c-us c-uk e-x e-y h-1 h-2 f-a f-b g-a1 g-b2 | xargs)" = "us 10 uk 15 1 2 1 p q 2 r q r a q r b a1 b2" ]
    [ "$(pipe graph | grep '^sub')" = "sub <- prepare" ]
    run -1 pipe plan # always_changed
    [ "$(awk -F: '{ print $1 }' <<<"$output" | xargs)" = "grid[a,1] grid[a,2] grid[b,1] grid[b,2]" ]
    NAME=n pipe -q run -P train-lr=0.2
    [ "$(cat data/p.txt)" = "lr=0.2 n n" ]
    echo 'train: {lr: 0.3}' >params.yaml # counts, by its content
    run -1 pipe why prepare -P train-lr=0.2
    [[ $output == "prepare: input params.yaml changed"* ]]
}

@test "paths of DVC are those of its folder, and go up where they can" {
    cat >dvc.yaml <<'END'
stages:
  a: {cmd: x, wdir: in/ner, deps: [../../../x, ./y/../z//, /abs/../q, ../w], outs: [./o/.]}
END
    pipe import dvc dvc.yaml >got
    grep -qx '    in: \["../x", in/ner/z, "/q", in/w\]' got
    grep -qx '    out: \[in/ner/o\]' got
}

@test "what a Pipefile cannot say of DVC is told, with its place" {
    refused() { # PLACE MESSAGE DVC
        printf '%b\n' "$3" >dvc.yaml
        fails_with 3 "dvc.yaml:$1: $2" pipe import dvc dvc.yaml
    }
    refused 1:1 "a dvc.yaml has a map of stages" 'vars: []'
    refused 2:15 "'frozn' of a stage has no place in a Pipefile" 'stages:\n  a: {cmd: x, frozn: 1}'
    refused 2:23 "frozen: no step is kept from running" 'stages:\n  a: {cmd: x, frozen: true}'
    refused 2:36 "persist: an output is removed" 'stages:\n  a: {cmd: x, outs: [{y: {persist: true}}]}'
    refused 2:6 "a stage without cmd" 'stages:\n  a: {outs: [x]}'
    refused 2:3 "'a.b': a step's name has letters" 'stages:\n  a.b: {cmd: x}'
    refused 2:12 "\${'lr'}: neither params.yaml nor vars has this value" 'stages:\n  a: {cmd: "${lr}"}'
    refused 2:12 "\${ without a name and }" 'stages:\n  a: {cmd: "${x:-y}"}'
    refused 2:22 "a file of another machine has no place here" 'stages:\n  a: {cmd: x, deps: ["s3://b/k"]}'
    refused 3:12 "\${'l'}: only one value can be put into a text" 'vars: [{l: [1]}]\nstages:\n  a: {cmd: "${l}"}'
    refused 2:34 "\${'item.k'}: this part of an item is not there" 'stages:\n  a: {foreach: [1, 2], do: {cmd: "${item.k}"}}'
}
