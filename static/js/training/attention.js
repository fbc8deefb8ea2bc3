// Attention over training: a row a probe image, a column a run, and one epoch for all of them.
import { batched, make, part } from "../lib/dom.js";
import { bindFields, showFields } from "../lib/fields.js";
import { capital, setText } from "../lib/format.js";
import { counted } from "../lib/shares.js";
import { methodTitle } from "../lib/titles.js";
import { MaskCell, spoken } from "./maskpaint.js";
import { isOver, runName } from "./words.js";

const PLAY_MS = 550; // an epoch

/** @param {string} name of a method, behind `flow-` for the motion stream @returns {string} */
const methodName = (name) =>
  name.startsWith("flow-") ? `${capital(methodTitle(name.slice(5)))}, motion` : capital(methodTitle(name));

/** @typedef {{run: any, epoch: import("./series.js").Epoch | null, heads: HTMLElement[]}} Column */

/** Few runs leave room: their probes stand in bands side by side. @param {number} runs @returns {number} */
const bandsFor = (runs) => (runs < 3 ? 3 : runs < 4 ? 2 : 1);

export class Attention {
  /**
   * @param {import("./state.js").ShownState} state @param {import("./watch.js").Watch} watch
   * @param {import("../lib/colours.js").Colours} colours @param {import("./masks.js").Masks} masks
   * @param {import("./answers.js").Answers} answers @param {(run: any) => HTMLElement} swatch
   */
  constructor(state, watch, colours, masks, answers, swatch) {
    this.state = state;
    this.watch = watch;
    this.colours = colours;
    this.masks = masks;
    this.answers = answers;
    this.swatch = swatch;
    this.form = /** @type {HTMLFormElement} */ (part("attention-tools"));
    this.slider = /** @type {HTMLInputElement} */ (document.getElementById("epoch"));
    this.box = part("grid");
    this.key = "";
    /** @type {Column[]} */
    this.columns = [];
    /** @type {{cell: MaskCell, element: HTMLElement, column: number, probe: number}[]} */
    this.cells = [];
    this.timer = 0;
    this.draw = batched(() => this.#draw());
    this.#bind();
  }

  /** The epoch on show: the chosen one, or the newest. */
  get epoch() {
    const last = this.last;
    return this.state.now.epoch ? Math.min(this.state.now.epoch, last) : last;
  }

  /** The newest epoch of any run. */
  get last() {
    return Math.max(0, ...this.watch.runs.map((run) => this.watch.seriesOf(run.id).epochs.at(-1)?.epoch ?? 0));
  }

  #bind() {
    bindFields(this.form, this.state);
    this.slider.addEventListener("input", () => {
      this.stop();
      this.choose(Number(this.slider.value));
    });
    part("play").addEventListener("click", () => (this.timer ? this.stop() : this.#play()));
    part("newest").addEventListener("change", (/** @type {Event} */ event) => {
      this.stop();
      const follow = /** @type {HTMLInputElement} */ (event.target).checked;
      this.state.set({ epoch: follow ? 0 : this.last });
    });
  }

  /** @param {number} epoch */
  choose(epoch) {
    this.state.set({ epoch: Math.max(1, Math.min(this.last || 1, epoch)) });
  }

  #play() {
    part("play").setAttribute("aria-pressed", "true");
    part("play").setAttribute("aria-label", "Stop");
    if (this.epoch >= this.last) this.choose(1);
    this.timer = setInterval(() => {
      if (this.epoch >= this.last) this.stop();
      else if (this.#ready()) this.choose(this.epoch + 1);
    }, PLAY_MS);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
    part("play").setAttribute("aria-pressed", "false");
    part("play").setAttribute("aria-label", "Play");
  }

  /** Whether no file of the epoch on show is still on its way. */
  #ready() {
    const method = this.state.now.method;
    return this.columns.every(({ run, epoch }, column) => !epoch || this.masks.files.get(`${run.id}/${epoch.epoch}/${this.#shown(column, method)}`) !== "coming");
  }

  /** The runs that have a column: those of one seed. */
  #runs() {
    const { runs, seeds } = this.watch;
    if (!seeds) return runs;
    const all = [...new Set(runs.map((run) => String(run.seed)))];
    const seed = all.includes(this.state.now.seed) ? this.state.now.seed : all[0];
    const select = /** @type {HTMLSelectElement} */ (this.form.elements.namedItem("seed"));
    part("seed-field").hidden = all.length < 2;
    if (select.options.length !== all.length) select.replaceChildren(...all.map((one) => new Option(one)));
    select.value = seed;
    return runs.filter((run) => String(run.seed) === seed);
  }

