"""How far outputs are apart: single layers absolutely, networks beside their largest value."""

import numpy as np

TOLERANCE = {"layer": 1e-5, "network": 1e-4}


def output_difference(expected, found, kind):
    if len(expected) != len(found):
        raise ValueError(f"{len(found)} outputs instead of {len(expected)}")
    worst = 0.0
    for want, have in zip(expected, found):
        if want.shape != have.shape:
            raise ValueError(f"an output is {have.shape} instead of {want.shape}")
        if want.size == 0:
            continue
        want, have = want.astype("float64"), have.astype("float64")
        if not np.isfinite(have).all() or not np.isfinite(want).all():
            raise ValueError("an output is not finite")
        largest = np.abs(want).max()
        scale = max(1.0, largest) if kind == "layer" else max(1e-3, largest)
        worst = max(worst, float(np.abs(want - have).max() / scale))
    return worst
