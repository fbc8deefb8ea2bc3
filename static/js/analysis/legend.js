// The legend: colour ramps with the true numbers at their ends.
import { paint } from "../lib/colours.js";
import { make } from "../lib/dom.js";
import { number, setText } from "../lib/format.js";
import { hasSign, isEvidence, places, unit } from "../lib/scale.js";
import { spanOf } from "./drawing.js";

/** @typedef {import("./store.js").Entry} Entry */
/** @typedef {import("./drawing.js").Look} Look */

const UNITS = {
  share: "share of 1",
  gate: "gate, 0 to 1",
  evidence: "evidence in the logit",
  rollout: "share of attention",
  combined: "average of scaled maps",
};

/** A colour ramp with its unit and the numbers at its ends. */
class Ramp {
  /** @param {string} title @param {boolean} [evidence] whether its maps are for or against a class; else as the map is */
  constructor(title, evidence) {
    this.evidence = evidence;
    this.unit = make("span.label");
    this.canvas = /** @type {HTMLCanvasElement} */ (make("canvas", { width: 256, height: 1 }));
    this.marker = make("i");
    this.ends = [make("span"), make("span"), make("span")];
    this.element = make("div.ramp.small", {},
      make("p.ramp-name", {}, make("span", { text: title }), this.unit),
      make("div.ramp-bar", {}, this.canvas, this.marker),
      make("p.ramp-ends.label.num", {}, ...this.ends));
  }

  /** @param {Entry | null} entry the map whose numbers are shown @param {Look} look @param {number | null} value under the cursor */
  show(entry, look, value) {
    const { signed } = look.view;
    const whole = signed && (this.evidence ?? (entry !== null && isEvidence(entry))); // else the signed colours' upper half
    paint(this.canvas, STEPS, signed && !whole ? [-255, 255] : [0, 255], look.lookup);
    this.marker.className = "";
    const known = entry?.grid ? entry : null;
    setText(this.unit, known ? UNITS[unit(known)] : "");
    const [bottom, high] = known ? spanOf(known, look) : [0, 0];
    const low = signed && !whole ? (bottom + high) / 2 : bottom;
    const texts = known ? [low, (low + high) / 2, high].map(number) : ["low", "", "high"];
    // Shares are easier to grasp against an even mask.
    if (known && ["share", "rollout"].includes(unit(known))) texts[2] += ` (${number(high * places(known))} × even)`;
    const sign = known && hasSign(known);
    if (whole) [texts[0], texts[1], texts[2]] = [`against${sign ? ` ${texts[0]}` : ""}`, "0", `for${known ? ` ${texts[2]}` : ""}`];
    texts.forEach((text, index) => setText(this.ends[index], text));
    if (value === null || high <= low) return;
    this.marker.className = "on";
    this.marker.style.setProperty("--v", String(Math.min(1, Math.max(0, (value - low) / (high - low)))));
  }
}

const STEPS = Float32Array.from({ length: 256 }, (_, step) => step);

/** A ramp for each of the maps that are compared. */
export class Legend {
  /** @param {HTMLElement} element @param {[string, boolean?][]} ramps their titles, and whether they are of evidence */
  constructor(element, ramps) {
    this.name = make("h2.legend-of");
    this.ramps = ramps.map(([title, evidence]) => new Ramp(title, evidence));
    element.append(this.name, ...this.ramps.map((ramp) => ramp.element));
  }

  /**
   * @param {Look} look @param {string} name of what the maps have in common
   * @param {(Entry | null)[]} entries one a ramp @param {(number | null)[]} [values] under the cursor
   */
  show(look, name, entries, values = []) {
    setText(this.name, name);
    this.ramps.forEach((ramp, index) => ramp.show(entries[index], look, values[index] ?? null));
  }
}
