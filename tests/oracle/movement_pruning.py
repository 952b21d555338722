"""Movement pruning (Sanh et al. 2020) by PyTorch's autograd: tests/train/torch_movement.json.

usage: movement_pruning.py [--out FILE]     (needs torch)

Each kernel W has scores S, of which the largest stay: the network computes with W * mask(S). Backwards the
mask is passed over (straight through), so that S gets the gradient of W * mask(S) times W, and W that
gradient times the mask. S is trained by plain descent at rate 1, W by momentum SGD. Masks are chosen anew
before the steps of a cubic schedule, by which the share of zeros rises.
"""

import argparse
import json
from pathlib import Path

import torch

EPOCHS, STEPS_PER_EPOCH, BATCH = 4, 10, 8
SCHEDULE = {"initial_sparsity": 0.0, "final_sparsity": 0.75, "begin_step": 5, "end_step": 30, "frequency": 5}


class Masked(torch.autograd.Function):
    @staticmethod
    def forward(ctx, weights, scores, mask):
        ctx.save_for_backward(weights, mask)
        return weights * mask

    @staticmethod
    def backward(ctx, gradient):
        weights, mask = ctx.saved_tensors
        return gradient * mask, gradient * weights, None


def sparsity(step):
    s = SCHEDULE
    p = min(max((step - s["begin_step"]) / (s["end_step"] - s["begin_step"]), 0), 1)
    return (s["initial_sparsity"] - s["final_sparsity"]) * (1 - p) ** 3 + s["final_sparsity"]


def due(step):
    s = SCHEDULE
    return s["begin_step"] <= step <= s["end_step"] and (step - s["begin_step"]) % s["frequency"] == 0


def top(scores, share):
    kept = max(int(torch.round(torch.tensor(scores.numel() * (1 - share), dtype=torch.float32))), 1)
    threshold = scores.flatten().sort(descending=True).values[kept - 1]
    return (scores >= threshold).to(scores.dtype)


def numbers(tensor):
    return [float(x) for x in tensor.detach().float().flatten()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path,
                        default=Path(__file__).resolve().parents[1] / "train/torch_movement.json")
    options = parser.parse_args()
    random = torch.Generator().manual_seed(3)

    def normal(*sizes, scale=1.0):
        return (scale * torch.randn(*sizes, generator=random)).float().double()

    features = normal(STEPS_PER_EPOCH * BATCH, 12)
    labels = torch.randint(0, 5, (len(features),), generator=random)
    shapes = {"hidden": (12, 16), "logits": (16, 5)}
    kernels = {name: normal(*shape, scale=0.5).requires_grad_() for name, shape in shapes.items()}
    biases = {name: normal(shape[1], scale=0.5).requires_grad_() for name, shape in shapes.items()}
    scores = {name: torch.zeros(*shape, dtype=torch.float64, requires_grad=True) for name, shape in shapes.items()}
    masks = {name: torch.ones(*shape, dtype=torch.float64) for name, shape in shapes.items()}
    result = {"schedule": SCHEDULE, "batch": BATCH, "epochs": EPOCHS, "features": numbers(features),
              "labels": [int(x) for x in labels],
              "first": {name: {"kernel": numbers(kernels[name]), "bias": numbers(biases[name])} for name in shapes},
              "masks": [], "after_epoch": []}
    momentum = torch.optim.SGD([*kernels.values(), *biases.values()], lr=0.1, momentum=0.9)
    descent = torch.optim.SGD(scores.values(), lr=1.0)
    step = 0
    for _ in range(EPOCHS):
        for batch in range(STEPS_PER_EPOCH):
            step += 1
            if due(step):
                masks = {name: top(scores[name].detach(), sparsity(step)) for name in shapes}
            result["masks"].append({name: "".join("1" if x else "0" for x in masks[name].flatten()) for name in shapes})
            x, y = features[batch * BATCH:][:BATCH], labels[batch * BATCH:][:BATCH]

            def dense(name, value):
                return value @ Masked.apply(kernels[name], scores[name], masks[name]) + biases[name]

            loss = torch.nn.functional.cross_entropy(dense("logits", torch.tanh(dense("hidden", x))), y)
            momentum.zero_grad(), descent.zero_grad()
            loss.backward()
            momentum.step(), descent.step()
        result["after_epoch"].append({name: {"kernel": numbers(kernels[name] * masks[name]),
                                             "beneath": numbers(kernels[name]), "bias": numbers(biases[name]),
                                             "scores": numbers(scores[name])} for name in shapes})
    options.out.write_text(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
