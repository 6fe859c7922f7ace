# Golden cases: a folder each with the files in it, cmd, and what must come out: out, err, status
# (when absent: nothing, nothing, 0). `make bless` writes them anew; read the difference before you commit it.
load helper

run_case() {
    rm -rf "$BATS_TEST_TMPDIR/case"
    cp -R "$1" "$BATS_TEST_TMPDIR/case"
    (
        cd "$BATS_TEST_TMPDIR/case" || exit 1
        rm -f out err status
        got=0
        bash -o pipefail ./cmd >../out 2>../err </dev/null || got=$?
        echo "$got" >../status
    )
}

@test "golden cases" {
    bad=0 seen=0
    for folder in "$ROOT"/tests/golden/*/; do
        seen=$((seen + 1))
        run_case "$folder"
        for part in out err status; do
            if [ "${BLESS:-}" ]; then
                cp "$BATS_TEST_TMPDIR/$part" "$folder$part"
                continue
            fi
            want=$folder$part
            [ -e "$want" ] || want=/dev/null
            if [ "$part" = status ] && [ "$want" = /dev/null ]; then
                echo 0 >"$BATS_TEST_TMPDIR/zero"
                want=$BATS_TEST_TMPDIR/zero
            fi
            diff -u "$want" "$BATS_TEST_TMPDIR/$part" || { echo "in $folder"; bad=1; }
        done
        [ -z "${BLESS:-}" ] || [ -s "${folder}out" ] || rm -f "${folder}out"
        [ -z "${BLESS:-}" ] || [ -s "${folder}err" ] || rm -f "${folder}err"
        [ -z "${BLESS:-}" ] || [ "$(cat "${folder}status")" != 0 ] || rm -f "${folder}status"
    done
    [ "$seen" -gt 0 ]
    [ "$bad" -eq 0 ]
}
