# pipe: inputs that are patterns, outputs that are folders.
load helper

setup() {
    in_scratch
    TOOL=pipe
    export ML_HOME=$PWD/.ml
}

# ran OPTION...: the names of the steps that ran, in order of their ends.
ran() {
    pipe run --events "$@" 2>err | jq -r 'select(.state == "Succeeded") | .step' | xargs
}

states() {
    pipe run --events "$@" 2>err | jq -r 'select(.state != "Executing") | "\(.step) \(.state)"' | sort
}

# A folder of as many files as n says, one of them a program.
folder() {
    cat >Pipefile <<'END'
parameters:
  n: {type: integer, default: 2}
steps:
  - name: split
    run: |
      rm -rf parts; mkdir -p parts/deep
      for i in $(seq ${n}); do seq $i >parts/deep/$i; done
      printf '#!/bin/sh\necho works\n' >parts/x.sh; chmod +x parts/x.sh
      printf x >"$(printf 'parts/a\nb\\c')"
    out: [parts]
  - name: count
    run: cat parts/deep/* | wc -l >c
    in: [parts]
    out: [c]
END
}

contents() {
    (cd "$1" && find . -type f -exec sha256sum {} + | sort; find . -perm -u+x -type f)
}

@test "a folder that was made before is put back: files, names and what may be executed" {
    folder
    [ "$(ran)" = "split count" ]
    contents parts >two
    [ "$(ran -P n=3)" = "split count" ]
    contents parts >three
    ! cmp -s two three
    [ "$(states)" = "count Restored
split Restored" ]
    contents parts | cmp - two
    [ "$(parts/x.sh)" = works ]
    [ "$(states -P n=3)" = "count Restored
split Restored" ]
    contents parts | cmp - three
    rm -r parts
    [ "$(states)" = "count Restored
split Restored" ]
    contents parts | cmp - two
    pipe plan >out
    [ ! -s out ]
}

@test "a folder is not put back over what is kept nowhere, or from what was changed" {
    folder
    ran >/dev/null
    ran -P n=3 >/dev/null
    echo mine >parts/mine
    [ "$(ran)" = split ] # it would go by being put back; the step may do with it what it likes
    ran -P n=3 >/dev/null
    for f in .ml/pipe/objects/*/*; do
        case $f in *.files) ;; *) [ "$(cat "$f")" != 1 ] || echo 2 >"$f" ;; esac
    done
    [ "$(ran)" = split ]
    [ "$(cat parts/deep/1)" = 1 ]
}

@test "what a step writes into a folder in place does not change what is kept of it" {
    cat >Pipefile <<'END'
parameters:
  n: {type: integer, default: 1}
steps:
  - name: fill
    run: mkdir -p parts; echo ${n} >parts/a; echo same >parts/b
    out: [parts]
END
    for n in 1 2 3; do [ "$(ran -P n=$n)" = fill ]; done
    for n in 1 2 3; do
        [ "$(states -P n=$n)" = "fill Restored" ]
        [ "$(cat parts/a)" = $n ]
    done
}

