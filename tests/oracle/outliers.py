"""Outliers against numpy and scikit-learn. Tolerance 1e-9."""
import numpy as np
import pandas as pd
from scipy import stats
from sklearn import covariance, datasets, ensemble, neighbors

from oracle import close, done, fit_apply, ok, run

data = datasets.load_breast_cancer(as_frame=True).data.iloc[:, :12]
data.columns = [name.replace(" ", "_") for name in data.columns]
gaps = data.mask(np.random.default_rng(3).random(data.shape) < 0.05)
train, test = gaps.iloc[:300], gaps.iloc[300:]


def std(x, fold=3):
    return x.mean() - fold * x.std(ddof=0), x.mean() + fold * x.std(ddof=0)


def robust_std(x):
    inside = x[(x >= x.quantile(0.05)) & (x <= x.quantile(0.95))]
    return std(inside, 4)


def iqr(x):
    low, high = x.quantile(0.25), x.quantile(0.75)
    return low - 1.5 * (high - low), high + 1.5 * (high - low)


def quantile(x):
    return x.quantile(0.05), x.quantile(0.95)


def mad(x):
    spread = stats.median_abs_deviation(x.dropna(), scale="normal")
    return x.median() - 3.29 * spread, x.median() + 3.29 * spread


for find in [std, robust_std, iqr, quantile, mad]:
    method = find.__name__
    limits = pd.DataFrame({c: find(train[c]) for c in data}, index=["low", "high"])
    inside = ~((test < limits.loc["low"]) | (test > limits.loc["high"]))
    arguments = f"outliers @numeric method={method}"
    close(fit_apply(f"{arguments} action=clip", train, test),
          test.clip(limits.loc["low"], limits.loc["high"], axis=1), f"outliers {method} clip")
    close(fit_apply(f"{arguments} action=invalidate", train, test), test.where(inside),
          f"outliers {method} invalidate")
    close(fit_apply(f"{arguments} action=remove", train, test), test[inside.all(axis=1)],
          f"outliers {method} remove")
    flags = fit_apply(f"{arguments} action=flag", train, test).iloc[:, len(data.columns):]
    close(flags.replace({"true": 1, "false": 0}).astype(float),
          (~inside).astype(float).where(test.notna()), f"outliers {method} flag")
close(run("outliers mean_area method=minmax min=200 max=900", data).mean_area,
      data.mean_area.clip(200, 900), "outliers minmax clips to what is given")
close(fit_apply("outliers mean_area method=std tail=right", train, test).mean_area,
      test.mean_area.clip(upper=std(train.mean_area)[1]), "outliers with one tail")

near, far = data.iloc[:300, :4], data.iloc[300:, :4]
for count in [5, 20]:
    oracle = neighbors.LocalOutlierFactor(n_neighbors=count, novelty=True).fit(near.values)
    close(fit_apply(f"lof @all neighbours={count}", near, far).lof, -oracle.score_samples(far.values),
          f"lof {count} equals LocalOutlierFactor")

# Three columns: there both searches find the same minimum; with more, ours ends lower.
wine = datasets.load_wine(as_frame=True).data.iloc[:, :3].set_axis(list("abc"), axis=1)
oracle = covariance.EllipticEnvelope(contamination=0.1, random_state=0).fit(wine)
close(run("elliptic_envelope @all", wine).elliptic_envelope, oracle.mahalanobis(wine),
      "elliptic_envelope equals EllipticEnvelope")
flags = run("elliptic_envelope @all action=flag", wine).elliptic_envelope
ok((flags.astype(str).str.lower() == "true").equals(pd.Series(oracle.predict(wine) < 0)),
   "elliptic_envelope flags the rows EllipticEnvelope does")

# Random on both sides: the order of scores must agree as two seeds of the oracle do.
oracle = ensemble.IsolationForest(n_estimators=400, random_state=1).fit(near)
scores = fit_apply("isolation_forest @all trees=400", near, far).isolation_forest
ok(stats.spearmanr(scores, -oracle.score_samples(far))[0] > 0.97,
   "isolation_forest orders rows as IsolationForest")
ok(abs(scores + oracle.score_samples(far)).max() < 0.05,
   "isolation_forest scores are within 0.05 of IsolationForest")
done()
