"""fstore stats and drift against pandas, NumPy and SciPy."""
import json
import os
import subprocess
import tempfile

import numpy as np
import pandas as pd
from scipy import stats

from oracle import BIN, close, done, ok, same, to_csv

random = np.random.default_rng(11)
N = 20000
NUMBERS = ["normal", "skewed", "small", "big", "stamps", "spiky"]
folder = tempfile.TemporaryDirectory()


def fstore(*args, stdin=b"", statuses=(0,)):
    """The JSON Lines fstore writes."""
    tool = os.path.join(os.path.dirname(BIN), "fstore")
    ran = subprocess.run([tool, "--home", folder.name, *args], input=stdin, capture_output=True)
    if ran.returncode not in statuses:
        raise RuntimeError(f"fstore {' '.join(args)}: {ran.returncode}: {ran.stderr.decode()}")
    return pd.DataFrame([json.loads(line) for line in ran.stdout.decode().splitlines()])


def rows(n, shift):
    """Rows whose spread depends on shift; a twentieth of the cells is missing."""
    frame = pd.DataFrame({
        "normal": random.normal(shift, 1 + shift / 2, n),
        "skewed": np.exp(random.normal(shift, 1.5, n)),
        "small": random.integers(0, 12, n) // (1 + int(shift > 0)),
        "big": 1e9 + random.normal(shift, 1, n),
        "stamps": 1700000000 + random.integers(0, 86400 * 30, n) + int(shift * 86400),
        "spiky": np.where(random.random(n) < .4 + shift / 5, 0, random.normal(0, 1, n)),
        "city": random.choice(["Oslo", "Rome", "Åbo", "a,b"], n, p=[.4 + shift / 5, .3, .2 - shift / 5, .1]),
        "many": [f"m{i}" for i in (random.pareto(1, n) * 3).astype(int).clip(0, 400)],
        "flag": random.choice(["true", "false"], n),
    }).mask(random.random((n, 9)) < .05)
    for name in "small", "stamps":
        frame[name] = frame[name].astype("Int64")
    frame.insert(0, "at", "2001-01-31T00:00:00Z")
    frame.insert(0, "id", np.arange(n))
    return frame


before = rows(N, 0)
fstore("create", "g", "--id", "id", "--time", "at", "--feature", "normal:float,skewed:float,small:int,big:float,"
       "stamps:int,spiky:float,city:text,many:text,flag:bool")
fstore("ingest", "g", "-", stdin=to_csv(before))
got = fstore("stats", "g", "--save", "b", "--top", "1000").set_index("name")

# ---- stats

close(got.rows, np.full(9, N), "rows")
close(got.missing, before[got.index].isna().sum(), "missing")
close(got.distinct / before[got.index].nunique(), np.ones(9), "distinct, within four standard errors", .033)
for name in NUMBERS:
    x = before[name].dropna().astype(float)
    close(got.loc[name, ["mean", "std", "min", "max"]].astype(float), [x.mean(), x.std(), x.min(), x.max()], f"{name}: mean, std, min, max")
    want = np.quantile(x, [.01, .05, .25, .5, .75, .95, .99])
    close(got.loc[name, ["p1", "p5", "p25", "p50", "p75", "p95", "p99"]].astype(float), want, f"{name}: quantiles", 1e-14)
for name in "city", "many", "flag":
    counts = before[name].dropna().value_counts()
    ok(dict(got.top[name]) == counts.to_dict() and got.top_exact[name], f"{name}: frequent values")
    same(got.loc[name, ["min_length", "max_length"]].astype(int), [counts.index.str.len().min(), counts.index.str.len().max()], f"{name}: lengths")

# ---- drift: PSI by hand from the bins that are in the baseline's file

with open(os.path.join(folder.name, "fstore", "g", "baselines", "b.json")) as file:
    baseline = {f["name"]: f for f in json.load(file)["features"]}


def psi(before_counts, after_counts):
    e, a = (np.maximum(np.array(c, float) / np.sum(c), 1e-4) for c in (before_counts, after_counts))
    return float(np.sum((a - e) * np.log(a / e)))


def tenths(feature, x):
    """How many values are in each of ten bins, made of the fine ones, and missing."""
    edges, fine = np.array(feature["bins"]["edges"]), np.array(feature["bins"]["counts"])
    passed = np.concatenate([[0], np.cumsum(fine)[:-1]])
    starts = edges[:-1][np.flatnonzero(np.diff((passed * 10 / fine.sum()).astype(int), prepend=0))]
    values = x.dropna().astype(float)
    return [*np.bincount(np.searchsorted(starts, values, side="right"), minlength=len(starts) + 1), x.isna().sum()]


def frequent(feature, x):
    order = sorted(feature["categories"], key=lambda c: (-feature["categories"][c][0], c.encode()))[:20]
    counts = x.dropna().astype(str).value_counts()
    known = [counts.get(c, 0) for c in order]
    return [*known, counts.sum() - sum(known), x.isna().sum()]


for name in NUMBERS:
    fine, x = baseline[name]["bins"], before[name].dropna().astype(float)
    where = np.searchsorted(fine["edges"], x, side="right") - 1
    same(np.bincount(where, minlength=len(fine["counts"])), fine["counts"], f"{name}: the baseline's counts")
for shift in 0, .2, 1:
    after = rows(N // 2, shift)
    path = os.path.join(folder.name, "after.csv")
    after.to_csv(path, index=False)
    got = fstore("drift", "g", "--baseline", "b", path, statuses=(0, 1)).set_index("name")
    for name in NUMBERS:
        x, y = before[name].dropna().astype(float), after[name].dropna().astype(float)
        exact = stats.ks_2samp(x, y).statistic
        low, high = got.ks[name], got.ks[name] + got.ks_error[name]
        ok(low - 1e-12 <= exact <= high + 1e-12, f"{name} by {shift}: KS {exact:.4f} is from {low:.4f} to {high:.4f}")
        close(got.psi[name], psi(tenths(baseline[name], before[name]), tenths(baseline[name], after[name])), f"{name} by {shift}: PSI")
        close(got.mean_after[name], y.mean(), f"{name} by {shift}: mean")
    for name in "city", "many", "flag":
        x, y = before[name], after[name]
        close(got.psi[name], psi(frequent(baseline[name], x), frequent(baseline[name], y)), f"{name} by {shift}: PSI")
        fresh = (~y.dropna().isin(x.dropna().unique())).mean()
        close(got.new_share[name], fresh, f"{name} by {shift}: new values")
    close(got.missing_after, after[got.index].isna().mean(), f"by {shift}: missing")
    drifted = set(got.index[got.verdict == "drift"])
    ok(drifted == set() if shift == 0 else {"normal"} <= drifted if shift == 1 else True, f"by {shift}: {drifted or 'nothing'} drifts")
done()
