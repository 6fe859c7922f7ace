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

@test "a file may have a pattern's letters in its name; a folder that is made has no pattern" {
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
    fails_with 3 "Pipefile:3:42: 'd/*.csv': a step makes the folder: name it instead" pipe run
    mkdir d
    touch d/1.csv
    fails_with 3 "name it instead" pipe validate
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
