"""Margins of ONNX models against onnxruntime, bit for bit.

Models are made here with python3-onnx; onnxruntime-node of $NODE_PACKAGES answers, with one thread
(with more it cuts its sums at threads), $BIN/tests/margins computes. Linear models are compared
within the rounding of sums of floats, since onnxruntime's order depends on the processor."""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

MARGINS = os.path.join(os.environ.get("BIN", "build/release"), "tests", "margins")
PACKAGES = os.environ.get("NODE_PACKAGES", "build/node/node_modules")
try:
    import onnx
    from onnx import TensorProto, helper, numpy_helper
except ImportError:
    onnx = None
if onnx is None or not os.path.isdir(os.path.join(PACKAGES, "onnxruntime-node")):
    print("ok 1 - onnx # SKIP without python3-onnx and onnxruntime-node\n1..1")
    sys.exit()

ML = "ai.onnx.ml"
TYPES = {TensorProto.FLOAT: ("float32", np.float32), TensorProto.DOUBLE: ("float64", np.float64),
         TensorProto.INT64: ("int64", np.int64), TensorProto.STRING: ("string", object)}
RUNNER = """
const load = (await import('node:module')).createRequire(process.env.NODE_PACKAGES + '/index.js')
const ort = load('onnxruntime-node'), jobs = JSON.parse((await import('node:fs')).readFileSync(0))
const read = { float32: v => Float32Array.from(v, Number), float64: v => Float64Array.from(v, Number),
               int64: v => BigInt64Array.from(v, BigInt), string: v => v }
const answers = []
for (const job of jobs) {
  try {
    const options = { intraOpNumThreads: 1, graphOptimizationLevel: 'disabled', logSeverityLevel: 4 }
    const session = await ort.InferenceSession.create(job.model, options), feeds = {}
    for (const f of job.feeds) feeds[f.name] = new ort.Tensor(f.type, read[f.type](f.data), f.dims)
    const out = (await session.run(feeds, [job.output]))[job.output]
    answers.push({ dims: out.dims, data: [...out.data].map(String) })
  } catch (e) { answers.push({ error: String(e) }) }
}
console.log(JSON.stringify(answers))
"""
rng = np.random.default_rng(11)
folder = tempfile.TemporaryDirectory()
cases = []


def save(name, nodes, inputs, output, ml=3, initializers=(), unknown=False, answers=TensorProto.FLOAT):
    """A model of `nodes`; inputs: (name, type, columns)."""
    ins = [helper.make_tensor_value_info(n, t, [None, None if unknown else c]) for n, t, c in inputs]
    outs = [helper.make_tensor_value_info(output, answers, None)]
    graph = helper.make_graph(nodes, "g", ins, outs, initializer=list(initializers))
    made = helper.make_model(graph, producer_name="test", ir_version=8,
                             opset_imports=[helper.make_opsetid("", 15), helper.make_opsetid(ML, ml)])
    path = os.path.join(folder.name, f"{len(cases)}.onnx")
    onnx.save(made, path)
    return path


def case(name, nodes, inputs, rows, output="y", columns=None, near=0, none=True, **options):
    """rows: one array for all inputs. columns: of onnxruntime's answer, in the order of margins. none: also
    without rows, which ends onnxruntime's process in one operator."""
    path = save(name, nodes, inputs, output, **options)
    for part, label in ((rows, "rows"), (rows[:1], "one row"), (rows[:0], "no rows"))[:3 if none else 2]:
        feeds, at = [], 0
        for n, t, c in inputs:
            data = part[:, at:at + c].astype(TYPES[t][1]).ravel().tolist()
            feeds.append(dict(name=n, type=TYPES[t][0], dims=[len(part), c], data=[
                v if t == TensorProto.STRING else repr(v).replace("nan", "NaN").replace("inf", "Infinity")
                for v in data]))
            at += c
        cases.append(dict(name=f"{name}, {label}", rows=part, columns=columns, near=near,
                          job=dict(model=path, feeds=feeds, output=output)))


def cell(v):
    return v if isinstance(v, str) else "" if v != v else repr(float(v))


