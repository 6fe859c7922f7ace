# The stories of examples/: each runs from a copy of its folder, and its own checks hold.
load helper

@test "flights" {
    in_scratch
    cp -R "$ROOT/examples/flights" .
    rm -rf flights/build
    make -C flights WRANGLE=wrangle >out
    grep -q 'March, ready for a model' out
    make -s -C flights WRANGLE=wrangle check
    mv flights/build first # the same bytes from chunks of another size
    ML_CHUNK=1000 make -C flights WRANGLE=wrangle >/dev/null
    for file in flights/build/*; do
        same "first/$(basename "$file")" "$file"
    done
}
