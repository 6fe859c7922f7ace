"""neoc run beside scikit-learn, from rows in CSV to predictions: trees to the last bit, their leaves and classes; linear
models, whose products the BLAS of the machine adds up, as near as that; pipelines with texts. The compiled artefact
the same bytes."""
import csv
import functools
import os
import pickle
import tempfile
import warnings

# numpy's logarithm by vectors, of which boosting begins, is one bit off.
os.environ["NPY_DISABLE_CPU_FEATURES"] = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL"
warnings.filterwarnings("ignore")
import joblib
import numpy as np
import pandas as pd
from sklearn import compose, datasets, ensemble, impute, linear_model, pipeline, preprocessing, tree
from sklearn.utils import check_array

from oracle import artefact_is_model, bits, done, from_csv, neoc, ok, predictions, within_ulps

rng = np.random.default_rng(5)
folder = tempfile.TemporaryDirectory()
path = os.path.join(folder.name, "model.pkl")
seed = {"random_state": 3}

iris = datasets.load_iris(as_frame=True)
flowers, kinds = iris.data, np.array(["setosa", "versicolor", "virginica"])[iris.target]
cancer = datasets.load_breast_cancer(as_frame=True)
cells, malign = cancer.data[:300], cancer.target[:300].to_numpy()
diabetes = datasets.load_diabetes(as_frame=True)
patients, progress = diabetes.data[:250], diabetes.target[:250].to_numpy()


def save(model):
    if rng.random() < .5:
        joblib.dump(model, path, compress=int(rng.integers(0, 4)))
    else:
        with open(path, "wb") as file:
            pickle.dump(model, file)


def jittered(frame):
    """More rows like these: scikit-learn's trees see them as floats."""
    moved = frame * (1 + rng.normal(size=frame.shape) * .05)
    return pd.concat([frame, moved, moved.astype(np.float32).astype(float)], ignore_index=True)


def margins_of(model, rows):
    """What precedes the last transform, where the model shows it."""
    last = model[-1] if isinstance(model, pipeline.Pipeline) else model
    if hasattr(last, "decision_function"):
        return model.decision_function(rows)
    if hasattr(last, "_predictors") and not isinstance(model, pipeline.Pipeline):
        return model._raw_predict(np.ascontiguousarray(rows))
    return model.predict_proba(rows) if hasattr(last, "predict_proba") else model.predict(rows)


def compare(name, model, rows, exact=True, compiled=False):
    """A fitted model: margins, answers, probabilities, classes and leaves."""
    save(model)
    shuffled = rows[rng.permutation(rows.columns)].assign(**{"a note": "none"})
    last = model[-1] if isinstance(model, pipeline.Pipeline) else model
    near = bits if exact else lambda got, want, what: ok(np.allclose(
        got, np.asarray(want).reshape(len(rows), -1), 1e-11, 1e-11), what)
    near(predictions(path, shuffled, "--margin"), margins_of(model, rows), f"{name}: margins")
    if hasattr(last, "predict_proba"):
        probabilities(name, model, rows, shuffled, exact)
    elif hasattr(last, "classes_"):
        ok(list(predictions(path, shuffled)["prediction"]) == list(model.predict(rows)), f"{name}: classes")
    else:
        got, want = predictions(path, shuffled), model.predict(rows)
        if exact:
            within_ulps(got, want, 2, f"{name}: answers", np.float64)
        else:
            near(got, want, f"{name}: answers")
    if hasattr(last, "apply") and last is model:
        bits(predictions(path, shuffled, "--leaf"), model.apply(rows), f"{name}: leaves")
    if compiled:
        artefact_is_model(path, shuffled, name, "--margin", folder=folder.name)


def probabilities(name, model, rows, shuffled, exact):
    """Probabilities; of two classes the answer is that of the second, but that of both from forests."""
    want, classes = model.predict_proba(rows), list(model.classes_)
    tolerance = 1e-14 if exact else 1e-11
    got = predictions(path, shuffled, "--proba")
    ok(list(got.columns) == [f"prob_{c}" for c in classes], f"{name}: columns of probabilities")
    ok(np.allclose(got, want, tolerance, tolerance), f"{name}: probabilities")
    got = predictions(path, shuffled)
    ok(np.allclose(got, want[:, 1:] if got.shape[1] == 1 else want, tolerance, tolerance), f"{name}: answers")
    ok(list(predictions(path, shuffled, "--class")["class"]) == list(model.predict(rows)), f"{name}: classes")


