"""neoc run beside XGBoost, from rows in CSV to predictions: margins to the last bit, answers to the last digit of a
float, leaves; the compiled artefact the same bytes."""
import os
import pickle
import sys
import tempfile
import warnings

import numpy as np
import pandas as pd

try:
    import xgboost as xgb
except ImportError:
    print("ok 1 - neoc_xgboost # SKIP without XGBoost (ORACLES=1 installs it)\n1..1")
    sys.exit(0)

from oracle import artefact_is_model, bits, done, neoc, ok, predictions, to_csv, within_ulps

warnings.simplefilter("ignore")
random = np.random.default_rng(11)
N, NAMES = 700, ["price in \u20ac", 'a "quoted", one', "age", "kind", "f4", "x"]
folder = tempfile.TemporaryDirectory()
X = random.normal(size=(N, len(NAMES)))
X[:, 2] = np.round(X[:, 2], 2)
X[:, 3] = random.integers(0, 12, N)
X[random.random(X.shape) < .2] = np.nan
signal = np.nan_to_num(X[:, 0] + X[:, 1] * X[:, 2] + (X[:, 3] * 7 % 5) * .3) + random.normal(size=N) * .3
yes = (signal > .5).astype(float)
counts = np.floor(np.exp(np.clip(signal, -3, 2)))
classes = np.digitize(signal, np.quantile(signal, [.2, .4, .6, .8])).astype(float)


