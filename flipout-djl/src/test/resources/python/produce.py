"""Writes modules that somebody in Python might want to prune.

usage: produce.py FOLDER
"""
import os
import sys

import torch
from torch import nn
from torch.nn import functional as F


class BasicBlock(nn.Module):
    def __init__(self, inputs, planes, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = None
        if stride != 1 or inputs != planes:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, planes, 1, stride, bias=False), nn.BatchNorm2d(planes)
            )

    def forward(self, x):
        kept = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(x)) + kept)


class ResNet18(nn.Module):
    """As torchvision arranges it: 7x7 stem, max pool, four stages, global pool."""

    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        widths = [64, 64, 128, 256, 512]
        for i in range(1, 5):
            stride = 1 if i == 1 else 2
            stage = nn.Sequential(
                BasicBlock(widths[i - 1], widths[i], stride), BasicBlock(widths[i], widths[i], 1)
            )
            setattr(self, "layer%d" % i, stage)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(512, classes)

    def forward(self, x):
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class Branching(nn.Module):
    """Takes another way by the numbers it sees, and goes round a loop."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(6, 16)
        self.again = nn.Linear(16, 16)
        self.dropout = nn.Dropout(0.1)
        self.last = nn.Linear(16, 3)

    def forward(self, x):
        x = self.first(x)
        if bool(x.sum() > 0):
            x = F.relu(x)
        else:
            x = F.leaky_relu(x, 0.1)
        for _ in range(2):
            x = self.dropout(F.relu(self.again(x)))
        return self.last(x)


torch.manual_seed(0)
folder = sys.argv[1]
torch.jit.script(ResNet18()).save(os.path.join(folder, "resnet18.pt"))
torch.jit.script(Branching()).save(os.path.join(folder, "branching.pt"))
torch.jit.freeze(torch.jit.script(Branching().eval())).save(os.path.join(folder, "frozen.pt"))
torch.jit.trace(ResNet18().eval(), torch.zeros(1, 3, 32, 32)).save(
    os.path.join(folder, "traced.pt")
)
torch.save(Branching().state_dict(), os.path.join(folder, "state_dict.pt"))
