// The learning-rate range test: the loss while the rate grows, drawn as it comes.
import { palette, Plot, colour } from "../lib/charts/plot.js";
import { make, part, showProblem } from "../lib/dom.js";
import { asked, trial } from "./trial.js";
import { rate } from "./words.js";

export class RangeTest {
  /** @param {Pick<import("./cost-estimate.js").Form, "request" | "check" | "refuse" | "fields">} form */
  constructor(form) {
    this.form = form;
    this.words = part("range-words");
    /** @type {Plot | null} */
    this.plot = null;
    this.busy = false;
    this.button = part("range-start");
    this.button?.addEventListener("click", () => this.run());
    document.addEventListener("themechange", () => this.plot && this.#look());
  }

  async run() {
    if (this.busy || !this.form.check()) return;
    this.busy = true;
    this.button.setAttribute("aria-busy", "true");
    const mechanism = part("range-mechanism").value;
    try {
      const found = await trial(asked(this.form.request(), "range", mechanism), (now) => this.#progress(now));
      this.#done(found);
      showProblem();
    } catch (error) {
      this.words.textContent = "The range test did not end well.";
      this.form.refuse(error);
    }
    this.busy = false;
    this.button.removeAttribute("aria-busy");
  }

  /** @param {any} now */
  #progress(now) {
    this.words.textContent = now.state === "queued" ? "Waiting for a worker…" : `Testing… ${Math.round(100 * now.progress)} %`;
    if (now.result?.curve?.length > 1) this.#draw(now.result);
  }

  /** @param {any} result */
  #done(result) {
    this.#draw(result);
    if (!result.suggestion) {
      this.words.textContent = "The loss does not fall clearly at any rate; keep the default.";
      return;
    }
    const use = () => {
      this.form.fields.set("lr", Number(result.suggestion.toPrecision(2)));
      this.words.textContent = `The learning rate is ${rate(result.suggestion)} now.`;
    };
    this.words.replaceChildren(`The loss falls best at ${rate(result.suggestion)}. `, make("button.back", { type: "button", onclick: use, text: "Use it" }));
  }

  /** @param {any} result */
  #draw({ curve, suggestion }) {
    const box = part("range-plot");
    box.hidden = false;
    this.plot ??= new Plot(box, this.#newLook());
    const xs = curve.map((/** @type {any} */ one) => one.lr);
    const ys = curve.map((/** @type {any} */ one) => one.loss);
    this.plot.lines = [{ id: "range", xs, ys, count: xs.length, colour: colour("accent"), width: 2 }];
    this.plot.mark = suggestion ?? null;
    const words = suggestion ? `; the suggested rate is ${suggestion}` : "";
    this.plot.over.setAttribute("aria-label", `Loss by learning rate, from ${xs[0]} to ${xs.at(-1)}${words}`);
    this.plot.draw();
  }

  #newLook() {
    return { title: "Loss while the rate grows", xTitle: "learning rate", unit: "", log: false, xLog: true, view: null, colours: palette() };
  }

  #look() {
    if (!this.plot) return;
    this.plot.look = this.#newLook();
    this.plot.lines = this.plot.lines.map((line) => ({ ...line, colour: colour("accent") }));
    this.plot.draw();
  }
}
