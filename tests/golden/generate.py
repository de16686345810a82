"""Recomputes the golden numbers of this directory with Quaterion, PyTorch and sentence-transformers.

Takes the inputs (embeddings, labels, weights, texts) from the stored files and recomputes every
output. By default, compares the outputs with the stored ones and fails if they differ by more than
1e-5, relative or absolute. With --write, replaces the stored outputs. FILE is a name such as
heads.json; without it, all files are recomputed. The two files about texts need --model, the
directory of all-MiniLM-L6-v2.

requirements.txt and quaterion.txt pin the versions that computed the stored numbers, on one CPU
thread.
"""

import argparse
import copy
import json
import math
import sys
import warnings
from pathlib import Path

import torch
import torch.utils.data.dataloader
import torch.utils.data.dataset

# PyTorch has renamed this type variable, which Quaterion imports.
for module in (torch.utils.data.dataloader, torch.utils.data.dataset):
    module.T_co = module._T_co
warnings.filterwarnings("ignore")

import quaterion.loss  # noqa: E402
import quaterion_models.heads as heads  # noqa: E402
from quaterion.distances import Distance  # noqa: E402
from quaterion.eval.group import RetrievalRPrecision  # noqa: E402
from quaterion.eval.pair import RetrievalPrecision, RetrievalReciprocalRank  # noqa: E402
from quaterion.eval.pair.retrieval_precision import retrieval_precision  # noqa: E402
from quaterion.eval.pair.retrieval_reciprocal_rank import retrieval_reciprocal_rank  # noqa: E402

HERE = Path(__file__).parent
TOLERANCE = 1e-5
skipped: list[str] = []


def plain(value: torch.Tensor):
    """A tensor as JSON: NaN becomes null."""
    value = value.detach()
    if value.dim() == 0:
        number = value.item()
        return None if isinstance(number, float) and math.isnan(number) else number
    return [plain(row) for row in value]


def distances(document: dict) -> None:
    x, y, z = (torch.tensor(document[name]) for name in "xyz")
    x0 = x.clone()
    x0[2] = 0
    for name, case in document["cases"].items():
        distance = Distance.get_by_name(name)
        case["distance_xy"] = plain(distance.distance(x, y))
        case["similarity_xy"] = plain(distance.similarity(x, y))
        case["distance_matrix_xz"] = plain(distance.distance_matrix(x, z))
        case["similarity_matrix_xz"] = plain(distance.similarity_matrix(x, z))
        case["distance_matrix_xx"] = plain(distance.distance_matrix(x))
        case["similarity_matrix_xx"] = plain(distance.similarity_matrix(x))
        case["distance_x0y"] = plain(distance.distance(x0, y))
        case["distance_matrix_x0z"] = plain(distance.distance_matrix(x0, z))


def build_loss(name: str, arguments: dict, document: dict):
    """The loss of a case; None if the installed Quaterion doesn't have it."""
    loss = getattr(quaterion.loss, name, None)
    if loss is None:
        skipped.append(f"{name} is not in the installed Quaterion")
        return None
    arguments = dict(arguments)
    if "distance" in arguments:
        arguments["distance_metric_name"] = arguments.pop("distance")
    if name in ("ArcFaceLoss", "CosFaceLoss", "SoftmaxLoss", "CenterLoss"):
        dim, groups = torch.tensor(document["kernel"]).shape
        arguments |= {"embedding_size": dim, "num_groups": groups}
    return loss(**arguments)


def fill_case(case: dict, embeddings: torch.Tensor, weights: dict, compute) -> None:
    """Stores the value of a loss and its gradients; null gradients where PyTorch has none."""
    embeddings = embeddings.clone().requires_grad_()
    value = compute(embeddings)
    case["value"] = plain(value)
    try:
        value.backward()
    except RuntimeError as error:
        case["grad_embeddings"] = None
        case["grad_error"] = str(error)
        return
    case["grad_embeddings"] = plain(embeddings.grad)
    for name, weight in weights.items():
        case[f"grad_{name}"] = plain(weight.grad)