  /** Methods that any run has maps of. @returns {string[]} */
  #methods() {
    const found = new Set(["attention", "gradcam"]);
    for (const run of this.watch.runs) for (const name of Object.keys(this.watch.seriesOf(run.id).epochs.at(-1)?.probes ?? {})) found.add(name);
    return [...found];
  }

  #tools() {
    const { now } = this.state;
    const methods = this.#methods();
    const set = part("method");
    if (set.children.length !== methods.length) {
      set.replaceChildren(...methods.map((name) => make("label", {}, make("input", { type: "radio", name: "method", value: name }), make("span", { text: methodName(name) }))));
    }
    const colours = /** @type {HTMLSelectElement} */ (this.form.elements.namedItem("colours"));
    if (!colours.options.length) colours.append(...this.colours.names("sequential").map((name) => new Option(this.colours.maps[name].title, name)));
    const { method, stage, colours: name, scale, opacity, grid } = now;
    showFields(this.form, { method, stage, colours: name, scale, opacity, grid });
    this.box.style.setProperty("--opacity", String(now.opacity / 100));
  }

  #slider() {
    const { last, epoch } = this;
    this.slider.disabled = last < 2;
    this.slider.max = String(Math.max(1, last));
    this.slider.value = String(Math.max(1, epoch));
    this.slider.setAttribute("aria-valuetext", `epoch ${epoch} of ${last}`);
    setText(part("epoch-now"), epoch ? String(epoch) : "–");
    setText(part("epoch-last"), last ? String(last) : "–");
    part("newest").checked = this.state.now.epoch === 0;
    part("play").disabled = last < 2;
  }

  /** @param {any[]} runs @param {number[]} probes */
  #build(runs, probes) {
    this.columns = runs.map((run) => ({ run, epoch: null, heads: [] }));
    this.box.style.setProperty("--columns", String(runs.length));
    this.cells = [];
    const count = Math.min(bandsFor(runs.length), Math.max(1, probes.length));
    const rows = probes.map((image, probe) => this.#row(image, probe));
    const each = Math.ceil(rows.length / count);
    const bands = Array.from({ length: count }, (_, band) => make("div.probe-band", { role: "rowgroup" }, this.#heads(), ...rows.slice(band * each, (band + 1) * each)));
    this.box.style.setProperty("--bands", String(count));
    this.box.replaceChildren(...bands);
  }

  #heads() {
    const heads = this.columns.map((column) => {
      const said = make("span.label.num");
      column.heads.push(said);
      return make("div.probe-head", { role: "columnheader" }, make("strong", {}, this.swatch(column.run), runName(column.run, false)), said);
    });
    return make("div.probe-row.head", { role: "row" }, make("div.probe-photo.label", { role: "columnheader", text: "Photo" }), ...heads);
  }

  /** @param {number} image @param {number} probe its place among the probes */
  #row(image, probe) {
    const { dataset } = this.watch.study;
    const source = `${this.watch.dataset}/images/val/${image}?size=224`;
    const cells = this.columns.map((_, column) => {
      const photo = make("img", { src: source, width: 224, height: 224, alt: "", loading: "lazy", decoding: "async" });
      const frame = make("div.mask-frame", {}, photo, make("canvas", { width: 1, height: 1, hidden: true }), make("span.words.on"));
      const element = make("div.probe-cell", { role: "cell" }, frame, make("p.answer.label"), make("span.sr"));
      this.cells.push({ cell: new MaskCell(frame), element, column, probe });
      return element;
    });
    const name = this.watch.probeName(image);
    const alt = `Image ${image} of ${dataset.name}${name ? `: ${name}` : ""}`;
    const photo = make("a", { href: source.replace("size=224", "size=full"), title: "The whole photo" }, make("img", { src: source, width: 224, height: 224, alt, loading: "lazy" }));
    return make("div.probe-row", { role: "row" }, make("div.probe-photo", { role: "rowheader" }, photo, make("span.label", { text: name, title: name })), ...cells);
  }

  #draw() {
    if (!this.watch.study) return;
    const runs = this.#runs();
    const { probes } = this.watch.study;
    const key = `${runs.map((run) => run.id).join()}|${probes.join()}|${this.watch.names.length}`;
    if (key !== this.key) this.#build(runs, probes);
    this.key = key;
    this.#tools();
    this.#slider();
    for (const column of this.columns) this.#head(column, runs);
    const { method, stage, scale, grid, colours } = this.state.now;
    const found = this.cells.map(({ column, probe }) => this.#entry(column, probe, method, stage));
    const all = found.filter((one) => one !== null);
    const look = { lookup: this.colours.lookup(this.colours.known(colours, "inferno"), 0), scale, grid, all };
    this.cells.forEach(({ cell, element, column, probe }, index) => {
      const words = this.#instead(column, this.#shown(column, method));
      if (found[index] || words !== "…") cell.draw(found[index], look, words);
      cell.offerAgain(words === "no map", () => this.masks.again(this.#file(column, method)));
      this.#answer(/** @type {HTMLElement} */ (element.children[1]), column, probe);
      setText(/** @type {Element} */ (element.lastElementChild), words && words !== "…" ? words : spoken(found[index]));
    });
    if (this.timer) this.columns.forEach(({ run }, column) => this.#prefetch(run, this.#shown(column, method)));
  }

  /** @param {Column} column @param {any[]} runs */
  #head(column, runs) {
    column.run = runs.find((run) => run.id === column.run.id) ?? column.run;
    column.epoch = this.watch.seriesOf(column.run.id).epochAt(this.epoch);
    const { epoch } = column;
    const earlier = epoch && epoch.epoch < this.epoch ? `epoch ${epoch.epoch}: ` : "";
    const instead = this.#shown(this.columns.indexOf(column), this.state.now.method) === this.state.now.method ? "" : ", no mask: Grad-CAM";
    const words = epoch ? `${earlier}${counted(epoch.val_accuracy, this.watch.study.dataset.val_images)}${instead}` : "–";
    for (const head of column.heads) setText(head, words);
  }

  /** A network that learns no mask shows its Grad-CAM instead. @param {number} column @param {string} method @returns {string} */
  #shown(column, method) {
    const { epoch } = this.columns[column];
    const other = method.replace(/attention$/, "gradcam");
    return epoch && !epoch.probes?.[method] && epoch.probes?.[other] ? other : method;
  }

  /** @param {number} column @param {number} probe @param {string} chosen method @param {string} stage */
  #entry(column, probe, chosen, stage) {
    const { run, epoch } = this.columns[column];
    const method = this.#shown(column, chosen);
    const made = epoch?.probes?.[method];
    return epoch && made ? this.masks.entry(run.id, epoch.epoch, method, made, probe, stage) : null;
  }

  /** What the run answered, and whether that is right. @param {HTMLElement} place @param {number} column @param {number} probe */
  #answer(place, column, probe) {
    const { run, epoch } = this.columns[column];
    const said = epoch && this.answers.of(run.id, epoch.epoch, probe);
    const name = said && this.watch.names[said.predicted];
    if (!said || !name) return setText(place, "");
    const right = name === this.watch.probeName(this.watch.study.probes[probe]);
    setText(place, `${right ? "✓" : "✗"} ${Math.round(100 * said.confidence)} % ${name}`);
    place.classList.toggle("wrong", !right);
    place.title = `${right ? "Right" : "Wrong"}: ${name}`;
  }

  /** What stands where no map is; "…": it is on its way. @param {number} column @param {string} method @returns {string} */
  #instead(column, method) {
    const { run, epoch } = this.columns[column];
    if (!epoch) return isOver(run) ? "no epoch" : "not yet";
    if (!epoch.probes?.[method]) return "not made";
    const file = this.masks.files.get(this.#file(column, method));
    if (file === "failed") return "no map";
    if (typeof file !== "object") return "…";
    return this.state.now.stage === "combined" || this.state.now.stage in epoch.probes[method].stages ? "" : "no module here";
  }

  /** @param {number} column @param {string} method @returns {string} its key among the files */
  #file(column, method) {
    const { run, epoch } = this.columns[column];
    return `${run.id}/${epoch?.epoch}/${this.#shown(column, method)}`;
  }

  /** @param {any} run @param {string} method */
  #prefetch(run, method) {
    const next = this.watch.seriesOf(run.id).epochAt(this.epoch + 1);
    if (next?.probes?.[method]) this.masks.file(run.id, next.epoch, method);
  }
}