def trees(name, model, X, y, rows=None, compiled=False):
    compare(name, model.fit(X, y), jittered(X if rows is None else rows), compiled=compiled)


trees("DecisionTreeClassifier", tree.DecisionTreeClassifier(**seed), flowers, kinds, compiled=True)
trees("DecisionTreeRegressor", tree.DecisionTreeRegressor(max_depth=7, **seed), patients, progress)
trees("DecisionTreeRegressor, two targets", tree.DecisionTreeRegressor(max_depth=5, **seed), patients,
      np.column_stack([progress, -progress**2]))
trees("RandomForestClassifier of texts", ensemble.RandomForestClassifier(13, **seed), flowers, kinds, compiled=True)
trees("RandomForestClassifier of two", ensemble.RandomForestClassifier(20, max_depth=6, **seed), cells, malign)
trees("RandomForestRegressor", ensemble.RandomForestRegressor(11, **seed), patients, progress, compiled=True)
trees("ExtraTreesClassifier", ensemble.ExtraTreesClassifier(9, **seed), cells, malign)
trees("ExtraTreesRegressor", ensemble.ExtraTreesRegressor(9, max_depth=6, **seed), patients, progress)
boost = {"n_estimators": 17, "random_state": 3}
trees("GradientBoostingClassifier", ensemble.GradientBoostingClassifier(**boost), cells, malign, compiled=True)
trees("GradientBoostingClassifier of three", ensemble.GradientBoostingClassifier(**boost), flowers, kinds)
trees("GradientBoostingRegressor", ensemble.GradientBoostingRegressor(loss="huber", **boost), patients, progress)
hist = {"max_iter": 20, "random_state": 3}
gaps = cells.mask(rng.random(cells.shape) < .2)
trees("HistGradientBoostingClassifier, 20 % missing", ensemble.HistGradientBoostingClassifier(**hist), gaps, malign,
      compiled=True)
trees("HistGradientBoostingClassifier of three", ensemble.HistGradientBoostingClassifier(**hist), flowers, kinds)
trees("HistGradientBoostingRegressor, poisson", ensemble.HistGradientBoostingRegressor(loss="poisson", **hist), patients,
      progress)


