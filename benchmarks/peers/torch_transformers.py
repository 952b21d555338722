#!/usr/bin/env python3
"""GPT-2 (124 million parameters) and BERT base on one GPU with PyTorch, compiled, in the settings
its users reach for first: scaled_dot_product_attention, automatic mixed precision with bf16 and
fused AdamW for training; half precision and CUDA graphs for inference. Tokens are random and lie on
the device. Prints one JSON object a line: case, unit, value, name, variant, device."""

import argparse
import time

import torch
from torch import nn
from torch.nn import functional as F

from torch_timing import median_seconds, report

PRECISIONS = {"fp16": torch.float16, "bf16": torch.bfloat16}
WIDTH, HEADS, LAYERS = 768, 12, 12


class Attention(nn.Module):
    def __init__(self, causal):
        super().__init__()
        self.inputs = nn.Linear(WIDTH, 3 * WIDTH)
        self.output = nn.Linear(WIDTH, WIDTH)
        self.causal = causal

    def forward(self, x):
        batch, steps, _ = x.shape
        query, key, value = (part.view(batch, steps, HEADS, -1).transpose(1, 2)
                             for part in self.inputs(x).split(WIDTH, dim=2))
        y = F.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        return self.output(y.transpose(1, 2).reshape(batch, steps, WIDTH))


def feed_forward(approximate):
    return nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(approximate=approximate),
                         nn.Linear(4 * WIDTH, WIDTH))


class Gpt2Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(WIDTH), Attention(True)
        self.norm2, self.feed_forward = nn.LayerNorm(WIDTH), feed_forward("tanh")

    def forward(self, x):
        x = x + self.attention(self.norm1(x))
        return x + self.feed_forward(self.norm2(x))


class Gpt2(nn.Module):
    """Logits of each next token; the last product shares the embedding's table."""

    def __init__(self, steps, vocabulary=50304):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, WIDTH), nn.Embedding(steps, WIDTH)
        self.blocks = nn.Sequential(*(Gpt2Block() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH)
        self.vocabulary = vocabulary
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, tokens):
        steps = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.blocks(self.tokens(tokens) + self.positions(steps))
        return F.linear(self.norm(x), self.tokens.weight)


class BertBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention, self.norm1 = Attention(False), nn.LayerNorm(WIDTH, 1e-12)
        self.feed_forward, self.norm2 = feed_forward("none"), nn.LayerNorm(WIDTH, 1e-12)

    def forward(self, x):
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.feed_forward(x))


class Bert(nn.Module):
    """A classifier of sequences through the pooled first step."""

    def __init__(self, classes=2):
        super().__init__()
        self.tokens, self.segments = nn.Embedding(30522, WIDTH), nn.Embedding(2, WIDTH)
        self.positions = nn.Embedding(512, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, 1e-12)
        self.blocks = nn.Sequential(*(BertBlock() for _ in range(LAYERS)))
        self.pool, self.classify = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, classes)

    def forward(self, tokens, segments):
        steps = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.tokens(tokens) + self.positions(steps) + self.segments(segments)
        x = self.blocks(self.norm(x))
        return self.classify(torch.tanh(self.pool(x[:, 0])))


def train_gpt2(precision, batch, options):
    steps = options.sequence_length or 1024
    model = Gpt2(steps).cuda().train()
    tokens, targets = torch.randint(0, 50257, (2, batch, steps), device="cuda")
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-4, betas=(0.9, 0.95),
                                  weight_decay=0.1, fused=True)

    def loss_of(x, y):
        with torch.autocast("cuda", PRECISIONS[precision]):
            logits = model(x)
            return F.cross_entropy(logits.view(-1, logits.shape[-1]), y.view(-1))

    if options.variant == "compile":
        loss_of = torch.compile(loss_of)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss_of(tokens, targets).backward()
        optimizer.step()

    begin = time.perf_counter()
    step()
    torch.cuda.synchronize()
    first = time.perf_counter() - begin
    for _ in range(options.warmup):
        step()
    report(f"gpt2/train/{precision}/{batch}", "tokens/s",
           batch * steps / median_seconds(step, options.repeats), options)
    report(f"gpt2/first_step/{precision}/{batch}", "s", first, options)


def infer_bert(precision, batch, options):
    steps = options.sequence_length or 128
    model = Bert().cuda().to(PRECISIONS[precision]).eval()
    tokens = torch.randint(0, 30522, (batch, steps), device="cuda")
    segments = torch.zeros_like(tokens)
    if options.variant == "compile":
        model = torch.compile(model, mode="max-autotune" if options.autotune else "reduce-overhead")
    with torch.inference_mode():
        for _ in range(options.warmup):
            model(tokens, segments)
        seconds = median_seconds(lambda: model(tokens, segments), options.repeats)
    report(f"bert_base/infer/{precision}/{batch}", "sequences/s", batch / seconds, options)


CASES = {("gpt2", "train"): train_gpt2, ("bert_base", "infer"): infer_bert}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--case", action="append", required=True,
                        help="gpt2/train/bf16/32, bert_base/infer/fp16/1, ...; several if wanted")
    parser.add_argument("--sequence_length", type=int, help="1024 of gpt2, 128 of bert_base")
    parser.add_argument("--variant", choices=["compile", "eager"], default="compile")
    parser.add_argument("--autotune", action="store_true", help="inference: max-autotune")
    parser.add_argument("--warmup", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=30)
    options = parser.parse_args()
    for case in options.case:
        model, kind, precision, batch = case.split("/")
        CASES[model, kind](precision, int(batch), options)


if __name__ == "__main__":
    main()
