# neoc compile, verify, unpack, and artefacts in the place of models: one test per promise. Other targets than this
# machine: targets.bats.
load helper
load models

setup_file() {
    cd "$BATS_FILE_TMPDIR" || return 1
    neoc compile "$loan" -o loan.tar.gz
    neoc unpack loan.tar.gz loan
    for i in {0..39}; do
        stump 0 $((i % 3)) "0.$i" "0.1$i" "-0.3$i"
    done | xgboost reg:squarederror 0 0.25 3 a b c >many.json
    printf 'income,debt\n50,10\n30,\n,31\n50,\n' >loan.csv
    printf '.25,-1,3\n0,.5,\n' | sed '1i a,b,c' >many.csv
}

setup() {
    in_scratch
    TOOL=neoc
    shared=$BATS_FILE_TMPDIR
    mkdir tmp
    export TMPDIR=$PWD/tmp
}

teardown() {
    [ -z "$(ls -A tmp)" ] || { echo "left behind: $(ls -A tmp)"; return 1; }
}

# nothing_written COMMAND...: fails_with, and the folder is as it was.
nothing_written() {
    ls -A >before
    fails_with "$@"
    ls -A | grep -vxE 'out|err|before' | same <(grep -vxE 'out|err|before' before) -
}

# names ARCHIVE: of its files, in their order.
names() {
    tar -tzf "$1" | paste -sd ' '
}

# tool NAME <SCRIPT: the script in the place of a program, before all others of PATH.
tool() {
    mkdir -p fake
    { echo '#!/bin/sh'; cat; } >"fake/$1"
    chmod +x "fake/$1"
    PATH=$PWD/fake:$PATH
}

# pack FOLDER ARCHIVE: its files behind manifest.json, whose sizes and sums are made true.
pack() {
    local name manifest
    manifest=$(cat "$1/manifest.json")
    for name in $(jq -r '.files[].name' <<<"$manifest"); do
        manifest=$(jq --arg name "$name" --arg sum "$(sha256sum <"$1/$name" | cut -d' ' -f1)" \
            --argjson bytes "$(wc -c <"$1/$name")" \
            '(.files[] | select(.name == $name)) |= (.sha256 = $sum | .bytes = $bytes)' <<<"$manifest")
    done
    echo "$manifest" >"$1/manifest.json"
    pack_as_is "$1" "$2"
}

pack_as_is() {
    tar -C "$1" --format=ustar -cf - manifest.json $(ls "$1" | grep -vx manifest.json) | gzip -n >"$2"
}

# change_leaf FILE: the leaf -0.9 of the loan model becomes -0.95 wherever it stands.
change_leaf() {
    local at all
    all=$(grep -obUaP '\xcd\xcc\xcc\xcc\xcc\xcc\xec\xbf' "$1" | cut -d: -f1)
    [ "$all" ]
    for at in $all; do
        printf '\146\146\146\146\146\146\356\277' | dd of="$1" bs=1 seek="$at" conv=notrunc status=none
    done
}

# ---- what compile writes ----

@test "the artefact is model-host.tar.gz, and says nothing" {
    neoc compile "$loan" >said 2>&1
    [ ! -s said ]
    [ "$(names model-host.tar.gz)" = 'manifest.json libmodel.so model.h model.bin verify.json' ]
    # The same bytes wherever and whenever it is made.
    same "$shared/loan.tar.gz" model-host.tar.gz
}

@test "-v says how it was verified" {
    neoc -v compile "$loan" -o loan.tar.gz 2>err
    grep -qE '^neoc: host: [0-9]+ rows on this processor: every margin has the bits of the reference' err
}

@test "the manifest lists the files, and says what the model is and how it was verified" {
    cd "$shared/loan"
    jq -r '.files[] | "\(.sha256)  \(.name)"' manifest.json | sha256sum -c --quiet
    [ "$(jq -r '.files[] | "\(.bytes) \(.name)"' manifest.json)" = "$(jq -r '.files[].name' manifest.json |
        while read -r name; do echo "$(wc -c <"$name") $name"; done)" ]
    jq -e --arg sum "$(sha256sum <"$loan" | cut -d' ' -f1)" '.target == "host" and .library == "libmodel.so" and
        .prefix == "ml" and .abi == 1 and (.compiler | length > 0) and .model.source.sha256 == $sum and
        .model.features[1].name == "debt" and .verification.passed and .verification.rows > 1000' manifest.json
    jq -e '.passed and .rows_beyond == 0 and .margins_with_other_bits == 0' verify.json
}

