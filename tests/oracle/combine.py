"""Joins and their kin against pandas."""
import os
import tempfile

import numpy as np
import pandas as pd

from oracle import done, from_csv, ok, to_csv, wrangle

draw = np.random.default_rng(6)
folder = tempfile.TemporaryDirectory()


def side(frame, name="side.csv"):
    path = os.path.join(folder.name, name)
    frame.to_csv(path, index=False)
    return path


def run(program, frame, *options):
    return from_csv(wrangle(*options, program, stdin=to_csv(frame)))


def equal(got, want, name):
    """Same columns, rows and order; numbers to the last bit."""
    want = from_csv(to_csv(want))
    try:
        pd.testing.assert_frame_equal(got, want, check_dtype=False, check_exact=True)
        ok(True, name)
    except AssertionError as problem:
        ok(False, name)
        print("# " + str(problem).replace("\n", "\n# "))


left = pd.DataFrame({"row": range(3000), "k": draw.integers(0, 400, 3000), "t": draw.choice(list("abc"), 3000)})
left["v"] = draw.integers(0, 9, 3000)
right = pd.DataFrame({"k": draw.integers(200, 600, 500), "t": draw.choice(list("abc"), 500)})
right["v"] = np.round(draw.normal(size=500), 3)
right["w"] = np.arange(500)
path = side(right)


def by_left_row(merged):
    """pandas' inner merge orders rows by key; ours keeps their order."""
    return merged.sort_values(["row", "w"]).reset_index(drop=True)


for how in ["inner", "left"]:
    want = by_left_row(left.merge(right, on=["k", "t"], how=how, suffixes=("", "_right")))
    for options in ((), ("--jobs", "4")):
        equal(run(f"join {path} on=k,t how={how}", left, *options), want, f"join how={how} equals pandas merge")
    want = left.merge(right.rename(columns={"k": "kk"}), left_on="k", right_on="kk", how=how, suffixes=("", "_right"))
    want = by_left_row(want)
    renamed = side(right.rename(columns={"k": "kk"}), "renamed.csv")
    equal(run(f"join {renamed} on=k=kk how={how}", left), want.drop(columns="kk"), f"join k=kk how={how}")
for how, merged in [("right", "right"), ("full", "outer")]:
    want = left.merge(right, on=["k", "t"], how=merged, suffixes=("", "_right")).sort_values(["row", "w"])
    got = run(f"join {path} on=k,t how={how}", left).sort_values(["row", "w"])
    equal(got.reset_index(drop=True), want.reset_index(drop=True), f"join how={how} has the rows of pandas merge")
keys = set(map(tuple, right[["k", "t"]].to_numpy()))
has = left.apply(lambda r: (r.k, r.t) in keys, axis=1)
equal(run(f"join {path} on=k,t how=semi", left), left[has].reset_index(drop=True), "join how=semi")
equal(run(f"join {path} on=k,t how=anti", left), left[~has].reset_index(drop=True), "join how=anti")
few = left.head(60)
want = few.merge(right, how="cross", suffixes=("", "_right"))
equal(run(f"join {path} how=cross", few), want, "join how=cross equals pandas merge")
numbers = side(pd.DataFrame({"x": ["1.0", "2.50", "7"], "y": [1, 2, 3]}), "numbers.csv")
got = wrangle(f"join {numbers} on=x", stdin=b"x\n1\n2.5\n7.0\n")
ok(got == b"x,y\n1,1\n2.5,2\n7.0,3\n", "number keys compare as numbers")

quotes = pd.DataFrame({"g": draw.choice(list("abc"), 800), "at": np.sort(draw.integers(0, 5000, 800)), "price": range(800)})
trades = pd.DataFrame({"g": draw.choice(list("abcd"), 900), "at": np.sort(draw.integers(-50, 5050, 900)), "n": range(900)})
path = side(quotes, "quotes.csv")
for direction in ["backward", "forward", "nearest"]:
    for tolerance in [None, 9]:
        for exact in [True, False]:
            want = pd.merge_asof(trades, quotes, on="at", by="g", direction=direction, tolerance=tolerance, allow_exact_matches=exact)
            limit = "" if tolerance is None else f" tolerance={tolerance}"
            program = f"join_asof {path} on=at by=g direction={direction} exact={str(exact).lower()}{limit}"
            equal(run(program, trades), want, f"join_asof {direction} tolerance {tolerance} exact {exact}")
times = [frame.assign(at=pd.to_datetime(frame["at"], unit="s", utc=True)) for frame in (trades, quotes)]
texts = [frame.assign(at=frame["at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ")) for frame in times]
want = pd.merge_asof(times[0], times[1], on="at", by="g", tolerance=pd.Timedelta("9s")).assign(at=texts[0]["at"])
equal(run(f"join_asof {side(texts[1], 'times.csv')} on=at by=g tolerance=9s", texts[0]), want, "join_asof on times")

