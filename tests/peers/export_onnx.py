"""Writes all-MiniLM-L6-v2 with its pooling as ONNX: fp32 and dynamic int8, plain and fused.

usage: export_onnx.py MODEL_DIR OUT_DIR

`plain` is PyTorch's export, optimised by ONNX Runtime alone; `fused` is optimised by
onnxruntime.transformers first. The benchmark measures both and uses the faster one.
"""

import sys
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer
from transformers import AutoModel


class Pooled(torch.nn.Module):
    """The transformer with mean pooling."""

    def __init__(self, model: Path) -> None:
        super().__init__()
        self.network = AutoModel.from_pretrained(model, attn_implementation="eager")

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        tokens = self.network(input_ids=input_ids, attention_mask=attention_mask)[0]
        mask = attention_mask.unsqueeze(-1).to(tokens.dtype)
        return (tokens * mask).sum(1) / mask.sum(1)


def main() -> None:
    model, out = map(Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    pooled = Pooled(model).eval()
    config = pooled.network.config
    example = torch.ones(2, 8, dtype=torch.int64)
    dynamic = {0: "texts", 1: "tokens"}
    torch.onnx.export(
        pooled,
        (example, example),
        out / "fp32_plain.onnx",
        input_names=["input_ids", "attention_mask"],
        output_names=["vectors"],
        dynamic_axes={"input_ids": dynamic, "attention_mask": dynamic, "vectors": {0: "texts"}},
        opset_version=17,
        dynamo=False,
    )
    fused = optimizer.optimize_model(
        str(out / "fp32_plain.onnx"),
        model_type="bert",
        num_heads=config.num_attention_heads,
        hidden_size=config.hidden_size,
    )
    print("fused:", fused.get_fused_operator_statistics())
    fused.save_model_to_file(str(out / "fp32_fused.onnx"))
    for kind in ("plain", "fused"):
        quantize_dynamic(
            out / f"fp32_{kind}.onnx",
            out / f"int8_{kind}.onnx",
            per_channel=True,
            weight_type=QuantType.QInt8,
            # Fused operators carry no type; all values here are float.
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )


if __name__ == "__main__":
    main()
