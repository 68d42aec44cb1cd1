"""AutoGluon MultiModal on a table of paths and labels."""

from common import ARCHITECTURE, DATA, EPOCHS, OUT, Clock

clock = Clock()
# typed by the user from here
import pandas
from autogluon.multimodal import MultiModalPredictor

rows = [(str(file), file.parent.name) for file in sorted((DATA / "train").rglob("*.jpg"))]
table = pandas.DataFrame(rows, columns=["image", "label"])
predictor = MultiModalPredictor(label="label", path=str(OUT / "autogluon"))
settings = {"model.timm_image.checkpoint_name": ARCHITECTURE, "optim.max_epochs": EPOCHS}
predictor.fit(table, hyperparameters=settings)
# to here
clock.save(predictor._learner._model.model.state_dict())
