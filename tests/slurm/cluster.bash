# Loaded by suites that want a cluster: one of three nodes on this machine serves all tests of a suite.
setup_file() {
    export PATH=$PATH:/usr/sbin:/sbin
    export CLUSTER=
    for needed in slurmctld slurmd squeue munged; do
        command -v "$needed" >/dev/null || return 0
    done
    CLUSTER=$(mktemp -d /tmp/ml-slurm-XXXXXX)
    sh "$ROOT/tests/slurm/cluster.sh" up "$CLUSTER" $((21000 + RANDOM % 8000)) 3
    export SLURM_CONF=$CLUSTER/slurm.conf
}

teardown_file() {
    [ -z "$CLUSTER" ] || sh "$ROOT/tests/slurm/cluster.sh" down "$CLUSTER"
    [ -z "$CLUSTER" ] || rm -rf "$CLUSTER"
}