@test "sources and headers have the same bytes each time, too" {
    for form in c header; do
        neoc compile "$loan" --emit $form -o one.h --unverified
        mv one.h first
        neoc compile - --emit $form -o one.h --unverified <"$loan"
        same first one.h
    done
}

# A program that prints margins, answers (to numbers and to texts) and classes of the rows in loan.csv, and answers to
# those in many.csv.
@test "a header with the model works, beside another model as a library" {
    neoc compile "$loan" --emit header --prefix credit -o credit.h
    neoc compile "$shared/many.json" --emit a --prefix many -o libmany.a
    [ -e libmany.h ]
    cat >both.c <<'END'
#define CREDIT_MODEL_IMPLEMENTATION
#include "credit.h"
#include "libmany.h"
#include <math.h>
#include <stdio.h>

int main(void)
{
    const double x[] = {50, 10, 30, NAN, NAN, 31, 50, NAN}, y[] = {.25, -1, 3, 0, .5, NAN};
    const float z[] = {.25f, -1, 3, 0, .5f, NAN};
    const char *const fields[] = {"50", "10", "30", NULL, NULL, "31", "50", NULL};
    double margins[4], answers[4], raw[4];
    float singles[2];
    if (credit_inputs() != 2 || credit_outputs() != 1 || credit_fields() != 2 || many_inputs() != 3)
        return 1;
    if (credit_margins_f64(x, 4, 2, margins) != 4 || credit_predict_f64(x, 4, 2, answers) != 4)
        return 2;
    if (credit_predict_raw(fields, NULL, 4, raw) != 4)
        return 3;
    for (int i = 0; i < 4; i++)
        printf("%.17g,%.17g,%.17g,%zu\n", margins[i], answers[i], raw[i], credit_class(&answers[i]));
    if (many_predict_f64(y, 2, 3, answers) != 2 || many_predict(z, 2, 3, singles) != 2)
        return 4;
    for (int i = 0; i < 2; i++)
        printf("%.17g,%.9g\n", answers[i], (double)singles[i]);
    return 0;
}
END
    cc -O1 -o both both.c libmany.a -lm
    ./both >got
    {
        neoc run -N "$loan" "$shared/loan.csv" >answers
        paste -d, <(neoc run -N --margin "$loan" "$shared/loan.csv") answers answers <(neoc run -N --class "$loan" "$shared/loan.csv")
        paste -d, <(neoc run -N "$shared/many.json" "$shared/many.csv") <(neoc run -N "$shared/many.json" "$shared/many.csv")
    } | awk -F, '{ printf NF == 4 ? "%.17g,%.17g,%.17g,%d\n" : "%.17g,%.9g\n", $1, $2, $3, $4 }' >want
    same want got
}

@test "--emit=so and --emit=c write a header beside them" {
    mkdir lib.d
    neoc compile "$loan" --emit so -o lib.d/libcredit.so --prefix credit
    neoc compile "$loan" --emit c -o lib.d/plain --unverified
    [ "$(ls lib.d | paste -sd ' ')" = 'libcredit.h libcredit.so plain plain.h' ]
    grep -q 'size_t credit_predict(const float' lib.d/libcredit.h
    fails_with 2 '--emit=so: target c has no shared libraries' neoc compile "$loan" --emit so --target c
    fails_with 2 'target c has no static libraries' neoc compile "$loan" --emit a --target c
    fails_with 2 "'tgz' is none of tar|so|a|c|header" neoc compile "$loan" --emit tgz
    fails_with 2 "prefix '7up': letters, digits and _ are expected" neoc compile "$loan" --prefix 7up
}

@test "several targets go into a folder, by their names" {
    neoc compile "$loan" --target host,c -o made --unverified
    [ "$(ls made | paste -sd ' ')" = 'model-c.tar.gz model-host.tar.gz' ]
    [ "$(names made/model-host.tar.gz)" = 'manifest.json libmodel.so model.h model.bin' ]
    [ "$(names made/model-c.tar.gz)" = 'manifest.json model.c model.h model.bin' ]
    neoc compile "$loan" --target c --target aarch64 --emit header --unverified
    [ "$(ls ./*.h)" = $'./model-aarch64.h\n./model-c.h' ]
    neoc compile "$loan" --emit header --unverified -o made # a folder, for one target, too
    [ -e made/model-host.h ]
}

