#!/usr/bin/env python3
"""ResNet-50 v1.5 training and inference at 224 pixels on one GPU with JAX (XLA), in flax. Parameters
are f32, computation is in the given precision, images are synthetic and lie on the device. Prints
one JSON object a line: case, unit, value, name, variant, device."""

import argparse
import functools
import json
import time

import flax.linen as nn
import jax
import jax.numpy as jnp
import optax

PRECISIONS = {"fp16": jnp.float16, "bf16": jnp.bfloat16, "tf32": jnp.float32, "f32": jnp.float32}


class Bottleneck(nn.Module):
    width: int
    stride: int
    dtype: object
    train: bool

    @nn.compact
    def __call__(self, x):
        conv = functools.partial(nn.Conv, use_bias=False, dtype=self.dtype)
        norm = functools.partial(nn.BatchNorm, use_running_average=not self.train, momentum=0.9,
                                 dtype=self.dtype)
        skip = x
        y = nn.relu(norm()(conv(self.width, (1, 1))(x)))
        y = conv(self.width, (3, 3), self.stride, padding=((1, 1), (1, 1)))(y)
        y = norm()(conv(self.width * 4, (1, 1))(nn.relu(norm()(y))))
        if skip.shape != y.shape:
            skip = norm()(conv(self.width * 4, (1, 1), self.stride)(skip))
        return nn.relu(y + skip)


class ResNet50(nn.Module):
    dtype: object
    train: bool

    @nn.compact
    def __call__(self, x):
        x = nn.Conv(64, (7, 7), 2, padding=((3, 3), (3, 3)), use_bias=False, dtype=self.dtype)(x)
        x = nn.relu(nn.BatchNorm(use_running_average=not self.train, momentum=0.9,
                                 dtype=self.dtype)(x))
        x = nn.max_pool(x, (3, 3), (2, 2), padding=((1, 1), (1, 1)))
        for stage, blocks in enumerate([3, 4, 6, 3]):
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                x = Bottleneck(64 << stage, stride, self.dtype, self.train)(x)
        return nn.Dense(1000, dtype=self.dtype)(jnp.mean(x, (1, 2))).astype(jnp.float32)


def seconds_of(run, repeats):
    """Mean of one call; calls follow each other without waiting."""
    begin = time.perf_counter()
    for _ in range(repeats):
        result = run()
    jax.block_until_ready(result)
    return (time.perf_counter() - begin) / repeats


def report(case, unit, value):
    print(json.dumps({"case": case, "unit": unit, "value": round(value, 3),
                      "name": f"JAX {jax.__version__}", "variant": "jit",
                      "device": jax.devices()[0].device_kind}), flush=True)


def train(precision, batch, options):
    dtype = PRECISIONS[precision]
    model = ResNet50(dtype, True)
    images = jax.random.normal(jax.random.key(0), (batch, 224, 224, 3), dtype)
    labels = jax.random.randint(jax.random.key(1), (batch,), 0, 1000)
    variables = jax.jit(model.init)(jax.random.key(2), images[:2])
    optimizer = optax.sgd(0.1, momentum=0.9)

    @functools.partial(jax.jit, donate_argnums=0)
    def step(state):
        params, stats, slots = state

        def loss_of(p):
            logits, changed = model.apply({"params": p, "batch_stats": stats}, images,
                                          mutable=["batch_stats"])
            targets = optax.smooth_labels(jax.nn.one_hot(labels, 1000), 0.1)
            return optax.softmax_cross_entropy(logits, targets).mean(), changed["batch_stats"]

        gradients, new_stats = jax.grad(loss_of, has_aux=True)(params)
        updates, slots = optimizer.update(gradients, slots)
        return optax.apply_updates(params, updates), new_stats, slots

    state = (variables["params"], variables["batch_stats"], optimizer.init(variables["params"]))
    begin = time.perf_counter()
    state = jax.block_until_ready(step(state))
    first = time.perf_counter() - begin

    def run():
        nonlocal state
        state = step(state)
        return state

    seconds_of(run, options.warmup)
    report(f"resnet50/train/{precision}/{batch}", "img/s", batch / seconds_of(run, options.repeats))
    report(f"resnet50/first_step/{precision}/{batch}", "s", first)


def infer(precision, batch, options):
    dtype = PRECISIONS[precision]
    model = ResNet50(dtype, False)
    images = jax.random.normal(jax.random.key(0), (batch, 224, 224, 3), dtype)
    variables = jax.tree.map(lambda x: x.astype(dtype), jax.jit(model.init)(jax.random.key(2), images[:2]))
    predict = jax.jit(model.apply)
    seconds_of(lambda: predict(variables, images), options.warmup)
    seconds = seconds_of(lambda: predict(variables, images), options.repeats)
    report(f"resnet50/infer/{precision}/{batch}", "img/s", batch / seconds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", action="append", required=True,
                        help="train/fp16/256, infer/fp16/1, ...; may be given several times")
    parser.add_argument("--warmup", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=30)
    options = parser.parse_args()
    for case in options.case:
        kind, precision, batch = case.split("/")
        {"train": train, "infer": infer}[kind](precision, int(batch), options)


if __name__ == "__main__":
    main()
