"""How the scripts of PyTorch on a GPU time and report."""

import json
import statistics

import torch


def median_seconds(run, repeats):
    """Of one call, by events around each of `repeats` calls."""
    times = []
    for _ in range(repeats):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        run()
        end.record()
        end.synchronize()
        times.append(begin.elapsed_time(end) / 1e3)
    return statistics.median(times)


def report(case, unit, value, options):
    print(json.dumps({"case": case, "unit": unit, "value": round(value, 3),
                      "name": f"PyTorch {torch.__version__}", "variant": options.variant,
                      "device": torch.cuda.get_device_name()}), flush=True)
