# bash completion, written by 'process --describe=bash'
_process()
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
            run|map|fit|resume|stop|wait|status|list|describe|logs|worker|instance) command=$word; break ;;
        esac
    done
    case $command:$previous in
        run:--shard) words='key size record' ;;
        run:--records) words='csv lines parquet' ;;
        run:--engine) words='local slurm' ;;
        map:--output-header) words='no yes' ;;
        map:--shard) words='key size record' ;;
        map:--records) words='csv lines parquet' ;;
        map:--engine) words='local slurm' ;;
        fit:--records) words='csv lines parquet' ;;
        fit:--engine) words='local slurm' ;;
        resume:--engine) words='local slurm' ;;
        *:--progress) words='auto off jsonl' ;;
        *:--describe) words='json mdoc bash zsh fish' ;;
    esac
    if [[ -z $words && $current == -* ]]; then
        case $command in
            run) words=' -s --script --spark -i --input -o --output --instances --shard --records -e --env --max-runtime --kill-after --retries -j --jobs --engine --partition --engine-cpus --engine-memory --engine-option --name --isolate --no-network --memory --cpus --processes --detach -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            map) words=' -i --input -o --output --output-header --instances --shard --records -e --env --max-runtime --kill-after --retries -j --jobs --engine --partition --engine-cpus --engine-memory --engine-option --name --isolate --no-network --memory --cpus --processes --detach -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            fit) words=' -r --recipe -o --output -w --wrangle --instances --records --max-runtime --retries -j --jobs --engine --partition --engine-cpus --engine-memory --engine-option --name -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            resume) words=' -j --jobs --engine --partition --engine-cpus --engine-memory --engine-option -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            stop) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            wait) words=' --timeout -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            status) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            list) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            describe) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            logs) words=' --follow -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            worker) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            instance) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            *) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
        esac
    elif [[ -z $words && -z $command && $previous != -* ]]; then
        words='run map fit resume stop wait status list describe logs worker instance'
    fi
    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(compgen -W "$words" -- "$current")
}
complete -o default -F _process process
