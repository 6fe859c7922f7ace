# neoc compile --prep: raw rows go in, and the predictions are those of the prepared ones, byte for byte. Single steps:
# tests/unit/test_lower.c.
load helper
load models

recipe='set per = fare / (age + 1), oslo = city == "Oslo" | set plan = lower(trim(plan)), old = if(age > 40, 1, 0)
    | impute age,fare,per with=median | scale age,per method=robust | scale fare method=minmax
    | target_encode plan target=late | onehot city max=3 | drop late,id'

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return 1
    # Missing cells and empty texts, numbers written in several ways, texts with blanks.
    awk 'BEGIN {
        srand(5)
        split("Paris,London,Rome,Bern,Oslo,Z\303\274rich,\"\",", city, ",")
        split("basic,plus,Plus , BASIC,,x", plan, ",")
        print "id,age,fare,city,plan,late"
        for (r = 0; r < 300; r++)
            printf "%d,%s,%s,%s,%s,%d\n", r, rand() < .15 ? "" : int(rand() * 80),
                rand() < .1 ? "" : rand() < .2 ? "1e2" : rand() < .2 ? "007" : rand() * 90,
                city[1 + int(rand() * 8)], plan[1 + int(rand() * 6)], rand() < .4
    }' >raw.csv
    wrangle fit -r prep.json "$recipe" raw.csv
    wrangle apply prep.json raw.csv >prepared.csv
    model_of prepared.csv >model.txt
    neoc compile model.txt --prep prep.json --rows raw.csv -o model.tar.gz
    neoc run model.txt prepared.csv >predictions.csv
}

# model_of TABLE: a regression of LightGBM with a threshold at every seventh row's cells, so that other cells are
# likely to give another sum.
model_of() {
    awk -F, 'NR == 1 {
            gsub(",", " ")
            printf "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=%d\n", split($0, name, " ") - 1
            print "objective=regression\nfeature_names=" $0
        }
        NR % 7 == 2 {
            for (f = 1; f <= NF; f++)
                if ($f ~ /^[-0-9]/ && !seen[f, $f]++) {
                    printf "\nTree=%d\nnum_leaves=2\nnum_cat=0\nsplit_feature=%d\nthreshold=%s\n", t, f - 1, $f
                    printf "decision_type=8\nleft_child=-1\nright_child=-2\nleaf_value=%d.%d %d\n", t % 97, t, t % 89
                    t++
                }
        }
        END { print "\nend of trees" }' "$1"
}

setup() {
    in_scratch
    TOOL=neoc
    shared=$BATS_FILE_TMPDIR
}

@test "raw rows give what prepared ones give" {
    neoc run "$shared/model.tar.gz" "$shared/raw.csv" >got
    same "$shared/predictions.csv" got
    [ "$(sort -u got | wc -l)" -gt 200 ]
    wrangle 'select @all' "$shared/raw.csv" -t jsonl >raw.jsonl
    neoc run "$shared/model.tar.gz" raw.jsonl -t csv >got
    same "$shared/predictions.csv" got
    neoc run "$shared/model.txt" "$shared/prepared.csv" --leaf >want
    neoc run "$shared/model.tar.gz" "$shared/raw.csv" --leaf >got
    same want got
}

@test "one by one, on any number of threads and with any instructions they give the same" {
    for way in "ML_SIMD=scalar -j1" "ML_SIMD=avx2 -j2" "ML_CHUNK=1 -j4" "ML_CHUNK=777 -j2"; do
        env "${way% *}" neoc run "$shared/model.tar.gz" "$shared/raw.csv" "${way#* }" >got
        same "$shared/predictions.csv" got
    done
    for r in {2..101}; do
        sed -n "1p;${r}p;${r}q" "$shared/raw.csv" | neoc run "$shared/model.tar.gz" -N
    done >got
    same <(sed -n 2,101p "$shared/predictions.csv") got
}

