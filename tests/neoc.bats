# neoc run, inspect, bench: one test per promise. compile, verify, unpack: artefacts.bats.
load helper
load models

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return 1
    # By position or as f0, f1: three classes, without names.
    { stump 0 0 0.5 1 -1; stump 1 1 0.5 2 -2; stump 2 0 3 -.5 .25; } | xgboost multi:softprob 3 0.5 2 >classes.json
    # A value, of many trees: some thresholds are no doubles.
    for i in {0..39}; do
        stump 0 $((i % 3)) "0.$i" "0.1$i" "-0.3$i"
    done | xgboost reg:squarederror 0 0.25 3 a b c >many.json
    # Rows for every model of the corpus, whose columns are known by their number; a model ignores those of others.
    local model
    for model in "$MODELS"/{lightgbm,xgboost,onnx,sklearn}/*; do
        neoc inspect -t json "$model" 2>err >info || continue
        if jq -e '[.features[] | select(.kind == "text")] == []' info >is; then
            echo "$model" >>numbers.list
            jq '.features[].name' info >>names
        else
            echo "$model" >>texts.list
        fi
    done
    { printf '"%s"\n' id income debt a b c; cat names; } | awk '!seen[$0]++' >columns
    table columns 300 'column == 1 ? row : rand() < .1 ? "" : rand() < .3 ? int(rand() * 4) : column < 4 ? rand() * 100 : rand() * 4 - 2' >rows.csv
}

# table COLUMNS ROWS CELL: rows of the cells that an expression of awk gives.
table() {
    jq -rs @csv "$1"
    awk -v columns="$(wc -l <"$1")" -v rows="$2" 'BEGIN {
        srand(3)
        for (row = 0; row < rows; row++)
            for (column = 1; column <= columns; column++)
                printf "%s%s", '"$3"', column < columns ? "," : "\n"
    }'
}

# cells_of MODEL COLUMNS TABLE: the cells of its features, in their order, without a header.
cells_of() {
    neoc inspect -t json "$1" | jq '.features[].name' |
        awk -F, 'FNR == 1 { part++ }
            part == 1 { at[$0] = FNR }
            part == 2 { want[++n] = at[$0] }
            part == 3 && FNR > 1 { for (i = 1; i <= n; i++)
                printf "%s%s", $want[i], i < n ? "," : "\n"
        }' "$2" - "$3"
}

setup() {
    in_scratch
    TOOL=neoc
    shared=$BATS_FILE_TMPDIR
    rows=$shared/rows.csv
    printf 'id,income,debt\n1,50,10\n2,30,\n3,,31\n4,50,\n' >loan.csv
}

# gives COMMAND... <want: standard output equals standard input of gives, byte for byte.
gives() {
    cat >want
    "$@" >got
    same want got
}

# as_printf: the lines of margins in the digits of the plain interpreter.
as_printf() {
    awk -F, 'NF == 0 { print "nan" } { for (i = 1; i <= NF; i++)
        printf $i == "" ? "nan%s%s" : "%.17g%s", $i, i < NF ? "," : "\n" }'
}

# ---- what is predicted ----

# By hand: leaves -0.9 - 0.25, 0.8 - 0.25, 0.8 + 0.5, 0.3 - 0.25; then the sigmoid.
@test "answers, margins, probabilities, classes and leaves" {
    gives neoc run "$loan" loan.csv <<'END'
prediction
0.24048908305088898
0.6341355910108007
0.7858349830425586
0.5124973964842103
END
    gives neoc run "$loan" loan.csv --margin <<'END'
margin
-1.15
0.55
1.3
0.04999999999999999
END
    gives neoc run "$loan" loan.csv --proba <<'END'
prob_0,prob_1
0.759510916949111,0.24048908305088898
0.36586440898919925,0.6341355910108007
0.2141650169574414,0.7858349830425586
0.48750260351578967,0.5124973964842103
END
    gives neoc run "$loan" loan.csv --class <<'END'
class
0
1
1
1
END
    gives neoc run "$loan" loan.csv --leaf <<'END'
leaf_0,leaf_1
1,0
0,0
0,1
2,0
END
}

@test "a column for each of several outputs, by the names of classes where there are some" {
    printf 'f0,f1\n0,0\n1,\n0.5,4\n' >in.csv
    gives neoc run "$shared/classes.json" in.csv --margin <<'END'
margin_0,margin_1,margin_2
1.5,2.5,0
-0.5,2.5,0
-0.5,-1.5,0
END
    gives neoc run "$shared/classes.json" in.csv --class <<'END'
class
1
1
2
END
    neoc run "$shared/classes.json" in.csv >answers
    neoc run "$shared/classes.json" in.csv --proba >probabilities
    [ "$(head -n 1 answers)" = prediction_0,prediction_1,prediction_2 ]
    [ "$(head -n 1 probabilities)" = prob_0,prob_1,prob_2 ]
    same <(tail -n +2 answers) <(tail -n +2 probabilities)
    awk -F, 'NR > 1 && ($1 + $2 + $3 < .999999 || $1 + $2 + $3 > 1.000001) { exit 1 }' answers
    model=$MODELS/onnx/three-classes-by-name.onnx
    neoc run "$model" "$rows" --proba -t jsonl >probabilities
    jq -r 'to_entries | max_by(.value).key | sub("prob_"; "")' probabilities >want
    neoc run "$model" "$rows" --class -N >got
    same want got
    [ "$(sort -u got | wc -l)" -gt 1 ]
    grep -qx '[abc]' got
}

@test "a model that answers with a class does so" {
    { stump 0 0 0.5 1 -1; stump 1 1 0.5 2 -2; stump 2 0 3 -.5 .25; } | xgboost multi:softmax 3 0.5 2 >softmax.json
    printf 'f0,f1\n0,0\n0.5,4\n' >in.csv
    gives neoc run softmax.json in.csv <<'END'
prediction
1
2
END
}

@test "margins are those of the plain interpreter, for every model of the corpus" {
    some=0
    while read -r model; do
        echo "$model"
        cells_of "$model" "$shared/columns" "$rows" >plain.csv
        "$BIN/tests/margins" "$model" <plain.csv >want
        neoc run -N --margin "$model" "$rows" | as_printf >got
        same want got
        some=$((some + 1))
    done <"$shared/numbers.list"
    [ $some -gt 30 ]
}

@test "texts are the categories they were to the model; others are what it makes of unknown ones" {
    text='substr("a   bb  ccc b   c   d   otherz  ", 1 + 4 * int(rand() * 8), 1 + int(rand() * 4))'
    while read -r model; do
        echo "$model"
        neoc inspect -t json "$model" >info
        jq '.features[].name' info >columns
        kinds=$(jq -r '[.features[].kind] | join(" ")' info)
        table columns 200 "split(\"$kinds\", kind, \" \") && kind[column] == \"text\" ? $text : rand() * 4 - 2" |
            tr -d ' ' >texts.csv
        tail -n +2 texts.csv >plain.csv
        "$BIN/tests/margins" "$model" <plain.csv >want
        for way in -j1 -j4; do
            ML_CHUNK=300 neoc run -N --margin "$model" texts.csv $way | as_printf >got
            same want got
        done
        sort -u want >>all
    done <"$shared/texts.list"
    [ "$(wc -l <all)" -gt 20 ]
    # The second is not a category, and no number either.
    printf 'f0,f1\nc,d\n1,2\n,\n' | neoc run "$MODELS/sklearn/onehot-4" >got
    [ "$(wc -l <got)" -eq 4 ]
}

@test "probabilities and classes of a model without classes are a usage error" {
    for model in "$shared/many.json" "$MODELS/lightgbm/constant"; do
        fails_with 2 'the model has no classes: it predicts values' neoc run "$model" "$rows" --proba
        fails_with 2 'the model has no classes: it predicts values' neoc run "$model" "$rows" --class
    done
}

@test "leaves of a linear model are a usage error" {
    fails_with 2 'the model has no leaves: it is linear' neoc run "$MODELS/xgboost/linear.json" "$rows" --leaf
}

@test "--margin, --proba, --class and --leaf exclude one another" {
    kinds=(--margin --proba --class --leaf)
    for i in 0 1 2; do
        for ((j = i + 1; j < 4; j++)); do
            fails_with 2 'exclude one another' neoc run "$loan" loan.csv "${kinds[i]}" "${kinds[j]}"
        done
    done
}

# ---- columns ----

@test "columns are found by name, in any order, among others" {
    neoc run "$loan" loan.csv >want
    wrangle 'set name = "x" | select debt,name,income,id' loan.csv >mixed.csv
    [ "$(sed -n 2p mixed.csv)" = 10,x,50,1 ]
    neoc run "$loan" mixed.csv >got
    same want got
}

@test "features without names are the columns in their order" {
    printf 'f0,f1\n0,0\n1,\n0.5,4\n' >named.csv
    neoc run "$shared/classes.json" named.csv --margin >want
    sed '1s/.*/length,width/' named.csv >other.csv
    neoc run "$shared/classes.json" other.csv --margin >got
    same want got
    # Names that are there come before places.
    printf 'f1,f0\n0,0\n,1\n4,0.5\n' | neoc run "$shared/classes.json" --margin >got
    same want got
    printf 'a,b,c\n1,2,3\n' >more.csv
    fails_with 3 "needs a column 'f0', and 1 more, which are not there" neoc run "$shared/classes.json" more.csv
    # A model whose features have names does not take places.
    printf 'earnings,owed\n50,10\n' >other.csv
    fails_with 3 "needs a column 'income', and 1 more, which are not there" neoc run "$loan" other.csv
}

