#!/usr/bin/env python3
"""Trains the small CNN with PyTorch, in the plain loop that its users write."""

import time

from small_cnn import BATCH, arguments, report_training, seconds_since_process_start, training_set

# last: channels_last memory. compile: torch.compile of the model with its loss.
options = arguments(["eager", "eager_last", "compile", "compile_last"])

import torch
from torch import nn

torch.set_num_threads(options.threads)
torch.set_num_interop_threads(1)
images, labels = training_set(options.data)
images = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
labels = torch.from_numpy(labels).long()

layout = torch.channels_last if options.variant.endswith("last") else torch.contiguous_format
model = nn.Sequential(
    nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
    nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, 10),
).to(memory_format=layout)
optimizer = torch.optim.Adam(model.parameters(), fused=True)
criterion = nn.CrossEntropyLoss()


def loss_of(batch, targets):
    with torch.autocast("cpu", torch.bfloat16, enabled=options.precision == "bf16"):
        return criterion(model(batch), targets)


if options.variant.startswith("compile"):
    loss_of = torch.compile(loss_of)


def batches():
    while True:
        for chosen in torch.randperm(len(labels)).split(BATCH):
            if len(chosen) == BATCH:
                yield images[chosen].contiguous(memory_format=layout), labels[chosen]


def step(batch, targets):
    optimizer.zero_grad()
    loss = loss_of(batch, targets)
    loss.backward()
    optimizer.step()
    return loss.detach()


source = batches()
step(*next(source))
first_step = seconds_since_process_start()
seconds = []
warm_up = 2
for _ in range(warm_up + options.chunks):
    begin = time.perf_counter()
    for _ in range(25):
        step(*next(source))
    seconds.append(time.perf_counter() - begin)
report_training(seconds[warm_up:], first_step, f"PyTorch {torch.__version__}", options)
