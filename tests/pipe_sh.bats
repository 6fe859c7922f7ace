# pipe-sh: a shell for make that notes what each line of a recipe read and made.
load helper

setup() {
    in_scratch
    mkdir .ml
    SH=$BIN/pipe-sh
    seq 5 >a.txt
    cat >Makefile <<'END'
all: sum.txt
double.txt: a.txt
	awk '{print $$1*2}' a.txt >tmp && mv tmp double.txt
sum.txt: double.txt
	@awk '{s += $$1} END {print s}' double.txt >sum.txt
END
}

# files KIND: the names that the last event has under it.
files() { tail -n 1 .ml/pipe/ledger.jsonl | jq -r ".$1 | keys | join(\" \")"; }

@test "a Makefile as it is leaves a ledger" {
    make -s SHELL="$SH"
    [ "$(cat sum.txt)" = 30 ]
    [ "$(pipe lineage sum.txt | jq -r '[.depth, .step, (.in | keys[0])] | join(" ")' | xargs)" = \
        "0 sum.txt double.txt 1 double.txt a.txt" ]
    [ "$(pipe lineage --forth a.txt | jq -r .step | xargs)" = "double.txt sum.txt" ]
    pipe audit
    make -s SHELL="$SH"
    [ "$(wc -l <.ml/pipe/ledger.jsonl)" = 2 ] # nothing was to do
    [ "$(jq -r .run .ml/pipe/ledger.jsonl | sort -u | wc -l)" = 1 ]
}

@test "what is read, written in place, renamed and removed" {
    "$SH" -c 'cat a.txt >b.txt; echo more >>b.txt; cp b.txt t; mv t c.txt; ln c.txt d.txt; cat t2 2>/dev/null; echo x >gone; rm gone'
    [ "$(files in)" = a.txt ]
    [ "$(files out)" = "b.txt c.txt d.txt" ]
    P=$PWD "$SH" -c "python3 -c 'import os; f = os.open(os.environ[\"P\"], 0); os.rename(\"a.txt\", \"f.txt\", src_dir_fd=f, dst_dir_fd=f)'"
    [ "$(files out)" = f.txt ]
    mkdir sub && (cd sub && "$SH" -c 'cat ../b.txt >here')
    [ "$(files out)" = sub/here ]
    [ "$(files in)" = b.txt ]
}

@test "statuses, signals, streams and the shell are make's own" {
    [ "$(echo in | "$SH" -c 'cat; echo err >&2' 2>err)" = in ]
    [ "$(cat err)" = err ]
    run -7 "$SH" -c 'exit 7'
    run -127 "$SH" -c no-such-program
    run -137 "$SH" -c 'kill -9 $$'
    printf 'x:\n\tfalse\n' >failing
    run -2 make -s -f failing SHELL="$SH"
    [ "$(PIPE_SHELL=/bin/bash "$SH" -ec 'echo ${BASH_VERSION:+bash}; false; echo no' || true)" = bash ]
    [ "$("$SH" <<<'echo script')" = script ]
    [ "$(jq -r .state .ml/pipe/ledger.jsonl | sort | uniq -c | xargs)" = "5 Failed 1 Succeeded" ]
}

@test "what a line leaves behind goes on, and is not waited for" {
    start=$(date +%s)
    "$SH" -c '(sleep 1; cat a.txt >late.txt) >/dev/null 2>&1 & exit 0'
    [ ! -e late.txt ]
    while [ ! -s late.txt ]; do sleep 0.05; [ $(($(date +%s) - start)) -lt 30 ]; done
    cmp a.txt late.txt
}

@test "many lines at once, each an event" {
    { printf 'all:'; for i in $(seq 40); do printf ' o%d' "$i"; done; echo
      for i in $(seq 40); do printf 'o%d: a.txt\n\tcat a.txt >o%d\n' "$i" "$i"; done; } >many
    make -s -j8 -f many SHELL="$SH"
    [ "$(jq -r '.out | keys[0]' .ml/pipe/ledger.jsonl | sort -u | wc -l)" = 40 ]
    pipe audit
}

@test "a signal to it is one to the command, and a terminal's too" {
    "$SH" -c 'trap "echo got >told; exit 3" TERM; echo >up; while :; do sleep 0.1; done' &
    while [ ! -e up ]; do sleep 0.02; done
    kill -TERM $!
    got=0
    wait $! || got=$?
    [ "$got" = 3 ]
    [ "$(cat told)" = got ]
}

@test "a ledger that cannot be written does not stop make" {
    ML_HOME=/dev/null/none run -0 --separate-stderr "$SH" -c 'echo fine'
    [ "$output" = fine ]
    [[ $stderr == "pipe-sh: "* ]]
}
