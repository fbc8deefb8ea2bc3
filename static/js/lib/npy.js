// NumPy's .npy format, versions 1 to 3, little-endian floats in C order: all the server sends.

/**
 * @typedef {object} NdArray
 * @property {number[]} shape
 * @property {Float32Array} data  row by row
 */

/**
 * @param {ArrayBuffer} buffer
 * @returns {NdArray}
 */
export function decodeNpy(buffer) {
  const view = new DataView(buffer);
  if (view.getUint32(0) !== 0x934e554d) throw new Error("This is not an .npy file.");
  const long = view.getUint8(6) > 1;
  const start = long ? 12 : 10;
  const end = start + (long ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = new TextDecoder().decode(buffer.slice(start, end));
  const kind = /'descr':\s*'([^']+)'/.exec(header)?.[1];
  const shape = (/'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? "").match(/\d+/g)?.map(Number) ?? [];
  return { shape, data: floats(buffer.slice(end), kind) };
}

/** @param {ArrayBuffer} body @param {string | undefined} kind @returns {Float32Array} */
function floats(body, kind) {
  if (kind === "<f4") return new Float32Array(body);
  if (kind === "<f8") return Float32Array.from(new Float64Array(body));
  if (kind === "<f2") return Float32Array.from(new Uint16Array(body), half);
  throw new Error(`Maps of type ${kind} are not supported.`);
}

/**
 * IEEE 754 half precision to a number (Float16Array is too new to count on).
 * @param {number} bits @returns {number}
 */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
