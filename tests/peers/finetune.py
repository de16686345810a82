"""Fine-tuning all layers with sentence-transformers, as in the introduction of its documentation.

SentenceTransformerTrainer and MultipleNegativesRankingLoss with default settings, apart from the seed.
Training stops at the time limit.

loads: {"model": DIR, "texts": FILE of pairs [question, answer], "seed": n, "minutes": m}; trains
a pass: {"texts": FILE, "vectors": FILE to write as f32} → {"dim": d} and the cost of training; without
`vectors`, nothing is embedded
"""

import tempfile
import time
from typing import Any

import numpy
import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from worker import THREADS, Pass, Reply, Request, serve, texts_of, timed


class Deadline(TrainerCallback):
    """Stops training after the step that exceeds the time limit."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.end = 0.0

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        self.end = time.perf_counter() + self.seconds

    def on_step_end(
        self, _: TrainingArguments, __: TrainerState, control: TrainerControl, **___: Any
    ) -> None:
        control.should_training_stop |= time.perf_counter() >= self.end


def load(request: Request) -> tuple[str, Pass]:
    from datasets import Dataset
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.losses import MultipleNegativesRankingLoss

    torch.set_num_threads(THREADS)
    model = SentenceTransformer(request["model"], device="cpu")
    questions, answers = zip(*texts_of(request))
    with tempfile.TemporaryDirectory() as out:
        settings = SentenceTransformerTrainingArguments(
            out,
            seed=request["seed"],
            use_cpu=True,
            save_strategy="no",
            logging_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        trainer = SentenceTransformerTrainer(
            model,
            settings,
            train_dataset=Dataset.from_dict({"anchor": questions, "positive": answers}),
            loss=MultipleNegativesRankingLoss(model),
            callbacks=[Deadline(request["minutes"] * 60)],
        )
        cost = timed(trainer.train)
    state = trainer.state

    def one_pass(asked: Request) -> Reply:
        if "vectors" not in asked:
            return cost
        vectors = model.encode(texts_of(asked), show_progress_bar=False)
        numpy.asarray(vectors, numpy.float32).tofile(asked["vectors"])
        return cost | {"dim": vectors.shape[1]}

    note = (
        f"{settings.num_train_epochs:g} epochs of batches of {settings.per_device_train_batch_size}, "
        f"learning rate {settings.learning_rate:g}, schedule {settings.lr_scheduler_type.value}, "
        f"warm-up {settings.warmup_ratio:g}, weight decay {settings.weight_decay:g}; "
        f"{state.global_step} of {state.max_steps} steps in {cost['wall']:.0f} s"
    )
    return note, one_pass


if __name__ == "__main__":
    serve(load, "torch", "sentence-transformers", "transformers", "accelerate", "datasets")
