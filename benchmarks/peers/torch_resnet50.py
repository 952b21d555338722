#!/usr/bin/env python3
"""ResNet-50 v1.5 at 224 pixels on one GPU with PyTorch, compiled, in the settings its users reach
for first: channels-last, automatic mixed precision, fused SGD, CUDA graphs. Images are synthetic
and lie on the device. Prints one JSON object a line: case, unit, value, name, variant, device."""

import argparse
import time

import torch
from torch import nn

from torch_timing import median_seconds, report

PRECISIONS = {"fp16": torch.float16, "bf16": torch.bfloat16, "tf32": torch.float32,
              "f32": torch.float32}


class Bottleneck(nn.Module):
    def __init__(self, channels, width, stride):
        super().__init__()
        out = width * 4
        self.conv1 = nn.Conv2d(channels, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.project = None
        if stride != 1 or channels != out:
            self.project = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False),
                                         nn.BatchNorm2d(out))

    def forward(self, x):
        skip = x if self.project is None else self.project(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        return self.relu(self.bn3(self.conv3(y)) + skip)


def resnet50():
    layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True),
              nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for stage, blocks in enumerate([3, 4, 6, 3]):
        for block in range(blocks):
            width = 64 << stage
            layers.append(Bottleneck(channels, width, 2 if stage > 0 and block == 0 else 1))
            channels = width * 4
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


def train(precision, batch, options):
    dtype = PRECISIONS[precision]
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision != "f32"
    layout = torch.channels_last
    model = resnet50().cuda().to(memory_format=layout).train()
    images = torch.randn(batch, 3, 224, 224, device="cuda").to(memory_format=layout)
    labels = torch.randint(0, 1000, (batch,), device="cuda")
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4,
                                fused=True)
    scaler = torch.amp.GradScaler("cuda", enabled=precision == "fp16")
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    mixed = dtype != torch.float32
    if mixed:
        images = images.to(dtype)

    def loss_of(x, y):
        with torch.autocast("cuda", dtype, enabled=mixed):
            return criterion(model(x), y)

    if options.variant == "compile":
        loss_of = torch.compile(loss_of)

    def step():
        optimizer.zero_grad(set_to_none=True)
        scaler.scale(loss_of(images, labels)).backward()
        scaler.step(optimizer)
        scaler.update()

    begin = time.perf_counter()
    step()
    torch.cuda.synchronize()
    first = time.perf_counter() - begin
    for _ in range(options.warmup):
        step()
    report(f"resnet50/train/{precision}/{batch}", "img/s",
           batch / median_seconds(step, options.repeats), options)
    report(f"resnet50/first_step/{precision}/{batch}", "s", first, options)


def infer(precision, batch, options):
    dtype = PRECISIONS[precision]
    model = resnet50().cuda().to(memory_format=torch.channels_last).to(dtype).eval()
    images = torch.randn(batch, 3, 224, 224, device="cuda", dtype=dtype)
    images = images.to(memory_format=torch.channels_last)
    if options.variant == "compile":
        model = torch.compile(model, mode="max-autotune" if options.autotune else "reduce-overhead")
    with torch.inference_mode():
        for _ in range(options.warmup):
            model(images)
        seconds = median_seconds(lambda: model(images), options.repeats)
    report(f"resnet50/infer/{precision}/{batch}", "img/s", batch / seconds, options)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", action="append", required=True,
                        help="train/fp16/256, infer/fp16/1, ...; may be given several times")
    parser.add_argument("--variant", choices=["compile", "eager"], default="compile")
    parser.add_argument("--autotune", action="store_true", help="inference: max-autotune")
    parser.add_argument("--warmup", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=30)
    options = parser.parse_args()
    for case in options.case:
        kind, precision, batch = case.split("/")
        {"train": train, "infer": infer}[kind](precision, int(batch), options)


if __name__ == "__main__":
    main()
