"""Encoders against scikit-learn, difflib and the formulas of category_encoders 2.10 and
feature-engine 1.9. Tolerance 1e-9."""
import difflib
import json
import os
import subprocess
import tempfile

import numpy as np
import pandas as pd
from sklearn import preprocessing, tree

from oracle import BIN, close, done, fit_apply, ok, run, same, to_csv, wrangle

random = np.random.default_rng(7)
N = 2000
frame = pd.DataFrame({
    "city": random.choice(["Oslo", "Rome", "Paris", "Bern", "New York", "Åbo", 'a "b", c'], N,
                          p=[.3, .25, .2, .1, .1, .04, .01]),
    "code": random.choice([1, 2, 10, 30, 200], N),
    "y": random.integers(0, 2, N),
    "z": np.round(random.normal(size=N), 6),
})
gaps = frame.copy()
gaps.loc[random.random(N) < .1, "city"] = np.nan
gaps.loc[random.random(N) < .1, "z"] = np.nan
train, test = frame.iloc[:1200], frame.iloc[1200:]


def bytewise(values):
    """Names in order of their UTF-8 bytes."""
    return sorted(values, key=lambda v: str(v).encode())


cities, codes = bytewise(frame.city.unique()), sorted(frame.code.unique())

# ---- without a target

encoder = preprocessing.OrdinalEncoder(categories=[cities, codes])
close(run("ordinal city,code", frame)[["city", "code"]],
      encoder.fit_transform(frame[["city", "code"]]), "ordinal equals OrdinalEncoder")
close(fit_apply("ordinal city unknown=-1", train[train.city != "Bern"], test).city,
      preprocessing.OrdinalEncoder(categories=[[c for c in cities if c != "Bern"]],
                                   handle_unknown="use_encoded_value", unknown_value=-1)
      .fit(train[train.city != "Bern"][["city"]]).transform(test[["city"]]).ravel(),
      "ordinal unknown=-1 equals use_encoded_value")
label = preprocessing.LabelEncoder().fit(cities)
close(run("label_encode city", frame).city, label.transform(frame.city), "label_encode, ASCII and UTF-8")
close(run("ordinal city", gaps).city,
      gaps.city.map({c: i for i, c in enumerate(cities)}), "ordinal leaves missing cells missing")
close(run("ordinal city missing=keep", gaps).city,
      gaps.city.map({c: i for i, c in enumerate(cities)}).fillna(len(cities)),
      "ordinal missing=keep is the last code")

hot = run("onehot city,code", frame)
same(hot.columns, ["y", "z"] + [f"city_{c}" for c in cities] + [f"code_{c}" for c in codes],
     "onehot names and order of columns")
close(hot.iloc[:, 2:], preprocessing.OneHotEncoder(categories=[cities, codes])
      .fit_transform(frame[["city", "code"]]).toarray(), "onehot equals OneHotEncoder")
close(run("onehot city drop=first", frame).iloc[:, 3:],
      preprocessing.OneHotEncoder(categories=[cities], drop="first")
      .fit_transform(frame[["city"]]).toarray(), "onehot drop=first equals OneHotEncoder")
close(run("dummy_encode y drop=if_binary", frame).iloc[:, 3:], frame[["y"]],
      "onehot drop=if_binary leaves one column")
close(run("onehot city", gaps).iloc[:, 3:], pd.get_dummies(gaps.city)[cities],
      "onehot of missing cells equals get_dummies")
close(run("onehot city missing=keep", gaps).iloc[:, 3:],
      np.column_stack([pd.get_dummies(gaps.city)[cities], gaps.city.isna()]),
      "onehot missing=keep has a column for missing cells")
close(fit_apply("onehot city unknown=ignore", train[train.city != "Bern"], test).iloc[:, 3:],
      preprocessing.OneHotEncoder(categories=[[c for c in cities if c != "Bern"]],
                                  handle_unknown="ignore")
      .fit(train[["city"]].query("city != 'Bern'")).transform(test[["city"]]).toarray(),
      "onehot unknown=ignore equals OneHotEncoder")
top = bytewise(frame.city.value_counts().index[:3])
close(run("onehot city max=3", frame).iloc[:, 3:], pd.get_dummies(frame.city)[top],
      "onehot max=3 has the most frequent categories")

close(run("count_encode city", frame).city, frame.city.map(frame.city.value_counts()),
      "count_encode equals value_counts")
close(run("frequency_encode city", gaps).city, gaps.city.map(gaps.city.value_counts(normalize=True)),
      "frequency_encode equals value_counts(normalize)")