bands = pd.DataFrame({"low": draw.integers(0, 900, 300)})
bands["high"] = bands["low"] + draw.integers(0, 60, 300)
bands["band"] = range(300)
points = pd.DataFrame({"p": draw.integers(-20, 1000, 700), "n": range(700)})
both = points.merge(bands, how="cross")
path = side(bands, "bands.csv")
for closed, inside in [("both", (both.low <= both.p) & (both.p <= both.high)), ("left", (both.low <= both.p) & (both.p < both.high))]:
    want = both[inside].reset_index(drop=True)
    equal(run(f"join_range {path} value=p low=low high=high closed={closed}", points), want, f"join_range closed={closed}")

a = pd.DataFrame({"x": draw.integers(0, 30, 200), "y": draw.choice(list("pq"), 200)})
b = pd.DataFrame({"y": draw.choice(list("pqr"), 40), "x": draw.integers(10, 50, 40)})
path = side(b, "set.csv")
known = set(map(tuple, b[["x", "y"]].to_numpy()))
common = a.apply(lambda r: (r.x, r.y) in known, axis=1)
equal(run(f"intersect {path}", a), a[common].drop_duplicates().reset_index(drop=True), "intersect")
equal(run(f"except {path}", a), a[~common].drop_duplicates().reset_index(drop=True), "except")
equal(run(f"except {path} all=true", a), a[~common].reset_index(drop=True), "except all=true")
c = pd.DataFrame({"y": ["p", "q"], "z": [1, 2]})
want = pd.concat([a, c], ignore_index=True)
equal(run(f"concat_rows {side(c, 'more.csv')}", a), want, "concat_rows equals pandas concat")
want = pd.concat([a, right.head(200)[["w"]]], axis=1)
equal(run(f"concat_columns {side(right.head(200)[['w']], 'columns.csv')}", a), want, "concat_columns equals pandas concat")
x, y = a.sort_values(["x", "y"], kind="stable"), b[["x", "y"]].sort_values(["x", "y"], kind="stable")
want = pd.concat([x, y]).sort_values(["x", "y"], kind="stable").reset_index(drop=True)
equal(run(f"merge_sorted {side(y, 'sorted.csv')} on=x,y", x), want, "merge_sorted")
old = pd.DataFrame({"id": range(50), "v": range(50), "u": list("ab") * 25})
new = pd.DataFrame({"id": range(10, 60), "v": np.where(np.arange(10, 60) % 7 == 0, -1.0, np.arange(10, 60))})
new.loc[new.id % 11 == 0, "v"] = np.nan
want = old.set_index("id")
want.update(new.set_index("id"))
equal(run(f"update_lookup {side(new, 'new.csv')} on=id", old), want.reset_index()[["id", "v", "u"]], "update_lookup equals pandas update")
got = run(f"diff_datasets {side(new, 'new.csv')} on=id", old)
kinds = got["change"].value_counts().to_dict()
differ = int((new[new.id < 50]["v"].fillna(-2) != old[old.id >= 10]["v"].to_numpy()).sum())
ok(kinds == {"removed": 10, "added": 10, "changed": differ}, "diff_datasets counts what became of rows")


def edits(a, b):
    """Levenshtein's distance by its recursion."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        last, row[0] = row[0], i + 1
        for j, y in enumerate(b):
            last, row[j + 1] = row[j + 1], min(row[j + 1] + 1, row[j] + 1, last + (x != y))
    return row[-1]


def likest(name, group, known, least):
    """The first row of the file with the largest similarity."""
    scores = [1 - edits(name, k.name_known) / max(len(name), len(k.name_known)) if k.g == group else -1
              for k in known.itertuples()]
    best = int(np.argmax(scores))
    return best if scores[best] >= least else None


known = pd.DataFrame({"name_known": ["".join(draw.choice(list("abé"), draw.integers(2, 8))) for _ in range(60)]})
known["g"], known["n"] = draw.choice(list("uv"), 60), range(60)
typed = pd.DataFrame({"name": ["".join(draw.choice(list("abé"), draw.integers(2, 8))) for _ in range(300)]})
typed["g"] = draw.choice(list("uvw"), 300)
path = side(known, "known.csv")
want = [likest(t.name, t.g, known, 0.6) for t in typed.itertuples()]
got = run(f"join_fuzzy {path} on=name=name_known by=g with=levenshtein min=0.6", typed)["n"]
ok([None if np.isnan(n) else int(n) for n in got] == want, "join_fuzzy takes the least share of edits")
got = run(f"join_fuzzy {path} on=name=name_known by=g with=levenshtein min=0.6 how=inner", typed, "--jobs", "4")
ok(got["n"].astype(int).tolist() == [n for n in want if n is not None], "join_fuzzy how=inner")
done()
