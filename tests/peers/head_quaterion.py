"""Quaterion: the tutorial's training, with training and validation metrics after every epoch.

The encoder looks up precomputed vectors, and Quaterion caches them, as in the tutorial. Progress bar,
log and checkpoints are off; filling the cache and the first epoch don't count.

loads: {"anchors": FILE of f32, "positives": FILE, "val_anchors": FILE, "val_positives": FILE,
        "dim": d, "batch": pairs per step}
a pass: {"epochs": n} → the cost of an epoch
"""

import logging
import time
import warnings

import numpy
import torch
import torch.utils.data.dataloader
import torch.utils.data.dataset
from worker import THREADS, Pass, Reply, Request, serve

# PyTorch has renamed this type variable, which Quaterion imports.
for module in (torch.utils.data.dataloader, torch.utils.data.dataset):
    module.T_co = module._T_co
warnings.filterwarnings("ignore")
logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)

import pytorch_lightning  # noqa: E402
from quaterion import Quaterion, TrainableModel  # noqa: E402
from quaterion.dataset import PairsSimilarityDataLoader, SimilarityPairSample  # noqa: E402
from quaterion.eval.attached_metric import AttachedMetric  # noqa: E402
from quaterion.eval.pair import RetrievalPrecision, RetrievalReciprocalRank  # noqa: E402
from quaterion.loss import MultipleNegativesRankingLoss  # noqa: E402
from quaterion.train.cache import CacheConfig, CacheType  # noqa: E402
from quaterion_models.encoders import Encoder  # noqa: E402
from quaterion_models.heads import SkipConnectionHead  # noqa: E402


class Known(Encoder):
    """Encoder that maps row numbers to rows."""

    def __init__(self, rows: torch.Tensor) -> None:
        super().__init__()
        self.rows = rows

    @property
    def trainable(self) -> bool:
        return False

    @property
    def embedding_size(self) -> int:
        return self.rows.shape[1]

    def get_collate_fn(self):
        return lambda numbers: torch.tensor(numbers)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        return self.rows[batch]

    def save(self, output_path: str) -> None:
        raise NotImplementedError

    @classmethod
    def load(cls, input_path: str) -> Encoder:
        raise NotImplementedError


class Model(TrainableModel):
    def __init__(self, rows: torch.Tensor) -> None:
        self.known = rows
        super().__init__()

    def configure_encoders(self) -> Encoder:
        return Known(self.known)

    def configure_caches(self) -> CacheConfig:
        return CacheConfig(CacheType.AUTO, batch_size=1024)

    def configure_head(self, input_embedding_size: int) -> SkipConnectionHead:
        return SkipConnectionHead(input_embedding_size)

    def configure_loss(self) -> MultipleNegativesRankingLoss:
        return MultipleNegativesRankingLoss(symmetric=True)

    def configure_metrics(self) -> list[AttachedMetric]:
        metrics = {"rp@1": RetrievalPrecision(k=1), "rrk": RetrievalReciprocalRank()}
        return [
            AttachedMetric(name, metric, prog_bar=True, on_epoch=True, on_step=False)
            for name, metric in metrics.items()
        ]

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.model.parameters(), lr=1e-4)


class Clock(pytorch_lightning.Callback):
    """Records wall and processor time at the end of every epoch."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, float]] = []

    def on_train_epoch_end(self, *_: object) -> None:
        self.ends.append((time.perf_counter(), time.process_time()))


def load(request: Request) -> tuple[str, Pass]:
    torch.set_num_threads(THREADS)
    torch.manual_seed(42)

    def rows(name: str) -> numpy.ndarray:
        return numpy.fromfile(request[name], numpy.float32).reshape(-1, request["dim"])

    sides = [rows(name) for name in ("anchors", "positives", "val_anchors", "val_positives")]
    starts = numpy.cumsum([0, *map(len, sides)]).tolist()

    def loader(anchors: int, count: int) -> PairsSimilarityDataLoader:
        pairs = [
            SimilarityPairSample(starts[anchors] + i, starts[anchors + 1] + i, 1.0, i)
            for i in range(count)
        ]
        return PairsSimilarityDataLoader(pairs, batch_size=request["batch"])

    known = torch.from_numpy(numpy.concatenate(sides))

    def one_pass(asked: Request) -> Reply:
        clock, epochs = Clock(), asked["epochs"]
        trainer = pytorch_lightning.Trainer(
            accelerator="cpu",
            devices=1,
            max_epochs=epochs + 1,
            callbacks=[clock],
            logger=False,
            enable_checkpointing=False,
            enable_model_summary=False,
            enable_progress_bar=False,
            num_sanity_val_steps=0,
        )
        Quaterion.fit(
            Model(known), trainer, loader(0, len(sides[0])), loader(2, len(sides[2]))
        )
        (wall, cpu), (wall_end, cpu_end) = clock.ends[0], clock.ends[-1]
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        return {
            "wall": (wall_end - wall) / epochs,
            "cpu": (cpu_end - cpu) / epochs,
            "figures": figures,
        }

    one_pass({"epochs": 1})
    return "no bar, no log, no checkpoints", one_pass


if __name__ == "__main__":
    serve(load, "torch", "quaterion", "quaterion-models", "pytorch-lightning")
