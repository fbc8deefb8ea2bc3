// The legend: a ramp for masks and one for Grad-CAM, with the true numbers at its ends.
import { paint } from "../lib/colours.js";
import { make } from "../lib/dom.js";
import { number, setText } from "../lib/format.js";
import { hasSign, isEvidence, places, span, unit } from "../lib/scale.js";

/** @typedef {import("../lib/scale.js").Entry} Entry */
/**
 * @typedef {object} Look
 * @property {{scale: string, signed: boolean}} view
 * @property {Entry[]} all            every map in the table
 * @property {Uint32Array} lookup     colours of masks, and of Grad-CAM when not signed
 * @property {Uint32Array} diverging  colours of the signed view
 */

const UNITS = {
  share: "share of 1",
  gate: "gate, 0 to 1",
  evidence: "evidence in the logit",
  rollout: "share of attention",
  combined: "average of scaled maps",
};

/** A colour ramp with its unit and the numbers at its ends. */
export class Ramp {
  /** @param {string} title */
  constructor(title) {
    this.element = make("div.ramp.small");
    const name = make("p.ramp-name");
    name.append(make("span", { text: title }), (this.unit = make("span.label")));
    const bar = make("div.ramp-bar");
    this.canvas = /** @type {HTMLCanvasElement} */ (make("canvas"));
    this.canvas.width = 256;
    this.canvas.height = 1;
    bar.append(this.canvas, (this.marker = make("i")));
    this.ends = [make("span"), make("span"), make("span")];
    const ends = make("p.ramp-ends.label.num");
    ends.append(...this.ends);
    this.element.append(name, bar, ends);
  }

  /** @param {Uint32Array} lookup */
  colour(lookup) {
    paint(this.canvas, Float32Array.from({ length: 256 }, (_, i) => i), [0, 255], lookup);
  }

  /**
   * @param {Entry | null} entry the map whose numbers are shown @param {Look} look
   * @param {number | null} value under the cursor
   */
  show(entry, look, value) {
    this.marker.className = "";
    if (!entry?.grid) {
      setText(this.unit, "");
      this.ends.forEach((end, index) => setText(end, ["low", "", "high"][index]));
      return;
    }
    const [low, high] = span(entry, look.all, look.view.scale, look.view.signed);
    setText(this.unit, UNITS[unit(entry)]);
    [low, (low + high) / 2, high].forEach((end, index) => {
      setText(this.ends[index], number(end) + multiples(entry, end, index));
    });
    if (value === null || high <= low) return;
    this.marker.className = "on";
    const fraction = Math.min(1, Math.max(0, (value - low) / (high - low)));
    this.marker.style.setProperty("--v", String(fraction));
  }
}

/** Shares are easier to grasp against an even mask. @param {Entry} entry @param {number} value @param {number} index */
function multiples(entry, value, index) {
  if (!["share", "rollout"].includes(unit(entry)) || index !== 2) return "";
  return ` (${number(value * places(entry))} × even)`;
}

/** @typedef {{of: HTMLElement, masks: Ramp, cams: Ramp}} Legend */

/** @param {HTMLElement} element @returns {Legend} */
export function makeLegend(element) {
  const ramps = { of: make("h2.legend-of"), masks: new Ramp("Mask"), cams: new Ramp("Grad-CAM") };
  ramps.masks.element.classList.add("for-mask");
  ramps.cams.element.classList.add("for-cam");
  element.append(ramps.of, ramps.masks.element, ramps.cams.element);
  return ramps;
}

/**
 * @param {Legend} ramps @param {Look} look
 * @param {{mask: Entry | null, cam: Entry | null, values: (number | null)[], name: string}} of
 */
export function showLegend(ramps, look, { mask, cam, values, name }) {
  setText(ramps.of, name);
  ramps.masks.colour(look.lookup);
  ramps.cams.colour(look.view.signed && cam && hasSign(cam) ? look.diverging : look.lookup);
  ramps.masks.show(mask && !isEvidence(mask) ? mask : null, look, values[0]);
  ramps.cams.show(cam, look, values[1]);
}
