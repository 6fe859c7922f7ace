"""Validation steps against Python's str methods and other libraries' checks. Exact."""
import ipaddress
import json
import uuid

import numpy as np
import pandas as pd

from oracle import done, ok, run, same, wrangle

rng = np.random.default_rng(13)
alphabet = list("abXY09 -_.") + list("éÉßǅωΩЖж中五½²Ⅷªʰ٣ ")
texts = ["".join(rng.choice(alphabet, rng.integers(1, 4))) for _ in range(4000)]
texts += ["Ada King", "They're", "ABC", "abc", "12", "1.5", "-1", " \t", "Ⅷ", "ⓐ"]
frame = pd.DataFrame({"x": texts})

for method in ("alnum", "alpha", "digit", "space", "title", "lower", "upper", "numeric", "decimal"):
    got = run(f"is_{method} x", frame, keep_default_na=False, dtype=str).iloc[:, -1]
    want = [str(getattr(t, "is" + method)()).lower() for t in texts]
    same(got, want, f"is_{method} equals str.is{method}")
got = run("is_length x min=2 max=2", frame, keep_default_na=False, dtype=str).iloc[:, -1]
same(got, [str(len(t) == 2).lower() for t in texts], "is_length counts characters")
got = run("is_prefix x text=a", frame, keep_default_na=False, dtype=str).iloc[:, -1]
same(got, [str(t.startswith("a")).lower() for t in texts], "is_prefix")
got = run("is_suffix x text=é", frame, keep_default_na=False, dtype=str).iloc[:, -1]
same(got, [str(t.endswith("é")).lower() for t in texts], "is_suffix")


def is_address(text):
    try:
        ipaddress.ip_address(text)
        return True
    except ValueError:
        return False


addresses = ["10.0.0.1", "255.255.255.255", "256.1.1.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "::", "::1",
             "2001:db8::ff00:42:8329", "1::2::3", "12345::", ":::", "fe80::1", "x", "::ffff:1.2.3.4"]
got = run("is_ip x", pd.DataFrame({"x": addresses}), dtype=str).iloc[:, -1]
same(got, [str(is_address(a)).lower() for a in addresses], "is_ip equals ipaddress")
names = [str(uuid.UUID(int=int(i))) for i in rng.integers(1, 2 ** 62, 50)]
wrong = [n[:-1] for n in names] + [n.replace("-", "") for n in names] + ["g" + n[1:] for n in names]
got = run("is_uuid x", pd.DataFrame({"x": names + wrong}), dtype=str).iloc[:, -1]
same(got, ["true"] * len(names) + ["false"] * len(wrong), "is_uuid")
days = pd.DataFrame({"x": [f"{y:04}-{m:02}-{d:02}" for y in (1900, 2000, 2023, 2024)
                           for m in range(0, 14) for d in (0, 1, 28, 29, 30, 31, 32)]})
got = run("is_iso_date x", days, dtype=str).iloc[:, -1]
want = pd.to_datetime(days.x, format="%Y-%m-%d", errors="coerce").notna()
same(got, want.astype(str).str.lower(), "is_iso_date equals to_datetime")

mails = {"a@b.org": 1, "a.b+c@d-e.f": 1, "a@localhost": 1, "@b": 0, "a@": 0, "a b@c": 0, "a@-b.c": 0,
         "a@b-.c": 0, "a@b..c": 0, "a@@b": 0, "plain": 0, "a@" + "x" * 64 + ".org": 0}
got = run("is_email x", pd.DataFrame({"x": list(mails)}), dtype=str).iloc[:, -1]
same(got, ["true" if v else "false" for v in mails.values()], "is_email as HTML's definition")
urls = {"http://a": 1, "https://a.b/c?d=e#f": 1, "http://a:80/": 1, "http://[::1]:8080/x": 1,
        "http://u:p@a.b": 1, "HTTP://A": 1, "http://": 0, "http:///x": 0, "a.b/c": 0, "mailto:a@b": 0,
        "http://a b": 0, "http://a:port": 0, "http://-a": 0, "http://a:123456": 0}
got = run("is_url x", pd.DataFrame({"x": list(urls)}), "-f", "csv", dtype=str).iloc[:, -1]
same(got, ["true" if v else "false" for v in urls.values()], "is_url")

values = pd.DataFrame({"k": rng.integers(0, 50, 500), "v": rng.normal(0, 2, 500),
                       "row": np.arange(500)})
same(run("in_range v min=-1 max=2 action=drop", values).k, values[values.v.between(-1, 2)].k,
     "in_range drops what between leaves out")
same(run("in_set k values=3,5,8 action=drop", values).row, values[values.k.isin([3, 5, 8])].row,
     "in_set drops what isin leaves out")
same(run("unique_check k", values).unique, ~values.k.duplicated(), "unique_check equals duplicated")
same(run("unique_check k action=drop", values).row, values.drop_duplicates("k").row,
     "unique_check action=drop equals drop_duplicates")

schema = {"type": "object", "required": ["id"], "additionalProperties": False, "properties": {
    "id": {"type": "integer", "minimum": 1}, "name": {"type": ["string", "null"], "maxLength": 3},
    "tags": {"type": "array", "items": {"enum": ["a", "b", 1]}, "maxItems": 2}}}
documents = [({"id": 1}, 1), ({"id": 1.0}, 1), ({"id": 0}, 0), ({"id": 1.5}, 0), ({"id": "1"}, 0), ({}, 0),
             ({"id": 1, "name": "abc"}, 1), ({"id": 1, "name": "abcd"}, 0), ({"id": 1, "name": "é中"}, 1),
             ({"id": 1, "name": None}, 1), ({"id": 1, "other": 1}, 0), ({"id": 1, "tags": []}, 1),
             ({"id": 1, "tags": ["a", 1]}, 1), ({"id": 1, "tags": ["c"]}, 0), ([1], 0), (None, 0),
             ({"id": 1, "tags": ["a", "a", "a"]}, 0), ({"id": True}, 0)]
frame = pd.DataFrame({"x": [json.dumps(d) for d, _ in documents] + ['{"id":1', "nonsense"]})
text = json.dumps(schema)
got = run(f"json_schema x schema='{text}' into=good", frame, dtype=str).good
same(got, ["true" if good else "false" for _, good in documents] + ["false", "false"], "json_schema")
try:
    import jsonschema
except ImportError:
    print("# SKIP the jsonschema package is absent: json_schema compared with a list only")
else:
    checker = jsonschema.Draft202012Validator(schema)
    ok([checker.is_valid(d) for d, _ in documents] == [bool(good) for _, good in documents],
       "jsonschema agrees with the list")

ok(wrangle("assert x > 0 | head n=1", stdin=b"x\n1\n2\n") == b"x\n1\n", "assert lets good rows pass")
for action, status in (("fail", 1), ("reject", 3)):
    try:
        wrangle(f"in_range x min=0 action={action}", stdin=b"x\n1\n-2\n")
        ok(False, f"action={action} ends with status {status}")
    except RuntimeError as error:
        ok(f": {status}:" in str(error) and ":3:" in str(error) and "-2" in str(error),
           f"action={action} ends with status {status} and names line and value")
done()
