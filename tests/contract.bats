# What every tool promises, tried on every tool.
load helper

# sample TOOL: sets `sample` to a call that copies CSV from standard input or from files named after it.
sample() {
    case $1 in
    wrangle) sample=(wrangle 'select @all') ;;
    neoc) sample=(neoc run "$ROOT/examples/embed/loan.txt" --absent-is-missing --keep '*') ;;
    fstore)
        [ -e ml ] || fstore create people --home ml --id id --time at --feature age:int
        sample=(fstore mget --home ml people)
        ;;
    *) echo "no sample call for $1" >&2; return 1 ;;
    esac
}

# call TOOL ARGUMENT...: the sample call with more arguments.
call() {
    sample "$1"
    "${sample[@]}" "${@:2}"
}

# Tools that are no filters: they have no stream of rows.
no_filter() { [ "$1" = pipe ] || [ "$1" = process ]; }

filters() {
    local tool
    for tool in $(tools); do
        no_filter "$tool" || echo "$tool"
    done
}

# each_of "TOOLS" TRIAL: runs it with every tool's name. No || here: it would switch off errexit in the trial.
each_of() {
    local tool some=0
    for tool in $1; do
        some=1
        echo "tool: $tool"
        "$2" "$tool"
    done
    [ $some -eq 1 ]
}
each() { each_of "$(tools)" "$1"; }
each_filter() { each_of "$(filters)" "$1"; }

setup() {
    in_scratch
    printf 'id,name\n1,ann\n2,bob\n' >in.csv
}

help_is_short_and_complete() {
    "$1" --help >out 2>err
    [ ! -s err ]
    [[ $(head -n 1 out) == "usage: $1"* ]]
    [ "$(awk 'length > 79' out | wc -l)" -eq 0 ]
    grep -q -- --version out
}
@test "--help goes to standard output and fits a terminal" {
    each help_is_short_and_complete
}

command_help() {
    local name
    for name in $("$1" --describe=json | jq -r '.commands[].name // empty'); do
        "$1" "$name" --help >out 2>err
        [ ! -s err ]
        [[ $(head -n 1 out) == "usage: $1 $name"* ]]
        [ "$(awk 'length > 79' out | wc -l)" -eq 0 ] || { awk 'length > 79' out; return 1; }
    done
}
@test "every command has --help" {
    each command_help
}

version_line() {
    "$1" --version >out
    [[ $(cat out) =~ ^$1\ \(mlutils\)\ [0-9]+\.[0-9]+\.[0-9]+$ ]]
}
@test "--version is one line" {
    each version_line
}

unknown_option() {
    fails_with 2 "unknown option '--no-such-option': see '$1 --help'" "$1" --no-such-option
    fails_with 2 "(did you mean '--version'?)" "$1" --verison
}
@test "an unknown option is a usage error, with a hint" {
    each unknown_option
}

option_names_agree() {
    "$1" --describe=json | jq -r '[.default // empty, .commands[]] | map(.options[]) | .[]
        | select(.letter) | "\(.letter) \(.name)"' | sort -u | while read -r letter name; do
        case "$letter" in
        f) [ "$name" = from ] ;;
        t) [ "$name" = to ] ;;
        o) [ "$name" = output ] ;;
        n) [ "$name" = dry-run ] ;;
        j) [ "$name" = jobs ] ;;
        q | v | C) false ;;
        esac || { echo "-$letter is --$name"; return 1; }
    done
}
@test "shared letters mean the same everywhere" {
    each option_names_agree
}

