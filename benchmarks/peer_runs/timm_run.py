"""timm, with the loader, optimiser, scheduler, loss and average that its training script is made of.

The script itself (train.py) is not part of the package that pip installs.
"""

from common import CLASSES, DATA, EPOCHS, MEAN, SIDE, STD, Clock, pretrained

clock = Clock()
# typed by the user from here
import torch
from timm.data import create_dataset, create_loader
from timm.loss import LabelSmoothingCrossEntropy
from timm.optim import create_optimizer_v2
from timm.scheduler import create_scheduler_v2
from timm.utils import ModelEmaV3

dataset = create_dataset("", root=str(DATA), split="train", is_training=True, batch_size=64)
loader = create_loader(
    dataset, (3, SIDE, SIDE), 64, is_training=True, scale=(0.6, 1), color_jitter=0.2, auto_augment=None,
    interpolation="bicubic", mean=MEAN, std=STD, num_workers=2, use_prefetcher=False, device=torch.device("cpu"),
)  # fmt: skip
model = pretrained().to(memory_format=torch.channels_last)
average = ModelEmaV3(model, decay=0.9)
criterion = LabelSmoothingCrossEntropy(0.1)
optimizer = create_optimizer_v2(model, opt="adamw", lr=5e-4, weight_decay=0.01, layer_decay=0.75)
schedule, _ = create_scheduler_v2(optimizer, "cosine", num_epochs=EPOCHS, warmup_epochs=1, warmup_lr=1e-5)
for epoch in range(EPOCHS):
    model.train()
    for inputs, labels in loader:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            scores = model(inputs.to(memory_format=torch.channels_last))
        criterion(scores.float(), labels).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        average.update(model)
    schedule.step(epoch + 1)
    # to here
    clock.save(average.module.state_dict())
assert sorted(dataset.reader.class_to_idx) == CLASSES
