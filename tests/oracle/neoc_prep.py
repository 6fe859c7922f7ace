"""neoc compile --prep: what raw rows become on their way to the model is what wrangle apply writes, to the last bit.

The model is a linear one of scikit-learn whose weights are the identity: it predicts its features."""
import os
import pickle
import tempfile

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression

from oracle import done, from_csv, neoc, ok, to_csv, wrangle

rng = np.random.default_rng(9)
folder = tempfile.TemporaryDirectory()
state, model, artefact, rows = (os.path.join(folder.name, name) for name in
                                ("state.json", "model.pkl", "model.tar.gz", "rows.csv"))
N = 400


def gaps(values, share=.12):
    return [None if rng.random() < share else value for value in values]


raw = pd.DataFrame({
    "id": np.arange(N),
    "age": gaps(rng.integers(0, 90, N).astype(str)),
    "fare": gaps(rng.choice(["0", "1e2", "007", "3.5", "-0.1", "1250e-2", "99999999999999999999"], N)),
    "x": gaps([repr(v) for v in rng.normal(size=N) * 10]),
    "y": [repr(v) for v in rng.lognormal(size=N)],
    "city": gaps(rng.choice(["Z\u00fcrich", "Bern", "New York, NY", "", ' the "O"', "PARIS", "paris"], N)),
    "plan": rng.choice(["basic", "plus", "Plus ", "x"], N),
    "seen": gaps([f"20{rng.integers(10, 26)}-{rng.integers(1, 13):02}-{rng.integers(1, 28):02}T{rng.integers(24):02}:15:00Z"
                  for _ in range(N)], .05),
    "late": rng.integers(0, 2, N)})
raw.to_csv(rows, index=False)


def identity(names):
    linear = LinearRegression()
    linear.coef_, linear.intercept_ = np.eye(len(names)), np.zeros(len(names))
    linear.n_features_in_, linear.feature_names_in_ = len(names), np.array(names, dtype=object)
    with open(model, "wb") as file:
        pickle.dump(linear, file)


def compare(program):
    """Rows whose features are all there: the product of a missing one with 0 is missing, too."""
    wrangle("fit", "-r", state, program + " | drop id,late", rows)
    want = from_csv(wrangle("apply", state, rows), float_precision="round_trip")
    texts = [name for name in want if want[name].dtype == object]
    if texts:
        raise ValueError(f"{program}: columns of text are left: {texts}")
    identity(list(want))
    neoc("compile", model, "--prep", state, "--target", "c", "--unverified", "-o", artefact)
    got = from_csv(neoc("run", artefact, rows), float_precision="round_trip")
    whole = want.notna().all(axis=1).to_numpy()
    good = np.array_equal(got.to_numpy()[whole], want.to_numpy(dtype=float)[whole])
    good = good and got[~whole].isna().all(axis=None) and whole.sum() > N / 4
    ok(bool(good), program)
    if not good:
        wrong = ~(got.to_numpy() == want.to_numpy(dtype=float)) & whole[:, None]
        print(f"# {whole.sum()} whole rows; wrong: {list(want.columns[wrong.any(axis=0)])}, rows {np.where(wrong.any(axis=1))[0][:5]}")


fill = "impute age,fare,x with=median"
rest = "drop city,plan,seen"
for program in [
        f"{fill} | {rest}",
        f"set per = fare / (age + 1), both = age * x - fare | {rest} | impute @numeric,-y with=mean",
        f"set big = if(x > 0 && age < 40, 1, 0), id2 = id % 7 | {fill} | {rest}",
        f"{fill} | scale age,x method=standard | scale fare,y method=minmax | {rest}",
        f"{fill} | scale age,y method=robust | clip x min=-5 max=5.5 | {rest}",
        f"onehot city max=4 | onehot plan | {fill} | drop seen",
        f"target_encode city,plan target=late | {fill} | impute city with=mean | drop seen",
        f"{fill} | bin age,y method=quantile bins=7 | bin x method=width bins=5 | {rest}",
        f"{fill} | log y | missing_indicator city | {rest}",
        f"{fill} | rename age=years x=moved | set twice = years + moved | {rest}",
        f"copy age=age_too | {fill} | ordinal plan | drop city,seen | fill age_too value=-7",
        f"{fill} | date_parts seen parts=month,day_of_week,weekend | drop city,plan | drop seen | impute @numeric with=mode",
        f"{fill} | date_cyclic seen parts=hour zone=Europe/Paris | drop city,plan,seen | impute @numeric with=median",
        f"{fill} | elapsed_since seen at=2024-01-01 unit=day into=days | {rest} | impute days with=mean",
        f"{fill} | polynomial age,x | unit_norm age,x,y | {rest}",
        f"{fill} | spline_basis x knots=4 | quantile_transform y | power_transform age | {rest}",
        f"{fill} | row_aggregate age,x,y agg=mean into=middle | relative_features age,x to=y op=div | {rest}",
        f"{fill} | outliers x fold=1.5 action=clip | pca age,x,y k=2 keep | {rest}",
        f"catboost_encode city,plan target=late | {fill} | impute city with=median | drop seen",
]:
    try:
        compare(program)
    except (RuntimeError, ValueError) as error:
        ok(False, program)
        print("#", error)
done()