def train(objective, label, rounds=15, types=None, named=True, **more):
    parameters = {"objective": objective, "seed": 1, "nthread": 1, "verbosity": 0, "eta": .4, **more}
    if more.get("booster") != "gblinear":
        parameters.setdefault("max_depth", 5)
    data = xgb.DMatrix(X, label=label, feature_names=NAMES if named else None, feature_types=types,
                       enable_categorical=bool(types))
    if objective.startswith("rank:"):
        data.set_group([N // 7] * 7)
    return xgb.train(parameters, data, rounds)


def rows_of(booster):
    """Those trained on, and around every threshold: itself as a float, the floats and the doubles beside it."""
    rows = [X, np.full((1, X.shape[1]), np.nan), np.zeros((1, X.shape[1]))]
    if booster.feature_types and "c" in booster.feature_types:
        strange = X[:40].copy()
        strange[:, 3] = np.tile([-1, 12, 40, 1000, 2**24, 2.5, 11.9, 1e10], 5)
        return np.vstack([*rows, strange])
    try:
        splits = booster.trees_to_dataframe().dropna(subset=["Split"])
    except ValueError:  # gblinear
        return np.vstack(rows)
    names = booster.feature_names or [f"f{i}" for i in range(X.shape[1])]
    for feature, split in splits[["Feature", "Split"]].drop_duplicates().iloc[:50].itertuples(index=False):
        single = np.float32(split)
        for x in (single, np.nextafter(single, np.float32(-9e9)), np.nextafter(single, np.float32(9e9)),
                  np.nextafter(float(single), -9e9), np.nextafter(float(single), 9e9)):
            row = X[random.integers(N)].copy()
            row[names.index(feature)] = x
            rows.append(row[None])
    return np.vstack(rows)


def softmax(margins):
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


EXACT = {"binary:logistic": lambda x: 1 / (1 + np.exp(-x)), "multi:softprob": softmax, "count:poisson": np.exp,
         "reg:gamma": np.exp, "reg:tweedie": np.exp, "reg:squarederror": lambda x: x}


def class_of(objective, answers):
    """What XGBClassifier.predict makes of them."""
    return np.argmax(answers, axis=1) if answers.ndim > 1 else (answers > .5).astype(int)


def compare(name, booster, suffix="json", compiled=False):
    path = os.path.join(folder.name, "model." + suffix)
    booster.save_model(path)
    rows = rows_of(booster)
    data = xgb.DMatrix(rows, feature_names=booster.feature_names, feature_types=booster.feature_types,
                       enable_categorical=bool(booster.feature_types))
    objective = name.split()[0]
    # Columns in another order, with others between them; those of a model without names by position.
    frame = pd.DataFrame(rows, columns=booster.feature_names or [f"column {i}" for i in range(rows.shape[1])])
    if booster.feature_names:
        frame = frame[random.permutation(NAMES)]
        frame.insert(2, "a note", "not a number")
    bits(predictions(path, frame, "--margin"), booster.predict(data, output_margin=True), f"{name}: margins")
    answers = booster.predict(data)
    # XGBoost makes answers of them in floats, and adds up the powers of softmax so.
    got = predictions(path, frame)
    within_ulps(got, answers, 6 if objective == "multi:softprob" else 2, f"{name}: answers")
    if objective in EXACT:
        want = EXACT[objective](booster.predict(data, output_margin=True).astype(float))
        within_ulps(got, want, 8, f"{name}: answers as doubles", np.float64)
    if "gblinear" not in name:
        bits(predictions(path, frame, "--leaf"), booster.predict(data, pred_leaf=True), f"{name}: leaves")
    if objective == "binary:logistic" or objective.startswith("multi:"):
        probabilities = booster.predict(data) if objective != "multi:softmax" else softmax(
            booster.predict(data, output_margin=True).astype(float))
        pair = probabilities if probabilities.ndim > 1 else np.column_stack([1 - probabilities.astype(float), probabilities])
        got = predictions(path, frame, "--proba")
        ok(list(got.columns) == [f"prob_{k}" for k in range(pair.shape[1])], f"{name}: columns of probabilities")
        ok(np.allclose(got, pair, 1e-6, 1e-7), f"{name}: probabilities")
        got = predictions(path, frame, "--class")["class"]
        ok(np.array_equal(got, class_of(objective, probabilities)), f"{name}: classes")
    if compiled:
        kinds = ["--margin"] if "gblinear" in name else ["--margin", "--leaf"]
        artefact_is_model(path, frame, name, *kinds, folder=folder.name)


compare("binary:logistic", train("binary:logistic", yes), compiled=True)
compare("binary:logistic base_score=.1, deep", train("binary:logistic", yes, 40, base_score=.1, max_depth=9))
compare("binary:logistic ubj", train("binary:logistic", yes, max_depth=3), "ubj")
compare("binary:logistic without names", train("binary:logistic", yes, named=False))
compare("binary:logitraw", train("binary:logitraw", yes))
compare("binary:hinge", train("binary:hinge", yes))
compare("multi:softprob", train("multi:softprob", classes, num_class=5), compiled=True)
compare("multi:softmax", train("multi:softmax", classes, num_class=5), compiled=True)
compare("reg:squarederror", train("reg:squarederror", signal), compiled=True)
compare("reg:squarederror three targets", train("reg:squarederror", np.column_stack([signal, counts, yes])))
compare("reg:squarederror exact", train("reg:squarederror", signal, 60, tree_method="exact", max_depth=7))
compare("count:poisson", train("count:poisson", counts), compiled=True)
compare("reg:gamma", train("reg:gamma", counts + 1))
compare("reg:tweedie", train("reg:tweedie", counts))
compare("rank:pairwise", train("rank:pairwise", classes))
compare("binary:logistic dart", train("binary:logistic", yes, 30, booster="dart", rate_drop=.4, one_drop=1), compiled=True)
compare("multi:softprob forests", train("multi:softprob", classes, 4, num_class=5, num_parallel_tree=3, subsample=.6))
types = ["q", "q", "q", "c", "q", "q"]
for onehot in 1, 100:
    compare(f"reg:squarederror categories max_cat_to_onehot={onehot}",
            train("reg:squarederror", signal, types=types, tree_method="hist", max_cat_to_onehot=onehot),
            compiled=onehot == 1)
compare("binary:logistic gblinear", train("binary:logistic", yes, booster="gblinear"), compiled=True)
compare("multi:softprob gblinear", train("multi:softprob", classes, num_class=5, booster="gblinear"))
compare("reg:squarederror gblinear", train("reg:squarederror", signal, booster="gblinear"))

# Many rows, on several threads.
path = os.path.join(folder.name, "model.json")
booster = train("binary:logistic", yes, 50)
booster.save_model(path)
many = pd.DataFrame(np.tile(X, (60, 1)) + random.normal(size=(60 * N, 1)), columns=NAMES)
want = booster.predict(xgb.DMatrix(many.to_numpy(), feature_names=NAMES), output_margin=True)
bits(predictions(path, many, "--margin", "-j4"), want, f"{len(many)} rows")

# What the classifier's own interface writes: scikit-learn's classes, and categories of pandas as their codes.
model = xgb.XGBClassifier(n_estimators=9, max_depth=4).fit(pd.DataFrame(X, columns=NAMES), yes.astype(int))
model.save_model(path)
frame = pd.DataFrame(X, columns=NAMES)
ok(np.array_equal(predictions(path, frame, "--class")["class"], model.predict(frame)), "XGBClassifier: classes")
within_ulps(predictions(path, frame), model.predict_proba(frame)[:, 1], 2, "XGBClassifier: probabilities")
with open(path + ".pkl", "wb") as file:
    pickle.dump(model, file)
ok(neoc("run", path + ".pkl", "--margin", stdin=to_csv(frame)) == neoc("run", path, "--margin", stdin=to_csv(frame)),
   "XGBClassifier: as a pickle")
for early in 3, 8:
    model = xgb.XGBClassifier(n_estimators=40, max_depth=4, early_stopping_rounds=early)
    model.fit(frame[:500], yes[:500], eval_set=[(frame[500:], yes[500:])], verbose=False)
    model.get_booster()[: model.best_iteration + 1].save_model(path)
    within_ulps(predictions(path, frame), model.predict_proba(frame)[:, 1], 2, f"early_stopping_rounds={early}, sliced")
done()
