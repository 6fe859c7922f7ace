"""XGBoost's models in its three formats: margins equal to its own, bit for bit."""
import json
import os
import pickle
import sys
import tempfile
import warnings

import numpy as np

try:
    import xgboost as xgb
except ImportError:
    print("ok 1 - model_xgboost # SKIP without XGBoost (ORACLES=1 installs it)\n1..1")
    sys.exit(0)

import joblib
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from oracle import done, margins, ok

warnings.simplefilter("ignore")
random = np.random.default_rng(7)
N, WIDTH = 600, 6
folder = tempfile.TemporaryDirectory()
X = np.round(random.normal(size=(N, WIDTH)), 3)
X[:, 3] = random.integers(0, 4, N)
X[random.random(X.shape) < .2] = np.nan
signal = np.nan_to_num(X[:, 0] + X[:, 1] * X[:, 2] + .3 * X[:, 3]) + random.normal(size=N) * .3


def around_thresholds(booster):
    """For each threshold, rows that have it in its feature, its float and double neighbours, and
    missing values elsewhere."""
    rows = []
    try:
        splits = booster.trees_to_dataframe().dropna(subset=["Split"])
    except ValueError:  # gblinear
        return rows
    names = booster.feature_names or [f"f{i}" for i in range(booster.num_features())]
    for feature, split in splits[["Feature", "Split"]].drop_duplicates().iloc[:60].itertuples(index=False):
        float_split = np.float32(split)
        for x in (float_split, np.nextafter(float_split, np.float32(-np.inf)),
                  np.nextafter(float_split, np.float32(np.inf)),
                  np.nextafter(float(float_split), -np.inf), np.nextafter(float(float_split), np.inf)):
            row = X[random.integers(N)].copy()[:len(names)]
            row[names.index(feature)] = x
            rows.append(row)
    return rows


def compare(booster, name, rows=None, formats=("json", "ubj", "model"), **predict):
    """Every format gives what the booster in memory does."""
    if rows is None:
        rows = np.vstack([X, np.full((1, WIDTH), np.nan), np.zeros((1, WIDTH)), -np.zeros((1, WIDTH)),
                          *around_thresholds(booster)])
    types = booster.feature_types
    want = booster.predict(xgb.DMatrix(rows, feature_types=types, enable_categorical=bool(types)),
                           output_margin=True, validate_features=False)
    want = want.astype(float).reshape(len(rows), -1)
    for suffix in formats:
        path = os.path.join(folder.name, "model." + suffix)
        booster.save_model(path)
        same_bits(path, rows, want, f"{name}: {suffix}")
    if not name.startswith("gblinear"):
        same_leaves(booster, path, rows, types, name)
    path = os.path.join(folder.name, "checkpoint")
    with open(path, "wb") as file:
        file.write(booster.__getstate__()["handle"])
    same_bits(path, rows, want, f"{name}: checkpoint")


def same_leaves(booster, path, rows, types, name):
    """The numbers that XGBoost itself gives leaves."""
    data = xgb.DMatrix(rows, feature_types=types, enable_categorical=bool(types))
    want = booster.predict(data, pred_leaf=True, validate_features=False).reshape(len(rows), -1)
    ok(np.array_equal(margins(path, rows, "-l"), want), f"{name}: leaves")


def same_bits(path, rows, want, name):
    try:
        got = margins(path, rows)
    except RuntimeError as error:
        ok(False, name)
        print("#", error)
        return
    good = got.shape == want.shape and got.tobytes() == want.tobytes()
    ok(good, name)
    if not good and got.shape == want.shape:
        print(f"# {np.sum(got != want)} of {got.size} differ, by at most {np.abs(got - want).max()}")


