# bash completion, written by 'fstore --describe=bash'
_fstore()
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
            create|update|drop|list|describe|search|tag|meta|ingest|put|get|mget|delete|forget|history|join|verify|rebuild|gc|log|materialize|compact|export|import|snapshot|stats|drift) command=$word; break ;;
        esac
    done
    case $command:$previous in
        create:--time-unit) words='text s ms us ns' ;;
        ingest:--durable) words='batch record none' ;;
        ingest:--schema) words='first union' ;;
        ingest:--ragged) words='error pad truncate' ;;
        ingest:--on-error) words='stop skip null' ;;
        mget:--schema) words='first union' ;;
        mget:--ragged) words='error pad truncate' ;;
        mget:--on-error) words='stop skip null' ;;
        mget:--parquet-codec) words='snappy zstd gzip none' ;;
        join:--time-unit) words='text s ms us ns' ;;
        join:--schema) words='first union' ;;
        join:--ragged) words='error pad truncate' ;;
        join:--on-error) words='stop skip null' ;;
        join:--parquet-codec) words='snappy zstd gzip none' ;;
        export:--parquet-codec) words='snappy zstd gzip none' ;;
        snapshot:--parquet-codec) words='snappy zstd gzip none' ;;
        stats:--parquet-codec) words='snappy zstd gzip none' ;;
        drift:--parquet-codec) words='snappy zstd gzip none' ;;
        *:--progress) words='auto off jsonl' ;;
        *:--describe) words='json mdoc bash zsh fish' ;;
    esac
    if [[ -z $words && $current == -* ]]; then
        case $command in
            create) words=' --id --time --time-unit --zone --feature --schema --agg --lateness --ttl --online --offline --tag --description -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            update) words=' --feature --schema --agg --ttl --no-ttl --offline --tag --description --timeout -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            drop) words=' --timeout -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            list) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            describe) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            search) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            tag) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            meta) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            ingest) words=' --ack --source --batch --durable --ttl --ignore-others --timeout -f --from -d --delimiter --quote --backslash --lazy-quotes --comment --skip-lines --no-header --columns --types --na --encoding --source-column --same-header --schema --ragged --on-error --rejects --max-record --zone -j --jobs -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            put) words=' --merge --ttl --ack --ignore-others --timeout -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            get) words=' --features --now --timeout -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            mget) words=' --features --id --event-time --status --at --timeout -f --from -d --delimiter --quote --backslash --lazy-quotes --comment --skip-lines --no-header --columns --types --na --encoding --source-column --same-header --schema --ragged --on-error --rejects --max-record --zone -t --to -o --output -D --out-delimiter -N --no-out-header --parquet-codec -j --jobs -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            delete) words=' --soft --hard --time --timeout -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            forget) words=' --timeout -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            history) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            join) words=' -l --labels --time --time-unit --id --lookback --strict --known-by --age --status --manifest --replay --file-time --file-id -f --from -d --delimiter --quote --backslash --lazy-quotes --comment --skip-lines --no-header --columns --types --na --encoding --source-column --same-header --schema --ragged --on-error --rejects --max-record --zone -t --to -o --output -D --out-delimiter -N --no-out-header --parquet-codec -j --jobs --memory -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            verify) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            rebuild) words=' --timeout -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            gc) words=' --horizon --grace --timeout -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            log) words=' --from -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            materialize) words=' --memory -j --jobs --timeout -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            compact) words=' --grace --memory -j --jobs --timeout -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            export) words=' --since --until --from-time --to-time --deleted -t --to -o --output -D --out-delimiter -N --no-out-header --parquet-codec -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            import) words=' --timeout -f --from -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            snapshot) words=' --at --lsn --memory -t --to -o --output -D --out-delimiter -N --no-out-header --parquet-codec -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            stats) words=' --features --since --until --from-time --to-time --online --memory --top --save --list --drop -t --to -o --output -D --out-delimiter -N --no-out-header --parquet-codec -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            drift) words=' --baseline --psi --ks --nulls --cardinality --new --features --since --until --from-time --to-time --online --memory -f --from --na --zone -t --to -o --output -D --out-delimiter -N --no-out-header --parquet-codec -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            *) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
        esac
    elif [[ -z $words && -z $command && $previous != -* ]]; then
        words='create update drop list describe search tag meta ingest put get mget delete forget history join verify rebuild gc log materialize compact export import snapshot stats drift'
    fi
    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(compgen -W "$words" -- "$current")
}
complete -o default -F _fstore fstore
