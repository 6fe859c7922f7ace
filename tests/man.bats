# The manual pages: clean for mandoc, nothing left to expand, examples that print what they say.
load helper

@test "every page is clean and fully expanded" {
    some=0
    for source in "$ROOT"/man/*.in; do
        page=$BIN/man/$(basename "$source" .in)
        mandoc -Tlint -W warning "$page"
        run -1 grep -n '@OPTIONS@\|@RUN' "$page"
        some=1
    done
    [ $some -eq 1 ]
}

# examples PAGE: the literal lines of its section EXAMPLES, as a reader would see them in a shell:
# "$ command", "> more of it", and what it prints.
examples() {
    mandoc -T ascii -O width=200 "$1" | sed 's/.\x08//g' |
        awk '/^[A-Z]/ { wanted = $0 == "EXAMPLES" } wanted && sub(/^           /, "")'
}

# The same lines as a script that prints them: each command before it runs, then its output.
script() {
    awk -v quote="'" '
        function show(line) {
            gsub(quote, quote "\\" quote quote, line)
            shown = shown "printf " quote "%s\\n" quote " " quote line quote "\n"
        }
        function flush() { printf "%s%s", shown, commands; shown = commands = "" }
        /^[$] / { flush(); show($0); commands = substr($0, 3) "\n"; next }
        /^>( |$)/ { show($0); commands = commands substr($0, 3) "\n" }
        END { flush() }' "$@"
}

@test "the EXAMPLES of every page print what the page says" {
    in_scratch
    some=0
    for source in "$ROOT"/man/*.in; do
        page=$BIN/man/$(basename "$source" .in)
        examples "$page" >want
        [ -s want ] || continue
        echo "page: $page"
        script want >script
        sh script >got 2>&1
        same want got
        some=1
    done
    [ $some -eq 1 ]
}

@test "the console blocks of README.md print what they say" {
    in_scratch
    ln -s "$ROOT/examples" examples
    awk '/^```/ { wanted = $0 == "```console"; next } wanted' "$ROOT/README.md" >want
    [ -s want ]
    script want >script
    sh script >got 2>&1
    same want got
}
