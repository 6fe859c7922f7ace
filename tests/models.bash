# shellcheck disable=SC2034
# Models by hand, for the suites of neoc: `load models`.
MODELS=$ROOT/tests/fuzz/corpus # small ones of every format
loan=$ROOT/examples/embed/loan.txt

# stump CLASS FEATURE THRESHOLD BELOW ABOVE: a tree of XGBoost; what is missing goes below.
stump() {
    jq -cn --argjson class "$1" --argjson feature "$2" --argjson threshold "$3" --argjson below "$4" \
        --argjson above "$5" '{class: $class, left_children: [1, -1, -1], right_children: [2, -1, -1],
        parents: [2147483647, 0, 0], split_indices: [$feature, 0, 0], split_conditions: [$threshold, $below, $above],
        default_left: [1, 0, 0], split_type: [0, 0, 0], sum_hessian: [2, 1, 1], loss_changes: [1, 0, 0],
        base_weights: [0, $below, $above], categories: [], categories_nodes: [], categories_segments: [],
        categories_sizes: [], tree_param: {num_nodes: "3", size_leaf_vector: "0", num_feature: "0", num_deleted: "0"}}'
}

# xgboost OBJECTIVE CLASSES BASE FEATURES [NAME...] <TREES: a model of the trees that stump writes.
xgboost() {
    jq -cs --arg objective "$1" --arg classes "$2" --arg base "$3" --arg features "$4" '{learner: {
        attributes: {}, feature_names: $ARGS.positional, feature_types: [],
        gradient_booster: {name: "gbtree", model: {
            gbtree_model_param: {num_trees: "\(length)", num_parallel_tree: "1", size_leaf_vector: "0"},
            tree_info: map(.class), trees: to_entries | map(.value + {id: .key} | del(.class))}},
        learner_model_param: {base_score: $base, num_class: $classes, num_feature: $features, num_target: "1"},
        objective: {name: $objective}}, version: [1, 7, 4]}' --args "${@:5}"
}

# lightgbm NAMES <TREES: a regression of LightGBM of trees that lightgbm_stump writes.
lightgbm() {
    local names
    read -ra names <<<"$1"
    printf '%s\n' tree version=v4 num_class=1 num_tree_per_iteration=1 "max_feature_idx=$((${#names[@]} - 1))" \
        objective=regression "feature_names=$1"
    cat
    printf '\nend of trees\n'
}

# lightgbm_stump NUMBER FEATURE THRESHOLD BELOW ABOVE
lightgbm_stump() {
    printf '\n%s\n' "Tree=$1"
    printf '%s\n' num_leaves=2 num_cat=0 "split_feature=$2" "threshold=$3" decision_type=2 left_child=-1 \
        right_child=-2 "leaf_value=$4 $5"
}
