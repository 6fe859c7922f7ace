"""What the oracle tests share: run wrangle on a DataFrame, compare, count in TAP.

$BIN is the wrangle binary, or the folder it is in (default: build/release)."""
import io
import os
import subprocess
import sys
import tempfile

import numpy as np
import pandas as pd

_place = os.environ.get("BIN", "build/release")
BIN = os.path.join(_place, "wrangle") if os.path.isdir(_place) else _place
_count = _failed = 0


def wrangle(*args, stdin=b""):
    """The bytes wrangle writes; its message ends the test when it fails."""
    done = subprocess.run([BIN, *args], input=stdin, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"wrangle {' '.join(args)}: {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def to_csv(frame):
    return frame.to_csv(index=False).encode()


def from_csv(data, **options):
    return pd.read_csv(io.BytesIO(data), skip_blank_lines=False, **options)


def run(program, frame, *options, **read):
    """What `program` makes of a DataFrame."""
    return from_csv(wrangle(*options, program, stdin=to_csv(frame)), **read)


def fit_apply(program, train, test, **read):
    """Fitted on one DataFrame, applied to another."""
    with tempfile.TemporaryDirectory() as folder:
        state = os.path.join(folder, "state.json")
        wrangle("fit", "-r", state, program, stdin=to_csv(train))
        return from_csv(wrangle("apply", state, stdin=to_csv(test)), **read)


def margins(model, rows, *options):
    """The margins of rows (numbers, NaN missing) by the model in a file, as an array of doubles; with
    "-l" the numbers of the leaves."""
    text = "".join(",".join("" if x != x else repr(float(x)) for x in row) + "\n" for row in rows)
    done = subprocess.run([os.path.join(os.path.dirname(BIN), "tests", "margins"), *options, model],
                          input=text.encode(), capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"margins {model}: {done.returncode}: {done.stderr.decode()}")
    return np.array([[float(x) for x in line.split(",")] for line in done.stdout.decode().splitlines()])


def neoc(*args, stdin=b""):
    """The bytes neoc writes; its message ends the test when it fails."""
    done = subprocess.run([os.path.join(os.path.dirname(BIN), "neoc"), *args], input=stdin, capture_output=True)
    if done.returncode != 0:
        raise RuntimeError(f"neoc {' '.join(args)}: {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def predictions(model, frame, *options):
    """What `neoc run` makes of a DataFrame, to the last bit: a DataFrame."""
    out = neoc("run", model, *options, stdin=to_csv(frame))
    return from_csv(out, float_precision="round_trip")


def ok(good, name):
    global _count, _failed
    _count += 1
    _failed += not good
    print(f"{'ok' if good else 'not ok'} {_count} - {name}", flush=True)


def close(got, want, name, tolerance=1e-9):
    """Numbers equal to a relative and absolute tolerance; missing ones in the same places."""
    got, want = np.asarray(got, dtype=float), np.asarray(want, dtype=float)
    good = got.shape == want.shape and np.allclose(got, want, tolerance, tolerance, equal_nan=True)
    ok(good, name)
    if not good:
        print(f"# shapes {got.shape} {want.shape}")
        if got.shape == want.shape:
            print(f"# largest difference {np.nanmax(np.abs(got - want))}")


def bits(got, want, name):
    """The same numbers, to the last bit."""
    got, want = np.asarray(got, dtype=float), np.asarray(want, dtype=float).reshape(len(got), -1)
    good = got.shape == want.shape and np.array_equal(got, want, equal_nan=True)
    ok(good, name)
    if not good:
        print(f"# shapes {got.shape} {want.shape}")
        if got.shape == want.shape:
            print(f"# {np.sum(got != want)} differ, by at most {np.nanmax(np.abs(got - want))}")


def within_ulps(got, want, ulps, name, kind=np.float32):
    """As near as so many last digits of the wanted numbers, as floats or doubles."""
    got, want = np.asarray(got, dtype=float), np.asarray(want, dtype=float).reshape(len(got), -1)
    apart = np.abs(got - want) / np.spacing(np.abs(want).astype(kind)).astype(float)
    good = got.shape == want.shape and bool(np.all(apart <= ulps))
    ok(good, name)
    if not good:
        print(f"# {apart.max()} ulps")


def artefact_is_model(model, frame, name, *kinds, folder):
    """Compiled for this machine, verified on these rows too, and unpacked from its archive it predicts the same bytes."""
    path, rows = os.path.join(folder, "model.tar.gz"), os.path.join(folder, "rows.csv")
    frame.to_csv(rows, index=False)
    neoc("compile", model, "-o", path, "--rows", rows)
    good = all(neoc("run", path, rows, *kind) == neoc("run", model, rows, *kind) for kind in [[], *([k] for k in kinds)])
    ok(good, f"{name}: the artefact")


def same(got, want, name):
    """Equal values, compared as texts; missing ones in the same places."""
    got, want = pd.Series(list(got)), pd.Series(list(want))
    good = got.isna().equals(want.isna()) and (got.dropna().astype(str) == want.dropna().astype(str)).all()
    ok(bool(good), name)


def done():
    print(f"1..{_count}")
    sys.exit(1 if _failed else 0)
