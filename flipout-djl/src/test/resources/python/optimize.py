"""Trains a small network for 1,000 steps by each of some optimizers of PyTorch, and prints its weights."""

import sys

import torch

folder = sys.argv[1]
torch.set_num_threads(1)
with open(folder + "/optimizers.txt") as file:
    makers = file.read().splitlines()
with open(folder + "/numbers.txt") as file:
    numbers = [torch.tensor([float(x) for x in line.split()]) for line in file]
inputs = numbers[0].reshape(-1, 6)
labels = numbers[1].long()
shapes = [(8, 6), (8,), (3, 8), (3,)]
for make in makers:
    weights = [n.reshape(shape).clone().requires_grad_() for n, shape in zip(numbers[2:], shapes)]
    optimizer = eval("torch.optim." + make, {"torch": torch, "w": weights})
    for step in range(1000):
        optimizer.zero_grad()
        hidden = torch.tanh(inputs @ weights[0].t() + weights[1])
        outputs = hidden @ weights[2].t() + weights[3]
        torch.nn.functional.cross_entropy(outputs, labels).backward()
        optimizer.step()
    print(" ".join(repr(x) for weight in weights for x in weight.detach().flatten().tolist()))