@test "a missing column is an error that names it, unless it is to be missing in every row" {
    printf 'id,income\n1,50\n2,30\n' >in.csv
    fails_with 3 "the model needs a column 'debt', which is not there" neoc run "$loan" in.csv
    fails_with 3 "the model needs a column 'debt', which is not there" neoc run "$loan" in.csv --on-error=skip
    neoc run "$loan" in.csv --absent-is-missing >got
    printf 'id,income,debt\n1,50,\n2,30,\n' | neoc run "$loan" >want
    same want got
}

@test "--keep takes a selection of columns" {
    gives neoc run "$loan" loan.csv --margin --keep id <<'END'
id,margin
1,-1.15
2,0.55
3,1.3
4,0.04999999999999999
END
    paste -d, loan.csv <(neoc run "$loan" loan.csv --margin) >want
    for selection in '*' 'id,income,debt' 'id..debt' '@all' '/./'; do
        neoc run "$loan" loan.csv --margin -k "$selection" >got
        same want got
    done
    for selection in 'id,debt' '*,-income' '/d/'; do
        neoc run "$loan" loan.csv --class -k "$selection" >got
        [ "$(head -n 1 got)" = id,debt,class ]
    done
}

@test "kept cells are byte for byte as they came" {
    printf 'id,income,debt,name\n007,50.00,1e1,"a ""b"", c"\n' >in.csv
    gives neoc run "$loan" in.csv --margin -k '*' <<'END'
id,income,debt,name,margin
007,50.00,1e1,"a ""b"", c",-1.15
END
}

