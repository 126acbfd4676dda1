"""Seconds of a training step of ResNet-18 in Python, for comparison with 'flipout bench step'.

    python3 step.py cuda|cpu BATCH,... STEPS

One JSON object a batch size: medians of steps that are waited for, plain and with FlipOut written one tensor after the
other, and images a second of plain steps that are not waited for.
"""

import json
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional

WARM_UP = 5


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


def resnet18():
    layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU()]
    inputs = 64
    for outputs, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [Block(inputs, outputs, stride), Block(outputs, outputs, 1)]
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10))


class FlipOut:
    """Noise, masks and flips, as pruning is usually written: one tensor after the other."""

    def __init__(self, network):
        self.all = list(network.parameters())
        self.weights = [p for p in self.all if p.dim() > 1]
        self.masks = [torch.ones_like(w) for w in self.weights]
        self.flips = [torch.zeros_like(w, dtype=torch.int16) for w in self.weights]
        self.signs = [torch.sign(w.data) for w in self.weights]

    @torch.no_grad()
    def before_step(self):
        for p in self.all:
            p.grad.add_(torch.randn_like(p.grad) * (p.grad.norm() / p.grad.numel() ** 0.5))
        for w, mask in zip(self.weights, self.masks):
            w.grad.mul_(mask)

    @torch.no_grad()
    def after_step(self):
        for i, (w, mask) in enumerate(zip(self.weights, self.masks)):
            w.mul_(mask)
            signs = torch.sign(w)
            self.flips[i].add_(signs != self.signs[i])
            self.signs[i] = signs


def stepper(device, batch, bf16, channels_last, flipout):
    network = resnet18().to(device)
    images = torch.randn(batch, 3, 32, 32, device=device)
    labels = torch.randint(0, 10, (batch,), device=device)
    if channels_last:
        network = network.to(memory_format=torch.channels_last)
        images = images.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(network.parameters(), 0.001, momentum=0.9, weight_decay=5e-4)
    pruner = FlipOut(network) if flipout else None

    def step():
        with torch.autocast(device, torch.bfloat16, enabled=bf16):
            loss = functional.cross_entropy(network(images), labels)
        optimizer.zero_grad()
        loss.backward()
        if pruner:
            pruner.before_step()
        optimizer.step()
        if pruner:
            pruner.after_step()
        return next(network.parameters())

    for _ in range(WARM_UP):
        step().sum().item()
    return step


def median_seconds(step, steps):
    times = []
    for _ in range(steps):
        begin = time.perf_counter()
        step().sum().item()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


def images_per_second(step, steps, batch):
    begin = time.perf_counter()
    for _ in range(steps):
        last = step()
    last.sum().item()
    return batch * steps / (time.perf_counter() - begin)


def main():
    device, batches, steps = sys.argv[1], [int(b) for b in sys.argv[2].split(",")], int(sys.argv[3])
    for batch in batches:
        result = {"python": "step", "model": "resnet18", "batch": batch}
        for name, bf16, channels_last in (("float32", False, False), ("bf16", True, True)):
            plain = stepper(device, batch, bf16, channels_last, False)
            result[name] = round(median_seconds(plain, steps), 6)
            result[name + "_images_per_second"] = round(images_per_second(plain, steps, batch))
            result[name + "_flipout"] = round(
                median_seconds(stepper(device, batch, bf16, channels_last, True), steps), 6)
        print(json.dumps(result), flush=True)


main()
