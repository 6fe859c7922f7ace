"""LightGBM's text models: margins equal to its own, bit for bit. Debian has no LightGBM, so this is not
run by `make check`: BIN=build/release python3 tests/tool/model_lightgbm.py, where it is installed."""
import os
import sys
import tempfile

import numpy as np

import lightgbm as lgb

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "oracle"))
from oracle import done, margins, ok

random = np.random.default_rng(7)
N, WIDTH = 1000, 6
folder = tempfile.TemporaryDirectory()
TINY = float(np.float32(1e-35))  # LightGBM's zero
numbers = np.round(random.normal(size=(N, WIDTH)), 2)
numbers[random.random(numbers.shape) < .1] = 0
codes = numbers.copy()
codes[:, 4] = random.integers(0, 70, N)
codes[:, 5] = random.integers(0, 5, N)
signal = 2 * numbers[:, 0] + np.sin(3 * numbers[:, 1]) + (codes[:, 4] % 7 > 3) + random.normal(size=N) * .3
yes = (signal > 0).astype(float)
classes = np.clip(np.floor(signal + 2), 0, 4)
positive = np.exp(signal / 3)


def with_gaps(rows):
    return np.where(random.random(rows.shape) < .15, np.nan, rows)


def hard_rows(booster, rows, categorical):
    """Rows with thresholds and their neighbours, zeros and nearly zeros, infinities, missing values,
    categories that nobody has seen."""
    odd = [np.nan, 0., -0., TINY, -TINY, np.nextafter(TINY, 1), np.nextafter(-TINY, -1), 1e-36, 5e-324,
           np.inf, -np.inf, 1e300, -1e300]
    unseen = [np.nan, -1, -.5, -1.5, 2.5, .9, 31, 32, 64, 1000, 1e6, 2.**31, 2.**32, 1e18, np.inf, -np.inf]
    splits = booster.trees_to_dataframe()
    splits = splits[splits.decision_type == "<="]
    rows = rows[random.integers(0, len(rows), 1000)].copy()
    for feature, name in enumerate(booster.feature_name()):
        values = unseen if feature in categorical else odd
        for threshold in splits.threshold[splits.split_feature == name].astype(float).unique():
            values = values + [threshold, np.nextafter(threshold, np.inf), np.nextafter(threshold, -np.inf)]
        chosen = random.random(len(rows)) < .4
        rows[chosen, feature] = random.choice(values, chosen.sum())
    return rows


def compare(name, parameters, label, rows=numbers, rounds=15, categorical=(), **more):
    parameters = {"verbosity": -1, "num_threads": 1, "min_data_in_leaf": 5, "seed": 1, **parameters}
    data = lgb.Dataset(rows, label=label, categorical_feature=list(categorical), **more)
    booster = lgb.train(parameters, data, rounds)
    path = os.path.join(folder.name, "model.txt")
    booster.save_model(path)
    tried = hard_rows(booster, rows, categorical)
    want = lgb.Booster(model_file=path).predict(tried, raw_score=True).reshape(len(tried), -1)
    if parameters.get("boosting") == "rf":
        want = want / rounds  # LightGBM divides when it transforms
    got = margins(path, tried)
    good = got.shape == want.shape and bool((got == want).all())
    ok(good, name)
    if not good and got.shape == want.shape:
        print(f"# {np.sum(got != want)} of {got.size} differ, by at most {np.abs(got - want).max()}")


for objective in "regression", "regression_l1", "huber", "fair", "quantile", "mape":
    compare(objective, {"objective": objective}, signal)
compare("reg_sqrt", {"objective": "regression", "reg_sqrt": True}, signal)
for objective in "poisson", "gamma", "tweedie":
    compare(objective, {"objective": objective}, positive)
compare("binary", {"objective": "binary", "sigmoid": .7}, yes)
compare("cross_entropy", {"objective": "cross_entropy"}, 1 / (1 + np.exp(-signal)))
compare("cross_entropy_lambda", {"objective": "cross_entropy_lambda"}, 1 / (1 + np.exp(-signal)))
for objective in "multiclass", "multiclassova":
    compare(objective, {"objective": objective, "num_class": 5}, classes)
for objective in "lambdarank", "rank_xendcg":
    compare(objective, {"objective": objective}, classes, group=[100] * 10)
compare("dart", {"objective": "binary", "boosting": "dart", "drop_rate": .5}, yes)
forest = {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": .6, "feature_fraction": .8}
compare("a random forest", {"objective": "regression", **forest}, signal)
compare("a random forest of classes", {"objective": "multiclass", "num_class": 5, **forest}, classes)
compare("constant trees", {"objective": "regression", "min_data_in_leaf": N}, signal)
compare("deep trees", {"objective": "regression", "num_leaves": 300, "min_data_in_leaf": 1}, signal, rounds=50)
for name, how in [("missing values", {}), ("zeros are missing", {"zero_as_missing": True}),
                  ("nothing is missing", {"use_missing": False})]:
    compare(name, {"objective": "regression", **how}, signal, with_gaps(numbers))
    compare(f"categories, {name}", {"objective": "regression", "cat_smooth": 0, "min_data_per_group": 1, **how},
            signal, with_gaps(codes), categorical=(4, 5))
compare("categories one by one", {"objective": "binary", "max_cat_to_onehot": 100, "min_data_per_group": 1}, yes,
        codes, categorical=(4, 5))
large = codes.copy()
large[:, 4] *= 1000003
compare("large categories", {"objective": "regression", "min_data_per_group": 1}, signal, large, categorical=(4, 5))
done()