def group_losses(document: dict) -> None:
    embeddings = torch.tensor(document["embeddings"])
    groups = torch.tensor(document["groups"])
    memory = torch.tensor(document["memory_embeddings"]), torch.tensor(document["memory_groups"])
    for case in document["cases"]:
        loss = build_loss(case["loss"], case["args"], document)
        if loss is None:
            continue
        weights = dict(loss.named_parameters())
        for name, weight in weights.items():
            weight.data = torch.tensor(document[name])
        fill_case(case, embeddings, weights, lambda x: loss(x, groups))
    for case in document["xbm"]:
        loss = build_loss("TripletLoss", case["args"], document)
        fill_case(case, embeddings, {}, lambda x: loss.xbm_loss(x, groups, *memory))
    case = document["fastap_tight"]
    loss = quaterion.loss.FastAPLoss(num_bins=case["num_bins"])
    tight = torch.tensor(case["embeddings"])
    fill_case(case, tight, {}, lambda x: loss(x, torch.tensor(case["groups"])))


def pair_losses(document: dict) -> None:
    embeddings = torch.tensor(document["embeddings"])
    pairs = torch.tensor(document["pairs"])
    for case in document["cases"]:
        loss = build_loss(case["loss"], case["args"], document)
        labels = torch.tensor(document["labels_sets"][case["labels"]])
        subgroups = torch.tensor(document["subgroup_sets"][case["subgroups"]])
        case["grad_error"] = None
        fill_case(case, embeddings, {}, lambda x: loss(x, pairs, labels, subgroups))


def pair_metrics(document: dict) -> None:
    embeddings = torch.tensor(document["embeddings"])
    pairs = torch.tensor(document["pairs"])
    subgroups = torch.tensor(document["subgroups"])
    metrics = {
        "RetrievalPrecision": RetrievalPrecision,
        "RetrievalReciprocalRank": RetrievalReciprocalRank,
    }

    def compute(case: dict, subgroups: torch.Tensor, **options) -> torch.Tensor:
        options |= {"k": case["k"]} if "k" in case else {}
        metric = metrics[case["metric"]](distance_metric_name=case["distance"], **options)
        return metric.compute(embeddings, torch.tensor(document[case["labels"]]), pairs, subgroups)

    changed = False
    for case in document["cases"]:
        case["per_row"] = plain(compute(case, subgroups, reduce_func=None))
        mean = compute(case, subgroups)
        case["mean"] = plain(mean)
        changed |= bool(mean != compute(case, torch.zeros_like(subgroups)))
    document["subgroups_change_result"] = changed

    labels, matrix = RetrievalPrecision().precompute(
        embeddings, labels=torch.tensor(document["labels"]), pairs=pairs, subgroups=subgroups
    )
    document["cosine_precomputed_distance_matrix"] = plain(matrix)
    document["cosine_precomputed_labels"] = plain(labels)

    raw = document["raw_multi_positive"]
    inputs = torch.tensor(raw["distance"]), torch.tensor(raw["labels"])
    raw["reciprocal_rank"] = plain(retrieval_reciprocal_rank(*inputs))
    raw["precision_at_2"] = plain(retrieval_precision(*inputs, 2))

    one_way = document["distinguish_a_to_b"]
    a, b = embeddings[pairs[:, 0]], embeddings[pairs[:, 1]]
    matrix = Distance.get_by_name("cosine").distance_matrix(a, b)
    labels = torch.diag(torch.tensor(document["labels"]))
    ranks = retrieval_reciprocal_rank(matrix, labels)
    one_way["precision_at_1"] = plain(retrieval_precision(matrix, labels, 1).mean())
    one_way["reciprocal_rank"] = plain(ranks.mean())
    one_way["per_row_rr"] = plain(ranks)