@test "--keep refuses what is not there, and names that predictions have" {
    fails_with 2 "--keep: unknown column 'idd': did you mean 'id'?" neoc run "$loan" loan.csv -k idd
    printf 'income,debt,class,margin\n1,2,3,4\n' >in.csv
    fails_with 2 "--keep: a prediction has the name 'margin', too" neoc run "$loan" in.csv --margin -k '*'
    [ "$(neoc run "$loan" in.csv --margin -k class -N)" = 3,0.55 ]
}

# ---- cells ----

@test "empty cells, null and absent keys are missing, and so are tokens of --na" {
    neoc run "$loan" loan.csv >want
    printf '%s\n' '{"income":50,"debt":10}' '{"income":30}' '{"debt":31,"income":null}' '{"income":50,"debt":null}' >in.jsonl
    neoc run "$loan" in.jsonl -t csv >got
    same want got
    printf 'income,debt\n50,10\n30,NA\n?,31\n50,NA\n' | neoc run "$loan" --na NA --na '?' >got
    same want got
}

@test "true and false are 1 and 0" {
    printf 'f0,f1\n1,0\n0,1\n,\n' | neoc run "$shared/classes.json" >want
    printf 'f0,f1\ntrue,false\nfalse,true\n,\n' | neoc run "$shared/classes.json" >got
    same want got
    printf '%s\n' '{"f0":true,"f1":false}' '{"f0":false,"f1":true}' '{"f0":null,"f1":null}' |
        neoc run "$shared/classes.json" -t csv >got
    same want got
}

