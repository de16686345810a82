// Encodes texts: mean of static embeddings, projection head, normalisation.

class Encoder {
  // `model`: tokens, dim, scales, ids of the rows with two bytes per number (`wide`), the rows with one byte
  // (`narrow_rows`) and with two (`wide_rows`), and layers with a weight and a bias each.
  constructor(model) {
    this.words = new WordPiece(model.tokens);
    this.dim = model.dim;
    this.scales = model.scales;
    this.layers = model.layers;
    const wide = new Map(Array.from(model.wide, (token, place) => [token, place]));
    let narrow = 0;
    this.rows = model.tokens.map((_, token) => {
      const place = wide.get(token) ?? narrow++;
      const rows = wide.has(token) ? model.wide_rows : model.narrow_rows;
      return rows.subarray(place * this.dim, (place + 1) * this.dim);
    });
    this.length = this.layers.length > 0 ? this.layers.at(-1).bias.length : this.dim;
  }

  encode(text) {
    const ids = this.words.ids(text);
    const mean = new Float32Array(this.dim);
    for (const id of ids) {
      const [row, scale] = [this.rows[id], this.scales[id]];
      for (let i = 0; i < this.dim; i++) mean[i] += Math.fround(scale * row[i]);
    }
    const factor = Math.fround(1 / Math.max(ids.length, 1));
    return normalize(this.layers.reduce(applyLayer, mean.map((sum) => sum * factor)));
  }
}

// A linear layer: y = W·x + b.
function applyLayer(x, { weight, bias }) {
  return bias.map((start, row) => start + dot(weight, row * x.length, x));
}

// Dot product of a vector with the numbers of `rows` from `start`.
function dot(rows, start, vector) {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += rows[start + i] * vector[i];
  return sum;
}

function normalize(vector) {
  const length = Math.sqrt(dot(vector, 0, vector));
  return length > 1e-12 ? vector.map((x) => x / length) : vector;
}
