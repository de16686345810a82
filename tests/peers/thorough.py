"""One fine-tuning step of all layers in PyTorch, as sentence-transformers does it.

Questions and answers go through the transformer one after the other, each padded to its longest;
ranking loss with in-batch negatives, AdamW. Dropout is off, which only makes it faster. Texts are
tokenised in advance.

loads: {"precision": "fp32" or "bf16", "model": DIR, "texts": FILE of batches [questions, answers]}
a pass: one step of each batch → the cost of a step
"""

import contextlib

import torch
from torch.nn import functional
from worker import THREADS, Pass, Reply, Request, peak_mb, serve, texts_of, timed


def load(request: Request) -> tuple[str, Pass]:
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(THREADS)
    torch.manual_seed(42)
    no_dropout = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    model = SentenceTransformer(request["model"], device="cpu", config_kwargs=no_dropout).train()
    batches = [[model.tokenize(side) for side in batch] for batch in texts_of(request)]
    adam = torch.optim.AdamW(model.parameters(), lr=2e-5)

    def precision() -> contextlib.AbstractContextManager:
        if request["precision"] == "bf16":
            return torch.autocast("cpu", dtype=torch.bfloat16)
        return contextlib.nullcontext()

    def step(batch: list[dict[str, torch.Tensor]]) -> None:
        adam.zero_grad()
        with precision():
            questions, answers = (model(dict(side))["sentence_embedding"] for side in batch)
            scores = functional.normalize(questions) @ functional.normalize(answers).T * 20
            loss = functional.cross_entropy(scores, torch.arange(len(scores)))
        loss.backward()
        adam.step()

    def one_pass(_: Request) -> Reply:
        cost = timed(lambda: [step(batch) for batch in batches])
        return {clock: seconds / len(batches) for clock, seconds in cost.items()} | {
            "peak_mb": peak_mb()
        }

    one_pass({})
    return request["precision"], one_pass


if __name__ == "__main__":
    serve(load, "torch", "sentence-transformers", "transformers")