# The threshold is 12.5; half-way to the next double it is 12.5 still.
@test "numbers are read with all their digits" {
    printf 'income,debt\n50,12.5\n50,1250e-2\n50,12.50000000000000088\n50,12.50000000000000089\n50,12.500000000000002\n' |
        neoc run "$loan" --leaf >got
    same <(printf 'leaf_0,leaf_1\n1,0\n1,0\n1,0\n2,0\n2,0\n') got
}

@test "a cell that is no number is an error with its place" {
    printf 'id,income,debt\n1,50,10\n2,30,ten\n' >in.csv
    local got=0
    neoc run "$loan" in.csv >out 2>err || got=$?
    [ $got -eq 3 ]
    same <(echo "neoc: in.csv:3:3: column 'debt': 'ten' is not a number") err
    printf '{"income":50,"debt":10}\n{"income":"much","debt":1}\n' >in.jsonl
    got=0
    neoc run "$loan" in.jsonl >out 2>err || got=$?
    [ $got -eq 3 ]
    [[ $(cat err) == "neoc: in.jsonl:2:"*"column 'income': 'much' is not a number" ]]
    # A column that the model does not read may hold anything.
    printf 'name,income,debt\nann,50,10\n' | neoc run "$loan" >out
}

@test "--on-error leaves wrong rows out, or takes their cells as missing" {
    printf 'id,income,debt\n1,50,10\n2,30,ten\n3,x,31\n' >in.csv
    neoc run "$loan" in.csv -k id --margin --on-error=skip --rejects rejects.jsonl >got 2>err
    same <(printf 'id,margin\n1,-1.15\n') got
    same <(echo 'neoc: warning: 2 wrong rows or cells passed over') err
    same <(printf '["in.csv",3,3,"ten"]\n["in.csv",4,2,"x"]\n') <(jq -c '[.file, .line, .column, .text]' rejects.jsonl)
    neoc -q run "$loan" in.csv --margin --on-error=null >got 2>err
    same <(printf 'margin\n-1.15\n0.55\n1.3\n') got
    [ ! -s err ]
}

@test "rejects stand in the order of the rows, however many threads" {
    awk 'BEGIN { print "id,income,debt"; for (r = 1; r <= 500; r++) print r "," (r % 7 ? r % 60 : "x" r) "," (r % 11 ? 20 : "y" r) }' >in.csv
    neoc -q run "$loan" in.csv -k id --on-error=skip --rejects want.jsonl >want
    [ "$(wc -l <want)" -eq $((501 - 71 - 45 + 6)) ]
    for way in "ML_CHUNK=40 -j4" "ML_CHUNK=1000 -j2"; do
        env "${way% *}" neoc -q run "$loan" in.csv -k id --on-error=skip --rejects got.jsonl "${way#* }" >got
        same want got
        same want.jsonl got.jsonl
    done
}

# ---- input and output ----

@test "rows come from standard input, files and several of them, in every format" {
    neoc run "$loan" loan.csv --keep id >want
    neoc run "$loan" --keep id <loan.csv >got
    same want got
    head -n 3 loan.csv >one.csv
    sed '2,3d' loan.csv >two.csv
    neoc run "$loan" one.csv two.csv --keep id >got
    same want got
    wrangle 'select @all' loan.csv -t jsonl >loan.jsonl
    neoc run "$loan" loan.jsonl -t csv --keep id >got
    same want got
    neoc run "$loan" -f jsonl -t csv --keep id <loan.jsonl >got
    same want got
    gzip -k loan.jsonl
    neoc run "$loan" loan.jsonl.gz -t csv --keep id >got
    same want got
    tr , ';' <loan.csv | neoc run "$loan" -d ';' -D , --keep id >got
    same want got
}

