"""The two classic steps: pretrain a small network on eight classes of CIFAR-10, transfer it to the other two.

    python recipes/pretrain_then_transfer.py CIFAR10 [PICTURES_PER_CLASS] [EPOCHS]

CIFAR10 is a folder as recipes/cifar10.py describes it. Expect this table after about seven minutes on two cores: right
answers on 1,000 test pictures of cats and trucks by the network that was pretrained on the other eight classes (1,000
pictures of each), and by the same network trained on the few pictures alone.

    pictures a class   pretrained   from scratch
                   5        90.4%          64.9%
                  10        91.1%          75.5%
                  20        93.4%          74.8%
                  50        93.7%          80.4%
"""

import sys
from pathlib import Path

import numpy as np
from cifar10 import NAMES, class_folders

import graft

TARGET = ("cat", "truck")
ARCHITECTURE, SIDE = "timm:resnet10t", 64
FEW = (5, 10, 20, 50)

source, per_class, epochs = sys.argv[1], int((*sys.argv, 0, 0)[2]) or 1000, int((*sys.argv, 0, 0)[3]) or 12
others = [name for name in NAMES if name not in TARGET]
large = class_folders(source, f"runs/data/cifar10-eight-{per_class}", per_class, others)
run = Path(f"runs/cifar10-eight-{per_class}")
if not (run / "model").exists():
    pretrained = graft.pretrain(large, ARCHITECTURE, epochs, run, SIDE)
    print(
        f"Pretrained on {len(others)} classes: {pretrained.evaluation.accuracy.value:.1%} on held-out pictures of them."
    )
test = class_folders(source, "runs/data/cifar10-two", 500, TARGET)
print("pictures a class   pretrained   from scratch")
for few in FEW:
    data = graft.load(class_folders(source, f"runs/data/cifar10-two-{few}", few, TARGET))
    strategies = {f"run:{run}": graft.Probe(), f"random:{ARCHITECTURE}@{SIDE}": graft.Scratch(graft.Plan(
        epochs=30, batch=16, learning_rate=1e-3, head_learning_rate=1e-3, frozen_statistics=False, most_steps=120
    ))}  # fmt: skip
    right = []
    for backbone, how in strategies.items():
        model = graft.adapt(backbone, data, how)
        files = sorted((test / "test").rglob("*.png"))
        answers = np.array([probabilities for _, probabilities in model.predict(files)])
        said = np.array(model.classes)[answers.argmax(axis=1)]
        right.append(np.mean(said == [file.parent.name for file in files]))
    print(f"{few:16}   {right[0]:10.1%}   {right[1]:12.1%}", flush=True)