def group_metrics(document: dict) -> None:
    embeddings = torch.tensor(document["embeddings"])
    groups = torch.tensor(document["groups"])
    for case in document["cases"]:
        metric = RetrievalRPrecision(distance_metric_name=case["distance"])
        case["value"] = plain(metric.compute(embeddings, groups))


def build_head(name: str, arguments: dict, dim: int):
    if name == "SequentialHead":
        assert arguments["layers"] == "Linear(8,12),ReLU,Linear(12,4)"
        layers = torch.nn.Linear(dim, 12), torch.nn.ReLU(), torch.nn.Linear(12, 4)
        return heads.SequentialHead(*layers, output_size=4)
    return getattr(heads, name)(input_embedding_size=dim, **arguments)


def head_outputs(document: dict) -> None:
    inputs = torch.tensor(document["input"])
    for case in document["cases"]:
        head = build_head(case["head"], case["args"], inputs.shape[1]).eval()
        weights = {name: torch.tensor(weight) for name, weight in case["weights"].items()}
        head.load_state_dict(weights)
        x = inputs.clone().requires_grad_()
        output = head(x)
        (0.5 * output.square().sum()).backward()
        case["output"] = plain(output)
        case["output_size"] = head.output_size
        case["grad_input"] = plain(x.grad)
        case["grad_weights"] = {name: plain(p.grad) for name, p in head.named_parameters()}
    torch.manual_seed(0)
    for name, parameters in document["init"].items():
        head, dim = name.rstrip(")").split("(")
        for parameter, value in build_head(head, {}, int(dim)).named_parameters():
            value = value.detach()
            parameters[parameter] = {
                "shape": list(value.shape),
                "mean": value.mean().item(),
                "std": value.std().item(),
                "min": value.min().item(),
                "max": value.max().item(),
            }


def train_trajectory(document: dict) -> None:
    q, a = torch.tensor(document["q"]), torch.tensor(document["a"])
    n = len(q)
    head = heads.SkipConnectionHead(q.shape[1])
    head.load_state_dict({k: torch.tensor(v) for k, v in document["init"].items()})
    loss = quaterion.loss.MultipleNegativesRankingLoss(symmetric=True)
    optimizer = torch.optim.Adam(head.parameters(), lr=0.01)
    pairs = torch.stack([torch.arange(n), torch.arange(n) + n], dim=1)
    subgroups = torch.zeros(2 * n)
    document["losses"] = []
    for _ in range(5):
        value = loss(head(torch.cat([q, a])), pairs, torch.ones(n), subgroups)
        document["losses"].append(plain(value))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
    document["final"] = {name: plain(weight) for name, weight in head.named_parameters()}


def load_minilm(model: str):
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(model, device="cpu")


