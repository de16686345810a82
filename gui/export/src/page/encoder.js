// Texts to vectors: the mean of a table's rows, then the trained layer if there is one, of length 1.

class Encoder {
  // `model`: tokens, dim, scales, the numbers of rows of two bytes a number (`wide`), the rows of one
  // byte (`narrow_rows`) and of two (`wide_rows`), and layers of a weight and a bias each.
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
    const share = Math.fround(1 / Math.max(ids.length, 1));
    return unit(this.layers.reduce(forward, mean.map((sum) => sum * share)));
  }
}

// One linear layer: y = W·x + b.
function forward(x, { weight, bias }) {
  return bias.map((start, row) => start + dot(weight, row * x.length, x));
}

// The product of a vector and the numbers of `rows` from `start` on.
function dot(rows, start, vector) {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += rows[start + i] * vector[i];
  return sum;
}

function unit(vector) {
  const length = Math.sqrt(dot(vector, 0, vector));
  return length > 1e-12 ? vector.map((x) => x / length) : vector;
}