@test "JSON Lines come out for JSON Lines, as numbers and texts" {
    printf '{"income":50,"debt":10,"id":"007"}\n{"income":30,"id":1.50}\n' >in.jsonl
    gives neoc run "$loan" in.jsonl --keep id --margin <<'END'
{"id":"007","margin":-1.15}
{"id":1.50,"margin":0.55}
END
    gives neoc run "$loan" in.jsonl --class <<'END'
{"class":0}
{"class":1}
END
    [ "$(neoc run "$MODELS/sklearn/logistic-3" --class -t jsonl <<<$'f0,f1,f2,f3\n1,1,1,1' | jq -r '.class | type')" = string ]
}

@test "the model comes from standard input, an archive, or behind compression" {
    neoc run "$loan" loan.csv >want
    neoc run - loan.csv <"$loan" >got
    same want got
    gzip -c "$loan" >loan.txt.gz
    neoc run loan.txt.gz loan.csv >got
    same want got
    mkdir code
    echo 'import os' >code/inference.py
    cp "$loan" .
    tar -czf model.tar.gz code loan.txt
    neoc run model.tar.gz loan.csv >got
    same want got
}

@test "-o writes a file whole or not at all, in the format of its name" {
    neoc run "$loan" loan.csv -o out.csv >said
    [ ! -s said ]
    neoc run "$loan" loan.csv >want
    same want out.csv
    neoc run "$loan" loan.csv -o out.jsonl.gz
    gunzip -c out.jsonl.gz | jq -se 'length == 4 and .[0].prediction == 0.24048908305088898'
    printf 'income,debt\n1,2\n3,many\n' >bad.csv
    fails_with 3 'bad.csv:3:2' neoc run "$loan" bad.csv -o out.csv
    same want out.csv
    fails_with 3 'bad.csv:3:2' neoc run "$loan" bad.csv -o new.csv
    fails_with 2 'no leaves' neoc run "$MODELS/xgboost/linear.json" "$rows" --leaf -o new.csv
    [ ! -e new.csv ]
    [ "$(ls -A | grep -c 'new.csv\|out.csv')" -eq 1 ]
}

@test "no rows give a header" {
    printf 'id,income,debt\n' >in.csv
    gives neoc run "$loan" in.csv --keep id --proba <<<id,prob_0,prob_1
    neoc run "$loan" in.csv -t jsonl >got
    [ ! -s got ]
    fails_with 3 'is empty' neoc run "$loan" </dev/null
}

# ---- the same whatever the way ----

# Rows go through the kernels in blocks of 64: at their edges, each row is what it is alone.
@test "0, 1, 63, 64, 65, 127, 128, 129 rows are what the rows are one by one" {
    for model in "$shared/many.json" "$MODELS/lightgbm/classes" "$MODELS/sklearn/hist-4"; do
        neoc run "$model" "$rows" >want
        head -n 1 want >one_by_one
        for r in {2..130}; do
            sed -n "1p;${r}p;${r}q" "$rows" | neoc run "$model" -N
        done >>one_by_one
        same <(head -n 130 want) one_by_one
        for n in 0 1 63 64 65 127 128 129; do
            head -n $((n + 1)) "$rows" | neoc run "$model" >got
            same <(head -n $((n + 1)) want) got
        done
    done
}

