"""Numeric transforms against numpy, pandas and scikit-learn. Tolerance 1e-9."""
import numpy as np
import pandas as pd
from scipy import special
from sklearn import datasets, preprocessing

from oracle import close, done, fit_apply, ok, run, wrangle

rng = np.random.default_rng(7)
n = 2000
numbers = pd.DataFrame({
    "any": rng.normal(0, 100, n),
    "positive": rng.lognormal(0, 3, n),
    "share": rng.uniform(0.001, 0.999, n),
    "count": rng.integers(-50, 50, n).astype(float),
})
gaps = numbers.mask(rng.random(numbers.shape) < 0.05)


def cells(program, column, want, name):
    got = run(f"select {column} | {program}", gaps)
    close(got.iloc[:, -1], want(gaps[column].to_numpy()), name)


cells("log positive", "positive", np.log, "log")
cells("log positive base=7", "positive", lambda x: np.log(x) / np.log(7), "log to a base")
cells("log1p positive", "positive", np.log1p, "log1p")
cells("log10 positive", "positive", np.log10, "log10")
cells("log2 positive", "positive", np.log2, "log2")
cells("sqrt positive", "positive", np.sqrt, "sqrt")
cells("cbrt any", "any", np.cbrt, "cbrt")
cells("square any", "any", np.square, "square")
cells("reciprocal positive", "positive", np.reciprocal, "reciprocal")
cells("power positive exponent=0.3", "positive", lambda x: x ** 0.3, "power")
cells("arcsin_sqrt share", "share", lambda x: np.arcsin(np.sqrt(x)), "arcsin_sqrt")
cells("arcsinh any location=3 scale=20", "any", lambda x: np.arcsinh((x - 3) / 20), "arcsinh")
cells("logit share", "share", special.logit, "logit")
cells("sigmoid any", "any", special.expit, "sigmoid")
cells("abs any", "any", np.abs, "abs")
cells("sign count", "count", np.sign, "sign")
cells("clip any min=-20 max=30", "any", lambda x: np.clip(x, -20, 30), "clip")
cells("round any digits=1", "any", lambda x: np.round(x, 1), "round to a decimal place")
cells("round any digits=-1", "any", lambda x: np.round(x, -1), "round to tens")
halves = pd.DataFrame({"x": np.arange(-5, 6) / 2})
close(run("round x", halves).x, halves.x.round(), "round: ties to even, as pandas")
whole = gaps[["any"]].dropna()
close(run("binarize any threshold=3", whole),
      preprocessing.Binarizer(threshold=3).fit_transform(whole), "binarize equals Binarizer")

iris = datasets.load_iris(as_frame=True).data
iris.columns = ["a", "b", "c", "d"]
for degree in (2, 3):
    want = preprocessing.PolynomialFeatures(degree, include_bias=False).fit_transform(iris)
    close(run(f"polynomial @all degree={degree}", iris), want, f"polynomial of degree {degree}")
    want = preprocessing.PolynomialFeatures(degree, include_bias=False,
                                            interaction_only=True).fit_transform(iris)
    close(run(f"interactions @all degree={degree}", iris), want, f"interactions of degree {degree}")

hours = pd.DataFrame({"t": rng.uniform(0, 1000, 500)})
turn = 2 * np.pi * hours.t / 24
close(run("cyclical t period=24", hours), np.column_stack([np.sin(turn), np.cos(turn)]), "cyclical")
close(run("fourier_features t period=24 terms=2", hours),
      np.column_stack([np.sin(turn), np.cos(turn), np.sin(2 * turn), np.cos(2 * turn)]),
      "fourier_features")

some = gaps[["any", "share", "count"]]
for agg in ("mean", "min", "max", "std"):
    close(run(f"row_aggregate any,share,count agg={agg}", some).iloc[:, -1], some.agg(agg, axis=1),
          f"row_aggregate {agg} equals pandas")
for agg in ("sum", "prod"):
    close(run(f"row_aggregate any,share,count agg={agg}", some).iloc[:, -1],
          getattr(some, agg)(axis=1, min_count=1), f"row_aggregate {agg} equals pandas")

whole = numbers[["count", "positive"]]
for op, how in (("add", np.add), ("sub", np.subtract), ("mul", np.multiply), ("div", np.divide),
                ("mod", np.mod)):
    close(run(f"relative_features count to=positive op={op}", whole).iloc[:, -1],
          how(whole["count"], whole["positive"]), f"relative_features {op}")
close(run("relative_features positive to=share op=pow", numbers[["positive", "share"]]).iloc[:, -1],
      numbers.positive ** numbers.share, "relative_features pow")

train, test = gaps[["any", "positive"]].iloc[:1500], gaps[["any", "positive"]].iloc[1500:]
shift = abs(train["any"].min()) + 1
inside = test[(test["any"] > -shift) | test["any"].isna()]
close(fit_apply("log_shift any,positive", train, inside),
      np.column_stack([np.log(inside["any"] + shift), np.log(inside["positive"])]), "log_shift")
train, test = numbers[["any"]].iloc[:1500], numbers[["any"]].iloc[1500:]
for at in ("uniform", "quantile"):
    for knots, degree in ((5, 3), (4, 2), (7, 1)):
        spline = preprocessing.SplineTransformer(knots, degree, knots=at).fit(train)
        close(fit_apply(f"spline_basis any knots={knots} degree={degree} at={at}", train, test),
              spline.transform(test), f"spline_basis {at}, {knots} knots, degree {degree}")
spline = preprocessing.SplineTransformer(include_bias=False).fit(train)
close(fit_apply("spline_basis any bias=false", train, test), spline.transform(test),
      "spline_basis without bias")

ok(wrangle("--on-error=null", "log x", stdin=b"x\n0\n1\n") == b"x\n\n0\n",
   "outside the domain: missing with --on-error=null")
ok(wrangle("clip x min=0", stdin=b"x,y\n,a\n-1.5,b\n2.25,c\n") == b"x,y\n,a\n0,b\n2.25,c\n",
   "clip keeps missing cells")
done()
