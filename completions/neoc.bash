# bash completion, written by 'neoc --describe=bash'
_neoc()
{
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    local command='' words='' word
    if [[ $current == = ]]; then
        current=''
    elif [[ $previous == = ]]; then
        previous=${COMP_WORDS[COMP_CWORD-2]}
    fi
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case $word in
            compile|run|inspect|verify|bench|targets|unpack) command=$word; break ;;
        esac
    done
    case $command:$previous in
        compile:--emit) words='tar so a c header' ;;
        run:--schema) words='first union' ;;
        run:--ragged) words='error pad truncate' ;;
        run:--on-error) words='stop skip null' ;;
        run:--parquet-codec) words='snappy zstd gzip none' ;;
        inspect:--to|inspect:-t) words='text json' ;;
        verify:--to|verify:-t) words='text json' ;;
        bench:--to|bench:-t) words='text jsonl' ;;
        targets:--to|targets:-t) words='text jsonl' ;;
        *:--progress) words='auto off jsonl' ;;
        *:--describe) words='json mdoc bash zsh fish' ;;
    esac
    if [[ -z $words && $current == -* ]]; then
        case $command in
            compile) words=' -o --output --target --platform --prep --zone --emit --prefix --float32 --u8 --rows --tolerance --unverified -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            run) words=' -k --keep --margin --proba --class --leaf --absent-is-missing -f --from -d --delimiter --quote --backslash --lazy-quotes --comment --skip-lines --no-header --columns --types --na --encoding --source-column --same-header --schema --ragged --on-error --rejects --max-record --zone -t --to -o --output -D --out-delimiter -N --no-out-header --parquet-codec -j --jobs -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            inspect) words=' -t --to -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            verify) words=' --prep --random --rows --seed --tolerance -t --to -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            bench) words=' --rows --repeat -j --jobs -t --to -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            targets) words=' -t --to -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            unpack) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            *) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
        esac
    elif [[ -z $words && -z $command && $previous != -* ]]; then
        words='compile run inspect verify bench targets unpack'
    fi
    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(compgen -W "$words" -- "$current")
}
complete -o default -F _neoc neoc
