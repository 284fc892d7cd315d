"""Run by test_other_programs.py in a Python that has napari-deeplabcut."""

import json
import sys

import numpy as np
from napari_deeplabcut.core.io import read_hdf

((data, look, kind),) = read_hdf(sys.argv[1])
assert kind == "points"
known = look.get("properties") or look.get("features")
rows = zip(
    np.asarray(known["id"]).astype(str).tolist(),
    np.asarray(known["label"]).astype(str).tolist(),
    np.asarray(known["likelihood"], float).tolist(),
    np.asarray(data, float).tolist(),
    strict=True,
)
print(json.dumps(list(rows)))
