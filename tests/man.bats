# The manual pages: clean for mandoc, nothing left to expand.
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