close(run("count_encode city missing=keep", gaps).city,
      gaps.city.fillna("").map(gaps.city.fillna("").value_counts()), "count_encode missing=keep counts missing cells")

places = frame.city.map({c: i + 1 for i, c in enumerate(cities)})
close(run("basen city", frame).filter(like="city_"),
      [[int(d) for d in format(p, "03b")] for p in places], "basen gives binary digits from 1")
close(run("basen city base=3", frame).filter(like="city_"), [[p // 3, p % 3] for p in places],
      "basen base=3")
close(run("gray city", frame).filter(like="city_"),
      [[int(d) for d in format(p ^ p >> 1, "03b")] for p in places], "gray gives Gray codes")
close(run("rankhot code", frame).filter(like="code_"),
      [[int(c >= k) for k in codes] for c in frame.code], "rankhot is hot up to the rank")


def contrast(n, kind):
    if kind == "helmert":
        return np.array([[-1 if i <= k else k + 1 if i == k + 1 else 0 for k in range(n - 1)]
                         for i in range(n)])
    if kind == "sum":
        return np.vstack([np.eye(n - 1), -np.ones(n - 1)])
    if kind == "backward_difference":
        return np.array([[(k + 1) / n - (i <= k) for k in range(n - 1)] for i in range(n)])
    powers = np.vander(np.arange(n) - (n - 1) / 2, increasing=True)
    q, r = np.linalg.qr(powers)
    return (q * np.sign(np.diag(r)))[:, 1:]


for kind in ["helmert", "sum", "backward_difference", "polynomial"]:
    close(run(f"contrast city with={kind}", frame).filter(like="city_"),
          contrast(len(cities), kind)[places - 1], f"contrast {kind} equals its matrix")

share = frame.city.value_counts(normalize=True)
same(run("rare_label city min=0.15 above=3", frame).city,
     frame.city.where(frame.city.map(share) >= .15, "Rare"), "rare_label equals its definition")
same(run("rare_label city", frame).city, frame.city, "rare_label leaves few categories alone")
same(fit_apply("match_categories city", train[train.city != "Bern"], test).city,
     test.city.where(test.city != "Bern"), "match_categories makes new categories missing")

texts = ["Osla", "Rome", "Åbolo", "x"]
close(fit_apply("similarity_encode city", train[["city"]], pd.DataFrame({"city": texts})),
      [[difflib.SequenceMatcher(None, a, b).quick_ratio() for b in bytewise(train.city.unique())]
       for a in texts], "similarity_encode equals difflib's quick_ratio")

labels = [list(random.choice(["red", "green", "blue", "x y"], random.integers(1, 4), replace=False))
          for _ in range(300)]
close(run("multilabel_onehot tags", pd.DataFrame({"tags": [";".join(t) for t in labels]})),
      preprocessing.MultiLabelBinarizer().fit_transform(labels),
      "multilabel_onehot equals MultiLabelBinarizer")
hashed = run("hashing city,code columns_out=5", frame).filter(like="hash_")
ok((hashed.sum(axis=1) == 2).all() and hashed.groupby([frame.city, frame.code]).nunique().max().max() == 1,
   "hashing counts each cell once, equal cells alike")


def grams(text):
    text = f" {text} "
    return {text[i:i + 3] for i in range(len(text) - 2)}


words = pd.DataFrame({"w": ["night", "nightly", "nights", "banana", "bananas", "x"]})
near = run("minhash_encode w dimensions=1000", words).to_numpy()
estimate = (near[:, None, :] == near[None, :, :]).mean(axis=2)
truth = [[len(grams(a) & grams(b)) / len(grams(a) | grams(b)) for b in words.w] for a in words.w]
ok(np.abs(estimate - truth).max() < .06, "minhash_encode agrees as often as Jaccard's similarity says")

# ---- with a target


def by_city(function, data=frame, target="y"):
    return data.city.map(data.groupby("city")[target].apply(function))


prior, n, mean = frame.y.mean(), by_city(len), by_city(np.mean)
weight = 1 / (1 + np.exp(-(n - 20) / 10))
close(run("target_encode city target=y", frame).city, prior * (1 - weight) + mean * weight,
      "target_encode equals category_encoders' formula")
close(run("target_encode city target=y missing=ignore", gaps).city[gaps.city.isna()],
      np.full(gaps.city.isna().sum(), gaps.y.mean()), "target_encode missing=ignore is the prior")
known = gaps.dropna()
close(run("m_estimate city target=z m=3", gaps).city.dropna().unique(),
      ((known.groupby("city").z.sum() + gaps.z.mean() * 3) / (known.groupby("city").z.count() + 3))
      [gaps.city.dropna().unique()], "m_estimate leaves missing cells and targets out")
total = by_city(np.sum)
close(run("leave_one_out city target=y", frame).city, (total - frame.y) / (n - 1),
      "leave_one_out of the rows fitted on")
close(fit_apply("leave_one_out city target=y", train, test).city,
      test.city.map(train.groupby("city").y.mean()), "leave_one_out of new rows is the mean")
before = frame.groupby("city").y.cumsum() - frame.y
close(run("catboost_encode city target=y", frame).city,
      (before + prior) / (frame.groupby("city").cumcount() + 1), "catboost_encode of the rows fitted on")
close(fit_apply("catboost_encode city target=y a=2", train, test).city,
      test.city.map((train.groupby("city").y.sum() + train.y.mean() * 2) /
                    (train.groupby("city").y.count() + 2)), "catboost_encode of new rows")
v, total_v, k = by_city(lambda t: t.var(), target="z"), frame.z.var(), len(cities)
shrink = v / (total_v + v) * (k - 3) / (k - 1)
close(run("james_stein city target=z", frame).city,
      (1 - shrink) * by_city(np.mean, target="z") + shrink * frame.z.mean(),
      "james_stein equals its formula")
s, ones = total, frame.y.sum()
close(run("woe city target=y", frame).city,
      np.log((s + 1) / (ones + 2) / ((n - s + 1) / (N - ones + 2))), "woe equals its formula")
close(run("woe city target=city2 positive=a", frame.assign(city2=np.where(frame.y, "a", "b"))).city,
      run("woe city target=y", frame).city, "woe with positive= takes a text target")
close(run("quantile_target city target=z quantile=0.3 m=2", frame).city,
      (n * by_city(lambda t: t.quantile(.3), target="z") + frame.z.quantile(.3) * 2) / (n + 2),
      "quantile_target equals its formula")
means = frame.groupby("city").z.mean()
rank = frame.city.map(means.rank()).to_numpy()[:, None]
for depth in [1, 2, 3]:
    close(run(f"tree_encode city target=z depth={depth}", frame).city,
          tree.DecisionTreeRegressor(max_depth=depth).fit(rank, frame.z).predict(rank),
          f"tree_encode depth={depth} equals DecisionTreeRegressor on the ranks")
folds = run("target_encode city target=y with=folds folds=4 min_samples=0 smoothing=1e-9", frame).city
ok(folds.groupby(frame.city).nunique().max() <= 4 and
   np.corrcoef(folds - mean, frame.y)[0, 1] < 0, "target_encode with=folds keeps a row's target out")

# ---- promises of all of them

PROGRAMS = [
    "ordinal city unknown=ignore", "onehot city,code missing=keep", "count_encode city missing=keep",
    "rare_label city min=0.2 above=1", "basen code", "target_encode city target=z",
    "target_encode city target=z with=folds", "james_stein city target=z", "woe city target=y",
    "quantile_target city target=z missing=keep", "m_estimate city,code target=z suffix=_m",
    "tree_encode city target=z", "leave_one_out city target=z", "similarity_encode city max=3",
    "contrast city with=polynomial", "catboost_encode city target=z", "class_weights city missing=ignore",
]
data = to_csv(gaps)


def with_chunk(size, *args):
    return subprocess.run([BIN, *args], input=data, capture_output=True, check=True,
                          env={**os.environ, "ML_CHUNK": size}).stdout


for program in PROGRAMS:
    whole = wrangle(program, stdin=data)
    ok(all(wrangle("-j", jobs, program, stdin=data) == whole for jobs in "148") and
       with_chunk("1", program) == whole and with_chunk("100", "-j4", program) == whole,
       f"{program}: the same for any jobs and chunks")
with tempfile.TemporaryDirectory() as folder:
    def path(name):
        return os.path.join(folder, name)
    lines = data.splitlines(keepends=True)
    for program in PROGRAMS:
        wrangle("fit", "-r", path("all"), program, stdin=data)
        state = json.load(open(path("all")))
        shards = []
        for i, (a, b) in enumerate([(1, 700), (700, 703), (703, len(lines))]):
            shards.append(path(f"part{i}"))
            wrangle("fit", "-r", shards[-1], f"--first-row={a}", program, stdin=b"".join([lines[0]] + lines[a:b]))
        apply_whole = wrangle("apply", path("all"), stdin=data)
        merged = wrangle("merge", *shards)
        with open(path("merged"), "wb") as out:
            out.write(merged)
        ok(json.loads(merged)["steps"] == state["steps"] and
           wrangle("apply", path("merged"), stdin=data) == apply_whole,
           f"{program}: shards merge into the whole")
done()
