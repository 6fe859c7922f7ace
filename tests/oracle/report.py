"""Reports against pandas, SciPy and NumPy."""
import numpy as np
import pandas as pd
from scipy import stats
from sklearn.datasets import load_breast_cancer

from oracle import close, done, from_csv, ok, run, same, to_csv, wrangle

random = np.random.default_rng(5)
N = 60000
frame = pd.DataFrame({
    "small": random.integers(0, 50, N),
    "unique": np.arange(N) * 7,
    "price": np.round(random.lognormal(3, 1, N), 4),
    "minus": np.round(random.normal(-3, 100, N), 6),
    "city": random.choice(["Oslo", "Rome", "Åbo"], N, p=[.5, .3, .2]),
    "user": [f"u{i}" for i in random.integers(0, 30000, N)],
    "often": np.where(random.random(N) < .3, -999, random.integers(0, 10**9, N)),
    "flag": random.choice(["true", "false"], N),
    "day": pd.date_range("2020-01-01", periods=N, freq="H").strftime("%Y-%m-%d"),
}).mask(random.random((N, 9)) < .05)
numeric = ["small", "unique", "price", "minus", "often"]
flooded = ["unique", "price", "minus", "user", "often"]

for exact in "false", "true":
    got = run(f"describe exact={exact}", frame).set_index("column")
    want = frame[numeric].describe().T
    close(got["count"], frame.count(), f"describe exact={exact}: count")
    close(got.missing, frame.isna().sum(), f"describe exact={exact}: missing")
    for name in "mean", "std", "min", "max":
        close(got.loc[numeric, name].astype(float), want[name], f"describe exact={exact}: {name}")
    tolerance = 1e-9 if exact == "true" else 0.0101
    for ours, theirs in ("q25", "25%"), ("median", "50%"), ("q75", "75%"):
        close(got.loc["small", ours], want.loc["small", theirs], f"describe exact={exact}: {ours} of few values")
        close(got.loc[numeric, ours] / want[theirs], np.ones(5), f"describe exact={exact}: {ours}", tolerance)
    numbers = frame.nunique()
    close(got.loc[["small", "city", "flag", "day"], "distinct"], numbers[["small", "city", "flag", "day"]],
          f"describe exact={exact}: distinct of few values")
    close(got.distinct / numbers, np.ones(9), f"describe exact={exact}: distinct", 0.03)
    same(got.index[got.estimated], flooded, f"describe exact={exact}: says what it estimates")
    for name in "small", "city", "day":
        counts = frame[name].dropna().value_counts()
        close(got.top_count[name], counts.iloc[0], f"describe exact={exact}: top_count of {name}")
    ok(got.top["often"] == "-999.0" and abs(got.top_count["often"] / (frame.often == -999).sum() - 1) < .1,
       f"describe exact={exact}: estimates a frequent value among many")
    ok(pd.isna(got.top["user"]), f"describe exact={exact}: and none where there is none")
    same(got.loc["city", ["min", "max"]], ["Oslo", "Åbo"], f"describe exact={exact}: texts by bytes")
    same(got.loc["day", ["min", "max"]], [frame.day.dropna().min(), frame.day.dropna().max()], f"describe exact={exact}: days")
    close(float(got.loc["flag", "mean"]), (frame.flag == "true").sum() / frame.flag.count(),
          f"describe exact={exact}: share of true")

odd = pd.DataFrame({"x": ["1"] * 5000 + ["1.0", "n/a", None], "y": 1})
got = run("describe x", odd).iloc[0]
same([got.type, got["count"], got.invalid, got.missing, got.distinct, got.top_count],
     ["int", 5001, 1, 1, 1, 5001], "describe counts what is no number, and 1.0 is 1")

got = run("frequency city max=2", frame)
want = frame.city.value_counts()
same(got.value, want.index[:2], "frequency: values")
close(got["count"], want[:2], "frequency: counts")
close(got.share, frame.city.value_counts(normalize=True)[:2], "frequency: shares")

