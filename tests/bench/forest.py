"""forest.py onnx|lightgbm MODEL.json OUT: the trees of an XGBoost model of two classes as an ONNX
TreeEnsembleRegressor (of margins) or as LightGBM's text. Nothing but Python itself is needed."""
import json
import struct
import sys


def read_trees(path):
    with open(path, encoding="utf-8") as file:
        learner = json.load(file)["learner"]
    parameters = learner["learner_model_param"]
    if learner["objective"]["name"] != "binary:logistic" or float(parameters["base_score"]) != 0.5:
        sys.exit(f"{path}: not a binary:logistic model of base score 0.5")
    return int(parameters["num_feature"]), learner["gradient_booster"]["model"]["trees"]


# ---- ONNX: protobuf messages, a field is its number and type, then its value ----

def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def number(field, n):
    return varint(field << 3) + varint(n)


def message(field, *parts):
    body = b"".join(part.encode() if isinstance(part, str) else part for part in parts)
    return varint(field << 3 | 2) + varint(len(body)) + body


def floats(name, values):
    return message(5, message(1, name), message(7, struct.pack(f"<{len(values)}f", *values)), number(20, 6))


def integers(name, values):
    return message(5, message(1, name), message(8, *map(varint, values)), number(20, 7))


def texts(name, values):
    return message(5, message(1, name), *(message(9, value) for value in values), number(20, 8))


def matrix(field, name, columns):
    """A float tensor of any number of rows."""
    shape = message(2, message(1, message(2, "rows")), message(1, number(1, columns)))
    return message(field, message(1, name), message(2, message(1, number(1, 1), shape)))


def onnx(features, trees):
    nodes = [(t, i, tree) for t, tree in enumerate(trees) for i in range(len(tree["left_children"]))]
    leaves = [(t, i, tree) for t, i, tree in nodes if tree["left_children"][i] == -1]

    def each(name):
        return [tree[name][i] for _, i, tree in nodes]

    node = message(
        1, message(1, "x"), message(2, "margin"), message(4, "TreeEnsembleRegressor"), message(7, "ai.onnx.ml"),
        message(5, message(1, "n_targets"), number(3, 1), number(20, 2)),
        integers("nodes_treeids", [t for t, _, _ in nodes]), integers("nodes_nodeids", [i for _, i, _ in nodes]),
        integers("nodes_featureids", each("split_indices")), floats("nodes_values", each("split_conditions")),
        texts("nodes_modes", ["LEAF" if left == -1 else "BRANCH_LT" for left in each("left_children")]),
        integers("nodes_truenodeids", [max(0, left) for left in each("left_children")]),
        integers("nodes_falsenodeids", [max(0, right) for right in each("right_children")]),
        integers("nodes_missing_value_tracks_true", map(int, each("default_left"))),
        integers("target_treeids", [t for t, _, _ in leaves]), integers("target_nodeids", [i for _, i, _ in leaves]),
        integers("target_ids", [0 for _ in leaves]),
        floats("target_weights", [tree["split_conditions"][i] for _, i, tree in leaves]))
    graph = message(7, node, message(2, "trees"), matrix(11, "x", features), matrix(12, "margin", 1))
    opsets = message(8, message(1, ""), number(2, 15)) + message(8, message(1, "ai.onnx.ml"), number(2, 1))
    return number(1, 8) + graph + opsets


# ---- LightGBM ----

def between(threshold):
    """The double up to which numbers are below the threshold once they are floats."""
    packed = struct.pack("<f", threshold)
    bits, = struct.unpack("<i", packed)
    below = struct.pack("<i", -2**31 + 1 if bits == 0 else bits - 1 if bits > 0 else bits + 1)
    return (struct.unpack("<f", below)[0] + struct.unpack("<f", packed)[0]) / 2


def lightgbm_tree(number, tree):
    left = tree["left_children"]
    place = {}  # inner nodes from 0 on, leaves from -1 down
    for is_leaf in False, True:
        found = [i for i in range(len(left)) if (left[i] == -1) == is_leaf]
        place.update((i, -1 - k if is_leaf else k) for k, i in enumerate(found))
    inner = [i for i in place if left[i] != -1]
    leaves = [i for i in place if left[i] == -1]
    lines = {
        "num_leaves": [len(leaves)], "num_cat": [0],
        "split_feature": [tree["split_indices"][i] for i in inner],
        "threshold": [repr(between(tree["split_conditions"][i])) for i in inner],
        "decision_type": [2 for _ in inner],
        "left_child": [place[left[i]] for i in inner],
        "right_child": [place[tree["right_children"][i]] for i in inner],
        "leaf_value": [repr(tree["split_conditions"][i]) for i in leaves],
        "shrinkage": [1],
    }
    return f"Tree={number}\n" + "".join(f"{key}={' '.join(map(str, values))}\n" for key, values in lines.items())


def lightgbm(features, trees):
    header = ("tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\n"
              f"max_feature_idx={features - 1}\nobjective=binary sigmoid:1\n"
              f"feature_names={' '.join(f'f{i}' for i in range(features))}\n\n")
    blocks = "\n\n".join(lightgbm_tree(t, tree) for t, tree in enumerate(trees))
    return (header + blocks + "\n\nend of trees\n").encode()


kind, model, path = sys.argv[1:]
with open(path, "wb") as out:
    out.write({"onnx": onnx, "lightgbm": lightgbm}[kind](*read_trees(model)))