def check():
    env = {**os.environ, "NODE_PACKAGES": os.path.abspath(PACKAGES)}
    done = subprocess.run(["node", "--input-type=module", "-e", RUNNER], text=True, env=env, capture_output=True,
                          input=json.dumps([c["job"] for c in cases]), check=True)
    for number, (c, want) in enumerate(zip(cases, json.loads(done.stdout)), 1):
        text = "".join(",".join(map(cell, row)) + "\n" for row in c["rows"].tolist())
        ours = subprocess.run([MARGINS, c["job"]["model"]], input=text, text=True, capture_output=True)
        problem = want.get("error") or (ours.stderr if ours.returncode else "")
        if not problem:
            problem = compare(c, ours.stdout, want)
        print(f"{'not ok' if problem else 'ok'} {number} - {c['name']}")
        if problem:
            print("# " + problem.strip().replace("\n", "\n# "))
    print(f"1..{len(cases)}")


def compare(c, text, want):
    rows = len(c["rows"])
    if rows == 0:
        return text or " ".join(want["data"])
    theirs = np.array([float(v.replace("Infinity", "inf")) for v in want["data"]]).reshape(rows, -1)
    if c["columns"] is not None:
        theirs = theirs[:, c["columns"]]
    ours = np.array([[float(v) for v in line.split(",")] for line in text.splitlines()]).reshape(rows, -1)
    if ours.shape != theirs.shape:
        return f"shapes {ours.shape} and {theirs.shape}"
    if c["near"]:
        same = np.isclose(ours, theirs, c["near"], c["near"], equal_nan=True)
    else:
        same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    bad = np.argwhere(~same)
    if len(bad) == 0:
        return ""
    at = tuple(bad[0])
    return f"{len(bad)} of {same.size} differ: row {at[0]}: {ours[at]!r}, onnxruntime {theirs[at]!r}"


def grow(modes, features, leaf, depth, trees, grid, tracks):
    """Random trees as the nodes_ lists and, for each leaf, what leaf() gives: [(output, weight)]."""
    out = {k: [] for k in ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids",
                           "missing_value_tracks_true")}
    weights = []

    def node(tree, level, counter):
        me = counter[0]
        counter[0] += 1
        row = len(out["modes"])
        is_leaf = level == depth or (level > 0 and rng.random() < 0.15)
        for key, value in (("treeids", tree), ("nodeids", me), ("featureids", int(rng.integers(features))),
                           ("modes", "LEAF" if is_leaf else str(rng.choice(modes))),
                           ("values", 0.0 if is_leaf else float(rng.choice(grid))), ("truenodeids", 0),
                           ("falsenodeids", 0), ("missing_value_tracks_true", int(tracks and rng.random() < 0.5))):
            out[key].append(value)
        if is_leaf:
            weights.extend((tree, me, o, w) for o, w in leaf(tree))
        else:
            out["truenodeids"][row] = node(tree, level + 1, counter)
            out["falsenodeids"][row] = node(tree, level + 1, counter)
        return me

    for tree in range(trees):
        node(tree, 0, [0])
    if not tracks:
        del out["missing_value_tracks_true"]
    return {f"nodes_{k}": v for k, v in out.items()}, weights


def spread(prefix, weights):
    order = rng.permutation(len(weights))
    keys = ("treeids", "nodeids", "ids", "weights")
    return {f"{prefix}_{k}": [weights[i][n] for i in order] for n, k in enumerate(keys)}


def numbers(features, grid, double=False, extra=200):
    """Rows with every threshold, its neighbours, NaN, infinities, zeros of both signs."""
    kind = np.float64 if double else np.float32
    points = np.array(sorted(set(grid)), dtype=kind)
    pool = np.concatenate([points, np.nextafter(points, kind(-np.inf)), np.nextafter(points, kind(np.inf)),
                           np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-40], dtype=kind)])
    return rng.choice(pool, size=(extra, features)).astype(np.float64)


