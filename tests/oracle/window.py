"""Window steps against pandas. Tolerance 1e-9."""
import numpy as np
import pandas as pd

from oracle import close, done, run, same

rng = np.random.default_rng(3)
n = 3000
frame = pd.DataFrame({
    "t": np.arange(n),
    "g": rng.choice(["a", "b", "c"], n),
    "x": np.round(rng.normal(0, 10, n), 3),
    "w": rng.choice(["one", "two", ""], n),
})
frame.loc[rng.random(n) < 0.1, "x"] = np.nan
frame["w"] = frame["w"].replace("", np.nan)
by = frame.groupby("g")["x"]


def each(function):
    """A function of a group's series, in the order of the rows."""
    return by.transform(function)


for k in (1, 3):
    close(run(f"lag x k={k} by=g order=t", frame)[f"x_lag{k}"], by.shift(k), f"lag {k}")
    close(run(f"lead x k={k} by=g order=t", frame)[f"x_lead{k}"], by.shift(-k), f"lead {k}")
    close(run(f"difference x k={k} by=g", frame)[f"x_diff{k}"], by.diff(k), f"difference {k}")
    want = each(lambda s: s.pct_change(k, fill_method=None)).replace([np.inf, -np.inf], np.nan)
    close(run(f"pct_change x k={k} by=g", frame)[f"x_pct{k}"], want, f"pct_change {k}")
same(run("lag w by=g", frame)["w_lag1"], frame.groupby("g")["w"].shift(1), "lag of text")
same(run("lead w", frame)["w_lead1"], frame["w"].shift(-1), "lead of text")

for name in ("sum", "prod", "max", "min"):
    scaled = frame.assign(x=frame["x"] / 10) if name == "prod" else frame
    want = getattr(scaled.groupby("g")["x"], f"cum{name}")()
    close(run(f"cum{name} x by=g", scaled)[f"x_cum{name}"], want, f"cumulative {name}")

rollings = {
    "mean": {}, "sum": {}, "min": {}, "max": {}, "std": {}, "var": {}, "median": {}, "skew": {},
}
for window in (1, 7, 50):
    for name in rollings:
        if name == "skew" and window < 3:
            continue
        for least in (1, window):
            want = each(lambda s: getattr(s.rolling(window, min_periods=least), name)())
            got = run(f"rolling x with={name} window={window} min_rows={least} by=g order=t", frame)
            close(got[f"x_{name}{window}"], want, f"rolling {name} of {window}, at least {least}", 1e-8)
        want = each(lambda s: getattr(s.shift(1).rolling(window, min_periods=1), name)())
        got = run(f"rolling x with={name} window={window} current=false by=g", frame)
        close(got[f"x_{name}{window}"], want, f"rolling {name} of {window} before the row", 1e-8)
for q in (0, 0.1, 0.9):
    want = each(lambda s: s.rolling(20, min_periods=1).quantile(q))
    got = run(f"rolling x with=quantile q={q} window=20 by=g", frame)
    close(got["x_quantile20"], want, f"rolling quantile {q}")

stamped = frame.assign(t=pd.Timestamp("2001-01-01", tz="UTC") + pd.to_timedelta(
    np.cumsum(rng.integers(0, 4, n)), "h"))
text = stamped.assign(t=stamped["t"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
for closed, current in (("right", "true"), ("left", "false")):
    for name in ("sum", "max", "median", "count"):
        rolling = stamped.rolling("12h", on="t", closed=closed, min_periods=1)["x"]
        want = getattr(rolling, name)()
        want = want.fillna(0) if name == "count" else want
        got = run(f"rolling x with={name} window=12h order=t current={current}", text)
        close(got[f"x_{name}12h"], want, f"rolling {name} of 12 hours, closed {closed}")

for options, words in (({"alpha": 0.3}, "alpha=0.3"), ({"span": 5}, "span=5"),
                       ({"halflife": 4}, "halflife=4")):
    for adjust in (True, False):
        for ignore in (True, False):
            for name in ("mean", "var"):
                program = (f"ewm x with={name} {words} adjust={str(adjust).lower()} "
                           f"ignore_missing={str(ignore).lower()} by=g")
                want = each(lambda s: getattr(
                    s.ewm(**options, adjust=adjust, ignore_na=ignore), name)())
                close(run(program, frame)[f"x_ewm_{name}"], want, program)

close(run("fraction_of_total x", frame)["x_fraction"], frame["x"] / frame["x"].sum(),
      "fraction_of_total")
close(run("expanding x by=g", frame)["x_expanding_mean"], each(lambda s: s.expanding().mean()),
      "expanding mean")
close(run("expanding x with=std by=g", frame)["x_expanding_std"],
      each(lambda s: s.expanding().std()), "expanding std")
close(run("expanding x current=false by=g", frame)["x_expanding_mean"],
      each(lambda s: s.shift(1).expanding().mean()), "expanding mean before the row")

gaps = stamped.groupby("g")["t"].diff() > pd.Timedelta("5h")
close(run("session_id t gap=5h by=g", text)["session_id"],
      gaps.groupby(stamped["g"]).cumsum() + 1, "session_id")

drift = pd.DataFrame({"x": [1e16, 1.0, 1.0, 1.0, -1e16, 0.1, 0.2, 0.3]})
close(run("rolling x with=sum window=3", drift)["x_sum3"][5:], [-1e16, -1e16, 0.6],
      "rolling sums do not drift", 1e-15)
done()
