"""Scaling against scikit-learn. Tolerance 1e-9, where not said otherwise."""
import numpy as np
import pandas as pd
from scipy import stats
from sklearn import datasets, preprocessing

from oracle import close, done, fit_apply, run

cancer = datasets.load_breast_cancer(as_frame=True).data
cancer.columns = [name.replace(" ", "_") for name in cancer.columns]
gaps = cancer.mask(np.random.default_rng(1).random(cancer.shape) < 0.05)
train, test = gaps.iloc[:400], gaps.iloc[400:]


def against(program, scaler, name, frame=gaps, tolerance=1e-9):
    close(run(program, frame), scaler.fit_transform(frame), name, tolerance)


against("scale @numeric", preprocessing.StandardScaler(), "scale standard equals StandardScaler")
against("scale @numeric method=minmax", preprocessing.MinMaxScaler(),
        "scale minmax equals MinMaxScaler")
against("scale @numeric method=minmax low=-1 high=3",
        preprocessing.MinMaxScaler(feature_range=(-1, 3)), "scale minmax with a range")
against("scale @numeric method=maxabs", preprocessing.MaxAbsScaler(),
        "scale maxabs equals MaxAbsScaler")
against("scale @numeric method=robust", preprocessing.RobustScaler(),
        "scale robust equals RobustScaler")
against("scale @numeric method=robust lower=0.1 upper=0.9",
        preprocessing.RobustScaler(quantile_range=(10, 90)), "scale robust with other quantiles")
against("scale @numeric method=center", preprocessing.StandardScaler(with_std=False),
        "scale center equals StandardScaler without deviation")
close(run("scale @numeric method=mean_norm", gaps),
      (gaps - gaps.mean()) / (gaps.max() - gaps.min()), "scale mean_norm equals its definition")
close(run("scale @numeric method=decimal", gaps),
      gaps / 10.0 ** np.maximum(np.floor(np.log10(gaps.abs().max())) + 1, 0),
      "scale decimal equals its definition")
close(fit_apply("scale @numeric", train, test),
      preprocessing.StandardScaler().fit(train).transform(test), "scale learns from train alone")
constant = pd.DataFrame({"x": [3.0, 3.0, 3.0]})
for method, scaler in [("standard", preprocessing.StandardScaler()),
                       ("minmax", preprocessing.MinMaxScaler()),
                       ("robust", preprocessing.RobustScaler())]:
    against(f"scale x method={method}", scaler, f"scale {method} of a constant", constant)

# Without ties: among equal values scikit-learn's interpolated quantiles differ in the last bit, which
# decides which of them counts.
untied = cancer * (1 + 1e-3 * np.random.default_rng(2).random(cancer.shape))
for to in ["uniform", "normal"]:
    for quantiles in [1000, 20]:
        oracle = preprocessing.QuantileTransformer(n_quantiles=min(quantiles, len(gaps)),
                                                   output_distribution=to, subsample=10**9)
        # The tail's quantile 1 - 1e-7 is known to 1e-16, its normal score to 2e-10.
        want = oracle.fit_transform(untied)
        close(run(f"quantile_transform @numeric to={to} quantiles={quantiles}", untied), want,
              f"quantile_transform {to} {quantiles} equals QuantileTransformer", 1e-8)
oracle = preprocessing.QuantileTransformer(n_quantiles=300, subsample=10**9).fit(untied.iloc[:300])
close(fit_apply("quantile_transform @numeric quantiles=300", untied.iloc[:300], untied.iloc[300:]),
      oracle.transform(untied.iloc[300:]), "quantile_transform of new data")

ranks = (cancer.rank() - 0.5) / len(cancer)
close(run("rank_gauss @numeric", cancer), stats.norm.ppf(ranks),
      "rank_gauss equals normal quantiles of middle ranks")

# Lambda is found by search on both sides: the results agree to about 1e-6.
positive = cancer.loc[:, (cancer > 0).all()]
for method, frame in [("yeo-johnson", cancer), ("box-cox", positive)]:
    for standardize in [True, False]:
        oracle = preprocessing.PowerTransformer(method, standardize=standardize)
        got = run(f"power_transform @numeric with={method.replace('-', '_')} "
                  f"standardize={str(standardize).lower()}", frame)
        close(got, oracle.fit_transform(frame),
              f"power_transform {method} standardize={standardize} equals PowerTransformer "
              "(tolerance 1e-5)", 1e-5)

for norm in ["l1", "l2", "max"]:
    close(run(f"unit_norm @numeric with={norm}", cancer), preprocessing.normalize(cancer, norm),
          f"unit_norm {norm} equals normalize")
done()
