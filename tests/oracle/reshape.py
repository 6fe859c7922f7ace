"""Reshaping against pandas."""
import json
import os
import tempfile

import numpy as np
import pandas as pd

from oracle import done, fit_apply, from_csv, ok, run, to_csv, wrangle

draw = np.random.default_rng(7)


def equal(got, want, name):
    want = from_csv(to_csv(want))
    try:
        pd.testing.assert_frame_equal(got, want, check_dtype=False, check_exact=True)
        ok(True, name)
    except AssertionError as problem:
        ok(False, name)
        print("# " + str(problem).replace("\n", "\n# "))


wide = pd.DataFrame({"id": range(500), "a": draw.integers(0, 9, 500), "b": np.round(draw.normal(size=500), 3)})
wide["c"] = draw.integers(0, 99, 500)
wide.loc[draw.random(500) < 0.1, "b"] = np.nan
long = wide.melt("id", var_name="name", value_name="value")
long = long.sort_values("id", kind="stable").reset_index(drop=True)
equal(run("pivot_longer a..c", wide), long, "pivot_longer equals pandas melt, row by row")
equal(run("pivot_longer a..c drop_missing=true", wide), long.dropna().reset_index(drop=True), "pivot_longer drop_missing")
want = long.pivot(index="id", columns="name", values="value").reset_index()
want.columns.name = None
shuffled = long.sample(frac=1, random_state=1)
got = run("pivot_wider name value", shuffled).sort_values("id").reset_index(drop=True)
equal(got, want, "pivot_wider equals pandas pivot")
part = long[long["name"] != "c"]
got = fit_apply("pivot_wider name value", long, part)
ok(list(got.columns) == ["id", "a", "b", "c"] and got["c"].isna().all(), "pivot_wider keeps the columns of the fit")
numbers = pd.DataFrame({"id": [1] * 3, "n": [10, 9, 100], "v": [1, 2, 3]})
ok(list(run("pivot_wider n v", numbers).columns) == ["id", "9", "10", "100"], "pivot_wider sorts numbers as numbers")

pairs = pd.DataFrame({"x": draw.choice(list("abc"), 900), "y": draw.choice(["u", "v", None], 900)})
want = pd.crosstab(pairs["x"], pairs["y"]).reset_index()
want.columns.name = None
equal(run("crosstab x y", pairs), want, "crosstab equals pandas crosstab")
for share, normalize in [("all", "all"), ("rows", "index"), ("columns", "columns")]:
    want = pd.crosstab(pairs["x"], pairs["y"], normalize=normalize).reset_index()
    want.columns.name = None
    equal(run(f"crosstab x y share={share}", pairs), want, f"crosstab share={share}")

tags = pd.DataFrame({"id": range(300), "tags": [list(draw.choice(list("abcd"), draw.integers(0, 4))) for _ in range(300)]})
want = tags.explode("tags").reset_index(drop=True)
equal(run("explode tags", tags.assign(tags=tags["tags"].map(json.dumps))), want, "explode equals pandas explode, JSON lists")
split = tags[tags["tags"].str.len() > 0].reset_index(drop=True)
text = split.assign(tags=split["tags"].str.join(";"))
equal(run("explode tags sep=;", text), split.explode("tags").reset_index(drop=True), "explode equals pandas explode, text")
equal(run("explode tags sep=; | implode tags sep=;", text), text, "implode turns explode round")

objects = [{"a": i, "b": {"c": f'"{i}"'}, "d": [i, None]} for i in range(50)]
frame = pd.DataFrame({"id": range(50), "j": [json.dumps(o) for o in objects]})
got = run("unnest_json j a,b prefix=\"\" keep=true | extract_json_path j $.b.c into=c | flatten j_d size=1", frame.assign(j_d=[json.dumps(o["d"]) for o in objects]))
ok(got["a"].tolist() == list(range(50)), "unnest_json takes numbers")
ok(got["b"].map(json.loads).tolist() == [o["b"] for o in objects], "unnest_json keeps objects")
ok(got["c"].astype(str).tolist() == [o["b"]["c"] for o in objects], "extract_json_path follows keys")
ok(got["j_d_0"].tolist() == list(range(50)), "flatten cuts longer lists")
pairs = pd.DataFrame({"id": range(9), "h1": range(9), "h2": range(9, 18), "w1": range(20, 29), "w2": range(30, 39)})
want = pd.wide_to_long(pairs, ["h", "w"], i="id", j="n").reset_index().sort_values(["id", "n"]).reset_index(drop=True)
equal(run("stack h=h1,h2 w=w1,w2 into=n", pairs), want, "stack equals pandas wide_to_long")
lines = wrangle("-t", "jsonl", "unflatten h sep=\"\"", stdin=to_csv(pairs)).splitlines()
ok(json.loads(lines[3])["h"] == {"1": 3, "2": 12}, "unflatten makes objects")
equal(run("template w2,none,id", pairs), pairs.reindex(columns=["w2", "none", "id"]), "template equals pandas reindex")
names = list("pqrst")
sparse = [{str(k): int(draw.integers(9)) for k in draw.permutation(names)[: draw.integers(0, 6)]} for _ in range(400)]
data = "".join(json.dumps(row) + "\n" for row in sparse).encode()
columns = pd.DataFrame(sparse).columns
got = [json.loads(line) for line in wrangle("unsparsify", stdin=data).splitlines()]
want = pd.DataFrame(sparse).astype(object).where(lambda f: f.notna(), None)
ok(all(list(row) == list(columns) for row in got) and got == want.to_dict("records"), "unsparsify equals pandas DataFrame")
got = [json.loads(line) for line in wrangle("regularize", stdin=data).splitlines()]
want = [{name: row[name] for name in columns if name in row} for row in sparse]
ok([list(row.items()) for row in got] == [list(row.items()) for row in want], "regularize orders keys and keeps rows")
with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "long.csv")
    long.to_csv(path, index=False)
    one = wrangle("--jobs", "1", "pivot_wider name value", path)
    ok(one == wrangle("--jobs", "4", "pivot_wider name value", path), "pivot_wider does not depend on threads")
done()