def as_tensors(attributes):
    """The lists of floats as tensors of doubles: in raw bytes, or as a list."""
    for n, key in enumerate([k for k in attributes if k.endswith(("_values", "_weights"))]):
        values = np.array(attributes.pop(key), dtype=np.float64)
        attributes[key + "_as_tensor"] = (numpy_helper.from_array(values, key) if n % 2 else
                                          helper.make_tensor(key, TensorProto.DOUBLE, values.shape, values))
    return attributes


def trees(name, op, prefix, leaf, outputs, modes=("BRANCH_LEQ",), tracks=True, double=False, columns=None,
          features=5, count=30, depth=5, integers=False, **more):
    grid = rng.normal(size=24) if double else rng.normal(size=24).astype(np.float32).astype(np.float64)
    grid = np.arange(12.0) if integers else grid
    lists, weights = grow(list(modes), features, leaf, depth, count, grid, tracks)
    attributes = {**lists, **spread(prefix, weights), **more}
    if double:
        attributes = as_tensors(attributes)
    kind = TensorProto.DOUBLE if double else TensorProto.FLOAT
    outs = ["y"] if prefix == "target" else ["label", "y"]
    node = helper.make_node(op, ["x"], outs, name="trees", domain=ML, **attributes)
    case(name, [node], [("x", kind, features)], numbers(features, grid, double), columns=columns)


def weight(scale=1.0):
    return float(np.float32(rng.normal() * scale))


