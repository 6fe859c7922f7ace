"""fstore join beside pandas.merge_asof, on times without ties."""
import os
import subprocess
import tempfile

from oracle import BIN, done, from_csv, np, ok, pd

FSTORE = os.path.abspath(os.path.join(os.path.dirname(BIN), "fstore"))
rng = np.random.default_rng(11)
ids = np.array([f"user_{i}" for i in range(40)] + ["a", "an id of more than 16 bytes"])


def rows(n, column, values):
    """n rows with an id each and times of which no two are the same."""
    return pd.DataFrame({"id": rng.choice(ids, n), "t": rng.permutation(n * 3)[:n] + 1_600_000_000,
                         column: values})


def fstore(*args, folder, **options):
    """The bytes fstore writes; its message ends the test when it fails."""
    done_ = subprocess.run([FSTORE, *args], cwd=folder, capture_output=True, **options)
    if done_.returncode != 0:
        raise RuntimeError(f"fstore {' '.join(args)}: {done_.returncode}: {done_.stderr.decode()}")
    return done_.stdout


def asof(labels, features, name, **options):
    """What pandas says, in the labels' order."""
    left = labels.assign(row=range(len(labels))).sort_values("t")
    right = features.sort_values("t").rename(columns={"v": f"{name}__v"})
    return (pd.merge_asof(left, right, on="t", by="id", **options).sort_values("row")
            .drop(columns="row").reset_index(drop=True))


def check(got, want, name):
    got = got.reset_index(drop=True)
    equal = list(got.columns) == list(want.columns) and len(got) == len(want)
    ok(equal and all((got[c].isna() == want[c].isna()).all()
                     and (got[c].dropna() == want[c].dropna()).all() for c in got), name)


features, labels = rows(30_000, "v", rng.integers(0, 10**6, 30_000)), rows(8_000, "y", 1)
kinds = [([], {}), (["--strict"], {"allow_exact_matches": False}),
         (["--lookback", "200s"], {"tolerance": 200})]
with tempfile.TemporaryDirectory() as folder:
    features.to_csv(f"{folder}/f.csv", index=False)
    labels.to_csv(f"{folder}/l.csv", index=False)
    how = ["--home", "home", "join", "--labels", "l.csv", "--time", "t", "--time-unit", "s"]
    fstore("--home", "home", "create", "g", "--id", "id", "--time", "t", "--time-unit", "s",
           "--online", "none", folder=folder)
    fstore("--home", "home", "ingest", "g", "f.csv", "--durable", "none", folder=folder)
    for words, options in kinds:
        kind = " ".join(words) or "at or before"
        got = from_csv(fstore(*how, "--id", "id", *words, "./f.csv", folder=folder))
        check(got, asof(labels, features, "f", **options), f"a file, {kind}, equals merge_asof")
        got = from_csv(fstore(*how, *words, "g", folder=folder))
        check(got, asof(labels, features, "g", **options), f"a group, {kind}, equals merge_asof")
done()