got = run("histogram price,minus bins=50", frame)
for name, part in got.groupby("column"):
    edges = np.append(part["from"], part["to"].iloc[-1])
    counts, _ = np.histogram(frame[name].dropna(), edges)
    close(part["count"], counts, f"histogram: counts of {name} between its edges")
    ok(25 <= len(part) <= 50 and part["count"].iloc[0] > 0 and part["count"].iloc[-1] > 0,
       f"histogram: bins of {name} are as many as fit")
counts, edges = np.histogram(frame.price.dropna(), [0, 1, 10, 100])
close(run("histogram price edges=0,1,10,100", frame)["count"], counts, "histogram edges= equals numpy")

cancer = pd.DataFrame(load_breast_cancer().data[:, :8], columns=list("abcdefgh"))
cancer.loc[random.random(len(cancer)) < .02, "c"] = np.nan
cancer.loc[random.random(len(cancer)) < .02, "f"] = np.nan
for method in "pearson", "spearman", "kendall":
    got = run(f"correlation with={method}", cancer).set_index("column")
    close(got, cancer.corr(method), f"correlation with={method} equals pandas")
    pairs = run(f"correlation with={method} as=pairs", cancer)
    close(pairs.correlation, cancer.corr(method).values[np.triu_indices(8, 1)], f"{method} as=pairs")
whole = cancer.drop(columns=["a"]).dropna()
want = np.diag(np.linalg.inv(whole.corr()))
close(run("vif b..h", cancer).vif / [
    1 / (1 - np.corrcoef(np.linalg.lstsq(np.c_[np.ones(len(w)), w.drop(columns=n)], w[n], rcond=None)[0]
                         @ np.c_[np.ones(len(w)), w.drop(columns=n)].T, w[n])[0, 1] ** 2)
    for w in [whole] for n in w], np.ones(7), "vif is that of the regression on the others", 1e-8)
close(run("vif b..h", cancer).vif, want, "vif is the diagonal of the inverse correlation", 1e-8)

sets = pd.DataFrame({"a": random.normal(size=900).round(2), "city": random.choice(list("abc"), 900)})
sets["part"] = np.where(random.random(900) + sets.a / 5 > 0.5, "now", "then")
now, then = sets.a[sets.part == "now"], sets.a[sets.part == "then"]
got = run("drift a target=part with=ks", sets).iloc[0]
want = stats.ks_2samp(now, then)
close(got.statistic, want.statistic, "drift with=ks equals SciPy")
close(got.p_value, stats.kstwobign.sf(want.statistic * np.sqrt(len(now) * len(then) / 900)),
      "drift with=ks: asymptotic p-value equals SciPy")
close(run("drift a target=part with=wasserstein", sets).statistic, [stats.wasserstein_distance(now, then)],
      "drift with=wasserstein equals SciPy")
got = run("drift city target=part with=chi2", sets).iloc[0]
want = stats.chi2_contingency(pd.crosstab(sets.city, sets.part), correction=False)
close(got[["statistic", "p_value"]], want[:2], "drift with=chi2 equals SciPy")
shares = pd.crosstab(sets.city, sets.part, normalize="columns")
close(run("drift city target=part", sets).statistic,
      [((shares.now - shares.then) * np.log(shares.now / shares.then)).sum()], "drift with=psi is its formula")

kinds = pd.DataFrame({"i": range(3000), "f": np.arange(3000.0), "b": True, "t": pd.Timestamp("2024-05-01"), "s": "x"})
kinds["late"] = [1] * 2999 + ["n/a"]
kinds.loc[5:9, "f"] = np.nan
data = to_csv(kinds.assign(f=kinds.f.map(lambda x: "" if np.isnan(x) else f"{x:.1f}"), b="true"))
got = from_csv(wrangle("--jobs", "4", "schema_infer", stdin=data))
same(got["type"], ["int", "float", "bool", "time", "text", "text"], "schema_infer: types as pandas has them, of all rows")
same(got["missing"], kinds.isna().sum(), "schema_infer counts missing cells")
same(got["required"], kinds.notna().all(), "schema_infer: required")
done()
