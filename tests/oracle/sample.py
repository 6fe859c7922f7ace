"""Sampling, balancing and splitting: properties, and scikit-learn where it does the same."""
import os
import subprocess
import tempfile

import numpy as np
import pandas as pd
from scipy import stats
from sklearn import model_selection, neighbors
from sklearn.utils import class_weight

from oracle import BIN, close, done, fit_apply, ok, run, same, to_csv, wrangle

random = np.random.default_rng(3)
N = 5000
frame = pd.DataFrame({
    "id": np.arange(N),
    "key": random.integers(0, 400, N),
    "c": random.choice(["a", "b", "rare"], N, p=[.7, .28, .02]),
    "w": random.choice([0, 1, 5], N),
    "t": (pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 60, N), unit="h"))
    .strftime("%Y-%m-%dT%H:%M:%SZ"),
    "x": np.round(random.normal(size=N), 6), "v": np.round(random.normal(size=N), 6),
})
hours = pd.to_datetime(frame.t).astype("int64")
data = to_csv(frame)
rows = data.splitlines(keepends=True)


def ordered_part(program):
    """The output holds rows of the input, each at most once, byte for byte and in their order."""
    out = wrangle(program, stdin=data).splitlines(keepends=True)
    places = [int(line.split(b",")[0]) for line in out[1:]]
    return (out[0] == rows[0] and places == sorted(set(places)) and
            all(rows[p + 1] == line for p, line in zip(places, out[1:])))


def with_chunk(size, *args):
    return subprocess.run([BIN, *args], input=data, capture_output=True, check=True,
                          env={**os.environ, "ML_CHUNK": size}).stdout


for program in ["sample_bernoulli fraction=0.2", "sample n=300", "sample fraction=0.3 seed=9",
                "sample_cluster fraction=0.3 by=key", "sample_systematic every=7", "decimate n=9",
                "decimate n=9 by=c keep=first", "sample_weighted n=200 weight=w",
                "sample_stratified n=20 by=c", "sample_stratified fraction=0.1 by=c",
                "undersample_random c", "tomek_links c columns=x,v sample=150"]:
    ok(ordered_part(program), f"{program}: rows as they were, in order")
for program in ["sample n=300", "sample_stratified n=20 by=c", "sample_weighted n=50 weight=w",
                "sample_cluster fraction=0.3 by=key", "bootstrap", "oversample_random c", "undersample_random c",
                "smote c columns=x,v", "smote_nc c columns=x,v,key,w", "adasyn c columns=x,v sample=200",
                "split train=0.8 test=0.2", "split a=0.5 b=0.3 c=0.2 stratify=c",
                "split a=0.7 b=0.3 by_time=t", "split a=0.7 b=0.3 how=ordered", "fold",
                "fold how=stratified by=c", "fold how=timeseries", "tomek_links c columns=x,v sample=150"]:
    whole = wrangle(program, stdin=data)
    ok(wrangle("-j4", program, stdin=data) == whole and with_chunk("1", "-j4", program) == whole and
       with_chunk("100", program) == whole, f"{program}: the same for any jobs and chunks")

# ---- how many, and how likely

ok(len(run("sample n=300", frame)) == 300 and len(run("sample n=9999", frame)) == N and
   len(run("sample n=0", frame)) == 0, "sample n= draws exactly n rows, or all")
ok(not run("sample n=300 seed=1", frame).id.equals(run("sample n=300 seed=2", frame).id),
   "another seed draws another sample")
same(run("sample n=100", frame).id, [i for i in run("sample n=300", frame).id
                                     if i in set(run("sample n=100", frame).id)],
     "a smaller sample is part of a larger one")
ok(abs(len(run("sample_bernoulli fraction=0.2", frame)) - .2 * N) < 5 * np.sqrt(N * .16),
   "sample_bernoulli draws about its share")
drawn = np.zeros(20)
for seed in range(300):
    for i in run(f"sample n=5 seed={seed}", frame.iloc[:20]).id:
        drawn[i] += 1
ok(stats.chisquare(drawn).pvalue > 1e-3, "sample n= draws every row as often")
small = pd.DataFrame({"id": range(3), "w": [1, 2, 5]})
first = [int(run(f"sample_weighted n=1 weight=w seed={s}", small).id[0]) for s in range(800)]
ok(stats.chisquare(np.bincount(first, minlength=3), [100, 200, 500]).pvalue > 1e-3,
   "sample_weighted draws by weight")
