#!/bin/sh
# lint.sh MAN_FOLDER COMPILER_FLAGS...: everything that reads the sources without running them.
set -u
man=$1
shift
failed=0
# check NAME COMMAND...: goes on after a failure, so that one run shows everything.
check() {
    name=$1
    shift
    if "$@"; then
        echo "ok      $name"
    else
        echo "FAILED  $name"
        failed=1
    fi
}

complexity() {
    find lib cmd -name '*.c' -exec pmccabe {} + |
        awk '$1 > 25 { print $6 " " $7 ": complexity " $1; bad = 1 } END { exit bad }'
}

manual() {
    for page in "$man"/*; do
        [ -e "$page" ] || continue
        mandoc -Tlint -W warning "$page" || return 1
    done
}

sources=$(find lib cmd -name '*.c' | sort)
scripts=$(find tests .ci -name '*.sh' -o -path '.ci/run' | sort)
check cppcheck cppcheck --quiet --std=c11 --language=c --inline-suppr --error-exitcode=1 \
    --enable=warning,portability,performance --suppress=missingIncludeSystem \
    --suppress=normalCheckLevelMaxBranches -Ilib lib cmd
# shellcheck disable=SC2086 # one word a file
check clang-tidy clang-tidy --quiet $sources -- "$@"
check complexity complexity
# shellcheck disable=SC2086
check shellcheck shellcheck -s sh -e SC2317 $scripts
check manual manual
check codespell codespell -q 3 -L nd --skip './build,./.git,./dist,./tests/fuzz/corpus,./tests/golden' .
exit $failed
