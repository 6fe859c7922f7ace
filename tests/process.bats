# process: a command over files that are divided among instances.
load helper

setup() {
    in_scratch
    TOOL=process
    export ML_HOME=$PWD/.ml
    mkdir data
    for i in 1 2 3 4 5; do
        { echo id,x; seq $((i * 3)) | awk -v i=$i '{print i","$1}'; } >data/f$i.csv
    done
}

# parts: a script that says which files it has and counts their lines.
counting() {
    cat >count.sh <<'END'
cd "$ML_INPUT_TRAIN" || exit 9
echo "rank $ML_RANK of $ML_WORLD_SIZE: $(find . -type f -o -type l | sort | xargs)"
cat $(find . -type f -o -type l | sort) | wc -l >"$ML_OUTPUT_OUT/count-$ML_RANK"
END
}

@test "an instance has its share, and what it makes goes to its place" {
    counting
    process run --script count.sh -i train=data -o out=res --instances 2 >end.json
    [ "$(jq -r .status end.json)" = Completed ]
    [ "$(cat res/count-0 res/count-1 | xargs)" = "30 20" ]
    [ "$(process logs last 0)" = "rank 0 of 2: ./f1.csv ./f3.csv ./f5.csv" ]
    [ "$(process logs last algo-2)" = "rank 1 of 2: ./f2.csv ./f4.csv" ]
    [ "$(process describe | jq -c '[.results[] | .files]')" = "[3,2]" ]
    [ -z "$(ls .ml/process/*/work)" ]
}

@test "replicated inputs are whole, folders keep their names" {
    counting
    mkdir -p deep/a/b && cp data/f1.csv deep/a/b/ && cp data/f2.csv deep/
    process run --script count.sh -i train=deep:replicate -o out=res --instances 3 >/dev/null
    [ "$(cat res/* | xargs)" = "11 11 11" ]
    [ "$(process logs last 2)" = "rank 2 of 3: ./a/b/f1.csv ./f2.csv" ]
}

@test "by size the largest goes to whom has least" {
    counting
    process run --script count.sh -i train=data -o out=res --instances 2 --shard size >/dev/null
    [ "$(process describe | jq -c '[.results[].bytes]')" = "[100,114]" ]
    process run --script count.sh -i train=data -o out=res7 --instances 7 --shard size >/dev/null
    [ "$(cat res7/* | xargs)" = "16 13 10 7 4 0 0" ]
}

@test "a file cut between records gives the rows of the whole" {
    awk 'BEGIN {print "id,text"; for (i = 1; i <= 500; i++) printf "%d,\"line %d\nand, \"\"more\"\"\"\n", i, i}' >big.csv
    wrangle 'set n = id * 2' big.csv >whole.csv
    for n in 1 2 3 8 40; do
        process map 'wrangle "set n = id * 2"' -i big.csv -o out.csv --instances $n --shard record >/dev/null
        same whole.csv out.csv
    done
    seq 1000 >lines.txt
    process map 'awk "{print \$1 * 2}"' -i lines.txt -o out.txt --instances 7 --shard record >/dev/null
    awk '{print $1 * 2}' lines.txt | cmp - out.txt
}

@test "random tables, any number of instances: the parts strung together are the input" {
    python3 - <<'END'
import random, subprocess
r = random.Random(5)
for k in range(12):
    rows = r.choice([0, 1, 2, 30])
    cells = ['', 'a', '"x\ny"', '"q""q"', '"\r\n"', 'long ' * 20]
    files = []
    for f in range(r.choice([1, 3])):
        name = f't{f}.csv'
        files.append(name)
        with open(name, 'w', newline='') as out:
            out.write('a,b\n')
            lines = [r.choice(cells) + ',' + r.choice(cells) for _ in range(rows)]
            out.write('\n'.join(lines) + ('\n' if lines and r.random() < .7 or f < 2 else ''))
    bodies = [open(f, newline='').read()[4:] for f in files]
    bodies = [b for b in bodies]
    want = 'a,b\n' + ''.join(bodies)
    n = r.choice([1, 2, 5, 40])
    args = ['process', 'map', 'cat', '-o', 'o.csv', '--instances', str(n), '--shard', 'record']
    for f in files: args += ['-i', f]
    subprocess.run(args, check=True, stdout=subprocess.DEVNULL)
    got = open('o.csv', newline='').read()
    assert got == want, (k, n, files, got[:200], want[:200])
END
}

