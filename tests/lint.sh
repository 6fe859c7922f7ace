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

# Other versions break some lines elsewhere.
format() {
    case $(clang-format --version) in
    *'version 14.'*) find lib cmd tests -name '*.[ch]' -exec clang-format --dry-run -Werror {} + ;;
    *) echo "skipped: .clang-format is for clang-format 14" ;;
    esac
}

complexity() {
    find lib cmd -name '*.c' | sort | while read -r file; do
        # VEC(T) is a type and ML_NAME(x) a name, which pmccabe cannot know.
        sed -E 's/VEC\([^)]*\)/int/; s/ML_NAME\(([a-z0-9_]*)\)/\1/' "$file" | pmccabe 2>&1 | sed "s|stdin|$file|"
    done | awk '!/^[0-9]/ || $1 > 15 { print; bad = 1 } END { exit bad }'
}

tidy() {
    export FLAGS="$*"
    find lib cmd -name '*.c' -not -path '*/embed/*' -print0 | sort -z |
        xargs -0 -n 8 -P "$(nproc)" sh -c 'clang-tidy --quiet "$@" -- $FLAGS 2>&1' sh
}

manual() {
    for page in "$man"/*; do
        [ -e "$page" ] || continue
        mandoc -Tlint -W warning "$page" || return 1
    done
}

scripts=$(find tests .ci -name '*.sh' -o -path '.ci/run' | sort)
check cppcheck cppcheck --quiet --std=c11 --language=c -D__GNUC__=12 --inline-suppr --error-exitcode=1 \
    --enable=warning,portability,performance --suppress=missingIncludeSystem \
    --suppress=normalCheckLevelMaxBranches --suppress=autoVariables \
    --suppress=shiftTooManyBitsSigned -ilib/artefact/embed -Ilib lib cmd
check clang-tidy tidy "$@"
check format format
check complexity complexity
# shellcheck disable=SC2086
check shellcheck shellcheck -s sh -e SC2016,SC2317 $scripts
check manual manual
# fpr and fwe are error rates, mape an error, the others stems of words and misspellings that are tested.
check codespell codespell -q 3 -L uptodate,nd,fpr,fwe,activ,agre,ative,commun,controll,mape,ment,nam,selct \
    --skip './build,./.git,./dist,./tests/fuzz/corpus,./tests/golden' .
exit $failed
