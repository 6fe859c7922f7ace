"""Bins against scikit-learn. Codes must be equal."""
import numpy as np
import pandas as pd
from sklearn import cluster, datasets, preprocessing, tree

from oracle import close, done, fit_apply, ok, run

cancer = datasets.load_breast_cancer(as_frame=True)
data = cancer.data.iloc[:, :10].copy()
data.columns = [name.replace(" ", "_") for name in data.columns]
known = pd.DataFrame({"x": [1.0, 2, 4, 9, 16]})


def edges(program):
    """The edges in the labels of a column's values."""
    labels = run(program + " labels=range", known).x.unique()
    found = {float(part) for label in labels for part in label.strip("[])").split(",")}
    return sorted(found)


close(edges("bin_equal_freq x bins=3"), [1, 8 / 3, 22 / 3, 16], "edges of equal frequency")
close(edges("bin_equal_width x bins=3"), [1, 6, 11, 16], "edges of equal width")
close(edges("bin_kmeans x bins=3"), [1, 17 / 3, 12.5, 16], "edges of k-means")

for step, strategy in [("bin_equal_width", "uniform"), ("bin_equal_freq", "quantile")]:
    for bins in [2, 5, 10]:
        oracle = preprocessing.KBinsDiscretizer(bins, encode="ordinal", strategy=strategy,
                                                subsample=None)
        close(run(f"{step} @numeric bins={bins}", data), oracle.fit_transform(data),
              f"{step} {bins} equals KBinsDiscretizer {strategy}")
oracle = preprocessing.KBinsDiscretizer(4, encode="ordinal", strategy="uniform", subsample=None)
close(fit_apply("bin @numeric method=width bins=4", data.iloc[:300], data.iloc[300:]),
      oracle.fit(data.iloc[:300]).transform(data.iloc[300:]), "bins of new data")


def kmeans_codes(x, bins):
    ends = np.linspace(x.min(), x.max(), bins + 1)
    start = ((ends[1:] + ends[:-1]) / 2)[:, None]
    model = cluster.KMeans(bins, init=start, n_init=1, tol=0, max_iter=1000, algorithm="lloyd")
    centres = np.sort(model.fit(x.to_numpy()[:, None]).cluster_centers_[:, 0])
    return np.searchsorted((centres[1:] + centres[:-1]) / 2, x, side="right")


for bins in [3, 6]:
    want = np.column_stack([kmeans_codes(data[c], bins) for c in data])
    close(run(f"bin_kmeans @numeric bins={bins}", data), want, f"bin_kmeans {bins} equals KMeans")


def leaves(x, y, model):
    cuts = np.sort(model.fit(x.to_numpy()[:, None], y).tree_.threshold)
    inner = [c for c, left in zip(model.tree_.threshold, model.tree_.children_left) if left >= 0]
    return np.searchsorted(np.sort(inner), x, side="right") if len(cuts) else 0


for name, target in [("class", cancer.target.map({0: "malignant", 1: "benign"})),
                     ("number", cancer.data["worst area"])]:
    frame = data.assign(y=target)
    kind = tree.DecisionTreeClassifier if name == "class" else tree.DecisionTreeRegressor
    for limits, arguments in [({"max_depth": 3}, "bins=8 depth=3"),
                              ({"max_leaf_nodes": 5}, "bins=5 depth=64"),
                              ({"max_depth": 4, "min_samples_leaf": 20},
                               "bins=16 depth=4 min_rows=20")]:
        want = np.column_stack([leaves(data[c], target, kind(random_state=0, **limits))
                                for c in data])
        got = run(f"bin_tree -y target=y {arguments}", frame).drop(columns="y")
        close(got, want, f"bin_tree {name} {arguments} equals {kind.__name__}")


def entropy(y):
    shares = y.value_counts(normalize=True)
    return -(shares * np.log2(shares)).sum()


def mdlp(x, y):
    """Fayyad and Irani's cuts, written from the paper."""
    values, n = np.unique(x), len(y)
    cuts = (values[1:] + values[:-1]) / 2
    if len(cuts) == 0:
        return []
    cost = [(x < c).sum() * entropy(y[x < c]) + (x >= c).sum() * entropy(y[x >= c]) for c in cuts]
    cut = cuts[int(np.argmin(cost))]
    left, right = y[x < cut], y[x >= cut]
    gain = entropy(y) - min(cost) / n
    delta = np.log2(3.0 ** y.nunique() - 2) - (y.nunique() * entropy(y)
                                              - left.nunique() * entropy(left)
                                              - right.nunique() * entropy(right))
    if gain <= (np.log2(n - 1) + delta) / n:
        return []
    return mdlp(x[x < cut], left) + [cut] + mdlp(x[x >= cut], right)


iris = datasets.load_iris(as_frame=True)
flowers = iris.data.set_axis(["a", "b", "c", "d"], axis=1)
kinds = iris.target.map(dict(enumerate(iris.target_names)))
want = np.column_stack([np.searchsorted(mdlp(flowers[c], kinds), flowers[c]) for c in flowers])
close(run("bin_mdlp a..d target=y", flowers.assign(y=kinds)).drop(columns="y"), want,
      "bin_mdlp of iris equals the definition")
got = run("bin_chimerge a..d target=y bins=4 alpha=0.05", flowers.assign(y=kinds))
ok((got[["a", "b", "c", "d"]].nunique() <= 4).all() and got.c.nunique() > 1,
   "bin_chimerge keeps at most 4 bins of iris")
ages = pd.DataFrame({"x": np.arange(0, 100, 0.5)})
close(run("bin_custom x edges=18,40,65", ages).x,
      pd.cut(ages.x, [18, 40, 65], right=False, labels=False).where(ages.x != 65, 1),
      "bin_custom equals cut, but for the last edge")
done()
