// The worst mistakes of a finished run: each photo beside its mask, and beside the evidence for the
// class that was taken and for its own.
import { make, part } from "../lib/dom.js";
import { MaskCell } from "./maskpaint.js";

/** What stands beside the photo, by method; `says` takes its own class and the one that was taken. */
const TILES = [
  { method: "attention", says: () => "mask" },
  { method: "gradcam", says: (/** @type {string} */ _, /** @type {string} */ taken) => `✗ ${taken}` },
  { method: "gradcam-true", says: (/** @type {string} */ own) => `✓ ${own}` },
];

export class Worst {
  /**
   * @param {import("./state.js").ShownState} state @param {import("./watch.js").Watch} watch
   * @param {import("../lib/colours.js").Colours} colours @param {import("./masks.js").Masks} masks
   */
  constructor(state, watch, colours, masks) {
    this.state = state;
    this.watch = watch;
    this.colours = colours;
    this.masks = masks;
    this.key = "";
    /** @type {any} */
    this.run = null;
    /** @type {{cell: MaskCell, index: number, method: string}[]} */
    this.cells = [];
  }

  /** @param {any} run @param {any[]} worst @param {string} key changes with the list */
  show(run, worst, key) {
    this.run = run;
    if (key !== this.key) {
      this.cells = [];
      part("worst").replaceChildren(...worst.map((one, index) => this.#item(one, index)));
    }
    this.key = key;
    this.draw();
  }

  /** @param {string} tile @returns {string} the method of the stream that the grid above shows */
  #method(tile) {
    return this.state.now.method.startsWith("flow-") ? `flow-${tile}` : tile;
  }

  /** @param {any} one @param {number} index */
  #item(one, index) {
    const name = (/** @type {number} */ label) => this.watch.names[label] ?? `class ${label}`;
    const [own, taken] = [name(one.true), name(one.predicted)];
    const source = `${this.watch.dataset}/images/val/${one.index}?size=224`;
    const photo = (/** @type {string} */ alt) => make("img", { src: source, width: 224, height: 224, alt, loading: "lazy" });
    const made = this.run.worst_maps ?? {};
    const tiles = TILES.filter(({ method }) => this.#method(method) in made).map(({ method, says }) => {
      const frame = make("div.mask-frame", {}, photo(""), make("canvas", { width: 1, height: 1, hidden: true }), make("span.words"));
      this.cells.push({ cell: new MaskCell(frame), index, method });
      const words = says(own, taken);
      return make("figure", {}, frame, make("figcaption.label", { text: words, title: words }));
    });
    const whole = make("a", { href: source.replace("size=224", "size=full"), title: "The whole photo" }, photo(`Number ${one.index}`));
    return make("li", {},
      make("p.small", {}, make("strong", { text: own }), ` taken for ${taken}, ${Math.round(100 * one.confidence)} % sure`),
      make("div.worst-tiles", {}, make("figure", {}, whole, make("figcaption.label", { text: "photo" })), ...tiles));
  }

  /** At the stage of the grid above; maps of one method share its scale. */
  draw() {
    const { run } = this;
    const { now } = this.state;
    if (!run?.worst || !this.cells.length) return;
    part("worst").style.setProperty("--opacity", String(now.opacity / 100));
    const lookup = this.colours.lookup(this.colours.known(now.colours, "inferno"), 0);
    for (const tile of TILES) {
      const method = this.#method(tile.method);
      const made = run.worst_maps?.[method];
      if (!made) continue;
      const cells = this.cells.filter((one) => one.method === tile.method);
      const entries = cells.map(({ index }) => this.masks.entry(run.id, "worst", method, made, index, now.stage));
      const look = { lookup, scale: now.scale, grid: now.grid, all: entries.filter((one) => one !== null) };
      cells.forEach(({ cell }, place) => cell.draw(entries[place], look, ""));
    }
  }
}
