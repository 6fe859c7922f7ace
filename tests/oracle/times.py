"""Dates and times against pandas and numpy. Tolerance 1e-9."""
import numpy as np
import pandas as pd

from oracle import close, done, fit_apply, ok, run, same

rng = np.random.default_rng(5)
n = 4000
# pandas knows the rules of zones until 2037.
moments = pd.Series(pd.to_datetime(rng.integers(-18 * 10**14, 208 * 10**13, n), unit="us", utc=True))
moments[:400] = moments[:400].dt.floor("D")
written = moments.dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
table = pd.DataFrame({"t": written, "x": np.arange(n)})
CHICAGO = "America/Chicago"
local = moments.dt.tz_convert(CHICAGO)


def instants(texts):
    """Times wrangle wrote, as microseconds."""
    return pd.to_datetime(texts, utc=True).astype("int64") // 1000


def parts_of(t):
    week = t.dt.isocalendar().week
    return {
        "year": t.dt.year, "semester": (t.dt.month > 6) + 1, "quarter": t.dt.quarter,
        "month": t.dt.month, "week": week, "day": t.dt.day, "day_of_week": t.dt.dayofweek,
        "day_of_year": t.dt.dayofyear, "hour": t.dt.hour, "minute": t.dt.minute,
        "second": t.dt.second, "weekend": t.dt.dayofweek >= 5,
        "month_start": t.dt.is_month_start, "month_end": t.dt.is_month_end,
        "quarter_start": t.dt.is_quarter_start, "quarter_end": t.dt.is_quarter_end,
        "year_start": t.dt.is_year_start, "year_end": t.dt.is_year_end,
        "leap_year": t.dt.is_leap_year, "days_in_month": t.dt.days_in_month,
    }


for zone, clock in (("UTC", moments), (CHICAGO, local)):
    parts = parts_of(clock)
    got = run(f"date_parts t parts={','.join(parts)} zone={zone}", table)
    for name, want in parts.items():
        close(got[f"t_{name}"], want.astype(int), f"date_parts {name} in {zone}")

periods = {"month": 12, "day": 31, "day_of_week": 7, "day_of_year": 366, "hour": 24, "minute": 60}
got = run(f"date_cyclic t parts={','.join(periods)}", table)
for name, period in periods.items():
    angle = 2 * np.pi * parts_of(moments)[name] / period
    close(got[f"t_{name}_sin"], np.sin(angle), f"date_cyclic sine of {name}")
    close(got[f"t_{name}_cos"], np.cos(angle), f"date_cyclic cosine of {name}")

