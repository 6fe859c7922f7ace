"""Feature selection against scikit-learn, pandas and the formulas of feature-engine 1.9."""
import json
import os
import tempfile

import numpy as np
import pandas as pd
from sklearn import feature_selection as fs
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import Lasso, LinearRegression
from sklearn.metrics import mutual_info_score, roc_auc_score
from sklearn.preprocessing import StandardScaler

from oracle import close, done, ok, run, same, to_csv, wrangle

cancer = load_breast_cancer()
cancer = pd.DataFrame(cancer.data, columns=[f"f{i}" for i in range(30)]).assign(y=cancer.target)
features = cancer.drop(columns="y")
diabetes = load_diabetes(as_frame=True).frame
iris = load_iris()
flower = pd.DataFrame(iris.data, columns=list("abcd")).assign(y=iris.target)
random = np.random.default_rng(3)


def kept(program, frame):
    return [name for name in run(program, frame).columns if name != frame.columns[-1]]


def learnt(program, frame, *names):
    """Numbers of the state of the first step, by column."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "state.json")
        wrangle("fit", "-r", path, program, stdin=to_csv(frame))
        with open(path) as file:
            state = json.load(file)["steps"][0]["state"]
    return [[column[name] for column in state.values()] for name in names]


def against(selector, program, frame, name):
    columns, target = frame.drop(columns=frame.columns[-1]), frame[frame.columns[-1]]
    selector.fit(columns, target)
    same(kept(program, frame), columns.columns[selector.get_support()], name)


for score, function, frame in ("chi2", fs.chi2, cancer), ("anova", fs.f_classif, cancer), \
        ("anova", fs.f_classif, flower), ("f_regression", fs.f_regression, diabetes), ("chi2", fs.chi2, flower):
    target = frame.columns[-1]
    columns = frame.drop(columns=target)
    program = f"select_best @numeric target={target} score={score}"
    got, want = learnt(f"{program} keep=1", frame, "score", "p_value"), function(columns, frame[target])
    order = np.argsort(sorted(columns.columns))
    close(got[0], np.asarray(want[0])[np.argsort(columns.columns)], f"{score} equals sklearn")
    close(got[1], np.asarray(want[1])[np.argsort(columns.columns)], f"{score}: p-values equal sklearn")
    for k in 1, 3:
        against(fs.SelectKBest(function, k=k), f"{program} keep={k}", frame, f"{score} keep={k}")
    against(fs.SelectFpr(function, alpha=1e-3), f"{program} fpr=0.001", frame, f"{score} fpr")
    against(fs.SelectFdr(function, alpha=1e-3), f"{program} fdr=0.001", frame, f"{score} fdr")
    against(fs.SelectFwe(function, alpha=1e-3), f"{program} fwe=0.001", frame, f"{score} fwe")

small = pd.DataFrame({"a": random.integers(0, 4, 500), "b": random.choice(list("xyz"), 500)})
small["y"] = (small.a + random.integers(0, 3, 500)) // 2
got = learnt("select_best a,b target=y score=mutual_info keep=1", small, "score")[0]
close(got, [mutual_info_score(small.a, small.y), mutual_info_score(small.b, small.y)],
      "mutual_info equals sklearn mutual_info_score")

against(fs.VarianceThreshold(0.01), "variance_threshold @numeric,-y threshold=0.01", cancer, "variance_threshold")

plain = features.round(2).assign(same=features.f3.round(2), one=1, gap=np.nan, almost=[0] * 560 + [1] * 9)
plain = plain[["almost", *plain.columns.drop("almost")]]
same(run("drop_constant", plain).columns, plain.columns[plain.nunique(dropna=False) > 1], "drop_constant")
top = plain.apply(lambda column: column.value_counts(normalize=True, dropna=False).iloc[0])
same(run("drop_constant tol=0.98", plain).columns, plain.columns[top < 0.98], "drop_constant tol=0.98")
twice = plain.T.drop_duplicates().T.columns
same(run("drop_duplicate_features", plain).columns, twice, "drop_duplicate_features")


def correlated(frame, threshold, best):
    """feature-engine's DropCorrelatedFeatures and SmartCorrelatedSelection, columns in order."""
    matrix, seen, dropped = frame.corr().abs(), set(), set()
    for name in frame:
        if name in seen:
            continue
        group = [name] + [o for o in frame if o not in seen and o != name and matrix[name][o] > threshold]
        seen.update(group)
        dropped.update(set(group) - {best(group)})
    return [name for name in frame if name not in dropped]


