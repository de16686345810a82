// What the page holds: the answers as JSON, the model's numbers in base64.

function bytes(base64) {
  const text = atob(base64);
  const found = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) found[i] = text.charCodeAt(i);
  return found.buffer;
}

// `text(id)` gives the text of the element of that id.
function readFaq(text) {
  const { moved, ...faq } = JSON.parse(text("faq"));
  return moved === undefined ? faq : { ...faq, moved: new Float32Array(bytes(moved)) };
}

function readModel(text) {
  const model = JSON.parse(text("model"));
  return {
    tokens: model.tokens,
    dim: model.dim,
    scales: new Float32Array(bytes(text("scales"))),
    wide: new Uint32Array(bytes(text("wide"))),
    narrow_rows: new Int8Array(bytes(text("narrow-rows"))),
    wide_rows: new Int16Array(bytes(text("wide-rows"))),
    layers: model.layers.map(({ weight, bias }) => ({
      weight: new Float32Array(bytes(weight)),
      bias: new Float32Array(bytes(bias)),
    })),
  };
}
