# The layout shows the architecture: a module includes only modules on lower floors.
load helper

floor() {
    case $1 in
    base) echo 0 ;;
    cli | sys | runtime) echo 1 ;;
    io | document | ledger | http) echo 2 ;;
    table | lower) echo 3 ;;
    expr | stats) echo 4 ;;
    prep | model | store | job | shard) echo 5 ;;
    steps | infer | session | explain | pipeline | processing | scaling | sampler) echo 6 ;;
    artefact | exchange) echo 7 ;;
    *) echo "module $1 has no floor" >&2; return 1 ;;
    esac
}

# Prints "file module" for every line #include "module/...".
includes() {
    find "$ROOT/lib" "$ROOT/cmd" -name '*.[ch]' -exec grep -H '^ *# *include "[a-z0-9_]*/' {} + |
        sed -E 's|^([^:]*):.*"([a-z0-9_]*)/.*|\1 \2|'
}

@test "a module includes only itself and lower floors" {
    bad=0 seen=0
    while read -r file included; do
        seen=$((seen + 1))
        [[ $file == "$ROOT"/lib/* ]] || continue
        module=$(basename "$(dirname "$file")")
        if [ "$module" != "$included" ] && [ "$(floor "$included")" -ge "$(floor "$module")" ]; then
            echo "${file#"$ROOT"/} includes $included"
            bad=1
        fi
    done < <(includes)
    [ "$seen" -gt 0 ]
    [ "$bad" -eq 0 ]
}

@test "every module has a floor and a header named like it" {
    for folder in "$ROOT"/lib/*/; do
        module=$(basename "$folder")
        floor "$module"
        [ -e "$folder$module.h" ] || { echo "no $module.h"; return 1; }
    done
}

# A header whose comment says "For the files of this module" is private to its folder.
@test "other modules' private headers are not included" {
    seen=0 bad=0
    while read -r file module header; do
        [ "$(basename "$(dirname "$file")")" != "$module" ] || continue
        seen=$((seen + 1))
        if grep -q '[Ff]or the files of this module' "$ROOT/lib/$module/$header.h"; then
            echo "${file#"$ROOT"/} includes $module/$header.h"
            bad=1
        fi
    done < <(find "$ROOT/lib" "$ROOT/cmd" -name '*.[ch]' \
        -exec grep -H '^ *# *include "[a-z0-9_]*/' {} + |
        sed -E 's|^([^:]*):.*"([a-z0-9_]*)/([a-z0-9_]*)\.h".*|\1 \2 \3|')
    [ "$seen" -gt 0 ]
    [ "$bad" -eq 0 ]
}

@test "tools do not include each other" {
    run -1 grep -rn --include='*.[ch]' '#include ".*cmd/' "$ROOT/cmd" "$ROOT/lib"
}

@test "nothing lies at the top but what belongs there" {
    for path in "$ROOT"/*; do
        case $(basename "$path") in
        Makefile | README.md | LICENSE | cmd | lib | man | completions | tests | examples | build | dist) ;;
        *) echo "$path"; return 1 ;;
        esac
    done
}
