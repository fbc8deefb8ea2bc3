// Where a photo that is made small lies on its square: as ml/media/place.py puts it there.

/** @typedef {{share: number, x: number, y: number}} Place  share of the side; x, y in the free room, 0..1 */
/** @typedef {{left: number, top: number, width: number, height: number}} Box  fractions of the side */

export const LEAST = 0.15; // of the slider

/** @param {Place} place @param {{width: number, height: number}} photo @returns {Box} */
export function boxOf({ share, x, y }, photo) {
  const scale = share / Math.max(photo.width, photo.height);
  const [width, height] = [photo.width * scale, photo.height * scale];
  return { left: x * (1 - width), top: y * (1 - height), width, height };
}

/**
 * @param {Place} place @param {number} right @param {number} down in fractions of the side
 * @param {{width: number, height: number}} photo @returns {Place} moved as far as there is room
 */
export function moved(place, right, down, photo) {
  const { width, height } = boxOf(place, photo);
  const step = (/** @type {number} */ at, /** @type {number} */ by, /** @type {number} */ size) =>
    (1 - size > 1e-6 ? Math.round(1000 * Math.min(1, Math.max(0, at + by / (1 - size)))) / 1000 : at);
  return { ...place, x: step(place.x, right, width), y: step(place.y, down, height) };
}

/** @param {Box} box @param {{x: number, y: number}} point @returns {boolean} */
export const holds = ({ left, top, width, height }, { x, y }) =>
  x >= left && x <= left + width && y >= top && y <= top + height;

/** @param {Place} place @returns {string} */
export const placeText = ({ x, y }) => `${Math.round(100 * x)} % of the way to the right, ${Math.round(100 * y)} % of the way down`;

/**
 * Draw the photo on the ground.
 * @param {HTMLCanvasElement} canvas a square @param {CanvasImageSource} ground @param {CanvasImageSource} photo @param {Box} box
 */
export function compose(canvas, ground, photo, { left, top, width, height }) {
  const side = canvas.width;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.imageSmoothingQuality = "high";
  context.drawImage(ground, 0, 0, side, side);
  context.drawImage(photo, left * side, top * side, width * side, height * side);
}