holes = features.mask(random.random(features.shape) < 0.1)
same(run("drop_correlated threshold=0.8", holes).columns, correlated(holes, 0.8, lambda g: g[0]),
     "drop_correlated, pairwise complete")
variance = holes.var()
same(run("smart_correlated threshold=0.7", holes).columns,
     correlated(holes, 0.7, lambda g: max(g, key=lambda name: variance[name])), "smart_correlated keep=variance")
present = holes.count()
same(run("smart_correlated threshold=0.7 keep=present", holes).columns,
     correlated(holes, 0.7, lambda g: max(g, key=lambda name: present[name])), "smart_correlated keep=present")


def relevant(frame, keep):
    """mRMR by the quotient of F and mean absolute correlation."""
    columns, matrix = frame.iloc[:, :-1], frame.iloc[:, :-1].corr().abs()
    relevance, chosen = fs.f_regression(columns, frame.iloc[:, -1])[0], []
    while len(chosen) < keep:
        merit = [-1 if name in chosen else f / (matrix.loc[name, chosen].mean() if chosen else 1)
                 for name, f in zip(columns, relevance)]
        chosen.append(columns.columns[int(np.argmax(merit))])
    return [name for name in columns if name in chosen]


for frame in diabetes, cancer:
    for keep in 1, 4:
        same(kept(f"select_mrmr target={frame.columns[-1]} keep={keep}", frame), relevant(frame, keep),
             f"select_mrmr keep={keep}")

for frame, alphas in (diabetes, (0.5, 3, 12, 30)), (cancer, (0.001, 0.01, 0.05)):
    columns, target = frame.iloc[:, :-1], frame.iloc[:, -1]
    for alpha in alphas:
        model = Lasso(alpha, tol=1e-14, max_iter=1000000).fit(StandardScaler().fit_transform(columns), target)
        same(kept(f"select_lasso target={target.name} alpha={alpha}", frame), columns.columns[model.coef_ != 0],
             f"select_lasso alpha={alpha} keeps what sklearn Lasso gives a weight")

areas = [max(a, 1 - a) for a in (roc_auc_score(cancer.y, cancer[name]) for name in features)]
close(learnt("select_single_feature target=y", cancer, "score")[0], pd.Series(areas, features.columns).sort_index(),
      "select_single_feature score=auc equals sklearn roc_auc_score")
same(kept("select_single_feature target=y threshold=0.9", cancer), features.columns[np.array(areas) >= 0.9],
     "select_single_feature threshold=0.9")
columns, target = diabetes.iloc[:, :-1], diabetes.iloc[:, -1]
shares = [LinearRegression().fit(columns[[name]], target).score(columns[[name]], target) for name in columns]
close(learnt("select_single_feature target=target score=r2", diabetes, "score")[0],
      pd.Series(shares, columns.columns).sort_index(), "select_single_feature score=r2 equals sklearn LinearRegression")


def divergence(column, target):
    table = pd.crosstab(column, target)
    shares = np.maximum(table / table.sum(), 1e-4)
    return ((shares[0] - shares[1]) * np.log(shares[0] / shares[1])).sum()


named = pd.DataFrame({"city": random.choice(list("abcdef"), 800), "size": random.integers(0, 8, 800)})
named["y"] = (random.random(800) < named["size"] / 9).astype(int)
want = [divergence(named.city, named.y), divergence(named["size"], named.y)]
close(learnt("select_information_value target=y", named, "score")[0], want, "information value")
same(run("select_information_value target=y", named).columns, ["size", "y"], "select_information_value keeps size")
same(run("select_psi target=y", named).columns, ["city", "y"], "select_psi drops size")
ok(len(run("select_information_value target=y bins=5", cancer).columns) > 1, "information value of binned numbers")
done()
