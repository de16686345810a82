"""Training the tutorial's head in plain PyTorch, without any metrics.

The gated skip head, symmetric ranking loss over Quaterion's cosine, Adam at 1e-4, no shuffling.

loads: {"anchors": FILE of f32, "positives": FILE of f32, "dim": d, "batch": pairs per step}
a pass: {"epochs": n} → the cost of an epoch
"""

import numpy
import torch
from torch.nn import functional
from worker import THREADS, Pass, Reply, Request, serve, timed

SCALE = 20.0


class GatedSkip(torch.nn.Module):
    """y = fc(x)·σ(g) + x"""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gates = torch.nn.Parameter(torch.full((dim,), -4.0))
        self.fc = torch.nn.Linear(dim, dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x) * torch.sigmoid(self.gates) + x


def ranking_loss(embeddings: torch.Tensor) -> torch.Tensor:
    """Every other answer of the batch is a negative, and every other question of an answer."""
    anchors, positives = functional.normalize(embeddings).chunk(2)
    scores = (anchors @ positives.T + 1) * (SCALE / 2)
    own = torch.arange(len(scores))
    return (functional.cross_entropy(scores, own) + functional.cross_entropy(scores.T, own)) / 2


def vectors(file: str, dim: int) -> torch.Tensor:
    return torch.from_numpy(numpy.fromfile(file, numpy.float32).reshape(-1, dim))


def load(request: Request) -> tuple[str, Pass]:
    torch.set_num_threads(THREADS)
    torch.manual_seed(42)
    sides = [vectors(request[side], request["dim"]) for side in ("anchors", "positives")]
    batches = [
        torch.cat(halves) for halves in zip(*(side.split(request["batch"]) for side in sides))
    ]
    head = GatedSkip(request["dim"])
    adam = torch.optim.Adam(head.parameters(), lr=1e-4)

    def epoch() -> None:
        for batch in batches:
            adam.zero_grad()
            ranking_loss(head(batch)).backward()
            adam.step()

    def one_pass(asked: Request) -> Reply:
        epochs = asked["epochs"]
        cost = timed(lambda: [epoch() for _ in range(epochs)])
        return {clock: seconds / epochs for clock, seconds in cost.items()}

    one_pass({"epochs": 2})
    return "batches put together once", one_pass


if __name__ == "__main__":
    serve(load, "torch")