def texts(document: dict, model: str) -> None:
    from tokenizers import Tokenizer

    minilm = load_minilm(model)
    tokenizer = Tokenizer.from_file(str(Path(model) / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    length = document["max_seq_length"] = minilm.max_seq_length
    mismatches = []
    for row, case in enumerate(document["texts"]):
        ids = minilm.tokenizer(case["text"], truncation=True, max_length=length)["input_ids"]
        whole = tokenizer.encode(case["text"]).ids
        case["ids_st_max256"] = ids
        case["n_untruncated"] = len(whole)
        if whole[: length - 1] + whole[-1:] != ids and whole != ids:
            mismatches.append(row)
    document["tokenizers_vs_st_mismatch_rows"] = mismatches


def text_embeddings(document: dict, model: str) -> dict[str, torch.Tensor]:
    minilm = load_minilm(model)
    cases = [case["text"] for case in document["texts"]]
    normalized = minilm.encode(cases, convert_to_tensor=True)
    pooled = torch.nn.Sequential(*list(minilm)[:2])
    minilm_without_norm = type(minilm)(modules=list(pooled), device="cpu")
    mean_pooled = minilm_without_norm.encode(cases, convert_to_tensor=True)
    return {"mean_pooled_unnormalized": mean_pooled, "normalized": normalized}


def largest_difference(found, stored, path: str) -> float:
    """Largest difference between two JSON values, relative above 1; infinite if they don't match."""
    if path.endswith(".grad_error"):
        return 0.0
    if "/.init." in path and isinstance(stored, dict) and "std" in stored:
        return init_difference(found, stored)
    if isinstance(stored, dict) and isinstance(found, dict) and stored.keys() == found.keys():
        pairs = [(found[key], stored[key], f"{path}.{key}") for key in stored]
    elif isinstance(stored, list) and isinstance(found, list) and len(stored) == len(found):
        pairs = [(f, s, f"{path}[{i}]") for i, (f, s) in enumerate(zip(found, stored))]
    else:
        numbers = all(
            isinstance(x, (int, float)) and not isinstance(x, bool) for x in (found, stored)
        )
        if numbers:
            return abs(found - stored) / max(1.0, abs(found), abs(stored))
        if found == stored:
            return 0.0
        print(f"{path}: {str(found)[:80]} should be {str(stored)[:80]}")
        return math.inf
    return max((largest_difference(*pair) for pair in pairs), default=0.0)


def init_difference(found: dict, stored: dict) -> float:
    """0 if two sets of fresh weights have the same distribution, for they are random."""
    count = math.prod(stored["shape"])
    bound = max(abs(stored["min"]), abs(stored["max"]))
    close = (
        found["shape"] == stored["shape"]
        and abs(found["mean"] - stored["mean"]) <= 10 * stored["std"] / math.sqrt(count)
        and abs(found["std"] - stored["std"]) <= 10 * stored["std"] / math.sqrt(count)
        and abs(found["min"] - stored["min"]) <= 0.05 * bound
        and abs(found["max"] - stored["max"]) <= 0.05 * bound
    )
    return 0.0 if close else math.inf


FILES = {
    "distances.json": distances,
    "group_losses.json": group_losses,
    "group_metrics.json": group_metrics,
    "heads.json": head_outputs,
    "pair_losses.json": pair_losses,
    "pair_metrics.json": pair_metrics,
    "train_trajectory.json": train_trajectory,
    "texts.json": texts,
}
EMBEDDINGS = "text_embeddings.safetensors"


def main() -> None:
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--model")
    parser.add_argument("files", nargs="*", metavar="FILE", choices=[[], *FILES, EMBEDDINGS])
    arguments = parser.parse_args()
    good = True
    for name in arguments.files or [*FILES, EMBEDDINGS]:
        if name in ("texts.json", EMBEDDINGS) and arguments.model is None:
            skipped.append(f"{name} needs --model")
            continue
        if name == EMBEDDINGS:
            from safetensors.torch import load_file, save_file

            document = json.loads((HERE / "texts.json").read_text(encoding="utf-8"))
            found = text_embeddings(document, arguments.model)
            stored = load_file(HERE / name)
            difference = largest_difference(
                {key: plain(value) for key, value in found.items()},
                {key: plain(value) for key, value in stored.items()},
                name,
            )
            if arguments.write:
                save_file(found, HERE / name)
        else:
            stored = json.loads((HERE / name).read_text(encoding="utf-8"))
            found = copy.deepcopy(stored)
            more = (arguments.model,) if name == "texts.json" else ()
            FILES[name](found, *more)
            difference = largest_difference(found, stored, f"{name}/")
            if arguments.write:
                (HERE / name).write_text(json.dumps(found), encoding="utf-8")
        print(f"{name}: largest difference {difference:.1e}")
        good &= difference <= TOLERANCE
    for reason in sorted(set(skipped)):
        print(f"not recomputed: {reason}")
    if not good and not arguments.write:
        sys.exit("the stored numbers are not what the installed versions compute")


if __name__ == "__main__":
    main()
