/**
 * Decodes a ThumbHash (E. Wallace, 2023): a picture's few lowest frequencies,
 * as cosine coefficients of lightness (l), yellow-blue (p), red-green (q) and,
 * where the picture has it, alpha (a). Pure but for `paint`, which draws.
 *
 * Layout, bits counted from the low end: bytes 0-2 hold l (6), p (6), q (6), the
 * scale of l (5), has-alpha (1); bytes 3-4 the number of l coefficients on the short
 * side (3), the scales of p (6) and q (6), landscape (1); then, with alpha, one byte a
 * (4) and its scale (4); then a nibble for each coefficient.
 */

const LONG_SIDE = 32;

/** Coefficient positions of an `nx` × `ny` channel: the triangle of low frequencies without (0, 0). */
function* frequencies(nx, ny) {
  for (let v = 0; v < ny; v += 1) {
    for (let u = v === 0 ? 1 : 0; u * ny < nx * (ny - v); u += 1) yield [u, v];
  }
}

/** Reads the nibbles of one channel after the other. */
function nibbleReader(bytes, start) {
  let at = start * 2;
  return (nx, ny, scale) => {
    const terms = [];
    for (const [u, v] of frequencies(nx, ny)) {
      const byte = bytes[at >> 1] ?? 0;
      const nibble = at & 1 ? byte >> 4 : byte & 15;
      at += 1;
      terms.push({ u, v, weight: (nibble / 7.5 - 1) * scale });
    }
    return terms;
  };
}

function readHash(bytes) {
  const head = bytes[0] | (bytes[1] << 8) | (bytes[2] << 16);
  const tail = bytes[3] | (bytes[4] << 8);
  const alpha = head >> 23 === 1;
  const long = alpha ? 5 : 7;
  const short = tail & 7;
  const [columns, rows] = tail >> 15 ? [long, short] : [short, long];
  const read = nibbleReader(bytes, alpha ? 6 : 5);
  return {
    ratio: columns / rows,
    l: { mean: (head & 63) / 63, terms: read(Math.max(3, columns), Math.max(3, rows), ((head >> 18) & 31) / 31) },
    p: { mean: ((head >> 6) & 63) / 31.5 - 1, terms: read(3, 3, (((tail >> 3) & 63) / 63) * 1.25) },
    q: { mean: ((head >> 12) & 63) / 31.5 - 1, terms: read(3, 3, (((tail >> 9) & 63) / 63) * 1.25) },
    a: alpha
      ? { mean: (bytes[5] & 15) / 15, terms: read(5, 5, (bytes[5] >> 4) / 15) }
      : { mean: 1, terms: [] },
  };
}

/** The cosines of every frequency at every position along one side. */
function cosines(length) {
  return Array.from({ length: 7 }, (_, frequency) =>
    Float64Array.from({ length }, (_, at) => Math.cos((Math.PI / length) * (at + 0.5) * frequency)),
  );
}

/** The channel's value at every pixel. */
function synthesise({ mean, terms }, width, height, across, down) {
  const plane = new Float64Array(width * height).fill(mean);
  for (const { u, v, weight } of terms) {
    for (let y = 0, at = 0; y < height; y += 1) {
      const rowWeight = 2 * weight * down[v][y];
      for (let x = 0; x < width; x += 1, at += 1) plane[at] += rowWeight * across[u][x];
    }
  }
  return plane;
}

/**
 * @param {Uint8Array} bytes the hash
 * @returns {{width: number, height: number, rgba: Uint8ClampedArray}} at most 32 × 32 pixels
 * @throws {RangeError} where the bytes are no ThumbHash
 */
export function decodeThumbHash(bytes) {
  if (bytes.length < 5 || bytes.length > 25) throw new RangeError('a ThumbHash has 5 to 25 bytes');
  const { ratio, ...channels } = readHash(bytes);
  if (!(ratio > 0 && Number.isFinite(ratio))) throw new RangeError('a ThumbHash has at least one coefficient');
  const width = Math.round(ratio > 1 ? LONG_SIDE : LONG_SIDE * ratio);
  const height = Math.round(ratio > 1 ? LONG_SIDE / ratio : LONG_SIDE);
  const [across, down] = [cosines(width), cosines(height)];
  const [l, p, q, a] = ['l', 'p', 'q', 'a'].map((it) => synthesise(channels[it], width, height, across, down));
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let at = 0; at < l.length; at += 1) {
    const blue = l[at] - (2 / 3) * p[at];
    const red = (3 * l[at] - blue + q[at]) / 2;
    rgba.set([red * 255, (red - q[at]) * 255, blue * 255, a[at] * 255], at * 4);
  }
  return { width, height, rgba };
}

/**
 * Draws a ThumbHash into a canvas, which CSS may then stretch.
 * @param {HTMLCanvasElement} canvas
 * @param {string} base64
 * @returns {boolean} false where it is no ThumbHash
 */
export function paintThumbHash(canvas, base64) {
  try {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const { width, height, rgba } = decodeThumbHash(bytes);
    Object.assign(canvas, { width, height });
    canvas.getContext('2d').putImageData(new ImageData(rgba, width, height), 0, 0);
    return true;
  } catch {
    return false;
  }
}