for to, rule in (("day", "D"), ("hour", "H"), ("15m", "15min"), ("second", "S")):
    got = run(f"date_trunc t to={to} | to_epoch t unit=micro", table)
    close(got["t"], moments.dt.floor(rule).astype("int64") // 1000, f"date_trunc to {to}", 0)
    got = run(f"date_round t to={to} | to_epoch t unit=micro", table)
    close(got["t"], moments.dt.round(rule).astype("int64") // 1000, f"date_round to {to}", 0)
naive = local.dt.tz_localize(None)
for to, rule in (("month", "M"), ("quarter", "Q"), ("year", "Y"), ("week", "W")):
    got = run(f"date_trunc t to={to} zone={CHICAGO}", table)
    want = naive.dt.to_period(rule).dt.start_time.dt.tz_localize(CHICAGO)
    close(instants(got["t"]), want.astype("int64") // 1000, f"date_trunc to {to} in Chicago", 0)
halves = pd.DataFrame({"x": 0, "t": ["2024-01-01T00:30:00Z", "2024-01-01T01:30:00Z"]})
same(run("date_round t to=hour", halves)["t"], ["2024-01-01T00:00:00Z", "2024-01-01T02:00:00Z"],
     "date_round takes ties to the even hour")

for by, offset in (("'3 months'", pd.DateOffset(months=3)), ("year", pd.DateOffset(years=1)),
                   ("36h", pd.Timedelta("36h")), ("'-2 weeks'", -pd.Timedelta("14d"))):
    got = run(f"date_add t by={by} | to_epoch t unit=micro", table)
    close(got["t"], (moments + offset).astype("int64") // 1000, f"date_add {by}", 0)
clock_day = (naive[400:] + pd.Timedelta("1d")).dt.tz_localize(CHICAGO, ambiguous="NaT",
                                                            nonexistent="NaT")
got = run(f"date_add t by=day zone={CHICAGO} | to_epoch t unit=micro", table.iloc[400:])
known = clock_day.notna().to_numpy()
close(got["t"][known], clock_day[known].astype("int64") // 1000, "date_add a day on Chicago's clock", 0)

plain = naive.dt.strftime("%Y/%m/%d %H:%M")
back = pd.to_datetime(plain, format="%Y/%m/%d %H:%M").dt.tz_localize(
    CHICAGO, ambiguous=np.ones(n, bool), nonexistent="shift_forward")
got = run(f"parse_date t pattern='%Y/%m/%d %H:%M' zone={CHICAGO}", pd.DataFrame({"x": 0, "t": plain}))
close(instants(got["t"]), back.astype("int64") // 1000, "parse_date in Chicago", 0)
same(run(f"format_date t pattern='%Y-%m-%d %H:%M:%S' zone={CHICAGO}", table)["t"],
     naive.dt.strftime("%Y-%m-%d %H:%M:%S"), "format_date in Chicago")
close(instants(run(f"tz_convert t zone={CHICAGO}", table)["t"]), moments.astype("int64") // 1000,
      "tz_convert keeps the moment", 0)
same(run(f"tz_convert t zone={CHICAGO}", table)["t"].str[:19].str.replace("T", " "),
     naive.dt.strftime("%Y-%m-%d %H:%M:%S"), "tz_convert shows the clock")
close(run("to_epoch t", table)["t"], moments.astype("int64") // 10**9, "to_epoch", 0)
close(instants(run("to_epoch t unit=milli | from_epoch t unit=milli", table)["t"]),
      moments.dt.floor("ms").astype("int64") // 1000, "from_epoch", 0)

pair = pd.DataFrame({"a": written, "b": written.iloc[::-1].to_numpy()})
other = moments.iloc[::-1].reset_index(drop=True)
for unit, word in (("day", "D"), ("hour", "h"), ("second", "s")):
    want = (moments - other) / np.timedelta64(1, word)
    close(run(f"date_diff a,b unit={unit} into=d", pair)["d"], want, f"date_diff in {unit}s")
days = pd.DataFrame({"a": moments.dt.strftime("%Y-%m-%d"), "b": other.dt.strftime("%Y-%m-%d")})
off = ["2000-01-03", "2010-05-05", "2010-05-08", "1999-12-24"]
want = np.busday_count(days["a"].to_numpy("datetime64[D]"), days["b"].to_numpy("datetime64[D]"),
                       holidays=off)
forward = days["a"] <= days["b"]
got = run(f"business_days a,b dates={','.join(off)} into=d", days)["d"]
close(got[forward], want[forward], "business_days equals busday_count", 0)
turned = run(f"business_days b,a dates={','.join(off)} into=d", days)["d"]
close(got, -turned, "business_days the other way is its negative", 0)
close(run("elapsed_since t at=2000-01-01 unit=hour", table)["t_elapsed"],
      (moments - pd.Timestamp("2000-01-01", tz="UTC")) / np.timedelta64(1, "h"), "elapsed_since")
want = pd.date_range("2024-01-31", periods=5, freq="36H", tz="UTC").astype("int64") // 1000
close(instants(run("date_range d start=2024-01-31 every=36h", table.head(5))["d"]), want,
      "date_range", 0)

for pattern in ("%d/%m/%Y", "%m/%d/%Y %H:%M", "%d %b %Y", "%Y%m%d", "%b %d, %Y", "%d.%m.%Y %H:%M:%S"):
    texts = pd.DataFrame({"x": 0, "t": moments.dt.strftime(pattern)})
    want = pd.to_datetime(texts["t"], format=pattern, utc=True).astype("int64") // 1000
    got = fit_apply("infer_date_format t", texts, texts)
    close(instants(got["t"]), want, f"infer_date_format learns {pattern}", 0)
try:
    run("infer_date_format t", pd.DataFrame({"t": ["03/04/2024", "05/06/2024"]}))
    ok(False, "infer_date_format refuses to guess day and month")
except RuntimeError as problem:
    ok("day=first" in str(problem), "infer_date_format refuses to guess day and month")
done()
