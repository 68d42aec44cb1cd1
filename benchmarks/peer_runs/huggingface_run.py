"""Hugging Face Trainer on the same network through the library's wrapper for timm."""

from common import ARCHITECTURE, CLASSES, DATA, EPOCHS, MEAN, OUT, SIDE, STD, Clock, pretrained

clock = Clock()
# typed by the user from here
import torch
from torchvision import datasets, transforms
from transformers import (
    TimmWrapperConfig,
    TimmWrapperForImageClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

transform = transforms.Compose(
    [
        transforms.RandomResizedCrop(SIDE),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize(MEAN, STD),
    ]
)
data = datasets.ImageFolder(DATA / "train", transform)
config = TimmWrapperConfig(architecture=ARCHITECTURE, num_labels=len(CLASSES))
model = TimmWrapperForImageClassification(config)
# to here
model.timm_model.load_state_dict(pretrained().state_dict())


class Save(TrainerCallback):
    def on_epoch_end(self, *arguments, **options):
        clock.save(model.timm_model.state_dict())


# typed by the user from here


def collate(samples):
    inputs, labels = zip(*samples, strict=True)
    return {"pixel_values": torch.stack(inputs), "labels": torch.tensor(labels)}


arguments = TrainingArguments(
    output_dir=str(OUT / "trainer"), num_train_epochs=EPOCHS, per_device_train_batch_size=16, learning_rate=5e-4,
    warmup_steps=0.1, dataloader_num_workers=2, save_strategy="no", report_to="none", use_cpu=True,
)  # fmt: skip
Trainer(model, arguments, train_dataset=data, data_collator=collate, callbacks=[Save()]).train()
# to here