@test "the columns wanted are those that the recipe reads" {
    neoc inspect -t json "$shared/model.tar.gz" >info
    jq -e '[.fields[].name] == ["age", "fare", "city", "plan"] and .preparation.rows_seen == 300 and
        (.preparation.program | startswith("set per")) and (.features | length == 9)' info
    wrangle 'select plan,fare,age,id,city' "$shared/raw.csv" | neoc run "$shared/model.tar.gz" >got
    same "$shared/predictions.csv" got
    wrangle 'drop city' "$shared/raw.csv" >in.csv
    fails_with 3 "the model needs a column 'city', which is not there" neoc run "$shared/model.tar.gz" in.csv
    neoc run "$shared/model.tar.gz" in.csv --absent-is-missing >got
    wrangle 'set city = null' "$shared/raw.csv" | neoc run "$shared/model.tar.gz" >want
    same want got
    neoc run "$shared/model.tar.gz" "$shared/raw.csv" --keep id,city >got
    same <(wrangle 'select id,city' "$shared/raw.csv" | paste -d, - "$shared/predictions.csv") got
}

@test "a wrong raw cell is an error with its place and the step" {
    printf 'id,age,fare,city,plan\n1,20,7,Rome,x\n2,21,seven,Rome,x\n3,22,9,Rome,x\n' >in.csv
    local got=0
    neoc run "$shared/model.tar.gz" in.csv >out 2>err || got=$?
    [ $got -eq 3 ]
    same <(echo "neoc: in.csv:3:3: column 'fare': step 1 of the preparation: 'seven' is not a number") err
    neoc run "$shared/model.tar.gz" in.csv -k id --on-error=skip --rejects rejects.jsonl >got 2>err
    [ "$(cut -d, -f1 got | paste -sd ' ')" = 'id 1 3' ]
    same <(echo '["in.csv",3,3,"seven"]') <(jq -c '[.file, .line, .column, .text]' rejects.jsonl)
    # As missing it is prepared as one.
    neoc -q run "$shared/model.tar.gz" in.csv --on-error=null >got
    sed 's/seven//' in.csv | neoc run "$shared/model.tar.gz" >want
    same want got
}

@test "times without an offset are those of the zone that compile was given" {
    printf 'seen,x\n2024-03-31 02:30:00,1\n2024-07-01T12:00:00,2\n2024-12-31 23:59:59,\n2024-01-01 00:00:00Z,4\n' >in.csv
    wrangle fit --zone Europe/Paris -r zone.json 'date_parts seen parts=hour,month | drop seen' in.csv
    {
        lightgbm_stump 0 1 0.5 1 2
        lightgbm_stump 1 1 9.5 10 20
        lightgbm_stump 2 1 21.5 100 200
        lightgbm_stump 3 2 5.5 1000 2000
    } | lightgbm 'x seen_hour seen_month' >model.txt
    # Of 01:30, 10:00, 22:59:59 and 00:00.
    printf 'prediction\n1112\n2122\n2222\n1111\n' >want
    wrangle apply --zone Europe/Paris zone.json in.csv | neoc run model.txt >got
    same want got
    neoc compile model.txt --prep zone.json --zone Europe/Paris --target c --unverified -o paris.tar.gz
    neoc run paris.tar.gz in.csv >got
    same want got
    neoc compile model.txt --prep zone.json --target c --unverified -o none.tar.gz
    TOOL=neoc fails_with 3 "in.csv:2:1: column 'seen': step 1 of the preparation: '2024-03-31 02:30:00' is a time without an offset" \
        neoc run -N none.tar.gz in.csv
    fails_with 2 "zone 'Europe/Lutetia'" neoc compile model.txt --prep zone.json --zone Europe/Lutetia
    fails_with 2 'the preparation in paris.tar.gz was compiled with its own' neoc run paris.tar.gz --zone UTC in.csv
}

