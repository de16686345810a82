// Data embedded in the page: the answers as JSON, the model's weights in base64.

function decodeBase64(base64) {
  const text = atob(base64);
  const found = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) found[i] = text.charCodeAt(i);
  return found.buffer;
}

// `text(id)` returns the text of the element with this id.
function readFaq(text) {
  const { expanded, ...faq } = JSON.parse(text("faq"));
  return expanded === undefined ? faq : { ...faq, expanded: new Float32Array(decodeBase64(expanded)) };
}

function readModel(text) {
  const model = JSON.parse(text("model"));
  return {
    tokens: model.tokens,
    dim: model.dim,
    scales: new Float32Array(decodeBase64(text("scales"))),
    wide: new Uint32Array(decodeBase64(text("wide"))),
    narrow_rows: new Int8Array(decodeBase64(text("narrow-rows"))),
    wide_rows: new Int16Array(decodeBase64(text("wide-rows"))),
    layers: model.layers.map(({ weight, bias }) => ({
      weight: new Float32Array(decodeBase64(weight)),
      bias: new Float32Array(decodeBase64(bias)),
    })),
  };
}