def regressors():
    def one(tree):
        return [(0, weight())]
    for modes in (["BRANCH_LEQ"], ["BRANCH_LT"], ["BRANCH_GTE"], ["BRANCH_GT"],
                  ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT"]):
        for tracks in (False, True):
            trees(f"regressor {' '.join(modes)}{' tracks missing' * tracks}", "TreeEnsembleRegressor", "target",
                  one, 1, modes, tracks, n_targets=1)
    for modes in (["BRANCH_EQ"], ["BRANCH_NEQ"], ["BRANCH_EQ", "BRANCH_NEQ", "BRANCH_LEQ", "BRANCH_GT"]):
        trees(f"regressor {' '.join(modes)}", "TreeEnsembleRegressor", "target", one, 1, modes, True,
              integers=True, n_targets=1)
    for how in ("SUM", "AVERAGE", "MIN", "MAX"):
        for base in ({}, {"base_values": [0.3]}):
            trees(f"regressor {how} {base}", "TreeEnsembleRegressor", "target", one, 1, n_targets=1,
                  aggregate_function=how, **base)
        trees(f"three targets, a tree for each, {how}", "TreeEnsembleRegressor", "target",
              lambda tree: [(tree % 3, weight())], 3, n_targets=4, aggregate_function=how,
              base_values=[0.1, 0.2, 0.3, 0.4])
        trees(f"three targets in each leaf, {how}", "TreeEnsembleRegressor", "target",
              lambda tree: [(k, weight()) for k in range(3)], 3, n_targets=3, aggregate_function=how)
        trees(f"doubles, {how}", "TreeEnsembleRegressor", "target", lambda tree: [(0, rng.normal())], 1,
              ["BRANCH_LEQ", "BRANCH_LT"], double=True, n_targets=1, base_values=[0.1], aggregate_function=how)
    trees("three targets in each leaf with bases, the fourth in none", "TreeEnsembleRegressor", "target",
          lambda tree: [(tree % 3, weight())], 4, n_targets=4, base_values=[0.1, 0.2, 0.3, 0.4])
    trees("some targets in each leaf", "TreeEnsembleRegressor", "target",
          lambda tree: [(k, weight()) for k in range(3) if rng.random() < 0.6] or [(1, 0.5)], 3, n_targets=3)
    trees("one target is not transformed", "TreeEnsembleRegressor", "target", one, 1, n_targets=1,
          post_transform="LOGISTIC")
    trees("700 trees", "TreeEnsembleRegressor", "target", one, 1, count=700, depth=3, n_targets=1, base_values=[9.0])
    trees("a tree that is a leaf", "TreeEnsembleRegressor", "target", one, 1, count=3, depth=0, n_targets=1)


def set_chain():
    """Membership of a set as converters write it: a chain whose true children are one node."""
    lists = dict(nodes_treeids=[0] * 5, nodes_nodeids=[0, 1, 2, 3, 4], nodes_featureids=[0] * 5,
                 nodes_modes=["BRANCH_EQ"] * 3 + ["LEAF"] * 2, nodes_values=[2.0, 40.0, 7.0, 0.0, 0.0],
                 nodes_truenodeids=[3, 3, 3, 0, 0], nodes_falsenodeids=[1, 2, 4, 0, 0],
                 target_treeids=[0, 0], target_nodeids=[3, 4], target_ids=[0, 0], target_weights=[1.0, -1.0],
                 n_targets=1)
    node = helper.make_node("TreeEnsembleRegressor", ["x"], ["y"], domain=ML, **lists)
    values = [0, 2, 2.5, 7, 7.0000005, 39, 40, 41, 64, 1e9, -2, np.nan, np.inf, -0.0]
    rows = np.array([[np.float32(v), 0] for v in values], dtype=np.float64)
    case("a set as a chain of equalities", [node], [("x", TensorProto.FLOAT, 2)], rows)


def classifiers():
    labels = {"classlabels_int64s": [3, 5]}
    for sign in ("mixed", "positive"):
        for base in ({}, {"base_values": [0.25]}):
            trees(f"two classes, one column, {sign} {base}", "TreeEnsembleClassifier", "class",
                  lambda tree: [(0, weight() if sign == "mixed" else abs(weight()))], 2, columns=[1], **labels, **base)
        trees(f"two classes, weights for the second, {sign}", "TreeEnsembleClassifier", "class",
              lambda tree: [(1, weight() if sign == "mixed" else abs(weight()))], 2, columns=[1], **labels)
    trees("two classes, both", "TreeEnsembleClassifier", "class",
          lambda tree: [(0, weight()), (1, weight())], 2, **labels)
    trees("two classes, both, one base", "TreeEnsembleClassifier", "class",
          lambda tree: [(0, weight()), (1, weight())], 2, base_values=[0.7], **labels)
    for base in ({}, {"base_values": [0.1, 0.2, 0.3]}):
        trees(f"three classes by name {base}", "TreeEnsembleClassifier", "class",
              lambda tree: [(tree % 3, weight())], 3, classlabels_strings=["a", "b", "c"], **base)
    trees("three classes in each leaf", "TreeEnsembleClassifier", "class",
          lambda tree: [(k, weight()) for k in range(3)], 3, classlabels_int64s=[0, 1, 2])
    trees("doubles, three classes", "TreeEnsembleClassifier", "class", lambda tree: [(tree % 3, rng.normal())], 3,
          double=True, classlabels_int64s=[0, 1, 2], base_values=[0.1, 0.2, 0.3])


def stump(features):
    """Trees that show the values they get: one feature each, thresholds on a grid."""
    lists, weights = grow(["BRANCH_LEQ"], features, lambda tree: [(0, weight())], 6, 60,
                          rng.normal(size=40).astype(np.float32).astype(np.float64), True)
    return helper.make_node("TreeEnsembleRegressor", ["z"], ["y"], domain=ML, n_targets=1, **lists,
                            **spread("target", weights))


def floats(n, scale=1.0):
    return [float(np.float32(v)) for v in rng.normal(size=n) * scale]


def show(name, nodes, inputs, rows, width, **options):
    """What operators in front make of rows, seen through a linear model that picks one column: exact, as each
    sum has one term that is not 0."""
    finite = rows if rows.dtype == object else np.where(np.isfinite(rows), rows, 1.5)
    pick = helper.make_node("LinearRegressor", ["z"], ["y"], domain=ML, targets=width,
                            coefficients=np.eye(width).ravel().tolist())
    case(name, [*nodes, pick], inputs, finite, **options)
    case(name + ", trees", [*nodes, stump(width)], inputs, rows, **options)


def node(op, *args, **attributes):
    core = op in ("Cast", "Reshape", "Concat", "Identity", "Flatten", "Gather", "Sigmoid", "Softmax", "Exp", "MatMul", "Gemm",
                  "Add")
    return helper.make_node(op, *args, domain="" if core else ML, **attributes)


def stages():
    x = [("x", TensorProto.FLOAT, 4)]
    rows = rng.normal(size=(150, 4)).astype(np.float32).astype(np.float64)
    holes = np.where(rng.random(rows.shape) < 0.2, np.nan, rows)
    show("Scaler", [node("Scaler", ["x"], ["z"], offset=floats(4), scale=floats(4))], x, holes, 4)
    show("Scaler with one value", [node("Scaler", ["x"], ["z"], offset=[0.1], scale=[3.3])], x, holes, 4)
    doubles = [("x", TensorProto.DOUBLE, 4)]
    precise = rng.normal(size=(150, 4))
    show("Scaler of doubles", [node("Scaler", ["x"], ["z"], offset=floats(4), scale=floats(4))], doubles, precise, 4)
    show("Cast of doubles", [node("Cast", ["x"], ["z"], to=TensorProto.FLOAT)], doubles, precise, 4)
    integers = [("x", TensorProto.INT64, 4)]
    whole = rng.integers(-9, 9, size=(150, 4)).astype(np.float64)
    show("Scaler of integers", [node("Scaler", ["x"], ["z"], offset=floats(4), scale=floats(4))], integers, whole, 4)
    show("Cast of integers", [node("Cast", ["x"], ["z"], to=TensorProto.FLOAT)], integers, whole, 4)
    for norm in ("MAX", "L1", "L2"):
        some = np.vstack([rows, np.zeros((1, 4)), -np.abs(rows[:3])])
        show(f"Normalizer {norm}", [node("Normalizer", ["x"], ["z"], norm=norm)], x, some, 4)
    show("Imputer of NaN", [node("Imputer", ["x"], ["z"], imputed_value_floats=floats(4),
                                 replaced_value_float=float("nan"))], x, holes, 4)
    show("Imputer of a value", [node("Imputer", ["x"], ["z"], imputed_value_floats=[7.5],
                                     replaced_value_float=float(np.float32(rows[0, 0])))], x, rows, 4)
    show("Imputer of integers", [node("Imputer", ["x"], ["i"], imputed_value_int64s=[1, 2, 3, 4],
                                      replaced_value_int64=-3), node("Cast", ["i"], ["z"], to=TensorProto.FLOAT)],
         integers, whole, 4)
    shape = numpy_helper.from_array(np.array([-1, 20], dtype=np.int64), "shape")
    hot = [node("OneHotEncoder", ["x"], ["h"], cats_int64s=[-3, 0, 1, 4, 8]), node("Reshape", ["h", "shape"], ["z"])]
    show("OneHotEncoder of integers", hot, integers, whole, 20, initializers=[shape])
    show("OneHotEncoder of floats", hot, x, np.clip(rows * 4, -9, 9), 20, initializers=[shape])
    words = rng.choice(["a", "bb", "ccc", "other"], size=(60, 4)).astype(object)
    text = [("x", TensorProto.STRING, 4)]
    small = numpy_helper.from_array(np.array([-1, 12], dtype=np.int64), "shape")
    show("OneHotEncoder of texts", [node("OneHotEncoder", ["x"], ["h"], cats_strings=["ccc", "a", "bb"]),
                                    node("Reshape", ["h", "shape"], ["z"])], text, words, 12, initializers=[small])
    show("LabelEncoder of texts", [node("LabelEncoder", ["x"], ["z"], keys_strings=["a", "bb", "ccc"],
                                        values_floats=[0.5, 1.5, -2.0], default_float=9.0)], text, words, 4)
    show("LabelEncoder of integers", [node("LabelEncoder", ["x"], ["z"], keys_int64s=[-3, 0, 5],
                                           values_floats=[0.5, 1.5, -2.0])], integers, whole, 4)
    for version in (3, 4):
        show(f"LabelEncoder of floats, version {version}",
             [node("LabelEncoder", ["x"], ["z"], keys_floats=[-3.0, float("nan"), 5.0],
                   values_floats=[0.5, 1.5, -2.0], default_float=0.25)], x,
             np.where(rng.random(whole.shape) < 0.2, np.nan, whole), 4, ml=version)
    for kind, values in ((TensorProto.INT64, whole), (TensorProto.DOUBLE, precise)):
        show(f"FeatureVectorizer of {TYPES[kind][0]}",
             [node("FeatureVectorizer", ["a", "b"], ["z"], inputdimensions=[1, 3])],
             [("a", kind, 1), ("b", kind, 3)], values, 4, none=False)
    pair = [("a", TensorProto.FLOAT, 1), ("b", TensorProto.FLOAT, 3)]
    show("Concat, Scaler, Normalizer", [node("Concat", ["a", "b"], ["c"], axis=1),
                                        node("Scaler", ["c"], ["s"], offset=floats(4), scale=floats(4)),
                                        node("Normalizer", ["s"], ["z"], norm="L2")], pair, rows, 4)


def constant(name, values):
    return numpy_helper.from_array(np.array(values, dtype=np.int64), name)


def branches():
    """Columns that go different ways and come together again, as skl2onnx writes a ColumnTransformer."""
    x = [("x", TensorProto.FLOAT, 4)]
    rows = rng.normal(size=(150, 4)).astype(np.float32).astype(np.float64)
    holes = np.where(rng.random(rows.shape) < 0.2, np.nan, rows)
    one, two = constant("one", [2]), constant("two", [3, 0])
    split = [node("ArrayFeatureExtractor", ["x", "two"], ["a"]), node("Scaler", ["a"], ["s"], offset=floats(2), scale=floats(2)),
             node("ArrayFeatureExtractor", ["x", "one"], ["b"]),
             node("Imputer", ["b"], ["i"], imputed_value_floats=[0.25], replaced_value_float=float("nan"))]
    show("two ways of one input", [*split, node("Concat", ["s", "i"], ["z"], axis=1)], x, holes, 3, initializers=[one, two])
    show("two ways, the input as well", [*split, node("Concat", ["i", "x", "s"], ["z"], axis=-1)], x, holes, 7,
         initializers=[one, two])
    show("columns gathered", [node("Gather", ["x", "two"], ["z"], axis=1)], x, rows, 2, initializers=[two])
    show("a tensor taken twice", [node("Scaler", ["x"], ["s"], offset=floats(4), scale=floats(4)),
                                  node("Normalizer", ["s"], ["n"], norm="L1"),
                                  node("Concat", ["s", "n"], ["z"], axis=1)], x, rows, 8)
    pair = [("a", TensorProto.FLOAT, 1), ("b", TensorProto.FLOAT, 3)]
    show("inputs in another order", [node("Concat", ["b", "a"], ["z"], axis=1)], pair, rows, 4)
    show("an input that nothing takes", [node("Identity", ["b"], ["z"])], pair, rows, 3)
    words = np.empty((80, 4), dtype=object)
    words[:, 0] = rng.choice(["a", "bb", "other"], 80)
    words[:, 1] = rng.choice(["x", "y", "z"], 80)
    words[:, 2:] = rng.normal(size=(80, 2)).astype(np.float32).astype(np.float64)
    mixed = [("p", TensorProto.STRING, 1), ("q", TensorProto.STRING, 1), ("m", TensorProto.FLOAT, 2)]
    many = [node("OneHotEncoder", ["p"], ["h"], cats_strings=["bb", "a"]), node("Reshape", ["h", "wide"], ["hp"]),
            node("LabelEncoder", ["q"], ["l"], keys_strings=["z", "x"], values_floats=[1.5, 2.5], default_float=-1.0),
            node("Scaler", ["m"], ["s"], offset=floats(2), scale=floats(2)),
            node("Concat", ["s", "hp", "l"], ["z"], axis=1)]
    show("texts and numbers", many, mixed, words, 5, initializers=[constant("wide", [-1, 2])], none=False)
    text = [("t", TensorProto.STRING, 2)]
    show("texts by the column", [node("ArrayFeatureExtractor", ["t", "second"], ["u"]),
                                 node("OneHotEncoder", ["u"], ["h"], cats_strings=["z", "x"]),
                                 node("Reshape", ["h", "wide"], ["z"])], text, words[:, :2].copy(), 2,
         initializers=[constant("second", [1]), constant("wide", [-1, 2])])


def answers():
    """Operators behind a regressor that are transforms of others. Its sums are what is compared."""
    for op, targets in (("Sigmoid", 1), ("Exp", 2), ("Softmax", 3)):
        path = save(op, [node("LinearRegressor", ["x"], ["m"], targets=targets, coefficients=floats(4 * targets)),
                         node(op, ["m"], ["y"])], [("x", TensorProto.FLOAT, 4)], "y")
        ours = subprocess.run([MARGINS, path], input="1,2,3,4\n", text=True, capture_output=True)
        if ours.returncode or len(ours.stdout.split(",")) != targets:
            sys.exit(f"{op} behind a regressor: {ours.stderr}{ours.stdout}")


def unknown_columns():
    """Inputs that do not say how many columns they have."""
    made = node("Scaler", ["x"], ["s"], offset=[0.5], scale=[2.0])
    rows = rng.normal(size=(50, 4)).astype(np.float32).astype(np.float64)
    last = node("LinearRegressor", ["s"], ["y"], targets=1, coefficients=[0.0, 0.0, 0.0, 1.0])
    case("columns as the predictor has them", [made, last], [("x", TensorProto.FLOAT, 4)], rows, unknown=True)


def linear():
    x = [("x", TensorProto.FLOAT, 9)]
    rows = rng.normal(size=(150, 9)).astype(np.float32).astype(np.float64)
    rows[3, 2] = np.nan
    for targets, more in ((1, {}), (3, {}), (3, {"post_transform": "NONE"})):
        made = node("LinearRegressor", ["x"], ["y"], targets=targets, coefficients=floats(9 * targets),
                    intercepts=floats(targets), **more)
        case(f"LinearRegressor of {targets} {more}", [made], x, rows, near=2e-6)
    for count in (1, 2, 3):
        made = node("LinearClassifier", ["x"], ["label", "y"], coefficients=floats(9 * count),
                    intercepts=floats(count), classlabels_ints=list(range(max(2, count))))
        case(f"LinearClassifier of {count}", [made], x, rows, near=2e-6, columns=[1] if count == 1 else None)


def products():
    """Linear models as exporters write them that do without ai.onnx.ml."""
    for kind in (TensorProto.FLOAT, TensorProto.DOUBLE):
        single = TYPES[kind][1]
        x, near = [("x", kind, 5)], 2e-6 if kind == TensorProto.FLOAT else 1e-12
        rows = rng.normal(size=(150, 5)).astype(single).astype(np.float64)
        matrix = rng.normal(size=(5, 3)).astype(single)
        w, t = numpy_helper.from_array(matrix, "w"), numpy_helper.from_array(matrix.T.copy(), "t")
        b = numpy_helper.from_array(rng.normal(size=3).astype(single), "b")
        name = TYPES[kind][0]
        case(f"MatMul of {name}", [node("MatMul", ["x", "w"], ["y"])], x, rows, near=near, initializers=[w], none=False, answers=kind)
        case(f"MatMul, Add of {name}", [node("MatMul", ["x", "w"], ["p"]), node("Add", ["p", "b"], ["y"])], x, rows,
             near=near, initializers=[w, b], none=False, answers=kind)
        case(f"Gemm of {name}", [node("Gemm", ["x", "t", "b"], ["y"], transB=1)], x, rows, near=near,
             initializers=[t, b], none=False, answers=kind)
        case(f"Gemm without a row of {name}", [node("Gemm", ["x", "w"], ["y"])], x, rows, near=near, initializers=[w],
             none=False, answers=kind)


regressors()
set_chain()
classifiers()
stages()
branches()
answers()
unknown_columns()
linear()
products()
check()