@test "--rows are verified, too, and counted" {
    neoc compile "$loan" --rows "$shared/loan.csv"
    neoc unpack model-host.tar.gz model
    jq -e '.supplied_rows == 4' model/verify.json
    printf 'income,debt\n1,2\n3,x\n' >bad.csv
    nothing_written 3 "bad.csv:3:2: column 'debt': 'x' is not a number" neoc compile "$loan" --rows bad.csv -o new.tar.gz
    nothing_written 4 'none.csv' neoc compile "$loan" --rows none.csv -o new.tar.gz
}

# ---- models in doubles, made smaller ----

@test "--float32 is not exact, and said not to be" {
    neoc compile "$loan" --float32 -o single.tar.gz
    neoc inspect -t json single.tar.gz | jq -e '.exact == false'
    neoc verify single.tar.gz "$loan" -t json >verified
    jq -e '.passed and .margins_with_other_bits > 0 and .margin_tolerance == 1e-4 and .share_allowed_beyond == 0.01' verified
    [ "$(neoc run -N --margin single.tar.gz "$shared/loan.csv" | head -n 1)" != -1.15 ]
    neoc run -N --margin single.tar.gz "$shared/loan.csv" | awk '{ if (($1 - -1.15) ^ 2 < 1e-12) near++ } END { exit !near }'
}

# 300 trees, each with a threshold of its own at 0, 1, 2 ...
steps() {
    local i
    for i in {0..299}; do
        lightgbm_stump "$i" 0 "$i" "$1" 0
    done | lightgbm x
}

@test "--u8 keeps 255 thresholds of a feature, as far as --tolerance allows" {
    steps 1e-6 >fine.txt
    steps 1 >coarse.txt
    neoc compile fine.txt --u8 -o fine.tar.gz
    neoc inspect -t json fine.tar.gz | jq -e '.exact == false'
    neoc verify fine.tar.gz fine.txt -t json | jq -e '.passed and .margins_with_other_bits > 0'
    nothing_written 1 'not the model' neoc compile coarse.txt --u8 -o coarse.tar.gz
    neoc compile coarse.txt --u8 -o coarse.tar.gz --tolerance 100
    neoc verify coarse.tar.gz coarse.txt --tolerance 100 >said
    fails_with_report 1 'not the model' neoc verify coarse.tar.gz coarse.txt
    neoc compile coarse.txt -o exact.tar.gz # without it, all are kept
    [ "$(printf 'x\n0.5\n298\n' | neoc run -N exact.tar.gz)" = $'299\n2' ]
}

# ---- names of targets ----

@test "names of the cloud compiler's targets are taken, with a word of what becomes of them" {
    neoc compile "$loan" --target rasp3b,Jetson-Nano --emit c --unverified -o . 2>err
    same <(printf 'neoc: warning: %s\n' 'rasp3b becomes armhf' 'jetson_nano becomes aarch64 (CPU part only)') err
    [ -e model-armhf.c ]
    [ -e model-aarch64.c ]
    neoc compile "$loan" --platform LINUX,ARM64,NVIDIA --emit c --unverified -o p.c 2>err
    same <(echo 'neoc: warning: the accelerator is not used: ARM64 becomes aarch64 (CPU part only)') err
    neoc compile "$loan" --platform linux,x86_64 --emit c --unverified -o p.c 2>err
    [ ! -s err ]
}

@test "names that nothing can become are refused with the reason, status 1" {
    for name in x86_win64 x86_win32 ml_p2 ml_p3 ml_g4dn ml_inf1 ml_eia2 coreml qcs603 qcs605 amba_cv2 amba_cv22 \
        amba_cv25 jacinto_tda4vm; do
        nothing_written 1 "target $name: " neoc compile "$loan" --target "$name"
    done
    nothing_written 1 'not for graphics cards' neoc compile "$loan" --target host,ml_p3 -o made
    nothing_written 1 "platform 'ANDROID': only LINUX is built for" neoc compile "$loan" --platform ANDROID,ARM64
    nothing_written 1 "platform LINUX on 'X86' is not built for" neoc compile "$loan" --platform LINUX,X86
}

