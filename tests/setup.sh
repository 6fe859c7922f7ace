#!/bin/sh
# setup.sh build|demo|check|lint|bench: installs what is missing for building, for the examples, for
# the tests (with the tools to compare with when ORACLES=1 or CI=true), for lint, or for the benches.
# Without apt-get it prints the packages' names and fails; but benches do without.
set -eu

missing=
# need PACKAGE TEST...: the package is missing when the test fails.
need() {
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}

# The packages by the names of other systems, in the order dnf apk pacman brew.
names() {
    awk -v column="$1" -v wanted="$missing" '
        BEGIN { n = split(wanted, order, " "); for (i = 1; i <= n; i++) want[order[i]] = 1 }
        $1 in want && $column != "-" { printf " %s", $column }
    ' <<END
pkg-config       pkgconf-pkg-config pkgconf        pkgconf    pkgconf
gcc              gcc                build-base     gcc        -
make             make               make           make       make
libarchive-dev   libarchive-devel   libarchive-dev libarchive libarchive
libjansson-dev   jansson-devel      jansson-dev    jansson    jansson
libpcre2-dev     pcre2-devel        pcre2-dev      pcre2      pcre2
zlib1g-dev       zlib-devel         zlib-dev       zlib       zlib
libutf8proc-dev  utf8proc-devel     utf8proc-dev   libutf8proc utf8proc
liblmdb-dev      lmdb-devel         lmdb-dev       lmdb       lmdb
libyaml-dev      libyaml-devel      yaml-dev       libyaml    libyaml
libhiredis-dev   hiredis-devel      hiredis-dev    hiredis    hiredis
redis-server     redis              redis          redis      redis
git              git                git            git        git
python3          python3            python3        python     python
parallel         parallel           parallel       parallel   parallel
tzdata           tzdata             tzdata         tzdata     -
bats             bats               bats           bats       bats-core
mandoc           mandoc             mandoc         mandoc     mandoc
jq               jq                 jq             jq         jq
miller           miller             miller         miller     miller
datamash         datamash           datamash       datamash   datamash
mawk             mawk               mawk           mawk       mawk
gawk             gawk               gawk           gawk       gawk
python3-pandas   python3-pandas     py3-pandas     python-pandas -
python3-sklearn  python3-scikit-learn py3-scikit-learn python-scikit-learn -
python3-xgboost  python3-xgboost    -          python-xgboost -
libxgboost-dev   -                  -          xgboost    xgboost
time             time               -          time       gnu-time
python3-onnx     python3-onnx       py3-onnx       python-onnx -
nodejs           nodejs             nodejs         nodejs     node
npm              npm                npm            npm        -
clang            clang              clang          clang      llvm
lld              lld                lld            lld        lld
wasi-libc        wasi-libc-static   wasi-libc      wasi-libc  wasi-libc
gcc-aarch64-linux-gnu - - aarch64-linux-gnu-gcc -
libc6-dev-arm64-cross - - aarch64-linux-gnu-glibc -
gcc-arm-linux-gnueabihf - - - -
libc6-dev-armhf-cross - - - -
gcc-riscv64-linux-gnu - - riscv64-linux-gnu-gcc -
libc6-dev-riscv64-cross - - riscv64-linux-gnu-glibc -
qemu-user        qemu-user          qemu-aarch64   qemu-user  -
gcc-arm-none-eabi arm-none-eabi-gcc-cs gcc-arm-none-eabi arm-none-eabi-gcc arm-none-eabi-gcc
libnewlib-arm-none-eabi arm-none-eabi-newlib newlib-arm-none-eabi arm-none-eabi-newlib -
qemu-system-arm  qemu-system-arm    qemu-system-arm qemu-system-arm qemu
cppcheck         cppcheck           cppcheck       cppcheck   cppcheck
clang-tidy       clang-tools-extra  clang-extra-tools clang   llvm
clang-format     clang-tools-extra  clang-extra-tools clang   clang-format
bubblewrap       bubblewrap         bubblewrap     bubblewrap -
slurm-wlm        -                  -              -          -
munge            -                  -              -          -
pmccabe          -                  -              -          -
shellcheck       ShellCheck         shellcheck     shellcheck shellcheck
codespell        codespell          py3-codespell  codespell  codespell
END
}

explain() {
    column=2
    for manager in dnf apk pacman brew; do
        echo "  $manager:$(names $column)"
        column=$((column + 1))
    done
}

install_missing() {
    [ "$missing" ] || return 0
    if ! command -v apt-get >/dev/null; then
        echo "missing:$missing; install these packages and try again:" >&2
        explain >&2
        exit 1
    fi
    echo "installing$missing" >&2
    sudo=$([ "$(id -u)" -eq 0 ] || echo sudo)
    # shellcheck disable=SC2086 # words are meant to be split
    { $sudo apt-get update -qq && $sudo env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing; } >/dev/null
    missing=
}

