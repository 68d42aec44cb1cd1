"""The same loop as good practice has it: AdamW, one cycle, augmentation, smoothing, channels last, bf16."""

from common import DATA, EPOCHS, MEAN, SIDE, STD, Clock, pretrained

clock = Clock()
# typed by the user from here
import torch
from torchvision import datasets, transforms

transform = transforms.Compose(
    [
        transforms.RandomResizedCrop(SIDE, scale=(0.6, 1)),
        transforms.RandomHorizontalFlip(),
        transforms.ColorJitter(0.2, 0.2, 0.2),
        transforms.ToTensor(),
        transforms.Normalize(MEAN, STD),
    ]
)
data = datasets.ImageFolder(DATA / "train", transform)
loader = torch.utils.data.DataLoader(data, batch_size=64, shuffle=True, num_workers=2)
model = pretrained().to(memory_format=torch.channels_last)
criterion = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0.01)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-4, epochs=EPOCHS, steps_per_epoch=len(loader))
for epoch in range(EPOCHS):
    model.train()
    for inputs, labels in loader:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            scores = model(inputs.to(memory_format=torch.channels_last))
        loss = criterion(scores.float(), labels)
        loss.backward()
        optimizer.step()
        schedule.step()
    # to here
    clock.save(model.state_dict())
