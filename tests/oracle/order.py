"""sort, rank, dedup, top and their kin against pandas."""
import numpy as np
import pandas as pd

from oracle import done, from_csv, ok, run, same, wrangle

draw = np.random.default_rng(5)
N = 20000
frame = pd.DataFrame(
    {
        "id": np.arange(N),
        "group": draw.choice(["a", "b", "cc", "d, e", "z"], N),
        "whole": draw.integers(-50, 50, N),
        "real": np.round(draw.normal(size=N), 2),
        "name": draw.choice(["x1", "x10", "x2", "Y", "y"], N),
    }
)
frame.loc[draw.random(N) < 0.05, "real"] = np.nan


def order(program, *options):
    return run(program, frame, *options)["id"].tolist()


def check_sort(program, by, ascending, name):
    want = frame.sort_values(by, ascending=ascending, kind="stable")["id"].tolist()
    for options in ((), ("--jobs", "4"), ("--memory", "1M")):
        ok(order(program, *options) == want, f"{name} equals pandas sort_values {' '.join(options)}")


check_sort("sort whole", ["whole"], [True], "sort by integers")
check_sort("sort real", ["real"], [True], "sort by floats, missing last")
check_sort("sort real:desc", ["real"], [False], "sort descending, missing last")
check_sort("sort name,real:desc,whole", ["name", "real", "whole"], [True, False, True], "sort by three columns")
check_sort("sort group order=desc", ["group"], [False], "sort by text, descending")
want = frame.sort_values("whole", kind="stable").sort_values("group", kind="stable")["id"].tolist()
ok(order("sort whole | sort group") == want, "a second sort keeps the order of the first")
want = frame.sort_values("real", na_position="first", kind="stable")["id"].tolist()
ok(order("sort real missing=first") == want, "missing first")

for method in ["average", "min", "max", "dense", "first"]:
    for descending in [False, True]:
        program = f"rank real method={method} order={'desc' if descending else 'asc'} by=group into=r"
        want = frame.groupby("group")["real"].rank(method=method, ascending=not descending)
        got = run(program, frame)["r"]
        good = np.array_equal(got.to_numpy(float), want.to_numpy(float), equal_nan=True)
        ok(good, f"rank {method} {'descending' if descending else 'ascending'} equals pandas rank")



def divided(ranks, parts):
    """Which of numpy's even parts each rank lies in."""
    places = np.array_split(np.arange(1, ranks.count() + 1), parts)
    part = {place: i + 1 for i, chunk in enumerate(places) for place in chunk}
    return ranks.map(part)


for parts in [1, 4, 7, 10000]:
    ranks = frame.groupby("group")["real"].rank(method="first", ascending=False)
    want = ranks.groupby(frame["group"], group_keys=False).apply(lambda r: divided(r, parts))
    got = run(f"ntile real {parts} order=desc by=group into=t", frame)["t"]
    good = np.array_equal(got.to_numpy(float), want.reindex(frame.index).to_numpy(float), equal_nan=True)
    ok(good, f"ntile {parts} equals ranks and numpy array_split")

keys = ["group", "whole"]
for keep, value in [("first", "first"), ("last", "last"), ("none", False)]:
    want = frame.drop_duplicates(keys, keep=value)["id"].tolist()
    ok(order(f"dedup group,whole keep={keep}") == want, f"dedup keep={keep} equals drop_duplicates")
same(run("unique group", frame)["group"], frame["group"].unique(), "unique equals pandas unique")
counts = run("count_distinct name", frame).set_index("name")["count"].to_dict()
ok(counts == frame["name"].value_counts().to_dict(), "count_distinct equals value_counts")
adjacent = frame[frame["name"] != frame["name"].shift()]["id"].tolist()
ok(order("dedup_sorted name") == adjacent, "dedup_sorted keeps the first of each run")

ordered = frame.sort_values("real", ascending=False, kind="stable")
ok(order("top 7 real") == ordered.head(7)["id"].tolist(), "top equals sort and head")
want = ordered.groupby("group").head(3)["id"].tolist()
ok(order("top 3 real by=group", "--jobs", "3") == want, "top by group equals sort and head by group")

shuffled = order("shuffle seed=9")
ok(sorted(shuffled) == list(range(N)) and shuffled != list(range(N)), "shuffle keeps all rows")
ok(shuffled == order("shuffle seed=9", "--jobs", "4"), "shuffle does not depend on threads")
ok(shuffled != order("shuffle seed=10"), "shuffle depends on its seed")
big = b"n\n9007199254740993\n9007199254740992\n-1\n9223372036854775807\n9223372036854775806\n"
got = wrangle("sort n", stdin=big).decode().split()[1:]
ok(got == sorted(got, key=int), "large integers sort exactly")
got = from_csv(wrangle("sort_columns", stdin=b"b,A,a\n1,2,3\n"))
ok(list(got.columns) == ["A", "a", "b"], "sort_columns goes by bytes")
done()
