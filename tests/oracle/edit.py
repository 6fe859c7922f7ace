"""Edit-text steps against the methods of Python's str and pandas' .str. Exact."""
import json
import re
import unicodedata

import numpy as np
import pandas as pd

from oracle import done, ok, run, same, to_csv, wrangle

rng = np.random.default_rng(11)
alphabet = list("abcXYZ019 -_.,!?()'\t") + list("éÉßñÑøİıΩωΣσЖжǅ中文½²Ⅷ   ") + ["🎈"]
texts = ["".join(rng.choice(alphabet, rng.integers(1, 25))) for _ in range(3000)]
# Cases of several characters that simple mappings do not know, and a sigma at the end of a word.
cased = [t.replace("İ", "").replace("Σ", "") for t in texts]
cased = [t for t in cased if t]


def frame(values):
    return pd.DataFrame({"x": values})


def check(program, want, name, values=texts):
    got = run(program, frame(values), keep_default_na=False, dtype=str)
    same(got.iloc[:, -1], [want(t) for t in values], name)


check("trim x", str.strip, "trim equals str.strip")
check("ltrim x", str.lstrip, "ltrim equals str.lstrip")
check("rtrim x", str.rstrip, "rtrim equals str.rstrip")
check("trim x symbols=\"abc é\"", lambda t: t.strip("abc é"), "trim of given characters")
check("squeeze_space x", lambda t: " ".join(t.split()), "squeeze_space equals ' '.join(split())")
check("pad_left x width=12", lambda t: t.rjust(12), "pad_left equals str.rjust")
check("pad_right x width=12 fill=é", lambda t: t.ljust(12, "é"), "pad_right equals str.ljust")
check("pad_center x width=15 fill=\"*\"", lambda t: t.center(15, "*"), "pad_center, odd width")
check("pad_center x width=14 fill=\"*\"", lambda t: t.center(14, "*"), "pad_center, even width")
check("zfill x width=12", lambda t: t.zfill(12), "zfill equals str.zfill")
check("pad_right x width=6 cut", lambda t: t.ljust(6)[:6], "pad_right with cut")
check("pad_left x width=6 cut", lambda t: t.rjust(6)[-6:], "pad_left with cut")
check("remove_symbols x symbols=\"aX9é中\"", lambda t: re.sub("[aX9é中]", "", t), "remove_symbols")
check("prefix_suffix x prefix=\"<\" suffix=\">\"", lambda t: f"<{t}>", "prefix_suffix")

check("lower x", str.lower, "lower equals str.lower", cased)
check("upper x", str.upper, "upper equals str.upper", cased)
check("title x", str.title, "title equals str.title", cased)
check("capitalize x", str.capitalize, "capitalize equals str.capitalize", cased)
check("swapcase x", str.swapcase, "swapcase equals str.swapcase", cased)

check('replace x pattern="[a-c\\\\d]+" with="#"', lambda t: re.sub(r"[a-c0-9]+", "#", t),
      "replace equals re.sub")
check('replace x pattern="(\\\\S)(\\\\s)" with="$2${1}"',
      lambda t: re.sub(r"([^ \t\n\r\f\v])([ \t\n\r\f\v])", r"\2\1", t), "replace with groups")
check('replace x pattern="X" with="yy" all=false', lambda t: t.replace("X", "yy", 1),
      "replace the first match only")
check('replace x pattern="." with="" match=literal', lambda t: t.replace(".", ""),
      "replace literal equals str.replace")
check('replace x pattern=ab with=ba match=literal', lambda t: t.replace("ab", "ba"),
      "replace literal does not look at what it wrote")
check("replace_position x start=2 end=5 with=\"--\"", lambda t: t[:2] + "--" + t[5:],
      "replace_position equals slicing")
check("replace_position x start=-3 with=\"--\"", lambda t: t[:max(len(t) - 3, 0)] + "--",
      "replace_position from the end")
check("extract_position x start=1 end=4", lambda t: t[1:4], "extract_position equals slicing")
check("extract_position x start=-4 end=-1", lambda t: t[-4:-1], "extract_position from the end")
check("find_first x text=a", lambda t: t.find("a"), "find_first equals str.find")
check("find_last x text=é", lambda t: t.rfind("é"), "find_last equals str.rfind")
check("find_all x text=b", lambda t: json.dumps([m.start() for m in re.finditer("b", t)],
                                              separators=(",", ":")), "find_all")


def lists(program, want, name):
    got = run(program, frame(texts), keep_default_na=False, dtype=str).x
    ok([json.loads(t) for t in got] == [want(t) for t in texts], name)


lists('extract_all x pattern="[a-z](\\\\d)"', lambda t: re.findall(r"[a-z]([0-9])", t),
      "extract_all equals re.findall")
lists("split_string x sep=a", lambda t: t.split("a"), "split_string equals str.split")
lists("split_string x sep=a max=1", lambda t: t.split("a", 1), "split_string with a maximum")

found = run('extract_regex x pattern="([A-Z])(\\\\d)" group=2', frame(texts), dtype=str,
            na_values=[""], keep_default_na=False).x
same(found, pd.Series(texts).str.extract("([A-Z])([0-9])")[1], "extract_regex equals str.extract")
between = run("extract_between x left=\"(\" right=\")\" last", frame(texts), dtype=str,
              na_values=[""], keep_default_na=False).x
want = pd.Series(texts).str.extract(r"^[^(]*\((.*)\)", flags=re.S)[0].replace("", np.nan)
same(between, want, "extract_between up to the last delimiter")

ok(wrangle("transcode x encode=latin1 decode=utf-8", stdin="x\nÃ©tÃ©\n\n".encode())
   == "x\nété\n\n".encode(), "transcode")
words = ["été", "naïve – “quoted”", "Ångström", "中文", "plain", "Ã la carte", "€ 5"]
broken = [w.encode().decode("cp1252", "replace") for w in words]
broken = [b if "\ufffd" not in b else w for b, w in zip(broken, words)]
check("fix_mojibake x", dict(zip(broken, words)).get, "fix_mojibake undoes UTF-8 read as Windows-1252",
      broken)
check("fix_mojibake x", lambda t: t, "fix_mojibake leaves good text alone", words)
check("fix_mojibake x", lambda t: "été",
      "fix_mojibake twice over", ["été".encode().decode("latin-1").encode().decode("latin-1")])
ok(run("case_snake x", frame(["HTTPServer name", "orderID2", "a-b  c"])).x.tolist()
   == ["http_server_name", "order_id2", "a_b_c"], "case_snake")
ok(wrangle("lower x into=y", stdin=b'x\n"A ""q"" b"\n') == b'x,y\n"A ""q"" b","a ""q"" b"\n',
   "quoted cells are read and written as CSV")
ok(unicodedata.normalize("NFC", "é") == "é" and to_csv(frame(["a"])) == b"x\na\n", "the oracle itself")
done()
