# A model for every target, run where it is for or in an emulator: the same margins to the last bit.
# What this machine lacks is named by the tests that are skipped.
load helper

setup() {
    in_scratch
    mkdir tmp
    export TMPDIR=$PWD/tmp
}

teardown() {
    [ -z "$(ls tmp)" ] || { echo "left behind: $(ls tmp)"; return 1; }
}

# compiles TARGET FORM [PREFIX]: what it says is in out.
compiles() {
    local status=0
    "$BIN/tests/target" "$1" "$2" 300 "${@:3}" >out || status=$?
    [ "$status" -ne 1 ] || skip "$(cat out)"
    [ "$status" -eq 0 ]
    grep -q '^margins of 300 rows equal' out
}

# The functions of math.h are the target's own: of answers, only those of this machine must agree.
answers_agree() {
    grep -q ', answers of 300;' out
}

@test "host" { compiles host library; answers_agree; }
@test "native" { compiles native library; answers_agree; }
@test "x86-64" { compiles x86-64 library; }
@test "x86-64-v2" { compiles x86-64-v2 library; }
@test "x86-64-v3" { compiles x86-64-v3 library; }
@test "x86-64-v4" { compiles x86-64-v4 library; }
@test "aarch64" { compiles aarch64 library; }
@test "armhf" { compiles armhf library; }
@test "riscv64" { compiles riscv64 library; }
@test "wasm32" { compiles wasm32 library; }
@test "wasm32-simd" { compiles wasm32-simd library; }
@test "cortex-m4f" { compiles cortex-m4f library; }
@test "c" { compiles c library; answers_agree; }

@test "a static library of this machine" { compiles host static credit; answers_agree; }
@test "a static library of another" { compiles aarch64 static credit; }
@test "a single header" { compiles host header credit; answers_agree; }
@test "sources by another machine's compiler" { compiles riscv64 c credit; }
@test "sources by a microcontroller's compiler" { compiles cortex-m4f c credit; }

# ---- sources ----------------------------------------------------------------------------------

# sources FORM PREFIX: its files in the working directory.
sources() {
    "$BIN/tests/target" c "$1" 0 "$2"
}

# clean COMPILER...: compiles model.c without a word.
clean() {
    command -v "$1" >/dev/null || skip "lacks $1"
    sources library credit
    "$@" -std=c11 -O1 -Wall -Wextra -Wpedantic -Wundef -Werror -c model.c
}

@test "gcc has no complaint about the source" { clean gcc; }
@test "clang has no complaint about the source" { clean clang; }
@test "gcc for aarch64 has no complaint about the source" { clean aarch64-linux-gnu-gcc; }
@test "gcc for armhf has no complaint about the source" { clean arm-linux-gnueabihf-gcc; }
@test "gcc for riscv64 has no complaint about the source" { clean riscv64-linux-gnu-gcc; }
@test "gcc for Cortex-M has no complaint about the source" { clean arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb; }
@test "clang for WebAssembly has no complaint about the source" {
    [ -e /usr/include/wasm32-wasi/math.h ] || skip "lacks wasi-libc"
    clean clang --target=wasm32-wasi
}

@test "the source defines the model's functions and nothing else" {
    sources library credit
    gcc -std=c11 -O1 -fPIC -c model.c
    nm -g --defined-only model.o | sed 's/.* [A-Z] //' | sort >defined
    sed -n 's/^[a-z].*[ *]\(credit_[a-z0-9_]*\)(.*/\1/p' model.h | sort >declared
    [ "$(wc -l <declared)" -eq 10 ]
    same declared defined
    nm -g --undefined-only model.o | sed 's/.* U //' | sort >needed
    run grep -vxE '_GLOBAL_OFFSET_TABLE_|__cpu_model|__popcountdi2|[a-z0-9]*' needed
    [ "$status" -eq 1 ]
    run grep -xE '.*(alloc|free|printf|open|write|exit|abort).*' needed
    [ "$status" -eq 1 ]
}

@test "two models live in one program, as headers and as libraries" {
    sources header one
    mv model.h one.h
    sources header two
    mv model.h two.h
    cat >both.c <<'END'
#define ONE_MODEL_IMPLEMENTATION
#include "one.h"
#define TWO_MODEL_IMPLEMENTATION
#include "two.h"
#include "one.h"
#include <stdio.h>
int main(void)
{
    printf("%zu %zu %s\n", one_inputs(), two_outputs(), one_info() == two_info() ? "same" : "apart");
    return 0;
}
END
    gcc -std=c11 -O1 -Wall -Wextra -Wpedantic -Werror -o both both.c -lm
    [ "$(./both)" = "9 3 apart" ]
    for name in one two; do
        "$BIN/tests/target" host static 0 $name
        mv libmodel.a lib$name.a
        mv model.h $name.h
    done
    sed -i '/define/d' both.c
    gcc -std=c11 -Wall -Werror -o both both.c libone.a libtwo.a -lm
    [ "$(./both)" = "9 3 apart" ]
}

@test "a microcontroller carries what its program calls and no more" {
    command -v arm-none-eabi-gcc >/dev/null || skip "lacks arm-none-eabi-gcc"
    "$BIN/tests/target" cortex-m4f library 0 ml
    printf '#include "model.h"\ndouble x[9], y[3];\nvoid _exit(int s);\nvoid _exit(int s) { for (;;) (void)s; }\n' >main.c
    printf 'int main(void) { return (int)ml_predict_f64(x, 1, 9, y); }\n' >>main.c
    arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 -Wl,--gc-sections \
        --specs=nosys.specs -o main main.c libmodel.a -lm
    image=$(arm-none-eabi-size -A libmodel.a | awk '$1 == ".rodata.ml_model" { print $2 }')
    code=$(($(arm-none-eabi-size -B main | awk 'NR == 2 { print $1 }') - image))
    ram=$(arm-none-eabi-size -B main | awk 'NR == 2 { print $2 + $3 }')
    echo "$code bytes of code, $ram of memory"
    [ "$code" -lt 40000 ]
    [ "$ram" -lt 8000 ]
}

@test "C++ programs can use the header" {
    command -v g++ >/dev/null || skip "lacks g++"
    "$BIN/tests/target" host static 0 ml
    printf '#include "model.h"\n#include <cstdio>\nint main() { std::printf("%%zu\\n", ml_inputs()); }\n' >main.cc
    g++ -Wall -Wextra -Wpedantic -Werror -o main main.cc libmodel.a -lm
    [ "$(./main)" = 9 ]
}