def hist_of_categories():
    n = 800
    X = pd.DataFrame({"kind": rng.integers(0, 12, n), "x": rng.normal(size=n), "code": rng.integers(0, 60, n) * 4.})
    X = X.astype(float).mask(rng.random(X.shape) < .1)
    y = np.nan_to_num((X.kind * 7) % 5 + X.x + (X.code // 4 * 11) % 7)
    model = ensemble.HistGradientBoostingRegressor(categorical_features=["kind", "code"], **hist).fit(X, y)
    strange = X[:80].copy()
    strange["kind"] = np.tile([-1, 12, 100, 11, 0, 5, 2, 1], 10)
    compare("HistGradientBoostingRegressor, categories", model, pd.concat([X, strange], ignore_index=True), compiled=True)


hist_of_categories()


def hist_that_encodes():
    """As scikit-learn 1.4 and later fit it: an encoder of its own puts the columns of categories first."""
    n = 600
    X = pd.DataFrame({"x": rng.normal(size=n), "city": rng.choice(["Rom", "Oslo", "Bonn", "Riga", "Lima"], n),
                      "z": rng.normal(size=n), "size": rng.integers(3, 9, n) * 10.})
    X["city"] = X.city.mask(rng.random(n) < .1)
    X["z"] = X.z.mask(rng.random(n) < .1)
    y = np.where(X.city.isin(["Rom", "Riga"]), 3, X["size"] % 30 / 10) + X.x
    is_set = np.array([False, True, False, True])
    encoder = compose.ColumnTransformer([
        ("encoder", preprocessing.OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), is_set),
        ("numerical", preprocessing.FunctionTransformer(
            functools.partial(check_array, dtype=[np.float64], force_all_finite=False)), ~is_set)])
    behind = np.array([True, True, False, False])
    model = ensemble.HistGradientBoostingRegressor(categorical_features=behind, **hist)
    model.fit(encoder.fit_transform(X), y)
    plain = type(model)._raw_predict
    type(model)._raw_predict = lambda self, X, *more: plain(
        self, self._preprocessor.transform(X) if hasattr(self, "_preprocessor") else X, *more)
    model._preprocessor, model._is_categorical_remapped = encoder, model.is_categorical_
    model.is_categorical_, model.feature_names_in_ = is_set, np.array(X.columns, dtype=object)
    strange = X[:60].assign(city="Nowhere", size=35.)
    compare("HistGradientBoostingRegressor, an encoder of its own", model, pd.concat([X, strange], ignore_index=True),
            compiled=True)
    type(model)._raw_predict = plain


hist_that_encodes()

for name, model, X, y in [
        ("LogisticRegression", linear_model.LogisticRegression(), cells / cells.std(), malign),
        ("LogisticRegression of three", linear_model.LogisticRegression(), flowers, kinds),
        ("LogisticRegression, ovr", linear_model.LogisticRegression(multi_class="ovr"), flowers, kinds),
        ("LinearRegression", linear_model.LinearRegression(), patients, progress),
        ("Ridge, two targets", linear_model.Ridge(), patients, np.column_stack([progress, -progress])),
        ("SGDClassifier", linear_model.SGDClassifier(**seed), flowers, kinds)]:
    compare(name, model.fit(X, y), jittered(X), exact=False, compiled=name == "LogisticRegression")

holes = flowers.mask(rng.random(flowers.shape) < .1)
for name, steps, X, y, exact in [
        ("StandardScaler, LogisticRegression", [preprocessing.StandardScaler(), linear_model.LogisticRegression()],
         cells, malign, False),
        ("SimpleImputer, RandomForestClassifier",
         [impute.SimpleImputer(strategy="median"), ensemble.RandomForestClassifier(7, **seed)], holes, kinds, True),
        ("SimpleImputer, StandardScaler, GradientBoostingClassifier",
         [impute.SimpleImputer(), preprocessing.StandardScaler(), ensemble.GradientBoostingClassifier(**boost)],
         holes, kinds, True),
        ("MinMaxScaler, ExtraTreesRegressor",
         [preprocessing.MinMaxScaler(), ensemble.ExtraTreesRegressor(5, max_depth=5, **seed)], patients, progress, True)]:
    compare(name, pipeline.make_pipeline(*steps).fit(X, y), jittered(X), exact, compiled="Imputer, R" in name)

# Categories, as numbers and as texts.
people = pd.DataFrame({
    "age": np.round(rng.normal(40, 12, 400)), "city": rng.choice(["Z\u00fcrich", "Bern", " ", "New York, NY", 'the "O"'], 400),
    "rooms": rng.integers(1, 6, 400), "income": rng.lognormal(3, 1, 400),
    "plan": rng.choice(["basic", "plus"], 400)})
late = ((people.age > 45) ^ (people.city == "Bern") ^ (rng.random(400) < .1)).astype(int).to_numpy()


def unknown(frame, **columns):
    """The same rows and some with categories that were not there."""
    return pd.concat([frame, frame[:30].assign(**columns)], ignore_index=True)


onehot = preprocessing.OneHotEncoder(handle_unknown="ignore")
model = pipeline.make_pipeline(onehot, tree.DecisionTreeClassifier(**seed))
compare("OneHotEncoder of numbers", model.fit(people[["rooms", "age"]], late),
        unknown(people[["rooms", "age"]], rooms=17), compiled=True)
model = pipeline.make_pipeline(onehot, ensemble.RandomForestClassifier(9, **seed))
compare("OneHotEncoder of texts", model.fit(people[["city", "plan"]], late),
        unknown(people[["city", "plan"]], city="Bernd"), compiled=True)
model = pipeline.make_pipeline(preprocessing.OneHotEncoder(drop="first"), linear_model.LogisticRegression())
compare("OneHotEncoder of texts, LogisticRegression", model.fit(people[["city", "plan"]], late),
        people[["city", "plan"]], exact=False)
columns = compose.make_column_transformer(
    (preprocessing.StandardScaler(), ["age", "income"]), (onehot, ["city", "plan"]), ("passthrough", ["rooms"]))
for last, exact in (ensemble.GradientBoostingClassifier(**boost), True), (linear_model.LogisticRegression(), False):
    model = pipeline.make_pipeline(columns, last).fit(people, late)
    compare(f"ColumnTransformer, {type(last).__name__}", model, unknown(people, city="Basel"), exact, compiled=exact)

# What was missing is told, and a column that was empty is left out.
gaps = flowers.mask(rng.random(flowers.shape) < .2)
gaps[gaps.columns[1]] = flowers[flowers.columns[1]]
empty = gaps.assign(nothing=np.nan)[[*gaps.columns[:2], "nothing", *gaps.columns[2:]]]
for name, X, options in [("add_indicator", gaps, {}), ("an empty column", empty, {}),
                         ("an empty column, add_indicator", empty, {"strategy": "median"}),
                         ("an empty column that is kept", empty, {"keep_empty_features": True})]:
    imputer = impute.SimpleImputer(add_indicator="add" in name, **options)
    model = pipeline.make_pipeline(imputer, ensemble.RandomForestClassifier(9, **seed)).fit(X, kinds)
    compare(f"SimpleImputer with {name}", model, jittered(X), compiled=name == "add_indicator")
sparse = people.assign(city=people.city.mask(rng.random(400) < .2), age=people.age.mask(rng.random(400) < .2))
columns = compose.make_column_transformer(
    (pipeline.make_pipeline(impute.SimpleImputer(strategy="most_frequent", add_indicator=True), onehot), ["city", "plan"]),
    (pipeline.make_pipeline(impute.SimpleImputer(add_indicator=True), preprocessing.StandardScaler()),
     ["income", "age"]), remainder="passthrough")
model = pipeline.make_pipeline(columns, ensemble.GradientBoostingClassifier(**boost)).fit(sparse, late)
compare("ColumnTransformer with indicators", model, unknown(sparse, city="Basel"), compiled=True)

# An empty text is no missing one.
words = pd.DataFrame({"word": np.tile(["", "one", "two"], 20), "x": np.arange(60.) % 7})
model = pipeline.make_pipeline(onehot, tree.DecisionTreeRegressor(**seed)).fit(words, rng.normal(size=60))
save(model)
out = neoc("run", path, stdin=words.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC).encode())
bits(from_csv(out, float_precision="round_trip"), model.predict(words), "empty texts, quoted")

