"""fstore's aggregates over windows against pandas' rolling. Tolerance 1e-9."""
import os
import subprocess
import tempfile

import numpy as np
import pandas as pd

from oracle import BIN, close, done, from_csv, to_csv

FSTORE = os.path.join(os.path.dirname(BIN), "fstore")


def fstore(*args, stdin=b""):
    """The bytes fstore writes; its message ends the test when it fails."""
    run = subprocess.run([FSTORE, *args], input=stdin, capture_output=True)
    if run.returncode != 0:
        raise RuntimeError(f"fstore {' '.join(args)}: {run.returncode}: {run.stderr.decode()}")
    return run.stdout


rng = np.random.default_rng(5)
rows = 20000
frame = pd.DataFrame({
    "id": rng.integers(0, 60, rows),
    "at": np.cumsum(rng.integers(1, 9_000_000, rows)) + 1_700_000_000_000_000,  # no ties
    "k": rng.integers(-50, 50, rows).astype(float),
    "x": np.round(rng.normal(1000, 3, rows), 4),
})
frame.loc[rng.random(rows) < 0.1, "k"] = np.nan
frame.loc[rng.random(rows) < 0.1, "x"] = np.nan
table = frame.assign(k=frame["k"].astype("Int64"))

functions = ["count", "sum", "mean", "min", "max", "std", "last", "nunique"]
spans = {"1h": "1H", "90s": "90S", "1d": "1D"}
asked = [f"{f}_{c}_{s}={f}({c})@{s}" for f in functions for c in "kx" for s in spans]
with tempfile.TemporaryDirectory() as folder:
    home = f"--home={folder}"
    fstore(home, "create", "g", "--id", "id", "--time", "at", "--time-unit", "us",
           "--feature", "k:int,x:float", "--agg", ",".join(asked + ["n=count()@1h"]))
    fstore(home, "ingest", "g", "--batch", "777", stdin=to_csv(table))
    got = from_csv(fstore(home, "export", "g", "-t", "csv")).sort_values("at", ignore_index=True)

timed = frame.set_index(pd.to_datetime(frame["at"], unit="us")).assign(one=1)
newest = {"last": lambda v: v[~np.isnan(v)][-1] if not np.isnan(v).all() else np.nan,
          "nunique": lambda v: len(np.unique(v[~np.isnan(v)]))}


def wanted(column, span, function):
    """pandas' values in the order of the times."""
    rolling = timed.groupby("id")[column].rolling(span, closed="right")
    if function in newest:
        values = rolling.apply(newest[function], raw=True)
    else:
        values = getattr(rolling, function)()
    return values.reset_index(level=0, drop=True).sort_index().to_numpy()


close(got["n"], wanted("one", "1H", "count"), "count of records of 1h")
for function in functions:
    for column in "kx":
        for span, theirs in spans.items():
            want = wanted(column, theirs, function)
            if function == "nunique":
                want = np.nan_to_num(want)
            close(got[f"{function}_{column}_{span}"], want, f"{function} of {column}, {span}")
done()