@test "jobs, chunks and instruction sets change no byte" {
    while read -r model; do
        echo "$model"
        neoc run "$model" "$rows" -k id >want
        [ "$(wc -l <want)" -eq 301 ]
        for way in "ML_SIMD=scalar -j1" "ML_SIMD=sse2 -j2" "ML_SIMD=avx2 -j4" "ML_SIMD=avx512 -j2" \
            "ML_CHUNK=1 -j4" "ML_CHUNK=777 -j2" "ML_CHUNK=5000 -j1"; do
            env "${way% *}" neoc run "$model" "$rows" -k id "${way#* }" >got
            same want got
        done
    done < <(cat "$shared/numbers.list"; echo "$loan"; echo "$shared/many.json")
    for kind in --leaf --class --proba; do
        neoc run "$loan" "$rows" $kind >want
        for way in "ML_SIMD=scalar -j1" "ML_SIMD=avx2 -j4" "ML_CHUNK=100 -j2"; do
            env "${way% *}" neoc run "$loan" "$rows" $kind "${way#* }" >got
            same want got
        done
    done
}

@test "ML_SIMD chooses the kernels" {
    [ "$(ML_SIMD=scalar neoc bench "$loan" --rows=64 --repeat=1 -t jsonl | jq -r .kernel)" = plain ]
}

# ---- inspect ----

@test "inspect says what a model takes, gives and came from" {
    sha256=$(sha256sum <"$loan" | cut -d' ' -f1)
    neoc inspect "$loan" >text
    for line in 'format +lightgbm-text' 'objective +binary sigmoid:1' 'kind +trees' 'count +2' 'depth +2' 'leaves +5' \
        'features +income, debt' 'outputs +1' 'transform +sigmoid' 'answer +probability' 'class_count +2' \
        "sha256 +$sha256" "bytes +$(wc -c <"$loan")"; do
        grep -qxE "$line" text || { echo "no line $line"; return 1; }
    done
    neoc inspect -t json "$loan" | jq -e --arg sha256 "$sha256" '
        .source.format == "lightgbm-text" and .source.sha256 == $sha256 and .objective == "binary sigmoid:1" and
        .kind == "trees" and .trees == {count: 2, depth: 2, nodes: 8, leaves: 5, cover: true} and
        .features == [{name: "income", kind: "number"}, {name: "debt", kind: "number"}] and .named and .exact and
        .outputs == 1 and .class_count == 2 and .image_bytes > 0'
}

@test "inspect's JSON is JSON, for every model of the corpus and any name" {
    some=0
    for model in "$MODELS"/{lightgbm,xgboost,onnx,sklearn}/*; do
        echo "$model"
        neoc inspect -t json "$model" >info 2>err || continue # it is there to be refused
        jq -e '.features | length > 0' info >out
        neoc inspect "$model" | grep -q '^features '
        some=$((some + 1))
    done
    [ $some -gt 30 ]
    neoc inspect -t json "$MODELS/sklearn/logistic-3" | jq -e '.classes == ["a", "b", "c"] and .kind == "linear"'
    lightgbm_stump 0 1 0.5 1 2 | lightgbm $'quo"ted tab\\ew \xff' >names.txt
    neoc inspect -t json names.txt | jq -e '[.features[].name] == ["quo\"ted", "tab\\ew", "\ufffd"]'
}

# ---- bench ----

@test "bench measures rows a second and how long one takes" {
    neoc bench "$loan" --rows=1000 --repeat=2 -j2 -t jsonl >out
    [ "$(wc -l <out)" -eq 1 ]
    jq -e '.rows == 1000 and .features == 2 and .threads == 2 and .rows_per_s > 0 and .rows_per_cpu_s > 0 and
        .latency_us_p50 > 0 and .latency_us_p50 <= .latency_us_p90 and .latency_us_p90 <= .latency_us_p99 and
        .latency_us_p99 <= .latency_us_max' out
    neoc bench "$loan" --rows=1 --repeat=1 | grep -qE '^rows_per_s +[0-9]'
    neoc bench "$loan" "$rows" --rows=100 --repeat=1 | grep -qE '^rows +100$'
    fails_with 3 'no rows' neoc bench "$loan" <(head -n 1 "$rows")
    fails_with 3 'needs a column' neoc bench "$loan" <(printf 'x\n1\n')
    neoc compile "$loan" --target c --unverified -o loan.tar.gz
    neoc bench loan.tar.gz --rows=100 --repeat=1 | grep -qE '^rows +100$'
    neoc bench loan.tar.gz "$rows" --rows=100 --repeat=1 | grep -qE '^rows +100$'
    fails_with 3 'not a model' neoc bench "$rows"
}

# ---- models that are none ----

# Where time grows with the square of the columns, this takes minutes.
@test "a model and a table of 200,000 columns" {
    n=200000
    seq 0 $((n - 1)) | jq -cs --argjson n $n '{learner: {gradient_booster: {name: "gblinear", model: {weights: (map(if . == 7 then 1.5 elif . == $n - 1 then 2
        else 0 end) + [0])}}, learner_model_param: {base_score: "0.25", num_class: "0", num_feature: "\(length)", num_target: "1"},
        objective: {name: "reg:squarederror"}}, version: [1, 7, 4]}' >wide.json
    { seq -s, -f f%.0f 0 $((n - 1)); seq -s, $n | sed 's/[0-9][0-9]*/1/g'; seq -s, $n; } >wide.csv
    neoc inspect wide.json >out
    grep -q "^features .* f9 \.\.\. $n in all" out
    neoc compile wide.json -o wide.tar.gz 2>err
    for model in wide.json wide.tar.gz; do
        gives neoc run "$model" wide.csv <<END
prediction
3.75
$((2 * n + 12)).25
END
    done
    wrangle 'drop f1..f199998 | rename f199999=last' wide.csv >got
    same got <(printf 'f0,last\n1,1\n1,%s\n' $n)
}