@test "gc keeps the files of folders that are in use, and removes others" {
    folder
    ran >/dev/null
    contents parts >two
    ran -P n=3 >/dev/null
    pipe gc --keep 1h >/dev/null
    [ "$(states)" = "count Restored
split Restored" ]
    contents parts | cmp - two
    sleep 1.1
    pipe gc --keep 0s >/dev/null
    [ -z "$(find .ml/pipe/objects -type f)" ]
}

@test "a folder with others' files, with links, or of a step that keeps nothing is not kept" {
    cat >Pipefile <<'END'
parameters:
  n: {type: integer, default: 1}
steps:
  - {name: shared, run: "mkdir -p a; echo ${n} >a/1", out: [a]}
  - {name: inner, run: "echo ${n} >a/2", needs: [shared], out: [a/2]}
  - {name: linked, run: "mkdir -p b; echo ${n} >b/1; ln -sf 1 b/l; ln -sfn . b/loop", out: [b]}
  - {name: off, run: "mkdir -p c; echo ${n} >c/1", out: [c], cache: false}
END
    ran >/dev/null
    ran -P n=2 >/dev/null
    [ "$(states | grep -c Succeeded)" -ge 3 ]
    [ "$(cat a/1 b/l c/1 | xargs)" = "1 1 1" ]
    [ -z "$(find .ml/pipe/objects -name '*.files')" ]
}

@test "a pattern among the inputs stands for the files there are, and those that are made" {
    mkdir data
    cat >Pipefile <<'END'
steps:
  - name: one
    foreach: [b, a]
    run: echo ${item} >made/${item}.txt
    out: ["made/${item}.txt"]
  - name: all
    run: cat data/*.csv made/*.txt >all
    in: ["data/*.csv", "made/*.txt", "data/1.csv"]
    out: [all]
END
    fails_with 3 "Pipefile:8:9: 'data/*.csv': no file is called so" pipe run
    echo 1 >data/1.csv
    echo 2 >data/2.csv
    echo 0 >data/.hidden.csv
    [ "$(ran -j1)" = "one[b] one[a] all" ]
    [ "$(xargs <all)" = "1 2 a b" ]
    [ "$(pipe steps last | jq -c 'select(.step == "all") | .in | keys_unsorted')" = '["data/1.csv","data/2.csv","made/a.txt","made/b.txt"]' ]
    [ "$(ran)" = "" ]
    echo 3 >data/3.csv
    pipe why all >out || [ $? = 1 ]
    grep -q data/3.csv out
    [ "$(ran)" = all ]
    rm data/2.csv
    [ "$(ran)" = all ]
    [ "$(xargs <all)" = "1 3 a b" ]
    pipe export make >Makefile
    grep -q '^all: data/1.csv data/3.csv made/a.txt made/b.txt$' Makefile
}

@test "a file may have a pattern's letters in its name; a folder that is made may have one" {
    cat >Pipefile <<'END'
steps:
  - {name: a, run: "cat 'x[1].csv' >'y[2].csv'", in: ["x[1].csv"], out: ["y[2].csv"]}
  - {name: b, run: "cat 'y[2].csv' >z", in: ["y[2].csv"], out: [z]}
END
    echo 1 >'x[1].csv'
    [ "$(ran)" = "a b" ]
    cat >Pipefile <<'END'
steps:
  - {name: a, run: "mkdir -p d; echo 1 >d/1.csv", out: [d]}
  - {name: b, run: "cat d/*.csv >z", in: ["d/*.csv"], out: [z]}
END
    [ "$(ran)" = "a b" ]
    [ "$(cat z)" = 1 ]
    [ "$(ran)" = "" ]
    sed -i 's/; echo 1 >d\/1.csv//' Pipefile
    rm -r d
    fails_with 3 "Pipefile:3:42: 'd/*.csv': no file is called so" pipe -q run
}

@test "a folder in which links lead in circles is read once" {
    mkdir -p d/e
    echo 1 >d/e/1
    ln -s .. d/e/up
    ln -s self d/self
    ln -s nowhere d/dangling
    echo 'steps: [{name: a, run: "find d -type f | wc -l >n", in: [d], out: [n]}]' >Pipefile
    [ "$(ran)" = a ]
    [ "$(ran)" = "" ]
    echo 2 >d/e/1
    [ "$(ran)" = a ]
}

# A file divided into parts, of which nobody knows how many there are, and put together again.
fan_out() {
    cat >Pipefile <<'END'
parameters: {size: 4}
steps:
  - name: all
    run: cat ${in} >${out}
    in: ["cleaned/parts/*"]
    out: [all.csv]
  - name: split
    run: rm -rf parts; mkdir parts; split -l ${size} big.csv parts/p-; echo split >>log
    in: [big.csv]
    out: [parts]
  - name: clean
    foreach: {part: "parts/*"}
    run: sed s/^/x/ ${in} >${out}; echo clean >>log
    in: ["${part}"]
    out: ["cleaned/${part}"]
  - name: report
    needs: [clean]
    run: ls cleaned/parts >report
    out: [report]
END
    seq 10 >big.csv
}

@test "steps for files that another step makes: as many as there are" {
    fan_out
    pipe plan >out || [ $? = 1 ]
    diff - out <<'END'
split: it never ran to its end
all: its steps are known when what makes their files has run
clean: its steps are known when what makes their files has run
report: its steps are known when what makes their files has run
END
    pipe validate
    [ "$(ran -j1)" = "split clean[parts/p-aa] clean[parts/p-ab] clean[parts/p-ac] all report" ]
    seq 10 | sed s/^/x/ | cmp - all.csv
    [ "$(pipe status | jq -c '[.state, .steps, .ran]')" = '["Succeeded",6,6]' ]
    [ "$(ran)" = "" ]
    [ "$(ran -j1 -P size=3)" = "split clean[parts/p-aa] clean[parts/p-ab] clean[parts/p-ac] clean[parts/p-ad] all" ]
    seq 10 | sed s/^/x/ | cmp - all.csv
    [ "$(ran)" = "" ]
    seq 10 | sed s/^/x/ | cmp - all.csv # without the part that is no more
    pipe plan >out
    [ ! -s out ]
    pipe graph | grep -q '^all <- clean\[parts/p-aa\] clean\[parts/p-ab\] clean\[parts/p-ac\]$'
    pipe why 'clean[parts/p-ab]' >out
    grep -q 'up to date' out
    fails_with 2 "there is no step" pipe why 'clean-x'
    [ "$(ran --only split)" = "" ]
    [ "$(ran -j1 --from clean)" = "clean[parts/p-aa] clean[parts/p-ab] clean[parts/p-ac] all report" ]
    [ "$(pipe lineage all.csv | jq -r .step | tail -n 1)" = split ]
    [ "$(pipe lineage --forth big.csv | jq -r .step | grep -c all)" -ge 1 ]
    sort log | uniq -c | awk '{print $1, $2}' >counts
    diff - counts <<'END'
10 clean
2 split
END
}

@test "--to and --from go through rounds, and take no more steps than they must" {
    cat >Pipefile <<'END'
steps:
  - {name: split, run: "mkdir -p parts; for i in 1 2 3; do echo $i >parts/$i.txt; done", out: [parts]}
  - {name: each, foreach: {part: "parts/*.txt"}, run: "cp ${part} ${out}", in: ["${part}"], out: ["${part}.out"]}
  - {name: join, run: "cat ${in} >all", in: "parts/*.txt.out", out: [all]}
  - {name: beside, run: "echo beside >b", out: [b]}
  - {name: behind, foreach: {x: "parts/*.out"}, run: "cp ${x} ${out}", in: ["${x}"], out: ["c/${x}"], needs: beside}
END
    fresh() { rm -rf .ml parts all b c; }
    [ "$(ran -j1 --to join)" = "split each[parts/1.txt] each[parts/2.txt] each[parts/3.txt] join" ]
    [ "$(xargs <all)" = "1 2 3" ]
    fresh
    [ "$(ran -j1 --to each)" = "split each[parts/1.txt] each[parts/2.txt] each[parts/3.txt]" ]
    fresh
    [ "$(ran -j1 --to 'each[parts/2.txt]')" = "split each[parts/2.txt]" ]
    fresh
    [ "$(ran -j1 --to behind)" = "split beside each[parts/1.txt] each[parts/2.txt] each[parts/3.txt] behind[parts/1.txt.out] behind[parts/2.txt.out] behind[parts/3.txt.out]" ]
    fresh
    pipe plan --to each >out || [ $? = 1 ]
    [ "$(cut -d: -f1 out | xargs)" = "split each" ]
    run -2 --separate-stderr pipe -q run --to 'each[parts/9.txt]'
    [[ $stderr == *"there is no step 'each[parts/9.txt]'" ]]
    fails_with 2 "there is no step 'other'" pipe run --to other
    fails_with 2 "there is no step 'other'" pipe run --from other
    fresh
    [ "$(ran -j1 --from join)" = "split beside each[parts/1.txt] each[parts/2.txt] each[parts/3.txt] join behind[parts/1.txt.out] behind[parts/2.txt.out] behind[parts/3.txt.out]" ]
    [ "$(ran -j1 --from join)" = "join" ]
    # and so does resume
    fresh
    sed -i 's/cp ${part} ${out}/test -e go \&\& cp ${part} ${out}/' Pipefile
    run -1 pipe -q run --to join
    touch go
    [ "$(pipe resume -j1 --events 2>/dev/null | jq -r 'select(.state == "Succeeded") | .step' | xargs)" = "each[parts/1.txt] each[parts/2.txt] each[parts/3.txt] join" ]
    [ ! -e b ]
}

@test "steps of a later round do not run when one of an earlier one failed, and a step runs once" {
    fan_out
    sed -i 's/echo split >>log/echo split >>log; test ! -e bad/' Pipefile
    touch bad
    run -1 --separate-stderr pipe run
    [[ ${stderr_lines[-1]} == "pipe: 1 failed, 3 not run" ]]
    rm bad
    printf '  - {name: always, run: "echo always >>log"}\n' >>Pipefile
    pipe -q run
    [ "$(grep -c always log)" = 1 ]
    pipe -q run --events >out
    [ "$(grep -c '"step":"always".*Succeeded' out)" = 1 ]
    [ "$(jq -r .step out | sort | uniq -d)" = always ] # begun, and ended
    # an answer that is waited for is waited for first
    printf '  - {name: gate, approve: true, needs: [split]}\n' >>Pipefile
    echo 11 >>big.csv
    run -5 pipe -q run
    [ "$(sort log | uniq -c | awk '$2 == "clean" {print $1}')" = 3 ]
    pipe approve last gate
    pipe -q run
    tail -n 1 all.csv | grep -qx x11
}

@test "rounds may follow on one another, and what would wait for itself is told" {
    cat >Pipefile <<'END'
steps:
  - {name: a, run: "mkdir -p a; touch a/1 a/2", out: [a]}
  - name: b
    foreach: "a/*"
    run: "mkdir -p b; for i in 1 2; do touch b/$(basename ${item})$i; done; touch ${out}"
    out: ["done/${item}"]
  - name: c
    run: "rm -rf c; cp -r b c"
    in: ["done/a/*"]
    out: [c]
  - {name: d, foreach: {x: "c/*"}, run: "basename ${in} >${out}", in: ["${x}"], out: ["d/${x}"]}
  - {name: e, run: "cat ${in} >${out}", in: ["d/c/*"], out: [e]}
END
    [ "$(ran -j1)" = "a b[a/1] b[a/2] c d[c/11] d[c/12] d[c/21] d[c/22] e" ]
    [ "$(xargs <e)" = "11 12 21 22" ]
    [ "$(ran)" = "" ]
    cat >Pipefile <<'END'
steps:
  - {name: a, foreach: "b/*", run: "true", out: ["a/${item}"]}
  - {name: b, foreach: "a/b/*", run: "true", out: ["b/${item}"]}
END
    fails_with 3 "the values of its variables come from what waits for it" pipe validate
}

@test "values that are lines of a file, which a step may make" {
    cat >Pipefile <<'END'
steps:
  - {name: list, run: "printf 'one\r\n\ntwo words\n' >names", out: [names]}
  - name: greet
    matrix: {who: {lines: names}, how: [hello, bye]}
    run: "echo ${how} '${who}' >'${how} ${who}'"
    out: ["${how} ${who}"]
END
    [ "$(ran -j1)" = "list greet[one,hello] greet[one,bye] greet[two words,hello] greet[two words,bye]" ]
    [ "$(cat 'bye two words')" = "bye two words" ]
    pipe validate
    rm names
    pipe validate
    [ "$(ran)" = "" ] # it was kept
    echo 'steps: [{name: g, foreach: {x: {lines: gone}}, run: "true"}]' >Pipefile
    fails_with 4 "gone" pipe run
}

@test "a command is given its inputs and outputs as words" {
    mkdir data
    echo 1 >"data/it's 1.csv"
    echo 2 >data/2.csv
    echo 3 >-n
    cat >Pipefile <<'END'
steps:
  - {name: shell, run: "cat ${in} >${out}", in: ["data/*.csv", "-n"], out: ["a b"]}
  - {name: argv, run: [sh, -c, 'f=$1; shift; cat "$@" >"$f"', sh, "${out}", "${in}"], in: {x: "data/*.csv", y: a b}, out: [c]}
  - {name: part, run: [sh, -c, 'echo "$1" >d', sh, "files: ${in}!"], in: [c, a b], out: [d]}
END
    [ "$(ran -j1)" = "shell argv part" ]
    [ "$(xargs <'a b')" = "2 1 3" ]
    [ "$(xargs <c)" = "2 1 2 1 3" ]
    [ "$(cat d)" = "files: c a b!" ]
    echo 'parameters: {in: mine}
steps: [{name: a, run: "echo ${in} >${out}", out: [o]}]' >Pipefile
    [ "$(ran)" = a ]
    [ "$(cat o)" = mine ]
    echo 'steps: [{name: a, run: "true", when: "${in} == 1"}]' >Pipefile
    fails_with 3 "no parameter 'in'" pipe validate
    rm o
    echo 'steps: [{name: a, run: "cat ${in} >${out}", in: ["data/2.csv"], out: [o]}]' >Pipefile
    pipe export make >Makefile
    make -s
    [ "$(cat o)" = 2 ]
}
