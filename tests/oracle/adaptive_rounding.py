"""AdaRound (Nagel et al. 2020) by PyTorch's autograd and Adam: tests/compress/rounding/torch_adaround.json.

usage: adaptive_rounding.py [--out FILE]     (needs torch)

Roundings are learned from inputs x themselves, as the paper has it: mean over rows of |x W - x W'|^2, summed
over outputs, and lambda * sum(1 - |2 h - 1|^beta), with h the stretched sigmoid of V, which begins where it
gives what is left of a weight. There the loss of products is at its least, and its slope is noise that Adam would
make steps of: so lambda is great and counts from the first step on. Two groups have inputs of their own.
"""

import argparse
import json
import math
from pathlib import Path

import torch

GROUPS, ROWS, OUTPUTS, SAMPLES, STEPS = 2, 12, 5, 40, 300
ZETA, GAMMA, LAMBDA, RATE = 1.1, -0.1, 0.05, 0.01
GREATEST_BETA, LEAST_BETA = 3, 2


def stretched(v):
    return torch.clamp(torch.sigmoid(v) * (ZETA - GAMMA) + GAMMA, 0, 1)


def numbers(tensor):
    return [float(x) for x in tensor.detach().flatten()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path,
                        default=Path(__file__).resolve().parents[1] / "compress/rounding/torch_adaround.json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    random = torch.Generator().manual_seed(5)
    normal = lambda *size: torch.randn(*size, generator=random)
    x = normal(GROUPS, SAMPLES, 4) @ normal(GROUPS, 4, ROWS) + 0.2 * normal(GROUPS, SAMPLES, ROWS)
    w = normal(GROUPS, ROWS, OUTPUTS)
    scale = w.abs().amax(dim=1, keepdim=True) / 7
    low = torch.floor(w / scale)
    rest = torch.clamp(w / scale - low, 1e-4, 1 - 1e-4)
    v = (-torch.log((ZETA - GAMMA) / (rest - GAMMA) - 1)).requires_grad_()
    adam = torch.optim.Adam([v], lr=RATE)
    wanted = x @ w
    losses = []
    for step in range(STEPS):
        beta = LEAST_BETA + 0.5 * (GREATEST_BETA - LEAST_BETA) * (1 + math.cos(step / STEPS * math.pi))
        up = stretched(v)
        rounded = scale * torch.clamp(low + up, -7, 7)
        loss = ((x @ rounded - wanted) ** 2).sum(2).mean(1).sum()
        losses.append(float(loss.detach()))
        loss = loss + LAMBDA * (1 - (2 * up - 1).abs() ** beta).sum()
        adam.zero_grad()
        loss.backward()
        adam.step()
    moments = x.transpose(1, 2) @ x / SAMPLES
    options.out.write_text(json.dumps({
        "torch": torch.__version__, "sizes": [GROUPS, ROWS, OUTPUTS], "steps": STEPS, "regularization": LAMBDA,
        "greatest_beta": GREATEST_BETA, "weights": numbers(w),
        "scales": numbers(scale), "moments": numbers(moments), "soft": numbers(torch.clamp(low + stretched(v), -7, 7)),
        "first_loss": losses[0], "last_loss": losses[-1],
    }) + "\n")


if __name__ == "__main__":
    main()
