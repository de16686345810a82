// Prints vectors by transformers.js, one JSON array per line.
//
//   node --input-type=module - ONNX ALONE BATCH TEXTS.json < transformers_js.mjs     in the directory of its package
//
// Encodes the first ALONE texts one by one, the others in batches of BATCH.

import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import { AutoModel, AutoTokenizer, env } from "@huggingface/transformers";

const [onnx, alone, batch, file] = process.argv.slice(2);
const texts = JSON.parse(readFileSync(file, "utf8"));
env.allowRemoteModels = false;
env.localModelPath = dirname(onnx);
const tokenizer = await AutoTokenizer.from_pretrained(basename(onnx));
const model = await AutoModel.from_pretrained(basename(onnx), { dtype: "fp32" });
for (let at = 0; at < texts.length; ) {
  const end = at < Number(alone) ? at + 1 : at + Number(batch);
  const inputs = await tokenizer(texts.slice(at, end), { padding: true, truncation: true });
  const { sentence_embedding: vectors } = await model(inputs);
  for (const vector of vectors.tolist()) console.log(JSON.stringify(vector));
  at = end;
}