@test "what is no model is refused, and named" {
    : >empty
    printf 'a,b\n1,2\n' >table.csv
    printf '{"a": 1}' >other.json
    printf 'tree\n' >begun.txt
    for file in empty table.csv other.json begun.txt; do
        fails_with 3 "$file" neoc inspect "$file"
        fails_with 3 "$file" neoc run "$file" loan.csv
        fails_with 3 "$file" neoc compile "$file"
    done
    [ ! -e model-host.tar.gz ]
    mkdir folder
    fails_with 4 'folder: cannot read: Is a directory' neoc run folder loan.csv
    fails_with 4 'none.txt: cannot open: No such file or directory' neoc run none.txt loan.csv
    fails_with 2 'missing operand MODEL' neoc run
    fails_with 2 'missing operand MODEL' neoc inspect
}

@test "a model with a part that is not known is refused by its name" {
    fails_with 3 'is_linear: linear models in the leaves are not supported' neoc run "$MODELS/lightgbm/linear" loan.csv
    stump 0 0 1 2 3 | xgboost reg:mystery 0 0.5 1 >mystery.json
    fails_with 3 mystery neoc run mystery.json loan.csv
    printf '\200\2csklearn.svm._classes\nSVC\n)\201.' >svc.pkl
    fails_with 3 SVC neoc inspect svc.pkl
    printf '\200\2cposix\nsystem\nX\11\0\0\0touch ran\205R.' >evil.pkl
    fails_with 3 posix.system neoc run evil.pkl loan.csv
    [ ! -e ran ]
}

# An error of one line and status 3, or a model that is another: never a crash.
@test "damaged models do not crash" {
    some=0
    for model in "$MODELS"/{lightgbm/classes,xgboost/classes.{json,ubj,model},onnx/scaler-trees.onnx,sklearn/{pipeline-4,hist-4}}; do
        size=$(wc -c <"$model")
        for i in {1..12}; do
            at=$((size * i / 13))
            head -c $at "$model" >cut
            { cat cut; printf '\377\1'; tail -c +$((at + 3)) "$model"; } >changed
            for file in cut changed; do
                got=0
                neoc run $file "$rows" --absent-is-missing >out 2>err || got=$?
                # Behind the trees stand parameters and attributes, which are not read.
                [ $got -eq 3 ] || [[ $got -eq 0 && ($file = changed || $i -gt 9) ]] ||
                    { echo "status $got: $model, $file at $at"; return 1; }
                [ $got -eq 0 ] || [ "$(wc -l <err)" -eq 1 ]
                some=$((some + 1))
            done
        done
    done
    [ $some -eq 168 ]
}
