# bash completion, written by 'wrangle --describe=bash'
_wrangle()
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
            run|fit|apply|merge|list|help|explain|convert|sniff|describe|head|view) command=$word; break ;;
        esac
    done
    case $command:$previous in
        run:--schema) words='first union' ;;
        run:--ragged) words='error pad truncate' ;;
        run:--on-error) words='stop skip null' ;;
        run:--parquet-codec) words='snappy zstd gzip none' ;;
        fit:--schema) words='first union' ;;
        fit:--ragged) words='error pad truncate' ;;
        fit:--on-error) words='stop skip null' ;;
        fit:--parquet-codec) words='snappy zstd gzip none' ;;
        apply:--schema) words='first union' ;;
        apply:--ragged) words='error pad truncate' ;;
        apply:--on-error) words='stop skip null' ;;
        apply:--parquet-codec) words='snappy zstd gzip none' ;;
        explain:--schema) words='first union' ;;
        explain:--ragged) words='error pad truncate' ;;
        explain:--on-error) words='stop skip null' ;;
        convert:--schema) words='first union' ;;
        convert:--ragged) words='error pad truncate' ;;
        convert:--on-error) words='stop skip null' ;;
        convert:--parquet-codec) words='snappy zstd gzip none' ;;
        describe:--schema) words='first union' ;;
        describe:--ragged) words='error pad truncate' ;;
        describe:--on-error) words='stop skip null' ;;
        describe:--parquet-codec) words='snappy zstd gzip none' ;;
        head:--schema) words='first union' ;;
        head:--ragged) words='error pad truncate' ;;
        head:--on-error) words='stop skip null' ;;
        head:--parquet-codec) words='snappy zstd gzip none' ;;
        view:--schema) words='first union' ;;
        view:--ragged) words='error pad truncate' ;;
        view:--on-error) words='stop skip null' ;;
        view:--parquet-codec) words='snappy zstd gzip none' ;;
        :--schema) words='first union' ;;
        :--ragged) words='error pad truncate' ;;
        :--on-error) words='stop skip null' ;;
        :--parquet-codec) words='snappy zstd gzip none' ;;
        *:--progress) words='auto off jsonl' ;;
        *:--describe) words='json mdoc bash zsh fish' ;;
    esac
    if [[ -z $words && $current == -* ]]; then
        case $command in
            run) words=' -p --program -f --from -d --delimiter --quote --backslash --lazy-quotes --comment --skip-lines --no-header --columns --types --na --encoding --source-column --same-header --schema --ragged --on-error --rejects --max-record --zone -t --to -o --output -D --out-delimiter -N --no-out-header --parquet-codec -j --jobs --seed --memory -P --param --now --live --allow-exec --first-row -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            fit) words=' -r --recipe --emit -p --program --begin --after -f --from -d --delimiter --quote --backslash --lazy-quotes --comment --skip-lines --no-header --columns --types --na --encoding --source-column --same-header --schema --ragged --on-error --rejects --max-record --zone -t --to -o --output -D --out-delimiter -N --no-out-header --parquet-codec -j --jobs --seed --memory -P --param --now --live --allow-exec --first-row -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            apply) words=' --strict --shard -f --from -d --delimiter --quote --backslash --lazy-quotes --comment --skip-lines --no-header --columns --types --na --encoding --source-column --same-header --schema --ragged --on-error --rejects --max-record --zone -t --to -o --output -D --out-delimiter -N --no-out-header --parquet-codec -j --jobs --seed --memory -P --param --now --live --allow-exec --first-row -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            merge) words=' --whole -o --output -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            list) words=' -t --to --count --man -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            help) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            explain) words=' -p --program -f --from -d --delimiter --quote --backslash --lazy-quotes --comment --skip-lines --no-header --columns --types --na --encoding --source-column --same-header --schema --ragged --on-error --rejects --max-record --zone -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            convert) words=' -f --from -d --delimiter --quote --backslash --lazy-quotes --comment --skip-lines --no-header --columns --types --na --encoding --source-column --same-header --schema --ragged --on-error --rejects --max-record --zone -t --to -o --output -D --out-delimiter -N --no-out-header --parquet-codec -j --jobs --seed --memory -P --param --now --live --allow-exec -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            sniff) words=' --encoding -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            describe) words=' -f --from -d --delimiter --quote --backslash --lazy-quotes --comment --skip-lines --no-header --columns --types --na --encoding --source-column --same-header --schema --ragged --on-error --rejects --max-record --zone -t --to -o --output -D --out-delimiter -N --no-out-header --parquet-codec -j --jobs --seed --memory -P --param --now --live --allow-exec -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            head) words=' --rows -f --from -d --delimiter --quote --backslash --lazy-quotes --comment --skip-lines --no-header --columns --types --na --encoding --source-column --same-header --schema --ragged --on-error --rejects --max-record --zone -t --to -o --output -D --out-delimiter -N --no-out-header --parquet-codec -j --jobs -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            view) words=' --rows -f --from -d --delimiter --quote --backslash --lazy-quotes --comment --skip-lines --no-header --columns --types --na --encoding --source-column --same-header --schema --ragged --on-error --rejects --max-record --zone -t --to -o --output -D --out-delimiter -N --no-out-header --parquet-codec -j --jobs -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            *) words=' -p --program -f --from -d --delimiter --quote --backslash --lazy-quotes --comment --skip-lines --no-header --columns --types --na --encoding --source-column --same-header --schema --ragged --on-error --rejects --max-record --zone -t --to -o --output -D --out-delimiter -N --no-out-header --parquet-codec -j --jobs --seed --memory -P --param --now --live --allow-exec --first-row -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
        esac
    elif [[ -z $words && -z $command && $previous != -* ]]; then
        words='run fit apply merge list help explain convert sniff describe head view'
    fi
    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(compgen -W "$words" -- "$current")
}
complete -o default -F _wrangle wrangle
