# bash completion, written by 'pipe --describe=bash'
_pipe()
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
            validate|graph|run|resume|watch|stop|plan|why|worker|approve|reject|callback|model|runs|status|steps|logs|diff|lineage|audit|gc|export|import) command=$word; break ;;
        esac
    done
    case $command:$previous in
        graph:--to|graph:-t) words='text dot mermaid svg' ;;
        run:--engine) words='local slurm' ;;
        resume:--engine) words='local slurm' ;;
        watch:--engine) words='local slurm' ;;
        plan:--engine) words='local slurm' ;;
        model:--status) words='pending approved' ;;
        *:--progress) words='auto off jsonl' ;;
        *:--describe) words='json mdoc bash zsh fish' ;;
    esac
    if [[ -z $words && $current == -* ]]; then
        case $command in
            validate) words=' -P --param -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            graph) words=' -P --param -t --to -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            run) words=' -P --param -j --jobs -n --dry-run --gpus -k --keep-going --from --to --only --wait --events --engine --partition --engine-cpus --engine-memory --engine-option -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            resume) words=' -j --jobs --gpus -k --keep-going --wait --events --engine --partition --engine-cpus --engine-memory --engine-option -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            watch) words=' -P --param -j --jobs --gpus -k --keep-going --events --engine --partition --engine-cpus --engine-memory --engine-option -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            stop) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            plan) words=' -P --param -j --jobs -n --dry-run --gpus -k --keep-going --from --to --only --wait --events --engine --partition --engine-cpus --engine-memory --engine-option -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            why) words=' -P --param --file -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            worker) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            approve) words=' -m --comment -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            reject) words=' -m --comment -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            callback) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            model) words=' -M --metrics --status -m --comment --any -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            runs) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            status) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            steps) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            logs) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            diff) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            lineage) words=' --forth --openlineage -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            audit) words=' --head -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            gc) words=' --keep -n --dry-run -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            export) words=' -P --param -o --output -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            import) words=' -o --output -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
            *) words=' -q --quiet -v --verbose -C --directory --home --progress --describe --help --version' ;;
        esac
    elif [[ -z $words && -z $command && $previous != -* ]]; then
        words='validate graph run resume watch stop plan why worker approve reject callback model runs status steps logs diff lineage audit gc export import'
    fi
    COMPREPLY=()
    while IFS= read -r word; do
        COMPREPLY+=("$word")
    done < <(compgen -W "$words" -- "$current")
}
complete -o default -F _pipe pipe
