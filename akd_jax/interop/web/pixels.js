// Pixels as akd_jax treats them, without a page: resized, and pasted back.

// What Pillow's antialiased bicubic resize does, to one line of pixels.
function resizeWeights(from, to) {
  const scale = Math.max(from / to, 1), support = 2 * scale;
  const cubic = (x) => {
    x = Math.abs(x);
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
  };
  return Array.from({ length: to }, (_, i) => {
    const centre = ((i + 0.5) * from) / to;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(from, Math.trunc(centre + support + 0.5));
    const weights = [];
    for (let j = first; j < last; j++) {
      weights.push(cubic((j - centre + 0.5) / scale));
    }
    const total = weights.reduce((a, b) => a + b, 0);
    return { first, weights: weights.map((x) => x / total) };
  });
}

// Numbers [height, width, depth] -> [size, size, depth]: lines, then columns. Both
// results are of a Kind of array, their numbers as `round` makes them.
function stretch(values, width, height, depth, size, Kind, round) {
  const across = resizeWeights(width, size), down = resizeWeights(height, size);
  const narrow = new Kind(height * size * depth), square = new Kind(size * size * depth);
  // step: between two numbers that a sum takes.
  const sum = (from, start, step, weights) => {
    let total = 0;
    for (let k = 0; k < weights.length; k++) total += weights[k] * from[start + k * step];
    return round(total);
  };
  for (let y = 0; y < height; y++) for (let x = 0; x < size; x++) {
    const { first, weights } = across[x], start = (y * width + first) * depth;
    for (let c = 0; c < depth; c++) {
      narrow[(y * size + x) * depth + c] = sum(values, start + c, depth, weights);
    }
  }
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) {
    const { first, weights } = down[y], start = (first * size + x) * depth;
    for (let c = 0; c < depth; c++) {
      square[(y * size + x) * depth + c] = sum(narrow, start + c, size * depth, weights);
    }
  }
  return square;
}

// RGB [height, width, 3] -> [size, size, 3]; rounded between both directions.
export function resize(pixels, width, height, size) {
  const clamp = (x) => Math.min(255, Math.max(0, Math.floor(x + 0.5)));
  return stretch(pixels, width, height, 3, size, Uint8Array, clamp);
}

// Numbers [size, size] of one channel, as many as [side, side].
const enlarge = (square, size, side) =>
  stretch(square, size, size, 1, side, Float32Array, (x) => x);

// Where a network changes a pixel by this share of black to white, or by more,
// its picture alone is shown: see akd_jax.data.photos.pasting.
const REPLACED = 0.2;

// Lays a translation over a photo's square, and the photo's own detail over that.
// photo: RGBA [side, side], changed in place; before and after: RGB [size, size];
// shown: how much of each pixel changes, from its column and its row.
export function paste(photo, side, before, after, size, shown = () => 1) {
  const count = size * size, change = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    let most = 0;
    for (let c = 0; c < 3; c++) {
      most = Math.max(most, Math.abs(after[3 * i + c] - before[3 * i + c]) / 255);
    }
    change[i] = 1 - Math.min(most / REPLACED, 1);
  }
  const kept = enlarge(change, size, side);
  const plane = new Float32Array(count);
  const channel = (pixels, c) => {
    for (let i = 0; i < count; i++) plane[i] = pixels[3 * i + c];
    return enlarge(plane, size, side);
  };
  for (let c = 0; c < 3; c++) {
    const was = channel(before, c), is = channel(after, c);
    for (let y = 0, i = 0; y < side; y++) for (let x = 0; x < side; x++, i++) {
      const own = photo[4 * i + c];
      const drawn = is[i] + Math.min(1, Math.max(0, kept[i])) * (own - was[i]);
      photo[4 * i + c] = own + shown(x, y) * (drawn - own);
    }
  }
}

// Of a pasted square, the share of its side in which it fades into the photo.
const FADING = 1 / 16;

// How much of a square is shown: it fades where it ends inside the photo.
export function fading({ left, top, side }, width, height) {
  const line = (first, length) => Array.from({ length: side }, (_, i) => {
    const rise = (n) => Math.min(n / Math.max(side * FADING, 1), 1);
    return (first > 0 ? rise(i + 1) : 1)
      * (first + side < length ? rise(side - i) : 1);
  });
  const across = line(left, width), down = line(top, height);
  return (x, y) => across[x] * down[y];
}
