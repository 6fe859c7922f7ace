"""Models of scikit-learn, as pickles and joblib files, against scikit-learn itself.

Trees are equal to the last bit: each adds leaves in its own order. Linear models multiply matrices
in an order that the BLAS of the machine chooses: those are close to 1e-12. Gradient boosting begins at a
logarithm, which numpy takes by vectors where the processor has AVX-512, one bit off: not here.
"""
import io
import os
import pickle
import struct
import subprocess
import sys
import tarfile
import tempfile
import types
import warnings
import zipfile

os.environ["NPY_DISABLE_CPU_FEATURES"] = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL"
warnings.filterwarnings("ignore")
import joblib
import numpy as np
import pandas as pd
from sklearn import compose, datasets, discriminant_analysis, dummy, ensemble, impute, linear_model, pipeline, preprocessing, svm, tree

from oracle import BIN, done, ok

TOOL = os.path.join(os.path.dirname(BIN), "tests", "margins")
rng = np.random.default_rng(7)
folder = tempfile.TemporaryDirectory()


def tool(data, rows="", *options):
    """Exit status, output, message for a model in bytes."""
    path = os.path.join(folder.name, "model")
    with open(path, "wb") as file:
        file.write(data)
    run = subprocess.run([TOOL, *options, path], input=rows.encode(), capture_output=True)
    return run.returncode, run.stdout.decode(), run.stderr.decode()


def cell(x):
    return x if isinstance(x, str) else "" if x is None or np.isnan(x) else repr(float(x))


def margins(data, rows, *options):
    text = "".join(",".join(cell(x) for x in row) + "\n" for row in rows)
    status, out, message = tool(data, text, *options)
    if status:
        raise RuntimeError(message)
    return np.array([[float(x) for x in line.split(",")] for line in out.splitlines()])


def saved(model):
    """The model in every form: a name and its bytes."""
    for protocol in range(6):
        yield f"pickle {protocol}", pickle.dumps(model, protocol)
    for compress in (0, 3, ("gzip", 3)):
        out = io.BytesIO()
        joblib.dump(model, out, compress=compress)
        yield f"joblib {compress}", out.getvalue()
    out = io.BytesIO()
    joblib.dump(model, out, protocol=2)
    yield "joblib protocol 2", out.getvalue()


def thresholds(model):
    """Feature and threshold of every node."""
    if hasattr(model, "tree_"):
        at = model.tree_.feature >= 0
        return list(zip(model.tree_.feature[at], model.tree_.threshold[at]))
    if hasattr(model, "_predictors"):
        nodes = np.concatenate([p.nodes for it in model._predictors for p in it])
        nodes = nodes[(nodes["is_leaf"] == 0) & (nodes["is_categorical"] == 0)]
        return list(zip(nodes["feature_idx"], nodes["num_threshold"]))
    trees = np.ravel(model.estimators_)
    return [pair for one in trees for pair in thresholds(one)]