@test "unknown names are usage errors, with a hint" {
    nothing_written 2 "no target 'raspb4': did you mean 'rasp4b'?" neoc compile "$loan" --target raspb4
    nothing_written 2 "no target 'aarch46': did you mean 'aarch64'?" neoc compile "$loan" --target host,aarch46 -o made
    nothing_written 2 "no target 'toaster oven': 'neoc targets' lists them" neoc compile "$loan" --target 'toaster oven'
    nothing_written 2 "no target ''" neoc compile "$loan" --target host, -o made
    nothing_written 2 '--platform: LINUX,ARM64 is meant, or so' neoc compile "$loan" --platform LINUX
}

# ---- what is missing here ----

@test "targets says what this machine builds and runs, and what to install" {
    neoc targets >text
    neoc targets -t jsonl >json
    jq -es 'length > 10 and .[0].target == "host" and .[0].builds and all(.[]; (.builds or (.build_needs | length > 0))
        and (.runs or (.run_needs | length > 0)) and (.summary | length > 0))' json
    [ "$(jq -r .target json)" = "$(awk 'NR > 1 { print $1 }' text)" ]
    PATH=/nowhere "$BIN/neoc" targets >text
    grep -q '^host  *no  *yes .*; to build, install cc (Debian package gcc)$' text
    grep -q '^wasm32  *no .*to build, install clang (Debian package clang).*; to verify, install node (Debian package nodejs)' text
}

@test "a program that is missing is named with its Debian package" {
    local neoc=$BIN/neoc
    TOOL=neoc PATH=/nowhere
    type ls 2>/dev/null && return 1
    PATH=$shared/none
    local got=0
    "$neoc" compile "$loan" >out 2>err || got=$?
    "$neoc" compile "$loan" --target cortex-m4f 2>>err || got=$got$?
    "$neoc" compile "$loan" --target c 2>>err || got=$got$?
    "$neoc" compile "$loan" --target c --unverified 2>>err || got=$got$?
    "$neoc" verify "$shared/loan.tar.gz" "$loan" >>out 2>>err || got=$got$?
    PATH=/usr/local/bin:/usr/bin:/bin
    [ "$got" = 444 ]
    cat err
    [ "$(wc -l <err)" -eq 3 ]
    grep -qx 'neoc: target host needs cc (Debian package gcc)' err
    grep -q '^neoc: target cortex-m4f needs arm-none-eabi-gcc (Debian package gcc-arm-none-eabi)' err
    grep -qx 'neoc: c cannot be verified here, missing: cc (Debian package gcc) (--unverified writes it all the same)' err
    [ "$(ls ./*.tar.gz)" = ./model-c.tar.gz ] # the unverified one
    [ "$(names model-c.tar.gz)" = 'manifest.json model.c model.h model.bin' ]
}

# ---- nothing half-written ----

@test "a compiler that fails is quoted" {
    tool cc <<<'echo "model.c:1:1: error: no more" >&2; exit 7'
    nothing_written 4 'cc failed with status 7: model.c:1:1: error: no more' neoc compile "$loan"
}

@test "what cannot be written leaves nothing behind" {
    nothing_written 4 '/dev/full: cannot write: No space left on device' neoc compile "$loan" -o /dev/full
    nothing_written 4 'no/such.tar.gz' neoc compile "$loan" -o no/such.tar.gz
    echo precious >loan.tar.gz
    tool cc <<<'exit 1'
    nothing_written 4 'cc failed' neoc compile "$loan" -o loan.tar.gz
    [ "$(cat loan.tar.gz)" = precious ]
}

