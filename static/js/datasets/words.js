// What both pages of datasets say.
import { bytes, capital } from "../lib/format.js";

/** @param {number} number @returns {string} */
export const count = (number) => number.toLocaleString("en").replaceAll(",", "\u202f");

/** @param {any} dataset @returns {string} how far its import is */
export function words(dataset) {
  if (dataset.state === "queued") return "Waiting for a worker";
  if (dataset.state === "running") return capital(dataset.message ?? "starting");
  if (dataset.state === "paused") return "Waiting for your decision";
  if (dataset.state === "failed") return `Failed: ${dataset.detail}`;
  if (dataset.state === "cancelled") return "The import was cancelled";
  const { classes, train_images, val_images } = dataset;
  const images = `${count(train_images)} ${dataset.kind ?? "images"} for training and ${count(val_images)} for validation`;
  return `${classes.length} classes, ${images}, ${bytes(dataset.bytes)}`;
}