def near_thresholds(model, base, count=400):
    """Rows with values equal to thresholds, their neighbours as floats and as doubles."""
    pairs = [p for p in thresholds(model) if np.isfinite(p[1])]
    rows = []
    for i in rng.permutation(len(pairs))[: count // 8 + 1]:
        feature, value = pairs[i]
        single = np.float32(value)
        for x in (value, np.nextafter(value, -np.inf), np.nextafter(value, np.inf), single,
                  np.nextafter(single, np.float32(-np.inf)), np.nextafter(single, np.float32(np.inf)),
                  (value + float(single)) / 2, -0.0):
            row = base[rng.integers(len(base))].copy()
            row[feature] = float(x)
            rows.append(row)
    return np.array(rows) if rows else base[:0]


def answer(model, rows):
    """What margins are to equal."""
    last = model.steps[-1][1] if isinstance(model, pipeline.Pipeline) else model
    if hasattr(last, "decision_function"):
        want = model.decision_function(rows)
    elif hasattr(last, "predict_proba"):
        want = model.predict_proba(rows)
    elif hasattr(last, "_predictors"):  # its predict is exp of that for some losses
        want = last._raw_predict(rows)
    else:
        want = model.predict(rows)
    want = np.asarray(want, dtype=float)
    return want.reshape(len(rows), -1)


def compare(name, model, rows, exact=True, want=None):
    want = answer(model, rows) if want is None else want
    for form, data in saved(model):
        got = margins(data, np.asarray(rows))
        same = got.shape == want.shape and (
            np.array_equal(got, want) if exact else np.allclose(got, want, 1e-12, 1e-11))
        ok(same, f"{name}, {form}: {'equal' if exact else 'close'} on {len(rows)} rows")
        if not same:
            print(f"# {got.shape} {want.shape}")
            if got.shape == want.shape:
                print(f"# largest difference {np.abs(got - want).max()}, "
                      f"{np.mean(np.any(got != want, axis=1)):.2%} of rows")


def trees(name, model, X, y, rows=None):
    model.fit(X, y)
    rows = X if rows is None else rows
    rows = np.vstack([rows, near_thresholds(model, rows)])
    compare(name, model, rows)
    if hasattr(model, "apply"):
        want = model.apply(rows).reshape(len(rows), -1)
        ok(np.array_equal(margins(pickle.dumps(model), rows, "-l"), want), f"{name}: leaves")


iris_X, iris_y = datasets.load_iris(return_X_y=True)
iris_names = np.array(["setosa", "versicolor", "virginica"])[iris_y]
cancer_X, cancer_y = datasets.load_breast_cancer(return_X_y=True)
cancer_X, cancer_y = cancer_X[:300], cancer_y[:300]
diabetes_X, diabetes_y = datasets.load_diabetes(return_X_y=True)
diabetes_X, diabetes_y = diabetes_X[:250], diabetes_y[:250]
digits_X, digits_y = datasets.load_digits(return_X_y=True)
digits_X, digits_y = digits_X[:400], digits_y[:400]
both_y = np.column_stack([diabetes_y, -diabetes_y**2])
seed = {"random_state": 3}

# Trees and forests.
trees("DecisionTreeClassifier, labels of text", tree.DecisionTreeClassifier(**seed), iris_X, iris_names)
trees("DecisionTreeClassifier, class weights",
      tree.DecisionTreeClassifier(max_depth=4, class_weight={0: .3, 1: 2.7}, **seed), cancer_X, cancer_y)
trees("DecisionTreeRegressor", tree.DecisionTreeRegressor(max_depth=7, **seed), diabetes_X, diabetes_y)
trees("DecisionTreeRegressor, two targets", tree.DecisionTreeRegressor(max_depth=5, **seed), diabetes_X, both_y)
trees("ExtraTreeClassifier", tree.ExtraTreeClassifier(max_depth=6, **seed), iris_X, iris_y)
trees("ExtraTreeRegressor", tree.ExtraTreeRegressor(**seed), diabetes_X, diabetes_y)
trees("RandomForestClassifier", ensemble.RandomForestClassifier(13, **seed), iris_X, iris_names)
trees("RandomForestClassifier, ten classes",
      ensemble.RandomForestClassifier(9, max_depth=5, **seed), digits_X, digits_y)
trees("RandomForestRegressor", ensemble.RandomForestRegressor(11, max_depth=6, **seed), diabetes_X, diabetes_y)
trees("RandomForestRegressor, two targets",
      ensemble.RandomForestRegressor(7, max_depth=4, **seed), diabetes_X, both_y)
trees("ExtraTreesClassifier", ensemble.ExtraTreesClassifier(9, **seed), cancer_X, cancer_y)
trees("ExtraTreesRegressor", ensemble.ExtraTreesRegressor(9, max_depth=6, **seed), diabetes_X, diabetes_y)

# Gradient boosting.
boost = {"n_estimators": 17, "random_state": 3}
trees("GradientBoostingClassifier", ensemble.GradientBoostingClassifier(**boost), cancer_X, cancer_y)
trees("GradientBoostingClassifier, exponential",
      ensemble.GradientBoostingClassifier(loss="exponential", **boost), cancer_X, cancer_y)
trees("GradientBoostingClassifier, three classes",
      ensemble.GradientBoostingClassifier(learning_rate=.37, **boost), iris_X, iris_names)
trees("GradientBoostingClassifier, from zero",
      ensemble.GradientBoostingClassifier(init="zero", **boost), iris_X, iris_y)
for loss in ("squared_error", "absolute_error", "huber", "quantile"):
    trees(f"GradientBoostingRegressor, {loss}",
          ensemble.GradientBoostingRegressor(loss=loss, **boost), diabetes_X, diabetes_y)
trees("GradientBoostingRegressor, constant init",
      ensemble.GradientBoostingRegressor(init=dummy.DummyRegressor(strategy="median"), **boost),
      diabetes_X, diabetes_y)



def before_0_21():
    """Estimators of boosting's own stood where a DummyClassifier does now."""
    module = types.ModuleType("sklearn.ensemble.gradient_boosting")
    module.LogOddsEstimator = type("LogOddsEstimator", (), {"__module__": module.__name__})
    sys.modules[module.__name__] = module
    model = ensemble.GradientBoostingClassifier(init="zero", **boost).fit(cancer_X, cancer_y)
    want = model.decision_function(cancer_X).reshape(-1, 1) + .25
    model.init_ = module.LogOddsEstimator()
    model.init_.prior = .25
    compare("GradientBoostingClassifier, from a LogOddsEstimator", model, cancer_X, False, want)


before_0_21()

# Histogram boosting: missing values, sets of categories.
gaps = np.where(rng.random(cancer_X.shape) < .1, np.nan, cancer_X)
wild = np.vstack([gaps, np.full((1, gaps.shape[1]), np.inf), np.full((1, gaps.shape[1]), -np.inf),
                  np.full((1, gaps.shape[1]), np.nan)])
hist = {"max_iter": 12, "random_state": 3}
trees("HistGradientBoostingClassifier, missing values",
      ensemble.HistGradientBoostingClassifier(**hist), gaps, cancer_y, wild)
trees("HistGradientBoostingClassifier, three classes",
      ensemble.HistGradientBoostingClassifier(**hist), iris_X, iris_names)
for loss in ("squared_error", "absolute_error", "poisson"):
    trees(f"HistGradientBoostingRegressor, {loss}",
          ensemble.HistGradientBoostingRegressor(loss=loss, **hist), diabetes_X, diabetes_y)


def categories():
    n = 1500
    X = np.column_stack([rng.integers(0, 12, n), rng.normal(size=n), rng.integers(0, 60, n) * 4])
    X = np.where(rng.random(X.shape) < .08, np.nan, X)
    y = np.nan_to_num((X[:, 0] * 7) % 5 + X[:, 1] + (X[:, 2] // 4 * 11) % 7, nan=2.5)
    model = ensemble.HistGradientBoostingRegressor(categorical_features=[0, 2], max_iter=25, **{
        "random_state": 3}).fit(X, y)
    rows = [X[:400]]
    for value in (-1, -.5, 12, 13, 100, 241, 255, 3.7, np.nan):  # unknown, and one cut to 3
        block = X[:60].copy()
        block[:, rng.integers(0, 2) * 2] = value
        rows.append(block)
        block = X[:60].copy()
        block[:, [0, 2]] = value
        rows.append(block)
    rows = np.vstack(rows + [near_thresholds(model, X)])
    compare("HistGradientBoostingRegressor, categories", model, rows)


categories()

# Linear models.
scaled = preprocessing.scale(cancer_X)
linear = [
    ("LogisticRegression", linear_model.LogisticRegression(), scaled, cancer_y),
    ("LogisticRegression, multinomial", linear_model.LogisticRegression(), iris_X, iris_names),
    ("LogisticRegression, multinomial of two",
     linear_model.LogisticRegression(multi_class="multinomial"), scaled, cancer_y),
    ("LogisticRegression, ovr", linear_model.LogisticRegression(multi_class="ovr"), iris_X, iris_y),
    ("LogisticRegression, liblinear", linear_model.LogisticRegression(solver="liblinear"), iris_X, iris_y),
    ("LogisticRegression, no intercept", linear_model.LogisticRegression(fit_intercept=False), iris_X, iris_y),
    ("LinearRegression", linear_model.LinearRegression(), diabetes_X, diabetes_y),
    ("LinearRegression, two targets", linear_model.LinearRegression(), diabetes_X, both_y),
    ("LinearRegression, no intercept", linear_model.LinearRegression(fit_intercept=False),
     diabetes_X, diabetes_y),
    ("Ridge", linear_model.Ridge(), diabetes_X, diabetes_y),
    ("Ridge, two targets", linear_model.Ridge(), diabetes_X, both_y),
    ("RidgeClassifier", linear_model.RidgeClassifier(), scaled, cancer_y),
    ("RidgeClassifier, three classes", linear_model.RidgeClassifier(), iris_X, iris_names),
    ("Lasso", linear_model.Lasso(alpha=.1), diabetes_X, diabetes_y),
    ("ElasticNet", linear_model.ElasticNet(alpha=.01), diabetes_X, diabetes_y),
    ("SGDClassifier, hinge", linear_model.SGDClassifier(**seed), scaled, cancer_y),
    ("SGDClassifier, log_loss", linear_model.SGDClassifier(loss="log_loss", **seed), iris_X, iris_names),
    ("SGDClassifier, modified_huber, averaged",
     linear_model.SGDClassifier(loss="modified_huber", average=True, **seed), iris_X, iris_y),
    ("SGDRegressor", linear_model.SGDRegressor(**seed), diabetes_X, diabetes_y),
    ("LogisticRegressionCV", linear_model.LogisticRegressionCV(Cs=2, cv=2), iris_X, iris_y),
    ("LinearDiscriminantAnalysis", discriminant_analysis.LinearDiscriminantAnalysis(), iris_X, iris_names),
    ("LinearDiscriminantAnalysis, two classes", discriminant_analysis.LinearDiscriminantAnalysis(), cancer_X, cancer_y),
    ("LinearSVC", svm.LinearSVC(**seed), iris_X, iris_names),
    ("LinearSVC, two classes", svm.LinearSVC(**seed), scaled, cancer_y),
    ("Perceptron", linear_model.Perceptron(**seed), iris_X, iris_y),
    ("PassiveAggressiveClassifier", linear_model.PassiveAggressiveClassifier(**seed), scaled, cancer_y),
    ("RidgeClassifierCV", linear_model.RidgeClassifierCV(), iris_X, iris_y),
    ("LinearSVR", svm.LinearSVR(**seed), diabetes_X, diabetes_y),
    ("HuberRegressor", linear_model.HuberRegressor(), diabetes_X, diabetes_y),
    ("QuantileRegressor", linear_model.QuantileRegressor(solver="highs"), diabetes_X[:60], diabetes_y[:60]),
    ("BayesianRidge", linear_model.BayesianRidge(), diabetes_X, diabetes_y),
    ("ARDRegression", linear_model.ARDRegression(), diabetes_X, diabetes_y),
    ("LassoLarsIC", linear_model.LassoLarsIC(normalize=False), diabetes_X, diabetes_y),
    ("LarsCV", linear_model.LarsCV(normalize=False), diabetes_X, diabetes_y),
    ("MultiTaskLasso", linear_model.MultiTaskLasso(), diabetes_X, both_y),
]
for alone in ("LassoCV", "ElasticNetCV", "RidgeCV", "Lars", "LassoLars", "OrthogonalMatchingPursuit",
              "PassiveAggressiveRegressor", "TheilSenRegressor"):
    linear.append((alone, getattr(linear_model, alone)(), diabetes_X, diabetes_y))
for name, model, X, y in linear:
    compare(name, model.fit(X, y), X, exact=False)
for name, model in [("PoissonRegressor", linear_model.PoissonRegressor()), ("GammaRegressor", linear_model.GammaRegressor()),
                    ("TweedieRegressor", linear_model.TweedieRegressor(power=1.5)),
                    ("TweedieRegressor of a normal target", linear_model.TweedieRegressor(power=0))]:
    model.fit(diabetes_X, diabetes_y)
    compare(name, model, diabetes_X, exact=False, want=model._linear_predictor(diabetes_X).reshape(-1, 1))

# Pipelines.
iris_gaps = np.where(rng.random(iris_X.shape) < .1, np.nan, iris_X)
pipes = [
    ("StandardScaler, LogisticRegression", [preprocessing.StandardScaler(), linear_model.LogisticRegression()],
     cancer_X, cancer_y, False),
    ("StandardScaler without mean, MinMaxScaler that clips, Ridge",
     [preprocessing.StandardScaler(with_mean=False),
      preprocessing.MinMaxScaler((-1, 2), clip=True), linear_model.Ridge()], diabetes_X, diabetes_y, False),
    ("SimpleImputer, RandomForestClassifier",
     [impute.SimpleImputer(strategy="median"), ensemble.RandomForestClassifier(7, **seed)],
     iris_gaps, iris_names, True),
    ("SimpleImputer, StandardScaler, GradientBoostingClassifier",
     [impute.SimpleImputer(), preprocessing.StandardScaler(), ensemble.GradientBoostingClassifier(**boost)],
     iris_gaps, iris_names, True),
    ("SimpleImputer of -1, MinMaxScaler, DecisionTreeRegressor",
     [impute.SimpleImputer(missing_values=-1, strategy="constant", fill_value=2.5),
      preprocessing.MinMaxScaler(), "passthrough", tree.DecisionTreeRegressor(max_depth=5, **seed)],
     np.where(rng.random(diabetes_X.shape) < .1, -1, diabetes_X), diabetes_y, True),
    ("StandardScaler, HistGradientBoostingRegressor",
     [preprocessing.StandardScaler(), ensemble.HistGradientBoostingRegressor(**hist)], diabetes_X, diabetes_y, True),
    ("MaxAbsScaler, RobustScaler, DecisionTreeRegressor",
     [preprocessing.MaxAbsScaler(), preprocessing.RobustScaler(), preprocessing.FunctionTransformer(),
      tree.DecisionTreeRegressor(max_depth=5, **seed)], diabetes_X, diabetes_y, True),
    ("RobustScaler without centring, MinMaxScaler, RandomForestRegressor",
     [preprocessing.RobustScaler(with_centering=False), preprocessing.MinMaxScaler(),
      ensemble.RandomForestRegressor(5, **seed)], diabetes_X, diabetes_y, True),
    ("Normalizer l2, LogisticRegression", [preprocessing.Normalizer(), linear_model.LogisticRegression()],
     cancer_X, cancer_y, False),
    ("Normalizer l1, Ridge", [preprocessing.Normalizer(norm="l1"), linear_model.Ridge()], diabetes_X, diabetes_y, False),
    ("Normalizer max, Ridge", [preprocessing.Normalizer(norm="max"), linear_model.Ridge()], diabetes_X, diabetes_y, False),
    ("a pipeline in a pipeline",
     [pipeline.make_pipeline(impute.SimpleImputer(), preprocessing.MinMaxScaler()),
      tree.DecisionTreeClassifier(**seed)], iris_gaps, iris_y, True),
]
for name, steps, X, y, exact in pipes:
    rows = np.vstack([X, X * 1.7, X - .3])
    model = pipeline.make_pipeline(*steps).fit(X, y)
    want = model.predict(rows) if name.endswith("Regressor") else answer(model, rows)
    compare(name, model, rows, exact, np.asarray(want).reshape(len(rows), -1))

numbers = rng.integers(0, 5, (300, 3)).astype(float)
target = numbers @ [1, -2, .5] + rng.normal(size=300)
for options in ({"handle_unknown": "ignore"}, {"drop": "first"}, {"drop": "if_binary", "categories": "auto"}):
    model = pipeline.make_pipeline(preprocessing.OneHotEncoder(**options), linear_model.Ridge())
    model.fit(numbers, target)
    unseen = [numbers, numbers + 3] if "handle_unknown" in options else [numbers]
    compare(f"OneHotEncoder of numbers, {options}", model, np.vstack(unseen), exact=False)
words = np.array(["red", "green", "bl\u00fce", "a b"])[rng.integers(0, 4, (200, 2))]
more = np.vstack([words, [["violet", "red"], ["green", ""]]])
for kind, frame in (("fixed", words), ("object", words.astype(object))):
    model = pipeline.make_pipeline(preprocessing.OneHotEncoder(handle_unknown="ignore"),
                                   tree.DecisionTreeRegressor(**seed))
    model.fit(frame, rng.normal(size=200))
    compare(f"OneHotEncoder of text, {kind}", model, more, want=model.predict(more).reshape(-1, 1))
model = pipeline.make_pipeline(preprocessing.OneHotEncoder(), linear_model.Ridge()).fit(numbers, target)
status, _, message = tool(pickle.dumps(model), "9,9,9\n")
ok(status == 3 and "unknown category" in message, "OneHotEncoder refuses a category as its options say")



# Transformers of some columns.
def columns():
    n = 300
    X = pd.DataFrame({"age": np.round(rng.normal(40, 9, n)), "city": rng.choice(["Rome", "Oslo", "Bern", "Ulm"], n),
                      "pay": rng.normal(size=n), "size": rng.choice(["S", "M", "L"], n),
                      "code": rng.integers(0, 4, n).astype(float)})
    y = (X.age / 9 + (X.city == "Rome") * 2 - (X["size"] == "M") + X.code + rng.normal(size=n) > 6).astype(int)
    for name in X:
        X.loc[rng.random(n) < .1, name] = None
    rows = X.copy()
    rows.loc[:20, "city"] = "Paris"
    rows.loc[10:30, "size"] = "XXL"
    rows.loc[40:60, "code"] = 9.
    gaps = impute.SimpleImputer(strategy="most_frequent", missing_values=None)
    one_hot = preprocessing.OneHotEncoder(handle_unknown="ignore")
    unknown = {"handle_unknown": "use_encoded_value", "unknown_value": -5}
    make, pipe = compose.make_column_transformer, pipeline.make_pipeline
    number = pipe(impute.SimpleImputer(strategy="median"), preprocessing.StandardScaler())
    forest = ensemble.RandomForestClassifier(9, **seed)
    logistic = linear_model.LogisticRegression()
    hist = ensemble.HistGradientBoostingClassifier(categorical_features=[0, 1], min_samples_leaf=5, **seed)
    encoders = [
        ("the usual one", make((number, ["age", "pay"]), (pipe(gaps, one_hot), ["city", "size"])), logistic, False),
        ("columns by their kind", make((number, compose.make_column_selector(dtype_include=np.number)),
                                       (pipe(gaps, one_hot), X.select_dtypes(object).columns)), logistic, False),
        ("the rest passed on", make((one_hot, [1, 3]), ("drop", ["age"]), remainder=impute.SimpleImputer()), forest, True),
        ("a constant for missing texts", make((pipe(impute.SimpleImputer(
            strategy="constant", fill_value="none", missing_values=None), one_hot), ["size", "city"])), forest, True),
        ("columns by a mask and a slice", make((one_hot, [False, True, False, True, False]),
                                              (number, slice(4, 5)), (preprocessing.MinMaxScaler((0, 1), clip=True), ["pay"])), None, True),
        ("places of texts", make((preprocessing.OrdinalEncoder(**unknown), ["size", "city"]),
                                 (preprocessing.OrdinalEncoder(encoded_missing_value=-9, **unknown), ["code"]),
                                 remainder="passthrough"), hist, True),
        ("one in another", make((make((one_hot, ["city"]), (number, ["pay", "age"])), ["age", "city", "pay"]),
                                (pipe(gaps, one_hot), ["size"])), logistic, False),
        ("a union", pipe(make((number, ["age", "pay", "code"])),
                         pipeline.make_union(preprocessing.MinMaxScaler(), "passthrough", preprocessing.StandardScaler())),
         forest, True),
    ]
    for name, encoder, model, exact in encoders:
        model = ensemble.HistGradientBoostingClassifier(**seed) if model is None else model
        compare(f"ColumnTransformer, {name}", pipe(encoder, model).fit(X, y), rows, exact)
    model = pipe(make((preprocessing.OrdinalEncoder(), ["size"]), (number, ["pay"])), logistic).fit(X, y)
    for text, want in (("1,Rome,2,S,3", 0), ("1,Rome,2,,3", 0), ("1,Rome,2,XXL,3", 3)):
        status, _, message = tool(pickle.dumps(model), text + "\n")
        ok(status == want and (status == 0 or "unknown category" in message or "NaN" in message), f"OrdinalEncoder gets {text}")


columns()

# Layouts of arrays: Fortran order, big-endian, single precision.
model = linear_model.Ridge().fit(diabetes_X, both_y)
want = model.predict(diabetes_X)
for kind in ("fortran", ">f8", "<f4", ">f4"):
    coef = model.coef_.copy()
    model.coef_ = np.asfortranarray(coef) if kind == "fortran" else coef.astype(kind)
    compare(f"Ridge with coef_ {kind}", model, diabetes_X, False, answer(model, diabetes_X))
    model.coef_ = coef
frame = pd.DataFrame(iris_X, columns=["a", "b", "c", "d"])
compare("a forest with names of columns", ensemble.RandomForestClassifier(3, **seed).fit(frame, iris_y), iris_X)


class Swapped:
    """A tree whose nodes have fields as later versions do, 64 bytes, and big-endian."""

    def __init__(self, state):
        self.state = state

    def __reduce__(self):
        return tree._tree.Tree, (4, np.array([3]), 1), self.state


def later():
    model = tree.DecisionTreeClassifier(**seed).fit(iris_X, iris_y)
    want = model.predict_proba(iris_X)
    state = model.tree_.__getstate__()
    names = state["nodes"].dtype.names
    for order in "<>":
        kind = np.dtype([(n, state["nodes"].dtype[n].newbyteorder(order)) for n in names]
                        + [("missing_go_to_left", "u1"), ("pad", "V7")])
        nodes = np.zeros(len(state["nodes"]), kind)
        for n in names:
            nodes[n] = state["nodes"][n]
        nodes["missing_go_to_left"] = 1
        model.__dict__["tree_"] = Swapped(dict(state, nodes=nodes))
        for protocol in (2, 4, 5):
            data = pickle.dumps(model, protocol)
            ok(np.array_equal(margins(data, iris_X), want), f"nodes of 64 bytes, {order}, protocol {protocol}")
            gone = margins(data, np.full((1, 4), np.nan))
            first = state["nodes"]["left_child"][0]
            ok(np.array_equal(gone[0], state["values"][first, 0] / state["values"][first, 0].sum()),
               f"nodes of 64 bytes, {order}: missing values go left")


later()


# What is refused, and why.
def refused(data, reason, name):
    status, out, message = tool(data, "1,2,3,4\n")
    good = status == 3 and reason in message and out == ""
    ok(good, f"refused: {name}")
    if not good:
        print(f"# {status} {message!r}")


class Call:
    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


good = tree.DecisionTreeClassifier(**seed).fit(iris_X, iris_y)
for protocol in (2, 3, 4, 5):
    refused(pickle.dumps(Call(os.system, "exit 0"), protocol), "posix.system", f"os.system, protocol {protocol}")
    refused(pickle.dumps(Call(eval, "1"), protocol), ".eval", f"eval, protocol {protocol}")
    good.extra = Call(subprocess.Popen, ["true"])
    refused(pickle.dumps(good, protocol), ".Popen", f"Popen within a model, protocol {protocol}")
del good.extra
refused(b"\x80\x02cbuiltins\neval\n.", "builtins.eval", "GLOBAL of builtins.eval alone")
refused(b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.", "posix.system", "REDUCE of posix.system")
refused(b"\x80\x02(cposix\nsystem\nX\x04\x00\x00\x00trueo.", "posix.system", "OBJ")
refused(b"\x80\x02(X\x04\x00\x00\x00trueiposix\nsystem\n.", "0x69", "INST")
refused(b"\x80\x04" + b"(" * 1000000 + b"t" * 1000000 + b".", "", "a million tuples in one another")
refused(b"\x80\x04]" + b"]\x94" * 500000 + b"a" * 500000 + b".", "no estimator", "a deep list")
refused(b"\x80\x04]\x94h\x00a.", "no estimator", "a list that holds itself")
refused(b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"x.", "too large", "bytes of 2^62")
refused(b"\x80\x04B" + struct.pack("<I", 2**31) + b"x.", "too large", "bytes of 2^31")
refused(b"\x80\x04Nr" + struct.pack("<I", 2**31) + b".", "memo", "memo 2^31")
refused(b"\x80\x04h\x07.", "memo", "a memo that is not there")
refused(b"\x80\x04t.", "mark", "a tuple without a mark")
refused(b"\x80\x04R.", "does not have", "REDUCE of nothing")
refused(b"\x80\x04N", "truncated", "no end")
refused(b"\x80\x04\x82\x01.", "0x82", "an extension code")
refused(b"\x80\x04Q.", "0x51", "a persistent id")
refused(pickle.dumps({"a": 1}), "no estimator", "a dict")
refused(pickle.dumps(svm.SVC().fit(iris_X, iris_y)), "SVC", "SVC by its name")
refused(pickle.dumps(pipeline.make_pipeline(preprocessing.PolynomialFeatures(), linear_model.Ridge())
                     .fit(iris_X, iris_y)), "PolynomialFeatures", "PolynomialFeatures by its name")
refused(pickle.dumps(pipeline.make_pipeline(preprocessing.PolynomialFeatures(), preprocessing.PowerTransformer(),
                                            svm.SVC()).fit(iris_X, iris_y)),
        "not supported: step 'polynomialfeatures': 'PolynomialFeatures', step 'powertransformer': 'PowerTransformer', "
        "step 'svc': 'SVC'", "every step that is not supported")
refused(pickle.dumps(pipeline.make_pipeline(preprocessing.StandardScaler()).fit(iris_X)),
        "StandardScaler", "a pipeline without a model")
refused(pickle.dumps(tree.DecisionTreeClassifier()), "DecisionTreeClassifier", "a model that is not fitted")
refused(pickle.dumps(tree.DecisionTreeClassifier().fit(iris_X, np.column_stack([iris_y, iris_y]))),
        "several targets", "a classifier of two targets")
refused(pickle.dumps(ensemble.GradientBoostingClassifier(init=linear_model.LogisticRegression(), n_estimators=2)
                     .fit(iris_X, iris_y)), "LogisticRegression: as init", "an init that learns")
shared = ensemble.RandomForestClassifier(5, **seed).fit(iris_X, iris_y)
shared.estimators_ = [shared.estimators_[0]] * 5000
refused(pickle.dumps(shared), "share one array", "one tree five thousand times")
for method in ("zlib", "gzip", "xz", "bz2", "lzma"):
    out = io.BytesIO()
    joblib.dump(good, out, compress=(method, 3))
    ok(np.array_equal(margins(out.getvalue(), iris_X), good.predict_proba(iris_X)), f"joblib {method}")


def packed():
    """The model in archives of Python's own making."""
    model = pickle.dumps(good)
    for kind, name in (("w:gz", tarfile.PAX_FORMAT), ("w:bz2", tarfile.GNU_FORMAT), ("w:xz", tarfile.USTAR_FORMAT)):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode=kind, format=name) as archive:
            for path, data in (("code/inference.py", b"import os"), ("model.joblib", model)):
                entry = tarfile.TarInfo(path if name == tarfile.USTAR_FORMAT else "long/" * 40 + path)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
        yield f"{kind} {name}", out.getvalue()
    for kind in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", kind) as archive:
            archive.writestr("notes.txt", "none")
            archive.writestr("model.pkl", model)
        yield f"zip {kind}", out.getvalue()


for form, data in packed():
    ok(np.array_equal(margins(data, iris_X), good.predict_proba(iris_X)), f"a model in an archive, {form}")
plain = pickle.dumps(good, 4)
bad = sum(tool(plain[:n])[0] != 3 for n in range(2, len(plain), 37))
ok(bad == 0, "cut anywhere it is refused")
done()
