// Play, pause, speed, and what time it is.
import { setText } from "../lib/format.js";
import { said } from "./moments.js";
import { RATES } from "./view.js";

export class Transport {
  /**
   * @param {HTMLElement} root @param {() => import("./clock.js").Clock} clock
   * @param {(way: 1 | -1) => void} onStep
   */
  constructor(root, clock, onStep) {
    this.clock = clock;
    const part = (/** @type {string} */ name) => /** @type {any} */ (root.querySelector(`[data-${name}]`));
    this.button = part("play");
    this.time = part("clock");
    this.between = part("between");
    this.rate = part("rate");
    for (const button of root.querySelectorAll("[data-step]")) {
      button.addEventListener("click", () => onStep(/** @type {any} */ (Number(/** @type {HTMLElement} */ (button).dataset.step))));
    }
  }

  toggle() {
    const clock = this.clock();
    if (clock.playing) clock.pause();
    else clock.play();
  }

  /** The button says what it would do. */
  show() {
    const { playing } = this.clock();
    this.button.setAttribute("aria-label", playing ? "Pause" : "Play");
    this.button.classList.toggle("playing", playing);
  }

  /** @param {number} rate */
  setRate(rate) {
    this.clock().rate = rate;
    this.rate.value = String(rate);
  }

  /** @param {1 | -1} by @param {import("./view.js").ViewState} state */
  faster(by, state) {
    const index = RATES.indexOf(state.now.rate) + by;
    state.set({ rate: RATES[Math.min(RATES.length - 1, Math.max(0, index))] });
  }

  /** @param {number[]} times of the snippets @param {boolean} raw */
  read(times, raw) {
    const clock = this.clock();
    setText(this.time, `${clock.head.toFixed(2)} / ${clock.duration.toFixed(2)}\u202fs`);
    if (times.length === 0) return;
    const { words, mixed } = said(times, clock.time, raw);
    setText(this.between, words);
    this.between.classList.toggle("mixed", mixed);
  }
}
