"""Run by test_other_programs.py in a Python that has movement: prints what it reads."""

import json
import sys

from movement.io import load_dataset

path, software, key = sys.argv[1:4]
extra = {"pose_estimation_key": key} if key else {}
if software != "NWB":
    extra["fps"] = 30
data = load_dataset(path, source_software=software, **extra)
found = {}
for individual in data.individuals.values:
    for part in data.keypoints.values:
        one = data.sel(individuals=individual, keypoints=part)
        name = str(part) if key or data.sizes["individuals"] == 1 else None
        found[name or f"{individual}/{part}"] = {
            "xy": one.position.values.tolist(),
            "confidence": one.confidence.values.tolist(),
        }
print(json.dumps(found))