def train(objective, label, rounds=12, **more):
    parameters = {"objective": objective, "seed": 1, "nthread": 1, "verbosity": 0, "eta": .4, **more}
    if more.get("booster") != "gblinear":
        parameters.setdefault("max_depth", 4)
    data = xgb.DMatrix(X, label=label)
    if objective.startswith("rank:"):
        data.set_group([N // 6] * 6)
    if objective == "survival:aft":
        data.set_float_info("label_lower_bound", label)
        data.set_float_info("label_upper_bound", np.where(random.random(N) < .3, np.inf, label * 1.5))
    return xgb.train(parameters, data, rounds)


yes = (signal > .5).astype(float)
counts = np.floor(np.exp(np.clip(signal, -3, 2)))
positive = np.exp(np.clip(signal, -3, 2))
classes = np.digitize(signal, np.quantile(signal, [.2, .4, .6, .8])).astype(float)
survival = np.where(random.random(N) < .3, -positive, positive)

for objective, label in [
        ("binary:logistic", yes), ("binary:logitraw", yes), ("binary:hinge", yes), ("reg:logistic", yes),
        ("reg:squarederror", signal), ("reg:squaredlogerror", positive), ("reg:pseudohubererror", signal),
        ("reg:absoluteerror", signal), ("count:poisson", counts), ("reg:gamma", positive),
        ("reg:tweedie", counts), ("survival:cox", survival), ("survival:aft", positive),
        ("rank:pairwise", yes), ("rank:ndcg", classes), ("rank:map", yes)]:
    compare(train(objective, label), objective)
    compare(train(objective, label, base_score=.2), f"{objective} base_score=0.2")
for method in "exact", "approx", "hist":
    compare(train("binary:logistic", yes, 40, tree_method=method, max_depth=8), f"tree_method={method}")
compare(train("reg:squarederror", signal, tree_method="exact", gamma=3), "pruned trees")
compare(train("reg:squarederror", signal, gamma=1e9), "trees of a leaf")
compare(train("binary:logistic", yes, tree_method="hist", grow_policy="lossguide", max_leaves=20), "lossguide")
compare(train("binary:logistic", yes, num_parallel_tree=5, subsample=.6, eta=1, rounds=2), "a forest")
compare(train("multi:softprob", classes, num_class=5), "multi:softprob")
compare(train("multi:softmax", classes, num_class=5, num_parallel_tree=3, base_score=.3, subsample=.7),
        "multi:softmax of forests")
compare(train("binary:logistic", yes, 30, booster="dart", rate_drop=.4, one_drop=1), "dart")
compare(train("multi:softprob", classes, num_class=5, booster="dart", rate_drop=.3, normalize_type="forest"),
        "dart multi:softprob")
compare(train("reg:squarederror", np.column_stack([signal, positive, counts])), "three targets")
for objective, label, more in [("reg:squarederror", signal, {}), ("binary:logistic", yes, {"base_score": .2}),
                               ("multi:softprob", classes, {"num_class": 5}), ("count:poisson", counts, {})]:
    compare(train(objective, label, booster="gblinear", **more), f"gblinear {objective}")
for base in random.random(30).astype(np.float32):
    compare(train("binary:logistic", yes, 1, base_score=float(base)), f"base_score={base}")
compare(train("binary:logistic", yes * 0 + 1, 3), "one class alone")

names = ["price in €", 'a "quoted" one', "tab", "back\\slash", "f4", "five"]
booster = xgb.train({"objective": "binary:logistic"}, xgb.DMatrix(X, label=yes, feature_names=names), 3)
compare(booster, "names of features")

codes = X.copy()
codes[:, 3] = random.integers(0, 3, N)
codes[:, 4] = random.integers(0, 40, N)
codes[:, 5] = random.integers(0, 300, N)
codes[random.random(X.shape) < .1] = np.nan
label = np.nan_to_num(signal + (codes[:, 4] * 7 % 5) + (codes[:, 5] * 11 % 7))
strange = np.repeat(codes[:60], 14, axis=0)
unseen = [-1, -.5, -0., 2.5, 2.9999999999, 39.5, 40, 300, 1000, 1e6, 2**24 - 1, 2**24, 2**31, 1e20]
for column in 3, 4, 5:
    rows = strange.copy()
    rows[:, column] = np.tile(unseen, 60)
    codes = np.vstack([codes, rows])
for onehot in 1, 4, 1000:
    for method in "hist", "approx":
        data = xgb.DMatrix(codes[:N], label=label, feature_types=["q", "q", "q", "c", "c", "c"],
                           enable_categorical=True)
        booster = xgb.train({"verbosity": 0, "max_cat_to_onehot": onehot, "tree_method": method, "max_depth": 6}, data, 15)
        compare(booster, f"categories, {method}, max_cat_to_onehot={onehot}", codes, ["json", "ubj"])



def pickled(name, model, rows, want):
    """What scikit-learn's users save: pickles of all protocols, and joblib's files."""
    path = os.path.join(folder.name, "model.pkl")
    for protocol in 0, 2, 3, 4, 5:
        with open(path, "wb") as file:
            pickle.dump(model, file, protocol)
        same_bits(path, rows, want, f"{name}: protocol {protocol}")
    joblib.dump(model, path, compress=3)
    same_bits(path, rows, want, f"{name}: joblib")


def estimators():
    words = np.array(["a", "b", "c", "d", "e"])[classes.astype(int)]
    half = [(X[::2], yes[::2])]
    filled = np.where(np.isnan(X), -999, X)
    few = {"n_estimators": 9, "max_depth": 3, "n_jobs": 1, "random_state": 1}
    for name, model, fit in [
            ("XGBClassifier", xgb.XGBClassifier(**few), (X, yes)),
            ("XGBClassifier, five classes", xgb.XGBClassifier(**few), (X, classes)),
            ("XGBRegressor", xgb.XGBRegressor(**few), (X, signal)),
            ("XGBRegressor, gblinear", xgb.XGBRegressor(booster="gblinear", n_estimators=9), (X, signal)),
            ("XGBRFClassifier", xgb.XGBRFClassifier(**few), (X, yes)),
            ("XGBRegressor, missing=-999", xgb.XGBRegressor(missing=-999, **few), (filled, signal)),
            ("a pipeline", make_pipeline(SimpleImputer(), StandardScaler(), xgb.XGBRegressor(**few)), (X, signal))]:
        model.fit(*fit)
        last = model.steps[-1][1] if hasattr(model, "steps") else model
        rows = model[:-1].transform(X) if hasattr(model, "steps") else fit[0]
        want = last.predict(rows, output_margin=True).astype(float)
        pickled(name, model, fit[0], want.reshape(len(X), -1))
    for objective, label in ("binary:logistic", yes), ("multi:softprob", classes):
        model = xgb.XGBClassifier(objective=objective, early_stopping_rounds=3, n_estimators=200, learning_rate=.9,
                                  max_depth=4, num_parallel_tree=2, subsample=.7)
        model.fit(X[1::2], label[1::2], eval_set=[(X[::2], label[::2])], verbose=False)
        want = model.predict(X, output_margin=True).astype(float).reshape(N, -1)
        pickled(f"early stopping, {objective}", model, X, want)
        booster = model.get_booster()
        want = booster.predict(xgb.DMatrix(X), output_margin=True).astype(float).reshape(N, -1)
        pickled(f"a Booster alone, {objective}", booster, X, want)


estimators()
path = os.path.join(folder.name, "model.json")
booster = train("multi:softprob", classes, num_class=5)
booster.save_model(path)
with open(path) as file:
    document = json.load(file)
want = booster.predict(xgb.DMatrix(X), output_margin=True).astype(float)
param = document["learner"]["learner_model_param"]
param["base_score"] = "[5E-1]"
for tree in document["learner"]["gradient_booster"]["model"]["trees"]:
    tree["default_left"] = [bool(x) for x in tree["default_left"]]
with open(path, "w") as file:
    json.dump(document, file, indent=1)
same_bits(path, X, want, "base_score as a list of one, truths as words, blanks")
param["base_score"] = "[0,1E0, 2.5,-3,4]".replace(" ", "")
with open(path, "w") as file:
    json.dump(document, file)
param["base_score"] = "0"
zero = os.path.join(folder.name, "zero.json")
with open(zero, "w") as file:
    json.dump(document, file)
difference = margins(path, X) - margins(zero, X)
ok(np.allclose(difference, [0, 1, 2.5, -3, 4], atol=1e-5), "base_score of each class")
done()