@test "map gives each file its own, under the folder's name, a pattern or in order" {
    process map 'wc -l' -i 'data/*.csv' >all
    [ "$(xargs <all)" = "4 7 10 13 16" ]
    process map cat -i data -o own/ >/dev/null
    diff -r data own
    process map cat -i data -o 'named/{name}-{rank}.txt' >/dev/null
    [ "$(ls named | xargs)" = "f1-00000.txt f2-00001.txt f3-00002.txt f4-00003.txt f5-00004.txt" ]
    process map cat -i data --instances 2 -o parts/ >/dev/null
    [ "$(ls parts | xargs)" = "part-00000 part-00001" ]
    [ "$(wc -l <parts/part-00000)" = 28 ] # three files with one header
    touch data/f1.txt
    fails_with 2 "two instances would write" process map cat -i data -o "{name}.out"
}

@test "files of other headers are not strung together" {
    echo a,b >data/g.csv
    run -3 --separate-stderr process map cat -i data --instances 1 -o all.csv --retries 0
    [[ $stderr == *"the header of "*"g.csv is not that of "* ]]
    [ ! -e all.csv ]
}

@test "a stream comes through a FIFO" {
    cat >pipe.sh <<'END'
wc -l <"$ML_INPUT_TRAIN" >"$ML_OUTPUT_OUT/n-$ML_RANK"
END
    process run --script pipe.sh -i train=data:pipe -o out=res --instances 2 >/dev/null
    [ "$(cat res/* | xargs)" = "28 19" ] # one header each
    echo 'head -1 "$ML_INPUT_TRAIN" >"$ML_OUTPUT_OUT/first"' >pipe.sh
    awk 'BEGIN {for (i = 0; i < 300000; i++) print "a long line"}' >many.txt
    process run --script pipe.sh -i train=many.txt:pipe -o out=res2 >/dev/null
    [ "$(cat res2/first)" = "a long line" ]
    echo 'exit 0' >pipe.sh # never looks at it
    process run --script pipe.sh -i train=many.txt:pipe >/dev/null
}

@test "one that fails is tried again, the others are kept, resume runs what is left" {
    cat >some.sh <<'END'
echo "attempt $ML_ATTEMPT"
echo part >"$ML_OUTPUT_OUT/made-$ML_RANK"
echo "no luck" >"$ML_MESSAGE"
[ "$ML_RANK" != 1 ] || [ -e "$LUCK" ] || exit 7
END
    export LUCK=$PWD/luck
    run -7 --separate-stderr process run --script some.sh -i train=data -o out=res --instances 3
    [ "$stderr" = "process: algo-2, attempt 2: exit status 7: no luck" ]
    [ "$(jq -c '[.done, .failed]' <<<"$output")" = "[2,1]" ]
    [ "$(ls res | xargs)" = "made-0 made-2" ]
    run -1 process status
    touch luck
    process resume >end.json
    [ "$(jq -c '[.status, .done]' end.json)" = '["Completed",3]' ]
    [ "$(ls res | xargs)" = "made-0 made-1 made-2" ]
    process status
    [ "$(process describe | jq -c '[.results[].attempt]')" = "[1,1,1]" ]
    [ "$(process logs last 0)" = "attempt 1" ] # it did not run again
}

@test "what is passed on: exit statuses, signals, missing programs" {
    run -9 process run --retries 0 -- sh -c 'exit 9'
    run -137 process run --retries 0 -- sh -c 'kill -9 $$'
    run -127 process run no-such-program
    run -127 process run --script prep.jl
    run -127 --separate-stderr process run --script prep.py --spark
    [[ $stderr == *"spark-submit: not found"* ]]
    run -124 process run --retries 0 --max-runtime 200ms -- sleep 30
    run -137 process run --retries 0 --max-runtime 200ms --kill-after 200ms -- sh -c 'trap "" TERM; sleep 30 & wait; sleep 30'
}

@test "two instances do not make one file" {
    run -3 --separate-stderr process run -i train=data -o out=res --instances 2 --retries 0 \
        -- sh -c 'echo $ML_RANK >$ML_OUTPUT_OUT/x'
    [[ $stderr == *"both make "*"res/x: let the path of output out have {rank} in it"* ]]
    process run -i train=data -o out='res2/{rank}' --instances 2 -- sh -c 'echo $ML_RANK >$ML_OUTPUT_OUT/x' >/dev/null
    [ "$(cat res2/00000/x res2/00001/x | xargs)" = "0 1" ]
}

