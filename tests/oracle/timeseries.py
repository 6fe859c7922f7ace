"""Time series steps against pandas, numpy and scipy. Tolerance 1e-9."""
import numpy as np
import pandas as pd
from scipy import stats

from oracle import close, done, ok, run, same

rng = np.random.default_rng(11)
series = []
for name, length in (("a", 400), ("b", 37), ("c", 1), ("d", 2500)):
    hours = np.cumsum(rng.integers(1, 20, length))
    series.append(pd.DataFrame({
        "g": name, "t": pd.Timestamp("2001-01-01", tz="UTC") + pd.to_timedelta(hours, "h"),
        "x": np.round(rng.normal(3, 2, length), 3), "y": rng.integers(0, 9, length).astype(float)}))
frame = pd.concat(series, ignore_index=True)
frame.loc[rng.random(len(frame)) < 0.05, "y"] = np.nan
table = frame.assign(t=frame["t"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
by = frame.groupby("g")

got = run("ts_lag_features x,y lags=1,7 by=g order=t", table)
for column in "xy":
    for lag in (1, 7):
        close(got[f"{column}_lag{lag}"], by[column].shift(lag), f"lag {lag} of {column}")
got = run("ts_rolling_features y windows=3,10 stats=mean,std,max,count by=g", table)
for window in (3, 10):
    for name in ("mean", "std", "max"):
        want = by["y"].transform(
            lambda s: getattr(s.shift(1).rolling(window, min_periods=1), name)())
        close(got[f"y_{name}{window}"], want, f"rolling {name} of {window}")
close(run("ts_difference x times=3 by=g", table)["x_d3"],
      by["x"].transform(lambda s: s.diff().diff().diff()), "third difference")
close(run("ts_seasonal_difference x period=24 by=g", table)["x_seasonal24"], by["x"].diff(24),
      "seasonal difference")

for every, rule in (("day", "D"), ("6h", "6H"), ("month", "MS"), ("90m", "90min")):
    for agg in ("mean", "sum", "min", "max", "first", "last", "count", "median", "std"):
        want = getattr(frame.set_index("t").groupby("g")[["x", "y"]].resample(rule, origin="epoch"), agg)()
        got = run(f"ts_resample x,y every={every} agg={agg} by=g order=t", table)
        close(got[["x", "y"]], want[["x", "y"]], f"resample by {every}, {agg}")
        if agg == "mean":
            same(got["t"], want.index.get_level_values("t").strftime("%Y-%m-%dT%H:%M:%SZ"),
                 f"times of {every}")
one = frame[frame["g"] == "a"].set_index("t")["x"]
grid = pd.date_range(one.index[0].ceil("H"), one.index[-1].floor("H"), freq="H")
got = run("ts_resample x every=hour to=up order=t", table[table["g"] == "a"])
axis = lambda index: index.astype("int64").to_numpy(dtype=float)
close(got["x"], np.interp(axis(grid), axis(one.index), one), "resample up, linear")
got = run("ts_resample x every=hour to=up fill=forward order=t", table[table["g"] == "a"])
close(got["x"], one.reindex(grid, method="ffill"), "resample up, forward")

features = run("ts_features x with=all by=g", table).set_index("g")
definitions = {
    "sum": np.sum, "median": np.median, "mean": np.mean, "length": len, "std": np.std,
    "variance": np.var, "max": np.max, "min": np.min, "rms": lambda x: np.sqrt(np.mean(x**2)),
    "absolute_max": lambda x: np.abs(x).max(), "first": lambda x: x[0], "last": lambda x: x[-1],
    "abs_energy": lambda x: np.dot(x, x), "absolute_changes": lambda x: np.abs(np.diff(x)).sum(),
    "mean_abs_change": lambda x: np.abs(np.diff(x)).mean(), "mean_change": lambda x: np.diff(x).mean(),
    "complexity": lambda x: np.sqrt(np.sum(np.diff(x)**2)),
    "skewness": lambda x: pd.Series(x).skew(), "kurtosis": lambda x: pd.Series(x).kurt(),
    "slope": lambda x: stats.linregress(np.arange(len(x)), x).slope,
    "count_above_mean": lambda x: (x > x.mean()).sum(),
    "count_below_mean": lambda x: (x < x.mean()).sum(),
    "first_of_max": lambda x: np.argmax(x) / len(x), "first_of_min": lambda x: np.argmin(x) / len(x),
    "quantile25": lambda x: np.quantile(x, 0.25), "quantile75": lambda x: np.quantile(x, 0.75),
}
for name, definition in definitions.items():
    for group in "abd":
        want = definition(frame.loc[frame["g"] == group, "x"].to_numpy())
        close([features.loc[group, f"x_{name}"]], [want], f"feature {name} of {group}")
acf = run("ts_autocorr x lags=10 by=g", table).set_index("g")
fft = {part: run(f"ts_fft x count=6 part={part} by=g", table).set_index("g")
       for part in ("abs", "real", "imag")}
for group in "abd":
    x = frame.loc[frame["g"] == group, "x"].to_numpy()
    c = x - x.mean()
    close(acf.loc[group], [np.dot(c[k:], c[:-k]) / np.dot(c, c) for k in range(1, 11)],
          f"autocorrelations of {group}")
    want = np.fft.rfft(x)[:6]
    for part, value in (("abs", np.abs(want)), ("real", want.real), ("imag", want.imag)):
        close(fft[part].loc[group], value, f"fft {part} of {group}", 1e-8)
try:
    run("ts_features x by=g", pd.DataFrame({"g": list("aba"), "x": [1, 2, 3]}))
    ok(False, "a series in two pieces is an error")
except RuntimeError as problem:
    ok("stand together" in str(problem), "a series in two pieces is an error")
done()
