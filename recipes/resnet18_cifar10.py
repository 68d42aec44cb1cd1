"""The classic recipe: ResNet-18 with ImageNet weights, its last layer replaced by 10 classes, trained on CIFAR-10.

    python recipes/resnet18_cifar10.py CIFAR10 [PICTURES_PER_CLASS] [EPOCHS]

CIFAR10 is a folder as recipes/cifar10.py describes it. It prints the loss of each epoch, as the sum over the training
pictures and as their mean. All 50,000 pictures at 224 pixels and ten epochs are days on a laptop without a GPU: a few
hundred pictures per class show the same thing in minutes. With 100 a class and two epochs, on the packaged backbone,
expect after less than two minutes on two cores:

    epoch 1: loss 1872.0, mean 2.2023
    epoch 2: loss 1591.9, mean 1.8728
"""

import sys
from pathlib import Path

from cifar10 import class_folders

import graft

source, per_class, epochs = sys.argv[1], int((*sys.argv, 0, 0)[2]) or None, int((*sys.argv, 0, 0)[3]) or 10
data = class_folders(source, f"runs/data/cifar10-{per_class or 'all'}", per_class)
try:
    backbone = graft.open_backbone("torchvision:resnet18")
except graft.GraftError as error:
    print(f"{error}\nSo the packaged EfficientNet-Lite0 takes its place.")
    backbone = graft.open_backbone("wheel:efficientnet_lite0")
classic = graft.Plan(
    epochs=epochs, batch=4, optimiser="sgd", learning_rate=0.001, head_learning_rate=0.001, momentum=0.9,
    nesterov=False, schedule="constant", warm_up=0, weight_decay=0, label_smoothing=0, clip=None, average=False,
    frozen_statistics=False,
)  # fmt: skip
how = graft.Full(classic, frozen_stages=0, varied=False, from_probe=False)
model = graft.adapt(
    backbone, data, how, on_epoch=lambda one: print(f"epoch {one.number}: loss {one.total:.1f}, mean {one.mean:.4f}")
)
model.save(folder := Path("runs/resnet18_cifar10/model"))
print(f"The model lies in {folder}. The graft way, one line, which also measures it:  graft fit {data}")
