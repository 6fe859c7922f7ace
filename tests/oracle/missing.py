"""Missing values against pandas and scikit-learn. Tolerance 1e-9."""
import numpy as np
import pandas as pd
from sklearn import datasets, impute, linear_model

from oracle import close, done, fit_apply, ok, run, same

random = np.random.default_rng(5)
full = datasets.load_wine(as_frame=True).data.iloc[:, :6].set_axis(list("abcdef"), axis=1)
gaps = full.mask(random.random(full.shape) < 0.1)
train, test = gaps.iloc[::2], gaps.iloc[1::2]

for strategy, word in [("mean", "mean"), ("median", "median"), ("most_frequent", "mode")]:
    oracle = impute.SimpleImputer(strategy=strategy)
    close(run(f"impute a..f with={word}", gaps), oracle.fit_transform(gaps),
          f"impute {word} equals SimpleImputer {strategy}")
    close(fit_apply(f"impute a..f with={word}", train, test), oracle.fit(train).transform(test),
          f"impute {word} of new data")

close(run("impute a..f with=end_tail", gaps), gaps.fillna(gaps.mean() + 3 * gaps.std(ddof=0)),
      "impute end_tail equals mean + 3 deviations")
quartiles = gaps.quantile([0.25, 0.75])
low = quartiles.loc[0.25] - 2 * (quartiles.loc[0.75] - quartiles.loc[0.25])
close(run("impute a..f with=end_tail spread=iqr tail=left fold=2", gaps), gaps.fillna(low),
      "impute end_tail iqr equals quartile - 2 ranges")

for count in [1, 5]:
    oracle = impute.KNNImputer(n_neighbors=count)
    close(run(f"impute a..f with=knn neighbours={count}", gaps), oracle.fit_transform(gaps),
          f"impute knn {count} equals KNNImputer")
    close(fit_apply(f"impute a..f with=knn neighbours={count}", train, test),
          oracle.fit(train).transform(test), f"impute knn {count} of new data")

known = gaps.assign(b=full.b, c=full.c)
line = linear_model.LinearRegression().fit(known.dropna(subset=["a"])[["b", "c"]],
                                           known.a.dropna())
close(run("impute a with=regression from=b,c", known).a,
      known.a.fillna(pd.Series(line.predict(known[["b", "c"]]))),
      "impute regression equals LinearRegression")

groups = gaps.assign(g=random.choice(["x", "y", "z"], len(gaps)))
want = groups.groupby("g")[["a", "b"]].transform(lambda column: column.fillna(column.mean()))
close(run("impute a,b with=group_mean by=g", groups)[["a", "b"]], want,
      "impute group_mean equals groupby transform")
drawn = run("impute a with=random_sample", gaps)
ok(drawn.a.notna().all() and set(drawn.a) <= set(gaps.a.dropna()),
   "impute random_sample draws values of the column")

close(run("forward_fill a..f", gaps), gaps.ffill(), "forward_fill equals ffill")
close(run("forward_fill a..f limit=1", gaps), gaps.ffill(limit=1), "forward_fill with a limit")
close(run("backward_fill a..f", gaps), gaps.bfill(), "backward_fill equals bfill")
close(run("backward_fill a..f limit=1", gaps), gaps.bfill(limit=1), "backward_fill with a limit")
close(run("forward_fill a,b by=g", groups)[["a", "b"]], groups.groupby("g")[["a", "b"]].ffill(),
      "forward_fill by group")
close(run("backward_fill a,b by=g", groups)[["a", "b"]], groups.groupby("g")[["a", "b"]].bfill(),
      "backward_fill by group")
close(run("interpolate a..f", gaps), gaps.interpolate(limit_area="inside"),
      "interpolate equals interpolate inside")
times = pd.to_datetime("2024-01-01") + pd.to_timedelta(np.cumsum(random.integers(1, 9, len(gaps))),
                                                       unit="h")
clock = gaps.set_index(pd.DatetimeIndex(times))
text = gaps.assign(t=[t.strftime("%Y-%m-%dT%H:%M:%SZ") for t in times])
close(run("interpolate a..f with=time order=t", text)[list("abcdef")],
      clock.interpolate("time", limit_area="inside"), "interpolate time equals interpolate time")

same(run("missing_indicator a..c", gaps).a_missing.astype(str).str.lower(),
     gaps.a.isna().astype(str).str.lower(), "missing_indicator equals isna")
close(run("missing_count a..f", gaps).missing_count, gaps.isna().sum(axis=1),
      "missing_count equals the sum of isna")
close(run("coalesce a,b,c into=z", gaps).z, gaps.a.combine_first(gaps.b).combine_first(gaps.c),
      "coalesce equals combine_first")
close(run("fill a..f value=-1", gaps), gaps.fillna(-1), "fill equals fillna")
holes = gaps.mask(random.random(gaps.shape) < [0, 0.2, 0.4, 0.6, 0.8, 0.99])
same(run("drop_columns_by_missing @all above=0.5", holes).columns,
     holes.columns[holes.isna().mean() <= 0.5], "drop_columns_by_missing drops by share")
done()
