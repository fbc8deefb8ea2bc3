// What both pages of datasets say, and how they find their parts.
import { part } from "../lib/dom.js";
import { ago, capital } from "../lib/format.js";

/** @param {string} [sentence] */
export function say(sentence) {
  part("error").hidden = !sentence;
  part("error").textContent = sentence ?? "";
}

/** @param {number} number @returns {string} */
export const count = (number) => number.toLocaleString("en").replaceAll(",", "\u202f");

/** @param {number} number @returns {string} */
export function bytes(number) {
  if (number >= 1e9) return `${(number / 1e9).toFixed(1)} GB`;
  if (number >= 1e6) return `${(number / 1e6).toFixed(number < 1e7 ? 1 : 0)} MB`;
  return `${Math.max(1, Math.round(number / 1e3))} kB`;
}

/** @param {number} seconds @returns {string} */
export function duration(seconds) {
  if (!Number.isFinite(seconds) || seconds > 86400) return "some time";
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** @param {any} dataset @returns {string} how far its import is */
export function words(dataset) {
  if (dataset.state === "queued") return "Waiting for a worker";
  if (dataset.state === "running") return capital(dataset.message ?? "starting");
  if (dataset.state === "failed") return `Failed: ${dataset.detail}`;
  if (dataset.state === "cancelled") return "The import was cancelled";
  const { classes, train_images, val_images } = dataset;
  const images = `${count(train_images)} ${dataset.kind ?? "images"} to train and ${count(val_images)} to validate on`;
  return `${classes.length} classes, ${images}, ${bytes(dataset.bytes)}`;
}

/** Write how long ago each time on the page was. */
export function agoAll() {
  for (const element of document.querySelectorAll("time[data-ago]")) {
    const time = /** @type {HTMLTimeElement} */ (element);
    time.textContent = ago(new Date(time.dateTime));
    time.title = new Date(time.dateTime).toLocaleString();
  }
}