# A compiler that makes another model of it: verification sees that, and the artefact is not written.
@test "a library that is not the model is not written" {
    real=$(command -v cc)
    {
        declare -f change_leaf
        echo "[ ! -e model.bin ] || change_leaf model.bin; exec $real \"\$@\""
    } >script
    sed -i '1i #!/bin/bash' script
    mkdir fake
    mv script fake/cc
    chmod +x fake/cc
    PATH=$PWD/fake:$PATH
    nothing_written 1 'not the model: ' neoc compile "$loan"
    neoc compile "$loan" --unverified
    PATH=${PATH#*:}
    fails_with_report 1 'not the model: ' neoc verify model-host.tar.gz "$loan"
}

@test "an interrupted compilation leaves neither files nor compilers" {
    mkfifo started
    tool cc <<<"[ \"\$1\" != --version ] || exec echo cc; echo \$\$ >$PWD/started; exec sleep 60"
    "$BIN/neoc" compile "$loan" &
    local neoc=$! compiler got=0
    read -r compiler <started
    kill -TERM $neoc
    wait $neoc || got=$?
    [ $got -eq 143 ]
    for _ in {1..100}; do # it is told at the same time
        kill -0 "$compiler" 2>/dev/null || break
        sleep 0.05
    done
    run -1 kill -0 "$compiler"
    [ -z "$(ls tmp)" ]
    [ ! -e model-host.tar.gz ]
}

@test "a model that is refused is not compiled" {
    nothing_written 3 'is_linear: linear models in the leaves are not supported' neoc compile "$MODELS/lightgbm/linear"
    nothing_written 3 "'manifest.json'" neoc compile "$shared/loan.tar.gz"
    nothing_written 4 'none.txt: cannot open' neoc compile none.txt
    nothing_written 2 'missing operand MODEL' neoc compile
}

# ---- verify ----

# fails_with_report STATUS TEXT COMMAND...: as fails_with, but what was asked for is on standard output.
fails_with_report() {
    local want=$1 text=$2 got=0
    shift 2
    "$@" >out 2>err || got=$?
    [ "$got" -eq "$want" ] || { echo "status $got"; cat err; return 1; }
    [ "$(wc -l <out)" -eq 1 ]
    [ "$(wc -l <err)" -eq 1 ]
    [[ $(cat err) == "neoc: "*"$text"* ]] || { cat err; return 1; }
}

@test "verify runs the artefact against its model" {
    neoc verify "$shared/loan.tar.gz" "$loan" --random 500 >out
    grep -qxE '[0-9]+ rows on this processor: every margin has the bits of the reference; answers differ by at most 0' out
    neoc verify "$shared/loan.tar.gz" "$loan" "$shared/loan.csv" -t json --random 500 >out
    jq -e '.passed and .rows > 504 and .supplied_rows == 4 and .margins_with_other_bits == 0 and .rows_beyond == 0 and
        .margin_tolerance == 0' out
    rows=$(jq .rows out)
    neoc verify "$shared/loan.tar.gz" "$loan" "$shared/loan.csv" -t json --random 0 | jq -e --argjson rows "$rows" '.rows == $rows - 500'
    neoc verify "$shared/loan.tar.gz" "$loan" --random 5000 --rows 700 -t json | jq -e '.rows == 700'
}

@test "another model is status 1, with the first row that differs" {
    sed 's/0.8 -0.9 0.3/0.8 -0.9 0.30000000000000004/' "$loan" >other.txt
    fails_with_report 1 'not the model: ' neoc verify "$shared/loan.tar.gz" other.txt
    grep -qE ' rows differ, first row [0-9]+, output 0: [-0-9.e]+, not [-0-9.e]+$' err
    fails_with_report 1 'not the model: ' neoc verify "$shared/loan.tar.gz" other.txt -t json
    jq -e '.passed == false and .margins_with_other_bits > 0 and .rows_beyond > 0 and .largest_difference > 0' out
}

# What a row of the file alone shows: x1 = 5 is no threshold.
@test "rows of a file can be what tells models apart" {
    sed 's/^threshold=30$/threshold=29/' "$loan" >other.txt
    printf 'income,debt\n10,29.25\n' >in.csv
    neoc verify "$shared/loan.tar.gz" "$loan" in.csv --random 0 --rows 1 >out
    fails_with_report 1 'not the model: ' neoc verify "$shared/loan.tar.gz" other.txt in.csv --random 0 --rows 1
}

@test "a changed leaf in the library is found by running it, though all sums are true" {
    cp -R "$shared/loan" changed
    change_leaf changed/libmodel.so
    pack changed changed.tar.gz
    fails_with_report 1 'not the model: ' neoc verify changed.tar.gz "$loan"
    neoc run changed.tar.gz "$shared/loan.csv" >got # model.bin is as it was
    same <(neoc run "$loan" "$shared/loan.csv") got
}

@test "what predicts is the image, what verify runs is the library" {
    cp -R "$shared/loan" changed
    change_leaf changed/model.bin
    pack changed changed.tar.gz
    [ "$(neoc run -N --margin changed.tar.gz "$shared/loan.csv" | head -n 1)" = -1.2 ]
    neoc verify changed.tar.gz "$loan" >out # the library is verified, which is as it was
}

@test "files that are not what the manifest says are status 3" {
    cp -R "$shared/loan" changed
    change_leaf changed/libmodel.so
    pack_as_is changed changed.tar.gz
    for command in "verify changed.tar.gz $loan" "run changed.tar.gz $shared/loan.csv" 'inspect changed.tar.gz' \
        'bench changed.tar.gz' 'unpack changed.tar.gz made'; do
        fails_with 3 "changed.tar.gz: file 'libmodel.so' is not what the manifest says" neoc $command
    done
    [ ! -e made ]
}

@test "verify wants an artefact with a library, and a model" {
    fails_with 3 'neither an artefact nor a model.bin' neoc verify "$loan" "$loan"
    fails_with 3 "loan.tar.gz: it holds 'manifest.json'" neoc verify "$shared/loan.tar.gz" "$shared/loan.tar.gz"
    fails_with 3 'has no library to run' neoc verify "$shared/loan/model.bin" "$loan"
    fails_with 2 'missing operand' neoc verify "$shared/loan.tar.gz"
    fails_with 4 'none.tar.gz' neoc verify none.tar.gz "$loan"
    printf 'income\n1\n' >in.csv
    fails_with 3 "the model needs a column 'debt', which is not there" neoc verify "$shared/loan.tar.gz" "$loan" in.csv
}

@test "a model of another shape is another" {
    fails_with 1 'not the model: the number of features is 2, not 3' neoc verify "$shared/loan.tar.gz" "$shared/many.json"
    lightgbm_stump 0 0 1 2 3 | lightgbm x >one.txt
    fails_with 1 'not the model: the number of features is 2, not 1' neoc verify "$shared/loan.tar.gz" one.txt
    { stump 0 0 0.5 1 -1; stump 1 1 0.5 2 -2; } | xgboost multi:softprob 2 0.5 2 >two.json
    fails_with 1 'not the model: the number of outputs is 1, not 2' neoc verify "$shared/loan.tar.gz" two.json
}

# ---- artefacts in the place of models ----

@test "an artefact predicts, byte for byte, as its model does" {
    printf 'f0,f1,f2,f3,f4,f5,f6,f7,f8,x0,x1\n1,0,,-1,.5,2,0,0,1,3,2\n.3,.1,1.5,0,0,,0,1,0,,\n-1,2,0,0,3,1,9,1,1,0.5,1\n' >in.csv
    compared=0
    for model in "$MODELS"/{lightgbm,xgboost,onnx,sklearn}/*; do
        echo "$model"
        neoc inspect "$model" >info 2>err || continue # it is there to be refused
        neoc compile "$model" --target c --unverified -o c.tar.gz
        for kind in -N --class --leaf; do # some models have no classes, or refuse the rows
            rc=0 again=0
            neoc run "$model" in.csv --absent-is-missing $kind >want 2>err || rc=$?
            neoc run c.tar.gz in.csv --absent-is-missing $kind >got 2>err || again=$?
            [ $rc -eq $again ]
            same want got
            compared=$((compared + (rc == 0)))
        done
        same info <(neoc inspect c.tar.gz)
    done
    [ $compared -gt 60 ]
}

@test "run, inspect and bench take artefacts and bare images" {
    for artefact in "$shared/loan.tar.gz" "$shared/loan/model.bin"; do
        for kind in --keep=income --margin --proba --class --leaf; do
            same <(neoc run "$loan" "$shared/loan.csv" $kind) <(neoc run "$artefact" "$shared/loan.csv" $kind)
        done
        same <(neoc inspect -t json "$loan") <(neoc inspect -t json "$artefact")
        neoc bench "$artefact" --rows 64 --repeat 1 -t jsonl | jq -e '.rows_per_s > 0'
    done
}

# ---- unpack, and archives that mean harm ----

@test "unpack writes the files, and replaces none" {
    neoc unpack "$shared/loan.tar.gz" made
    [ "$(ls made | paste -sd ' ')" = 'libmodel.so manifest.json model.bin model.h verify.json' ]
    tar -xzf "$shared/loan.tar.gz" -C tmp
    diff -r tmp made
    rm -r tmp/*
    mkdir there
    echo mine >there/model.h
    fails_with 4 'there/model.h: exists already, and is not replaced' neoc unpack "$shared/loan.tar.gz" there
    [ "$(ls there)" = model.h ]
    [ "$(cat there/model.h)" = mine ]
    rm there/model.h
    ln -s /nowhere there/model.h
    fails_with 4 'there/model.h: exists already' neoc unpack "$shared/loan.tar.gz" there
    fails_with 4 'no/such/folder' neoc unpack "$shared/loan.tar.gz" no/such/folder
    fails_with 4 'both.h' neoc unpack "$shared/loan.tar.gz" both.h < <(: >both.h)
    fails_with 3 'neither an artefact' neoc unpack "$loan" made2
    fails_with 2 'missing operand' neoc unpack "$shared/loan.tar.gz"
    [ ! -e made2 ]
}

# refused TEXT: hostile.tar.gz is refused by every command, and nothing appears.
refused() {
    for command in "unpack hostile.tar.gz made" "inspect hostile.tar.gz" "run hostile.tar.gz $shared/loan.csv" \
        "verify hostile.tar.gz $loan"; do
        fails_with 3 "$1" neoc $command || { echo "neoc $command"; return 1; }
    done
    [ ! -e made ]
    [ ! -e ../evil ]
    [ ! -e evil ]
}

@test "archives with paths, links or folders are refused" {
    cp -R "$shared/loan" loan
    echo evil >evil
    for path in ../evil a/evil "$PWD/escaped" .evil 'e vil'; do
        tar --format=ustar -P -cf hostile.tar -C loan manifest.json --transform "s|^evil\$|$path|" -C .. evil
        tar -rf hostile.tar -C loan libmodel.so model.h model.bin verify.json
        mv evil kept
        gzip -nc hostile.tar >hostile.tar.gz
        refused 'the name of a file is not allowed'
        mv kept evil
    done
    rm evil
    [ ! -e "$PWD/escaped" ]
    for kind in symbolic hard folder; do
        rm -rf loan/x loan/y
        case $kind in
        symbolic) ln -s /etc/passwd loan/x ;;
        hard) echo 1 >loan/x && ln loan/x loan/y ;;
        folder) mkdir loan/x ;;
        esac
        tar --format=ustar -czf hostile.tar.gz -C loan manifest.json model.h model.bin libmodel.so verify.json $(cd loan && ls -d x y 2>/dev/null)
        refused 'only plain files belong here'
    done
}

@test "archives with files the manifest does not know, twice, or missing are refused" {
    cp -R "$shared/loan" loan
    echo 1 >loan/more
    pack_as_is loan hostile.tar.gz
    refused 'a file is not listed'
    rm loan/more
    tar --format=ustar -cf hostile.tar -C loan manifest.json model.h model.h model.bin libmodel.so verify.json --hard-dereference
    gzip -nf hostile.tar
    refused 'model.h'
    rm loan/model.h
    pack_as_is loan hostile.tar.gz
    refused "file 'model.h' is missing"
}

@test "bombs are refused without being unpacked" {
    # Behind what an artefact begins with.
    gzip -dc "$shared/loan.tar.gz" >loan.tar
    { head -c 512 loan.tar; head -c 64M /dev/zero; } | gzip -n >hostile.tar.gz
    refused ''
    printf '\377\377\377\377' | dd of=hostile.tar.gz bs=1 seek=$(($(wc -c <hostile.tar.gz) - 4)) conv=notrunc status=none
    refused 'not a gzip file of at most 1024 MiB'
}

# Cut anywhere: status 3. A bit changed anywhere: status 3, or what nobody can see changed.
@test "cut and damaged artefacts are refused" {
    file=$shared/loan.tar.gz size=$(wc -c <"$shared/loan.tar.gz")
    for i in {1..30}; do
        at=$((size * i / 31))
        head -c $at "$file" >hostile.tar.gz
        got=0
        neoc inspect hostile.tar.gz >out 2>err || got=$?
        [ $got -eq 3 ] || { echo "status $got: cut at $at"; return 1; }
        byte=$(od -An -tu1 -j $at -N 1 "$file")
        { cat hostile.tar.gz; printf "\\$(printf %o $((byte ^ 16)))"; tail -c +$((at + 2)) "$file"; } >changed.tar.gz
        got=0
        neoc verify changed.tar.gz "$loan" --random 0 --rows 1 >out 2>err || got=$?
        [ $got -eq 3 ] || { echo "status $got: changed at $at"; return 1; }
    done
}