ok((run("sample_weighted n=4000 weight=w", frame).w > 0).all(), "sample_weighted leaves weight 0 out")
picked = run("sample_cluster fraction=0.3 by=key", frame)
ok(picked.groupby("key").size().equals(frame[frame.key.isin(picked.key)].groupby("key").size()) and
   .2 < picked.key.nunique() / 400 < .4, "sample_cluster draws whole keys")
ok((run("sample_stratified n=20 by=c", frame).groupby("c").size() == 20).all(),
   "sample_stratified n= draws n of each")
part, all_rows = run("sample_stratified fraction=0.1 by=c", frame).groupby("c").size(), frame.groupby("c").size()
ok((part - all_rows * .1).abs().max() < 1, "sample_stratified fraction= is exact to a row")
same(run("decimate n=9 by=c", frame).id,
     frame[frame.groupby("c").cumcount() % 9 == 8].id, "decimate by= keeps the last of each nine")
step = np.diff(run("sample_systematic every=7", frame).id)
ok((step == 7).all(), "sample_systematic draws every seventh row")
copies = np.bincount(run("bootstrap", frame).id, minlength=N)
ok(copies.sum() == N and abs((copies == 0).mean() - np.exp(-1)) < .03, "bootstrap draws N rows, e^-1 never")
poisson = np.bincount(run("bootstrap with=poisson", frame).id, minlength=N)
ok(stats.chisquare(np.bincount(np.minimum(poisson, 4), minlength=5),
                   np.append(stats.poisson.pmf(range(4), 1), stats.poisson.sf(3, 1)) * N).pvalue > 1e-3,
   "bootstrap with=poisson is Poisson")
ok(len(fit_apply("bootstrap", frame, frame)) == N and len(fit_apply("smote c columns=x,v", frame, frame)) == N and
   len(fit_apply("undersample_random c", frame, frame)) == N, "new data pass as they are")

# ---- classes

sizes = frame.c.value_counts()
ok((run("oversample_random c", frame).c.value_counts() == sizes.max()).all() and
   (run("undersample_random c", frame).c.value_counts() == sizes.min()).all(), "classes are equal in size")
repeated = run("oversample_random c", frame).groupby("c").id.value_counts()
ok(all(repeated[c].max() - repeated[c].min() <= 1 for c in sizes.index), "oversample_random repeats evenly")
kept = np.zeros(10)
for seed in range(300):
    for i in run(f"undersample_random c seed={seed}",
                 pd.DataFrame({"c": ["a"] * 10 + ["b"] * 3, "i": range(13)})).query("c == 'a'").i:
        kept[i] += 1
ok(stats.chisquare(kept).pvalue > 1e-3, "undersample_random keeps every row as often")
close(run("class_weights c", frame).class_weight,
      class_weight.compute_sample_weight("balanced", frame.c), "class_weights equals scikit-learn")


def nearest(rows, of):
    """Five nearest other rows."""
    index = neighbors.NearestNeighbors(n_neighbors=6).fit(rows)
    return index.kneighbors(of)[1][:, 1:]


minority = frame[frame.c == "rare"][["x", "v"]].to_numpy()
close_to = nearest(minority, minority)
made = run("smote c columns=x,v", frame)
fresh = made[made.id.isna() & (made.c == "rare")][["x", "v"]].to_numpy()


def on_a_line(point):
    for i, near in enumerate(close_to):
        for j in near:
            span, off = minority[j] - minority[i], point - minority[i]
            u = off @ span / (span @ span)
            if -1e-9 <= u <= 1 + 1e-9 and np.allclose(off, u * span, atol=1e-9):
                return True
    return False


ok((made.c.value_counts() == sizes.max()).all() and made.iloc[:N].equals(made.iloc[:N].assign(c=frame.c)),
   "smote makes classes equal, new rows behind the others")
ok(all(on_a_line(p) for p in fresh[:200]), "smote's rows lie between a row and one of its five nearest")
mixed = pd.DataFrame({"y": ["a"] * 50 + ["b"] * 9, "x": random.normal(size=59), "s": random.choice(["p", "q"], 59)})
new = run("smote_nc y k=3", mixed).iloc[59:]
ok(len(new) == 41 and set(new.s) <= {"p", "q"} and new.x.between(mixed.x[50:].min(), mixed.x[50:].max()).all(),
   "smote_nc makes numbers and texts")
