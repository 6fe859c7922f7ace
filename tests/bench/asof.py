"""asof.py FOLDER [TEXTS]: the join of asof.mjs by pandas, CSV to CSV."""
import sys

import pandas as pd

folder, texts = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
labels, features = (pd.read_csv(f"{folder}/asof-{name}{texts}.csv").sort_values("ts") for name in "lf")
pd.merge_asof(labels, features, on="ts", by="id").to_csv(f"{folder}/asof-pandas.csv", index=False)