@test "words of texts and a table beside become features of the artefact" {
    printf 'note,city\n"Good, GOOD room",Oslo\nbad room,Rome\n,Bonn\n"good bad",\n' >in.csv
    printf 'city,size\nOslo,1\nRome,2\n' >cities.csv
    wrangle fit -r words.json 'tfidf note | lookup_join city file=cities.csv | drop note,city' in.csv
    {
        lightgbm_stump 0 0 0.5 1 2
        lightgbm_stump 1 1 0.5 10 20
        lightgbm_stump 2 3 1.5 100 200
    } | lightgbm 'note_bad note_good note_room size' >words.txt
    wrangle apply words.json in.csv | neoc run words.txt >want
    neoc compile words.txt --prep words.json --target c --unverified -o words.tar.gz
    rm cities.csv
    neoc run words.tar.gz in.csv >got
    same want got
    [ "$(sort -u got | wc -l)" -eq 5 ]
}

@test "steps that are not compiled are refused, all of them by name, and nothing is written" {
    wrangle fit -r other.json 'sort age | filter fare > 1 | impute age with=median | sample n=50' "$shared/raw.csv"
    fails_with 1 'sort: not row by row; filter: ' neoc compile "$shared/model.txt" --prep other.json
    grep -q '; sample: ' err
    run -1 grep -q impute err
    wrangle fit -r other.json 'extract_regex city pattern=o' "$shared/raw.csv"
    fails_with 1 'extract_regex: regular expressions need PCRE2' neoc compile "$shared/model.txt" --prep other.json
    [ ! -e model-host.tar.gz ]
}

@test "a preparation that does not give what the model takes is refused" {
    wrangle fit -r other.json 'impute age,fare with=median | drop city,plan' "$shared/raw.csv"
    fails_with 3 "the preparation gives no column 'plan'" neoc compile "$shared/model.txt" --prep other.json
    fails_with 3 'not JSON' neoc compile "$shared/model.txt" --prep "$shared/raw.csv"
    fails_with 4 'none.json' neoc compile "$shared/model.txt" --prep none.json
    echo '{}' >empty.json
    fails_with 3 'not a recipe state' neoc compile "$shared/model.txt" --prep empty.json
    [ ! -e model-host.tar.gz ]
}

@test "verify compares raw rows with the preparation and the model" {
    neoc verify "$shared/model.tar.gz" "$shared/model.txt" --prep "$shared/prep.json" "$shared/raw.csv" -t json >out
    jq -e '.passed and .supplied_rows == 300' out
    wrangle fit -r other.json "${recipe/robust/standard}" "$shared/raw.csv"
    local got=0
    neoc verify "$shared/model.tar.gz" "$shared/model.txt" --prep other.json "$shared/raw.csv" >out 2>err || got=$?
    [ $got -eq 1 ]
    [[ $(cat err) == 'neoc: not the model: '* ]]
}

@test "the library takes raw rows as texts" {
    neoc compile "$shared/model.txt" --prep "$shared/prep.json" --emit so -o libmodel.so
    cat >raw.c <<'END'
#include "libmodel.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Rows without quotes: an empty cell is missing. */
int main(void)
{
    char line[200];
    while (fgets(line, sizeof line, stdin)) {
        const char *field[8];
        size_t n = 0;
        line[strcspn(line, "\n")] = '\0';
        for (char *at = line; at; n++) {
            char *comma = strchr(at, ',');
            if (comma)
                *comma++ = '\0';
            field[n] = *at ? at : NULL;
            at = comma;
        }
        double y;
        if (n != ml_fields() || ml_predict_raw(field, NULL, 1, &y) != 1)
            puts("refused");
        else
            printf("%.17g\n", y);
    }
    return 0;
}
END
    cc -O1 -o raw raw.c ./libmodel.so -lm
    grep -v '"' "$shared/raw.csv" >in.csv
    wrangle -N 'select age,fare,city,plan' in.csv | ./raw >got
    neoc run -N "$shared/model.tar.gz" in.csv | awk '{ printf "%.17g\n", $1 }' >want
    same want got
    [ "$(echo '1,two,Rome,x' | ./raw)" = refused ]
}