@test "programs find the cloud's two files" {
    process run -i train=data:replicate -o out=res --instances 3 -e A=b --max-runtime 90s \
        -- sh -c 'cp $ML_CONFIG/resourceconfig.json $ML_OUTPUT_OUT/r$ML_RANK; cp $ML_CONFIG/processingjobconfig.json $ML_OUTPUT_OUT/p$ML_RANK' >/dev/null
    [ "$(jq -c . res/r1)" = '{"current_host":"algo-2","hosts":["algo-1","algo-2","algo-3"]}' ]
    [ "$(jq -r '.ProcessingInputs[0] | .InputName + " " + .S3Input.LocalPath + " " + .S3Input.S3DataDistributionType' res/p0)" = \
        "train /opt/ml/processing/input/train FullyReplicated" ]
    [ "$(jq -c '[.Environment.A, .StoppingCondition.MaxRuntimeInSeconds, .ProcessingResources.ClusterConfig.InstanceCount]' res/p2)" = '["b",90,3]' ]
}

# A table with numbers, some of them missing, classes, texts and dates.
table() {
    awk 'BEGIN {
        srand(5)
        print "id,x,z,c,word,day,y"
        for (i = 1; i <= 900; i++) {
            x = rand() < 0.2 ? "" : rand() * 100
            printf "%d,%s,%.3f,\"k%d\",%s,%02d/%02d/2024,%d\n", i, x, rand() * rand() * 9,
                rand() * 6, rand() < 0.1 ? "" : (rand() < 0.5 ? "deep sea" : "old, new" i % 3),
                rand() * 28 + 1, rand() * 12 + 1, (i > 450)
        }
    }' | sed 's/,old, new\(.\)/,"old, new\1"/' >r.csv
}

# divided PROGRAM...: from any number of parts, the state and the rows are those of one fit.
divided() {
    local program n
    for program; do
        wrangle fit -r whole.json "$program" r.csv
        wrangle apply whole.json r.csv >whole.csv
        for n in 1 2 7; do
            rm -f m.json m.csv
            process fit -r m.json "$program" r.csv --instances $n -o m.csv >/dev/null &&
                cmp whole.json m.json && cmp whole.csv m.csv || { echo "$n: $program"; return 1; }
        done
    done
}

@test "fit of shards is the fit of the whole" {
    table
    divided 'impute x with=random_sample | set u = x + 1' 'onehot c max=4 | impute x with=median' \
        'select id,c' 'drop_missing | set n = row_num(), u = rand()'
    run -2 --separate-stderr process fit -r m2.json 'impute x with=foo' r.csv --instances 2
    [[ $stderr == *"not 'foo'"* ]]
    [ ! -e m2.json ]
}

# in_groups ROWS GROUPS: a table, t.csv, and the same in row groups, t.parquet.
in_groups() {
    awk -v n="$1" 'BEGIN {
        print "id,x,word"
        for (i = 1; i <= n; i++)
            printf "%d,%s,%s\n", i, i % 3 ? i * 7 % 101 / 8 : "", i % 4 ? "w" i % 9 : "\"a, \"\"b\"\"\""
    }' >t.csv
    process map 'wrangle -t parquet --types id:int,x:float,word:text "filter true"' -i t.csv -o t.parquet \
        --instances "$2" --shard record >/dev/null
    [ "$(wrangle sniff t.parquet | jq -c '[.records, .row_groups]')" = "[$1,$2]" ]
    wrangle convert t.parquet >want.csv
    same <(wrangle convert t.csv) want.csv
}

