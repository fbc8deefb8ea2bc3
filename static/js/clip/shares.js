// Contributions to the logit: one bar a stream, a piece a segment; against goes to the left.
import { make } from "../lib/dom.js";
import { setText } from "../lib/format.js";
import { seconds } from "./moments.js";

const NAMES = { rgb: "RGB", flow: "Flow" };

/** Parts of a sum have the same number of digits. @param {number} value @returns {string} with a true minus */
const plain = (value) => (Math.abs(value) < 5e-4 ? 0 : value).toFixed(3).replace("-", "\u2212");

/** @param {number} value @returns {string} with its sign */
export const signed = (value) => (value >= 5e-4 ? `+${plain(value)}` : plain(value));

export class Shares {
  /** @param {HTMLElement} root @param {(k: number) => void} onGo a segment was clicked */
  constructor(root, onGo) {
    this.rows = /** @type {HTMLElement} */ (root.querySelector("[data-share-rows]"));
    this.sum = /** @type {HTMLElement} */ (root.querySelector("[data-share-sum]"));
    this.title = /** @type {HTMLElement} */ (root.querySelector("[data-shares-title]"));
    this.shape = "";
    this.rows.addEventListener("click", (event) => {
      const piece = /** @type {Element} */ (event.target).closest("button");
      if (piece) onGo(Number(piece.dataset.k));
    });
  }

  /** The pieces stay the same elements while the slider moves. @param {string[]} streams @param {number} count */
  #build(streams, count) {
    const shape = `${streams.join()} ${count}`;
    if (this.shape === shape) return;
    this.shape = shape;
    this.rows.replaceChildren(
      ...streams.map((stream) => {
        const pieces = Array.from({ length: count }, (_, k) => make("button.piece", { type: "button", "data-k": k }));
        return make(`div.share-row.${stream}`, {},
          make("span.share-name.small", { text: NAMES[stream] ?? stream }),
          make("div.share-bar", {}, make("i.zero"), ...pieces),
          make("span.share-total.small.num"));
      }),
    );
  }

  /**
   * @param {{shares: Record<string, number[]>, rest: number, sum: number}} found
   * @param {{target: string, bounds: number[][], title: string}} of
   */
  show({ shares, rest, sum }, { target, bounds, title }) {
    const streams = Object.keys(shares);
    this.#build(streams, bounds.length);
    setText(this.title, `Contributions to the logit of “${target}”`);
    const side = (/** @type {(v: number) => number} */ of) =>
      Math.max(...streams.map((one) => shares[one].reduce((total, value) => total + of(value), 0)));
    const [left, right] = [side((v) => Math.max(0, -v)), side((v) => Math.max(0, v))];
    const whole = left + right || 1;
    streams.forEach((stream, index) => {
      const row = /** @type {HTMLElement} */ (this.rows.children[index]);
      fill(row, shares[stream], { left, whole, target, bounds, stream });
    });
    const totals = streams.map((one) => `${NAMES[one] ?? one} ${signed(total(shares[one]))}`);
    if (Math.abs(rest) > 5e-4) totals.push(`rest ${signed(rest)}`);
    setText(this.sum, `${totals.join(", ")}: together ${plain(sum)}, the logit of “${target}” in ${title}.`);
  }

  /** There is no logit to share out. @param {string} words why */
  lack(words) {
    this.shape = "";
    this.rows.replaceChildren();
    setText(this.title, "Contributions to the logit");
    setText(this.sum, words);
  }

  /** @param {number} k segment that is played */
  mark(k) {
    if (this.marked === k) return;
    this.marked = k;
    for (const piece of this.rows.querySelectorAll("button")) {
      piece.classList.toggle("now", Number(piece.dataset.k) === k);
    }
  }
}

/** @param {number[]} values */
const total = (values) => values.reduce((sum, value) => sum + value, 0);

/**
 * @param {HTMLElement} row @param {number[]} values
 * @param {{left: number, whole: number, target: string, bounds: number[][], stream: string}} of
 */
function fill(row, values, { left, whole, target, bounds, stream }) {
  row.style.setProperty("--zero", String(left / whole));
  let [up, down] = [left, left];
  [...row.querySelectorAll("button")].forEach((piece, k) => {
    const size = Math.abs(values[k]);
    const from = values[k] >= 0 ? up : down - size;
    if (values[k] >= 0) up += size;
    else down -= size;
    piece.style.left = `${(100 * from) / whole}%`;
    piece.style.width = `${(100 * size) / whole}%`;
    piece.classList.toggle("against", values[k] < 0);
    const words = `${NAMES[stream] ?? stream}, segment ${k + 1}, ${seconds(bounds[k][0])} to ${seconds(bounds[k][1])}: ${signed(values[k])}`;
    piece.setAttribute("aria-label", `${words} to the logit of ${target}`);
    piece.title = words;
  });
  setText(/** @type {Element} */ (row.querySelector(".share-total")), signed(total(values)));
}
