# The stories of examples/: each runs from a copy of its folder, and its own checks hold.
load helper

@test "flights" {
    in_scratch
    cp -R "$ROOT/examples/flights" .
    rm -rf flights/build
    make -C flights WRANGLE=wrangle >out
    grep -q 'March, ready for a model' out
    make -s -C flights WRANGLE=wrangle check
    mv flights/build first # the same bytes from chunks of another size
    ML_CHUNK=1000 make -C flights WRANGLE=wrangle >/dev/null
    for file in flights/build/*; do
        [ -d "$file" ] || same "first/$(basename "$file")" "$file"
    done
}

# A library, a static one and the source, each in a program, say what the command says.
@test "embed" {
    in_scratch
    cp -R "$ROOT/examples/embed" .
    rm -rf embed/build
    make -C embed >out
    run -0 grep -c 'income 50, debt 10: 24.0 % default, class 0' out
    [ "$output" = 3 ]
    run -0 grep -c 'income 30, debt 45: 78.6 % default, class 1' out
    [ "$output" = 3 ]
}

@test "applicants are cleaned, scored, and those at risk counted" {
    in_scratch
    printf 'id;branch;income;debt\n1;north; 50 ;10\n2;south;30;n/a\n3;north;;31\n4;south;12;2\n5;south;70;11\n' >raw.csv
    wrangle -d ';' -D , 'trim income | filter id != 4' raw.csv |
        neoc run "$ROOT/examples/embed/loan.txt" --na n/a --keep id,branch |
        wrangle 'set risk = round(prediction, 2) | agg n=count() worst=max(risk) by=branch | sort worst:desc' >got
    printf 'branch,n,worst\nnorth,2,0.79\nsouth,2,0.63\n' >want
    same want got
}

@test "a model is compiled with its preparation, and scores raw rows as training saw them" {
    in_scratch
    printf 'id,age,city,late\n1,20,Rome,0\n2,,Oslo,1\n3,61,Rome,1\n4,33,,0\n5,47,Bern,1\n' >train.csv
    wrangle fit -r prep.json 'impute age with=median | scale age | onehot city | drop late,id' train.csv
    wrangle apply prep.json train.csv >features.csv
    {
        printf '%s\n' tree version=v4 num_class=1 num_tree_per_iteration=1 max_feature_idx=3 'objective=binary sigmoid:1'
        printf 'feature_names=%s\n\nTree=0\n' "$(head -n 1 features.csv | tr , ' ')"
        printf '%s\n' num_leaves=3 num_cat=0 'split_feature=0 1' 'threshold=0.25 0.5' 'decision_type=8 8' \
            'left_child=-1 -2' 'right_child=1 -3' 'leaf_value=-1.5 0.5 2' '' 'end of trees'
    } >model.txt
    wrangle apply prep.json train.csv | neoc run model.txt >want
    neoc compile model.txt --prep prep.json --rows train.csv -o model.tar.gz
    neoc run model.tar.gz train.csv >got
    same want got
    neoc verify model.tar.gz model.txt --prep prep.json train.csv | grep -q 'every margin has the bits'
    printf 'age,city\n61,Rome\n' | neoc run model.tar.gz --class >one
    same <(printf 'class\n1\n') one
}