two = frame[frame.c != "b"].reset_index(drop=True)
points, others = two[["x", "v"]].to_numpy(), (two.c != "rare").to_numpy()
hard = others[nearest(points, points)].mean(axis=1)[~others]
grown = run("adasyn c columns=x,v", two)
want = np.rint(hard / hard.sum() * (others.sum() - (~others).sum())).sum()
ok(len(grown) - len(two) == want, "adasyn makes as many rows as its weights say")
iris_like = frame.iloc[:400][["c", "x", "v"]]
index = neighbors.NearestNeighbors(n_neighbors=2).fit(iris_like[["x", "v"]].to_numpy())
closest = index.kneighbors(iris_like[["x", "v"]].to_numpy())[1][:, 1]
least = iris_like.c.value_counts().idxmin()
link = [closest[closest[i]] == i and iris_like.c[i] != iris_like.c[closest[i]] and iris_like.c[i] != least
        for i in range(400)]
same(run("tomek_links c", iris_like).x, iris_like.x[~np.array(link)], "tomek_links drops what its definition says")

# ---- parts

part = run("split train=0.8 test=0.2 by_time=t", frame)
cut = hours.quantile(.8)
same(part.split, np.where(hours <= cut, "train", "test"), "split by_time cuts at the quantile")
ok(abs((part.split == "train").mean() - .8) < .02, "split by_time: the earliest 80 %, ties together")
part = run("split a=0.6 b=0.3 c=0.1 by=key seed=4", frame.rename(columns={"c": "class"}))
ok((part.groupby("key").split.nunique() == 1).all() and abs((part.split == "a").mean() - .6) < .1,
   "split by= keeps keys together")
half = run("split a=0.6 b=0.3 c=0.1 by=key seed=4", frame.rename(columns={"c": "class"}).iloc[::2])
same(half.split, part.split.iloc[::2], "split by= does not depend on the other rows")
part = run("split a=0.5 b=0.3 d=0.2 stratify=c", frame)
counts = pd.crosstab(part.c, part.split)
ok((counts - np.outer(sizes[counts.index], [.5, .3, .2])).abs().max().max() <= 1, "split stratify= is exact to a row")
part = run("split a=0.75 b=0.25 how=ordered", frame)
same(part.split, ["a"] * 3750 + ["b"] * 1250, "split how=ordered cuts the stream")
part = run("fold k=4 how=timeseries", frame)
folds = model_selection.TimeSeriesSplit(4).split(frame)
ok(all((part.fold[test] == i + 1).all() and (part.fold[train] <= i).all()
       for i, (train, test) in enumerate(folds)), "fold how=timeseries equals TimeSeriesSplit")
spread = pd.crosstab(run("fold k=5 how=stratified by=c", frame).fold, frame.c)
ok((spread.max() - spread.min()).max() <= 1, "fold how=stratified gives every fold its share")
ok((run("fold k=5 how=group by=key", frame).groupby("key").fold.nunique() == 1).all(),
   "fold how=group keeps keys together")
with tempfile.TemporaryDirectory() as folder:
    wrangle(f"split train=0.8 test=0.2 by_time=t files={folder}/{{}}.csv.gz", stdin=data)
    parts = [pd.read_csv(f"{folder}/{p}.csv.gz") for p in ("train", "test")]
    ok(sorted(pd.concat(parts).id) == list(range(N)) and len(parts[0]) == (hours <= cut).sum(),
       "split files= writes the parts")
    out = wrangle(f"partition_by c files={folder}/c-", stdin=data)
    ok(out == rows[0] and all(open(f"{folder}/c-{c}.csv", "rb").read() == b"".join(
        [rows[0]] + [rows[i + 1] for i in frame.index[frame.c == c]]) for c in sizes.index),
       "partition_by writes the rows of each value, byte for byte")
same(fit_apply("split train=0.8 test=0.2 by_time=t", frame.iloc[:3000], frame.iloc[3000:]).split,
     np.where(hours[3000:] <= hours[:3000].quantile(.8), "train", "test"),
     "split by_time divides new data at the times learnt")
done()