@test "Parquet is cut between row groups, and put together again" {
    in_groups 3000 12
    for n in 1 2 5 12 40; do
        process map cat -i t.parquet -o o.parquet --instances $n --shard record >/dev/null
        same t.parquet o.parquet
        process map cat -i t.parquet --instances $n --shard record >o.parquet
        same t.parquet o.parquet
        process map 'wrangle convert -' -i t.parquet -o o.csv --instances $n --shard record >/dev/null
        same want.csv o.csv
    done
    process map cat -i t.parquet -o 'parts/{rank}.parquet' --instances 5 --shard record >/dev/null
    for i in parts/*; do wrangle sniff $i | jq .row_groups; done >groups
    [ "$(sort -u groups | xargs) $(awk '{ n += $1 } END { print n }' groups)" = "2 3 12" ]
    [ "$(process describe | jq '[.results[].bytes] | add')" = "$(stat -c %s t.parquet)" ]
}

@test "Parquet in folders, through a FIFO, from several files" {
    in_groups 1000 7
    cp t.parquet u.parquet
    cat >sums.sh <<'END'
for part in "$ML_INPUT_IN"/*; do wrangle 'agg n=count() s=sum(id)' "$part"; done | grep -v n >"$ML_OUTPUT_OUT/$ML_RANK"
wrangle 'agg n=count() s=sum(id)' - <"$ML_INPUT_FED" | grep -v n >"$ML_OUTPUT_OUT/fed$ML_RANK"
ls "$ML_INPUT_IN" | xargs
END
    sum() { awk -F, '{ n += $1; s += $2 } END { print n, s }' "$@"; }
    process run --script sums.sh -i in='[tu].parquet' -i fed='[tu].parquet:pipe' -o out=res --instances 3 --shard record >/dev/null
    [ "$(sum res/[0-9]*)" = "2000 1001000" ]
    [ "$(sum res/fed*)" = "2000 1001000" ]
    [ "$(for i in 0 1 2; do process logs last $i; done)" = "$(printf 't.parquet\nt.parquet u.parquet\nu.parquet')" ]
    process run --script sums.sh -i in=t.parquet:replicate -i fed='[tu].parquet:replicate:pipe' -o out=res2 >/dev/null
    [ "$(cat res2/0 res2/fed0 | xargs)" = "1000,500500 2000,1001000" ]
    # whole files, several to an instance: one file of Parquet
    process map 'wrangle "agg n=count()"' -i '[tu].parquet' --instances 1 -o n.csv >/dev/null
    [ "$(xargs <n.csv)" = "n 2000" ]
    cp t.parquet nameless
    process map 'wrangle convert -' -i nameless --instances 2 --shard record --records parquet -o n.csv >/dev/null
    same want.csv n.csv
    # what stands beside it is told apart by its own names
    process run -i in=t.parquet -i side=data:pipe -o out=res3 --instances 2 --shard record \
        -- sh -c 'wc -l <$ML_INPUT_SIDE >$ML_OUTPUT_OUT/$ML_RANK' >/dev/null
    [ "$(sum res3/*)" = "47 0" ]
}

@test "fit of row groups is the fit of the whole" {
    in_groups 3000 8
    for program in 'impute x with=mean | scale x method=standard' 'impute x with=random_sample | set z = x + 1' \
        'onehot word max=4 | impute x with=median'; do
        wrangle fit -r whole.json "$program" t.parquet
        wrangle apply whole.json t.parquet >whole.csv
        for n in 1 3 11; do
            process fit -r m.json "$program" t.parquet --instances $n -o m.csv >/dev/null
            same whole.json m.json
            same whole.csv m.csv
        done
        process fit -r m.json "$program" t.parquet --instances 3 -o m.parquet >/dev/null
        wrangle convert m.parquet >m.csv
        same whole.csv m.csv
    done
}

@test "Parquet that does not belong together, or is damaged" {
    in_groups 1000 5
    printf 'id,x,word\n1,2,a\n' | wrangle convert --types id:int,x:int,word:text -t parquet >u.parquet
    run -3 --separate-stderr process map cat -i '[tu].parquet' --instances 1 --retries 0 -o all.parquet
    [[ $stderr == *"algo-1, attempt 1: exit status 3: "*"u.parquet: column 'x': its type is int, but float in "*"t.parquet" ]]
    [ ! -e all.parquet ]
    fails_with 3 "what instance 1 wrote: column 'x': its type is int, but float in what instance 0 wrote" \
        process map cat -i '[tu].parquet' -o all.parquet
    fails_with 3 "what instance 0 wrote: is no Parquet file" process map 'wc -l' -i data -o all.parquet
    fails_with 3 "no instance wrote anything" process map true -i data -o all.parquet
    [ ! -e all.parquet ]
    size=$(stat -c %s t.parquet)
    footer=$(tail -c 8 t.parquet | od -An -tu4 -N4 | tr -d ' ')
    head -c $((size - 1)) t.parquet >cut.parquet
    { head -c $((size - 8)) t.parquet; printf '\377\377\377\000PAR1'; } >long.parquet
    { head -c $((size - 8 - footer / 2)) t.parquet; tail -c 8 t.parquet; } >hurt.parquet
    { printf PAR1; tail -c $((footer + 8)) t.parquet; } >beyond.parquet
    for bad in cut long hurt beyond; do
        fails_with 3 "$bad.parquet: " process map cat -i $bad.parquet --instances 2 --shard record -o all.parquet
        TOOL=wrangle fails_with 3 "$bad.parquet: " process fit -r s.json 'scale x' $bad.parquet --instances 2
    done
    fails_with 3 "f1.csv: is no Parquet file" process map cat -i data/f1.csv --records parquet --instances 2 --shard record
    [ ! -e all.parquet ]
}

@test "fit of shards in stages is the fit of the whole" {
    table
    divided 'impute x with=mean | scale x method=standard' \
        'impute x | scale x | pca x,z k=1 | bin pca_0 bins=4' \
        'impute @numeric | scale @numeric | impute @text with=mode | onehot c | drop_correlated' \
        'infer_date_format day | impute word with=mode | tfidf word | kmeans_distance word_* k=2 sample=200' \
        'outliers z action=remove fold=1 | target_encode c target=y with=folds | scale c method=robust' \
        'impute x with=knn from=z sample=99 | isolation_forest x,z trees=5 sample=64 | scale @numeric' \
        'rare_label c min=0.17 above=2 | woe c target=y | select_best target=y keep=2 | power_transform @numeric' \
        'set u = rand() | quantile_transform u | bin_tree u target=y | ordinal u' \
        'split a=0.7 b=0.3 | filter split == "a" | lda_discriminant z,id target=c k=1 | scale @numeric' \
        'fold k=3 | scale fold | impute x with=group_mean by=c | smote y columns=z,x' \
        'sample_bernoulli fraction=0.5 | leave_one_out c target=y | spline_basis c knots=3 degree=1' \
        'multilabel_onehot word sep=", " | impute x with=regression from=z | nmf x,z k=1 | outliers @numeric'
}

# chained NUMBER: programs of steps drawn by lot, as far as one wrangle fit can fit them.
@test "fit in stages of steps drawn by lot" {
    table
    local steps=('impute x' 'impute x with=mode' 'impute @text with=mode' 'scale @numeric' 'scale z method=minmax'
        'bin z bins=3' 'bin_mdlp x target=y' 'onehot c' 'ordinal word' 'count_encode c' 'woe c target=y'
        'target_encode c target=y' 'outliers z action=remove fold=2' 'filter z > 0.2' 'set w = z * id'
        'drop_constant' 'pca x,z k=2 keep' 'rank_gauss z' 'power_transform z' 'tfidf word' 'fold k=4'
        'drop_missing z' 'log_shift z' 'variance_threshold threshold=0.1' 'select_mrmr target=y keep=4'
        'tomek_links y columns=z sample=99' 'elliptic_envelope x,z sample=99 action=flag' 'infer_date_format day')
    local seed=3 i k tried=0 program
    for i in $(seq 12); do
        program='select @all'
        for k in 1 2 3 4; do
            seed=$(((seed * 1103515245 + 12345) % 2147483648))
            program="$program | ${steps[seed / 65536 % ${#steps[@]}]}"
            wrangle fit -r /dev/null "$program" r.csv 2>/dev/null || program=${program% | *}
        done
        divided "$program"
        [ "${program//[^|]/}" = '|' ] || tried=$((tried + 1))
    done
    [ "$tried" -gt 6 ]
}

@test "fit of JSON Lines, of files and of shards without a row" {
    table
    wrangle convert -t jsonl r.csv >r.jsonl
    { sed -n 1,300p r.jsonl; sed -n '301,$p' r.jsonl | jq -c 'del(.word) + {z: .z}'; } >keys.jsonl
    for file in r.jsonl keys.jsonl; do
        wrangle fit -r whole.json 'impute x | scale x,z | ordinal word' $file
        process fit -r m.json 'impute x | scale x,z | ordinal word' $file --instances 5 >/dev/null
        same whole.json m.json
    done
    (head -n 1 r.csv; sed -n '2,4p' r.csv) >data/few.csv
    rm data/f*.csv && mkdir rows
    for i in 1 2 3 4; do (head -n 1 r.csv; sed -n "$((i * 9)),$((i * 9 + i))p" r.csv) >rows/$i.csv; done
    wrangle fit -r whole.json 'impute x | scale x,z | bin x' rows/*.csv
    process fit -r m.json 'impute x | scale x,z | bin x' rows --instances 9 >/dev/null
    same whole.json m.json
    process fit -r m.json 'impute x | scale x,z | bin x' rows/4.csv 'rows/[123].csv' --instances 40 >/dev/null
    same whole.json m.json
    head -n 1 r.csv >none.csv
    wrangle fit -r whole.json 'impute x | scale x,z' none.csv
    process fit -r m.json 'impute x | scale x,z' none.csv --instances 2 >/dev/null
    same whole.json m.json
}

@test "options for wrangle hold in all stages of a fit" {
    table
    sed 's/deep sea/NA/' r.csv >na.csv
    program='set age = year(now()) * z | scale age | bin age | impute x with=random_sample | ordinal word'
    wrangle fit -r whole.json --na=NA --seed=9 --now=2025-01-01 "$program" na.csv
    process fit -r m.json -w --na=NA -w --seed=9 -w --now=2025-01-01 "$program" na.csv --instances 3 >/dev/null
    same whole.json m.json
}

@test "a table without a header is fitted in parts, options for whole files are refused" {
    table
    tail -n +2 r.csv >bare.csv
    wrangle fit -r whole.json --no-header 'impute c2 | scale c2' bare.csv
    wrangle apply --no-header whole.json bare.csv -o whole.csv
    process fit -r m.json -w --no-header 'impute c2 | scale c2' bare.csv --instances 3 -o m.csv >/dev/null
    same whole.json m.json
    same whole.csv m.csv
    for option in --source-column=f --skip-lines=1; do
        fails_with 2 'does not hold for parts' process fit -r no.json -w $option 'scale z' r.csv
    done
    [ ! -e no.json ]
}

@test "rows that differ in shards are not strung together" {
    table
    for step in 'sort z' 'rolling z window=3' 'head 5' 'tee t.csv' 'split a=0.5 b=0.5 how=ordered'; do
        rm -f m.json
        run -3 --separate-stderr process fit -r m.json "impute x | scale x | $step" r.csv --instances 2 --retries 0 -o m.csv
        [[ $stderr == *"m.json: step 3 (${step%% *}) makes of several rows, or of their order"* ]]
        [ -e m.json ] && [ ! -e m.csv ] && [ ! -e t.csv ]
    done
    divided 'impute x | oversample_random c' 'split a=0.5 b=0.5 | scale x' 'fold k=2'
}

@test "what shards cannot learn is refused before anything runs" {
    table
    local program
    for program in 'head 9 | scale x' 'impute x | dedup c | bin x' 'onehot c | rolling z window=3 into=m | scale m' \
        'scale x | oversample_random c | bin x' 'agg m=mean(z) by=c | scale m' 'set p = prev(z) | scale p'; do
        TOOL=wrangle fails_with 3 'makes of several rows' process fit -r m.json "$program" r.csv --instances 2
    done
    TOOL=wrangle fails_with 3 'step 3 (bin) learns from what step 2 (dedup)' \
        process fit -r m.json 'impute x | dedup c | bin x' r.csv --instances 2
    [ ! -e m.json ]
    [ -z "$(ls .ml/process)" ]
    fails_with 2 'nothing.csv*: there are no files' process fit -r m.json 'scale x' 'nothing.csv*'
}

@test "a fit that was interrupted goes on where it stopped" {
    table
    program='impute x | scale x | bin x'
    wrangle fit -r whole.json "$program" r.csv
    mkdir bin
    cat >bin/wrangle <<END
#!/bin/sh
case "\$*" in *--after=*) echo x >>"$PWD/ran"; [ "\$(wc -l <"$PWD/ran")" -lt 6 ] || exit 4 ;; esac
exec "$BIN/wrangle" "\$@"
END
    chmod +x bin/wrangle
    PATH=$PWD/bin:$PATH run -4 process fit -r m.json "$program" r.csv --instances 4 --name f -j1 --retries 0
    [ ! -e m.json ]
    [ "$(ls .ml/process | xargs)" = "f-fit f-fit-2" ]
    rm ran
    : >ran
    process fit -r m.json "$program" r.csv --instances 4 --name f -o m.csv >end.json
    same whole.json m.json
    [ "$(jq -r .job end.json | xargs)" = "f-fit f-fit-2 f-fit-3 f-apply" ]
    [ "$(jq -r .done end.json | sort -u)" = 4 ]
    process fit -r m.json "$program" r.csv --instances 4 --name f -o m.csv >again.json
    same whole.json m.json
    fails_with 2 'there is a job f-fit already' process fit -r m.json 'scale x' r.csv --instances 4 --name f
    fails_with 2 'there is a job f-fit already' process fit -r m.json "$program" r.csv --instances 3 --name f
    rm m.csv
    run -2 --separate-stderr process fit -r m.json "$program" r.csv --instances 4 --name f -o m.csv
    [[ $stderr == *"m.csv is gone"* ]]
    echo '901,1,1,k1,w,01/01/2024,1' >>r.csv
    fails_with 3 'r.csv is not as it was' process fit -r m.json "$program" r.csv --instances 4 --name f
    fails_with 2 'at most 50 bytes' process fit -r m.json "$program" r.csv --name "$(printf '%051d' 1)"
}

@test "a file that is not as it was, and a script, end a resume" {
    counting
    echo 'exit 3' >>count.sh
    run -3 process run --script count.sh -i train=data -o out=res --instances 2 --retries 0
    echo 9,9 >>data/f1.csv
    fails_with 3 "f1.csv is not as it was when the job was made" process resume
    sed -i '$d' data/f1.csv
    sed -i '$d' count.sh
    fails_with 3 "count.sh is not as it was when the job was made" process resume
}

@test "kill -9 at any moment, then resume: nothing twice, nothing lost" {
    for i in $(seq 40); do seq $i >data/n$i.txt; done
    export RAN=$PWD/ran
    mkdir ran
    for round in 1 2 3 4 5 6 7 8; do
        process map 'sh -c "cat; echo x >>$RAN/$ML_RANK; sleep 0.01"' -i 'data/n*.txt' -o "out$round/" -j 4 \
            --name "job$round" >/dev/null 2>&1 &
        while [ ! -e ".ml/process/job$round/job.json" ]; do sleep 0.001; done
        sleep "0.0$round"
        kill -9 $! 2>/dev/null || true
        wait $! || true
        process resume "job$round" >end.json 2>err || { cat err; return 1; }
        [ "$(jq -c '[.status, .done]' end.json)" = '["Completed",40]' ]
        for i in $(seq 40); do cmp data/n$i.txt "out$round/n$i.txt"; done
        [ -z "$(ls ".ml/process/job$round/work")" ]
    done
}

@test "in the background: wait, status, stop, and one runner at a time" {
    name=$(process run --detach --instances 2 -- sh -c 'while [ ! -e go ]; do sleep 0.02; done')
    run -5 process status "$name"
    [ "$(jq -r .status <<<"$output")" = InProgress ]
    fails_with 5 "runs already" process resume "$name"
    fails_with 5 "still runs" process wait "$name" --timeout 50ms
    touch go
    process wait "$name" >/dev/null
    process status "$name" >/dev/null
    name=$(process run --detach --retries 0 -- sh -c 'sleep 100')
    process stop "$name"
    run -1 process wait "$name"
    [ "$(jq -r .status <<<"$output")" = Stopped ]
    fails_with 1 "does not run" process stop "$name"
    [ "$(process list | wc -l)" = 2 ]
}

@test "a signal ends the instances, and the status says so" {
    process run --name s -- sh -c 'sleep 100' >out 2>err &
    while [ ! -s .ml/process/s/lock ]; do sleep 0.02; done
    sleep 0.1
    kill -TERM $!
    got=0
    wait $! || got=$?
    [ "$got" = 143 ]
    [ "$(jq -r .status out)" = Stopped ]
}

@test "in a sandbox the folders are where the cloud has them, and nothing else is to be written" {
    process run --isolate -- true >/dev/null 2>err
    [ ! -s err ] || skip "$(cat err)"
    cat >iso.sh <<'END'
set -e
hostname
cat /opt/ml/processing/input/train/f*.csv | wc -l
wc -l <"/opt/ml/processing/input/s"
[ "$ML_INPUT_TRAIN" = /opt/ml/processing/input/train ]
cat /opt/ml/config/resourceconfig.json; echo
! touch /opt/ml/processing/input/train/f1.csv
! touch "$ROOT/x"
! touch here
touch /tmp/fine
echo made >/opt/ml/processing/output/out/m
echo told >/opt/ml/output/message
END
    export ROOT
    process run --isolate --no-network --script iso.sh -i train=data:replicate -i s=data/f1.csv:replicate:pipe \
        -o 'out=made/{rank}' --instances 2 >/dev/null
    process logs last 1 | grep -v cannot >got

    [ "$(xargs <got)" = "algo-2 50 4 {current_host:algo-2,hosts:[algo-1,algo-2]}" ]
    [ "$(cat made/00000/m made/00001/m | xargs)" = "made made" ]
    [ "$(process describe | jq -r '.results[1].message')" = told ]
    [ "$(find data -newer iso.sh)" = "" ]
}

@test "statuses, signals and time come through the sandbox" {
    process run --isolate -- true >/dev/null 2>err
    [ ! -s err ] || skip "$(cat err)"
    run -9 process run --isolate --retries 0 -- sh -c 'exit 9'
    run -137 process run --isolate --retries 0 -- sh -c 'kill -9 $$'
    run -124 process run --isolate --retries 0 --max-runtime 200ms -- sleep 30
    process run --isolate -- sh -c 'sleep 100 & exit 0' >/dev/null # it does not stay
    process run --isolate --no-network -- sh -c '! getent hosts example.org' >/dev/null
    process map --isolate 'tr a-z A-Z' -i data/f1.csv -o up.csv >/dev/null
    [ "$(head -1 up.csv)" = ID,X ]
}

@test "limits are kept, and told as such" {
    process run --memory 300M -- true >/dev/null 2>err || skip "$(cat err)"
    run -137 --separate-stderr process run --memory 50M -- python3 -c 'x = bytearray(200 << 20)'
    [[ $stderr == *"attempt 1: signal 9: memory limit of 52428800 bytes"* ]]
    process run --memory 300M -- python3 -c 'x = bytearray(100 << 20)' >/dev/null
    run -2 --separate-stderr process run --retries 0 --processes 5 -- sh -c 'for i in 1 2 3 4 5 6 7 8 9; do sleep 1 & done'
}

@test "a script for the cloud is told about the sandbox" {
    echo 'ls /opt/ml/processing' >c.sh
    run --separate-stderr process run --retries 0 --script c.sh
    [[ $stderr == *"warning: c.sh names /opt/ml, which is there with --isolate"* ]]
    fails_with 2 "wants --isolate" process run --no-network -- true
}

@test "wrong uses" {
    fails_with 2 "what is to be run" process run
    fails_with 2 "which files" process map cat
    fails_with 2 "expected NAME=PATH" process run -i data cat
    fails_with 2 "there are two inputs a" process run -i a=data -i a=data cat
    fails_with 2 "there are no files" process map cat -i 'none*'
    fails_with 4 "none" process map cat -i none.csv
    fails_with 2 "is no name" process map cat -i data --name a/b
    fails_with 2 "no job none" process status none
    fails_with 2 "no job ../x" process status ../x
    fails_with 2 "is no NAME=VALUE" process map cat -i data -e 1A=b
    process map cat -i data --name one >/dev/null
    fails_with 2 "there is a job one already" process map cat -i data --name one
    fails_with 2 "there is no instance 7" process logs one 7
    gzip -k data/f1.csv
    fails_with 3 "cannot be cut between records" process map cat -i data/f1.csv.gz --instances 2 --shard record
    mkfifo data/fifo
    fails_with 3 "is no regular file" process map cat -i data
}

@test "files larger than memory" {
    awk 'BEGIN {print "id,text"; for (i = 0; i < 3000000; i++) printf "%d,a text that fills lines\n", i}' >large.csv
    for n in 1 3; do
        (ulimit -v 60000 && process map cat -i large.csv -o out.csv --instances $n --shard record -j2 >/dev/null)
        cmp large.csv out.csv
    done
}

@test "damaged state is told with its place" {
    process map cat -i data --name one -o own/ >/dev/null
    sed -i '2s/.*/{"instance":9}/' .ml/process/one/plan.jsonl
    fails_with 3 "plan.jsonl:2" process resume one
    echo '{' >.ml/process/one/job.json
    fails_with 3 "job.json is no job" process status one
    process map cat -i data --name two -o own/ >/dev/null
    : >.ml/process/two/results/1.json # as a power failure may leave it
    run -1 process status two
    [ "$(process resume two | jq -c '[.status, .done]')" = '["Completed",5]' ]
    process status two >/dev/null
}