# Prints what is wrong with a tool's tables: names or letters given twice, help that is no short line.
tables_sound() {
    "$1" --describe=json | jq -r '.common as $common | [.default // empty, .commands[]][]
        | (.name // "") as $command | (.options + $common) as $rows
        | ($rows | group_by(.name)[] | select(length > 1) | "\($command) --\(.[0].name) twice"),
          ($rows | map(select(.letter)) | group_by(.letter)[] | select(length > 1)
              | "\($command) -\(.[0].letter) twice"),
          ($rows[] | select(.help | test("^[A-Z][a-z]|[^.][.]$|\n") or length > 110)
              | "\($command) --\(.name): \(.help)")' >wrong
    cat wrong
    [ ! -s wrong ]
}
@test "option tables are sound" {
    each tables_sound
}

dash_is_stdin() {
    call "$1" <in.csv >piped
    call "$1" - <in.csv >dashed
    call "$1" -- in.csv >named
    same piped dashed
    same piped named
    [ -s piped ]
}
@test "no operand, - and -- FILE read the same" {
    each_filter dash_is_stdin
}

full_device() {
    local got=0
    call "$1" in.csv >/dev/full 2>err || got=$?
    [ $got -eq 4 ]
    [[ $(cat err) == "$1: "*"No space left on device"* ]]
    got=0
    "$1" --help >/dev/full 2>err || got=$?
    [ $got -eq 4 ]
}
@test "a full disk is status 4" {
    each_filter full_device
}

closed_stdout() {
    local got=0
    call "$1" in.csv >&- 2>err || got=$?
    [ $got -eq 4 ]
    [ "$(wc -l <err)" -eq 1 ]
}
@test "a closed standard output is status 4" {
    each_filter closed_stdout
}

# Enough to fill the pipe when its reader has gone.
closed_pipe() {
    awk 'BEGIN { print "id,name"; for (i = 0; i < 200000; i++) print i ",somebody" }' >big.csv
    set +e
    call "$1" big.csv 2>err | head -n 1 >first
    local status=("${PIPESTATUS[@]}")
    set -e
    [ "${status[0]}" -eq 141 ]
    [ ! -s err ]
    [ "$(wc -l <first)" -eq 1 ]
}
@test "a closed pipe ends a filter quietly" {
    each_filter closed_pipe
}

bad_operands() {
    mkdir -p folder
    TOOL=$1 fails_with 4 "folder" call "$1" folder
    TOOL=$1 fails_with 4 "no/such.csv" call "$1" no/such.csv
}
@test "a directory and a missing file are status 4 and named" {
    each_filter bad_operands
}

# A table without even a header is no table: silence would hide that the command before has failed.
empty_input() {
    TOOL=$1 fails_with 3 "is empty" call "$1" </dev/null
}
@test "empty input is malformed, and said to be" {
    each_filter empty_input
}

byte_order_mark() {
    printf '\357\273\277' | cat - in.csv >bom.csv
    call "$1" bom.csv >with
    call "$1" in.csv >without
    same with without
}
@test "a byte-order mark is stripped" {
    each_filter byte_order_mark
}

line_ends() {
    sed 's/$/\r/' in.csv >crlf.csv
    call "$1" crlf.csv >with
    call "$1" in.csv >without
    same with without
}
@test "CRLF is accepted and not written" {
    each_filter line_ends
}

half_written() {
    local got=0
    printf 'id,name\n1,ann\n2\n' >ragged.csv
    echo before >out.csv
    call "$1" ragged.csv -o out.csv 2>err || got=$?
    [ $got -eq 3 ]
    [[ $(cat err) == "$1: ragged.csv:3:"* ]]
    [ "$(cat out.csv)" = before ]
    [ "$(ls -A | grep -c out.csv)" -eq 1 ]
}
@test "malformed input is status 3 and leaves a named output alone" {
    each_filter half_written
}

interrupted() {
    local got=0
    mkfifo fifo
    # timeout signals the tool once it waits for input that does not come.
    exec 9<>fifo
    sample "$1"
    timeout -s TERM 0.5 "${sample[@]}" fifo -o out.csv 9<&- || got=$?
    exec 9<&-
    [ $got -eq 124 ]
    [ "$(ls -A | grep -c out.csv)" -eq 0 ]
    rm fifo
}
@test "SIGTERM leaves no unfinished file" {
    each_filter interrupted
}

completions_current() {
    "$1" --describe=bash | cmp - "$ROOT/completions/$1.bash"
    "$1" --describe=zsh | cmp - "$ROOT/completions/_$1"
    "$1" --describe=fish | cmp - "$ROOT/completions/$1.fish"
    bash -n "$ROOT/completions/$1.bash"
}
@test "completions/ is what the tools describe (make completions)" {
    each completions_current
}
