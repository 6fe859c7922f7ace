#!/bin/sh
# cluster.sh: a Slurm cluster of several nodes on this machine, for the tests.
#
#   cluster.sh up DIR PORT NODES   starts it; its configuration is DIR/slurm.conf, for SLURM_CONF
#   cluster.sh down DIR            ends its jobs and daemons
#   cluster.sh controller DIR      starts the controller again
#   cluster.sh node DIR N          starts the daemon of node nN again
#
# DIR is absolute and short: sockets lie in it. Ports are PORT, and PORT+N for node nN. Needs
# the packages slurm-wlm and munge; neither root nor anything in /etc.
set -eu
PATH=$PATH:/usr/sbin:/sbin

action=$1 dir=$2
conf=$dir/slurm.conf
export SLURM_CONF="$conf"

fail() {
    echo "cluster.sh: $*" >&2
    exit 1
}

# The controller wants its own machine's name. A requeued job waits for cred_expire seconds, of
# which 5 are the least that is taken. Without the sched_ and bf_ parameters a job waits for seconds
# until it begins. Finished jobs are forgotten after MinJobAge.
configuration() {
    host=$(hostname -s) user=$(id -un)
    cat <<END
ClusterName=tests
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$1
SlurmUser=$user
SlurmdUser=$user
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket,cred_expire=5
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/%n
SlurmctldPidFile=$dir/controller.pid
SlurmdPidFile=$dir/%n.pid
SlurmctldLogFile=$dir/controller.log
SlurmdLogFile=$dir/%n.log
ProctrackType=proctrack/linuxproc
MpiDefault=none
SlurmdParameters=config_overrides
ReturnToService=1
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,sched_min_interval=0,batch_sched_delay=0
JobRequeue=1
KillWait=3
MinJobAge=2
SlurmdTimeout=4
PartitionName=batch Nodes=n[1-$2] Default=YES MaxTime=INFINITE State=UP
PartitionName=other Nodes=n[1-$2] MaxTime=INFINITE State=UP
END
    for n in $(seq "$2"); do
        echo "NodeName=n$n NodeHostname=$host NodeAddr=127.0.0.1 Port=$(($1 + n)) CPUs=2 RealMemory=1000"
    done
}

# What has a file of DIR open, by its name among those that are given.
users_of_dir() {
    for process in /proc/[0-9]*; do
        read -r name <"$process/comm" || continue
        case " $* " in *" $name "*) ;; *) continue ;; esac
        for file in "$process"/fd/*; do
            case $(readlink "$file") in
            "$dir"/*)
                echo "${process#/proc/}"
                break
                ;;
            esac
        done
    done 2>/dev/null
}
daemons() { users_of_dir munged slurmctld slurmd slurmstepd; }

wait_until() { # SECONDS COMMAND...
    tries=$(($1 * 20))
    shift
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.05
    done
}
all_idle() { [ "$(sinfo -h -p batch -o %T 2>/dev/null)" = idle ]; }
none_left() { [ -z "$(daemons)" ]; }
no_jobs() { [ -z "$(timeout 5 squeue -h 2>/dev/null)" ]; }

up() { # PORT NODES
    mkdir -p "$dir/munge" "$dir/state"
    chmod 755 "$dir" "$dir/munge"
    configuration "$1" "$2" >"$conf"
    (umask 077 && head -c 1024 /dev/urandom >"$dir/munge/key")
    # --force: a folder above may be writable by a group
    munged --force --key-file="$dir/munge/key" --socket="$dir/munge/socket" \
        --pid-file="$dir/munge/pid" --log-file="$dir/munge/log" --seed-file="$dir/munge/seed" \
        2>"$dir/munge/start" || fail "munged does not start: $(cat "$dir/munge/start")"
    slurmctld -f "$conf" || fail "slurmctld does not start"
    for n in $(seq "$2"); do
        mkdir -p "$dir/n$n"
        slurmd -f "$conf" -N "n$n" || fail "slurmd n$n does not start"
    done
    wait_until 20 all_idle || fail "not all nodes are up: see $dir/*.log"
}

# Jobs first: they outlive the daemon of their node. Those of a step daemon that was killed are known
# by their environment.
orphans() {
    grep -lzx "SLURM_CONF=$conf" /proc/[0-9]*/environ 2>/dev/null | while read -r file; do
        ! grep -qz "^SLURM_JOB_ID=" "$file" 2>/dev/null || echo "$file" | cut -d/ -f3
    done
}

signal_each() { # SIGNAL PID...
    signal=$1
    shift
    for pid; do kill -s "$signal" "$pid" 2>/dev/null || :; done
}

down() {
    if [ -n "$(users_of_dir slurmctld)" ]; then
        timeout 5 scancel --signal=KILL --full -u "$(id -un)" 2>/dev/null || :
        timeout 5 scancel -u "$(id -un)" 2>/dev/null || :
        wait_until 5 no_jobs || :
    fi
    # shellcheck disable=SC2046 # pids are words
    signal_each TERM $(daemons)
    # shellcheck disable=SC2046
    wait_until 8 none_left || signal_each KILL $(daemons)
    # shellcheck disable=SC2046
    signal_each KILL $(orphans)
    wait_until 5 none_left || fail "does not end: $(daemons | tr '\n' ' ')"
}

# The test runner waits for all that has its descriptors, and daemons keep what they are given.
exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- </dev/null
case $action in
up) up "$3" "$4" ;;
down) down ;;
controller) slurmctld -f "$conf" ;;
node) slurmd -f "$conf" -N "n$3" ;;
*) fail "up, down, controller or node, not '$action'" ;;
esac