# A category that a model refuses is a wrong cell.
model = pipeline.make_pipeline(preprocessing.OneHotEncoder(), linear_model.Ridge()).fit(people[["rooms", "plan"]], late)
save(model)
frame = people[["rooms", "plan"]][:3].assign(plan=["basic", "gold", "plus"])
try:
    predictions(path, frame)
    ok(False, "an unknown category is refused")
except RuntimeError as error:
    ok(": 3: " in str(error) and ":3:2: column 'plan': 'gold' is a category that the model" in str(error),
       "an unknown category is refused, with its place")
got = predictions(path, frame, "--on-error=null")["prediction"]
ok(list(got.isna()) == [False, True, False], "--on-error=null: no prediction for such a row")
ok(len(predictions(path, frame, "-q", "--on-error=skip")) == 2, "--on-error=skip: not the row")
model = pipeline.make_pipeline(preprocessing.OneHotEncoder(), tree.DecisionTreeRegressor(**seed))
save(model.fit(people[["rooms", "plan"]], late))
got = predictions(path, frame, "--leaf", "--on-error=null")["leaf"]
want = model[-1].apply(model[:-1].transform(frame.iloc[[0, 2]]))
ok(list(got.isna()) == [False, True, False] and list(got[[0, 2]]) == list(want), "--on-error=null: no leaf either")
done()