need_for_building() {
    need gcc command -v cc
    need make command -v make
    need pkg-config command -v pkg-config
    need libarchive-dev pkg-config --exists libarchive
    need libjansson-dev pkg-config --exists jansson
    need libpcre2-dev pkg-config --exists libpcre2-8
    need zlib1g-dev pkg-config --exists zlib
    need libutf8proc-dev pkg-config --exists libutf8proc
    need liblmdb-dev pkg-config --exists lmdb
    need libyaml-dev pkg-config --exists yaml-0.1
    need libhiredis-dev pkg-config --exists hiredis
    need tzdata test -e /usr/share/zoneinfo/Europe/Paris
}

need_for_oracles() {
    need miller command -v mlr
    need datamash command -v datamash
    need mawk command -v mawk
    need gawk command -v gawk
    need python3-pandas /usr/bin/python3 -c 'import pandas'
    need python3-sklearn /usr/bin/python3 -c 'import sklearn'
    need python3-xgboost /usr/bin/python3 -c 'import xgboost'
    need python3-onnx /usr/bin/python3 -c 'import onnx'
    need nodejs command -v node
    need npm command -v npm
    need bubblewrap command -v bwrap
}

# tests/slurm.bats has a cluster of its own on this machine.
need_for_clusters() {
    need slurm-wlm env PATH="$PATH:/usr/sbin:/sbin" sh -c 'command -v slurmctld && command -v slurmd && command -v squeue'
    need munge env PATH="$PATH:/usr/sbin:/sbin" sh -c 'command -v munged'
}

# Compilers for other machines, and their emulators: what neoc's targets need.
need_for_targets() {
    need clang command -v clang
    need lld command -v wasm-ld
    need wasi-libc test -e /usr/include/wasm32-wasi/math.h
    for row in aarch64-linux-gnu:arm64 arm-linux-gnueabihf:armhf riscv64-linux-gnu:riscv64; do
        triplet=${row%:*}
        need "gcc-$triplet" command -v "$triplet-gcc"
        need "libc6-dev-${row#*:}-cross" test -e "/usr/$triplet/include/math.h"
    done
    need qemu-user command -v qemu-aarch64
    need gcc-arm-none-eabi command -v arm-none-eabi-gcc
    need libnewlib-arm-none-eabi test -e /usr/lib/arm-none-eabi/newlib/libm.a
    need qemu-system-arm command -v qemu-system-arm
}

# Packages of npm go into build/node, not into the tree. Their scripts are not run: none is needed, and that of
# onnxruntime-node wants more from elsewhere.
install_node_packages() {
    for package in @duckdb/node-api@1.5.6-r.1 nodejs-polars@0.26.1 nodejs-polars-linux-x64-gnu@0.26.1 csv-spectrum@2.0.0 \
        onnxruntime-node@1.30.0 hyparquet@1.31.5 parquet-wasm@0.8.0 asl-validator@4.0.0 @aws-sdk/client-sagemaker@3.1142.0; do
        [ -d "build/node/node_modules/${package%@*}" ] && continue
        mkdir -p build/node
        npm install --ignore-scripts --no-audit --no-fund --loglevel=error --prefix build/node "$package" >/dev/null ||
            echo "no $package from npm: what needs it is skipped" >&2
    done
}

# examples/flights trains with XGBoost.
need_for_examples() {
    need libxgboost-dev test -e /usr/include/xgboost/c_api.h
}

need_for_building
case $1 in
build)
    install_missing
    ;;
demo)
    need_for_examples
    install_missing
    ;;
check)
    need_for_examples
    need bats command -v bats
    need mandoc command -v mandoc
    need jq command -v jq
    need git command -v git
    need python3 command -v python3
    need redis-server command -v redis-server
    if [ "${ORACLES:-}" = 1 ] || [ "${CI:-}" = true ]; then
        need_for_oracles
        need_for_targets
        need_for_clusters
        install_missing
        install_node_packages
    fi
    install_missing
    ;;
bench)
    need time test -x /usr/bin/time
    need redis-server command -v redis-server
    need ninja-build command -v ninja
    need snakemake command -v snakemake
    need parallel command -v parallel
    need bubblewrap command -v bwrap
    need_for_examples
    need_for_oracles
    (install_missing) || echo "benches go on without them" >&2
    ! command -v npm >/dev/null || install_node_packages
    ;;
lint)
    for tool in clang cppcheck clang-tidy clang-format pmccabe shellcheck codespell mandoc; do
        need $tool command -v $tool
    done
    install_missing
    ;;
esac
