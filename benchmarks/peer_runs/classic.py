"""The loop of the classic recipe: SGD with momentum, small batches, every layer, no augmentation."""

from common import CLASSES, DATA, EPOCHS, MEAN, SIDE, STD, Clock, pretrained

clock = Clock()
# typed by the user from here
import torch
from torchvision import datasets, transforms

transform = transforms.Compose(
    [transforms.Resize(256), transforms.CenterCrop(SIDE), transforms.ToTensor(), transforms.Normalize(MEAN, STD)]
)
data = datasets.ImageFolder(DATA / "train", transform)
loader = torch.utils.data.DataLoader(data, batch_size=4, shuffle=True, num_workers=2)
model = pretrained()
criterion = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
for epoch in range(EPOCHS):
    model.train()
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss = criterion(model(inputs), labels)
        loss.backward()
        optimizer.step()
    # to here
    clock.save(model.state_dict())
assert data.classes == CLASSES
