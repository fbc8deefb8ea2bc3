// The launch form: which settings were touched, what is wrong with them, and the start.
import { ApiError, getJson, persist, postJson } from "../lib/api.js";
import { API, data, make, part, showProblem } from "../lib/dom.js";
import { setText } from "../lib/format.js";
import { shareWords } from "../lib/shares.js";
import { CostEstimate } from "./cost-estimate.js";
import { Fields } from "./fields.js";
import { Probes } from "./probes.js";
import { RangeTest } from "./range.js";
import { plural } from "./words.js";

const form = /** @type {HTMLFormElement} */ (part("form"));
const fields = new Fields(form);
const probes = new Probes();
/** @type {Map<string, any>} datasets that are ready */
const datasets = new Map();

/** @param {string} name @returns {any} */
const field = (name) => form.elements.namedItem(name);

/** @returns {string[]} */
const mechanisms = () => [...form.querySelectorAll('[name="mechanism"]:checked')].map((one) => /** @type {HTMLInputElement} */ (one).value);

/** @returns {number[] | null} null where they cannot be read */
function seeds() {
  const words = String(field("seeds").value).split(/[\s,;]+/).filter(Boolean);
  const numbers = words.map(Number);
  const good = numbers.every((one) => Number.isInteger(one) && one >= 0 && one < 2 ** 31);
  return good && numbers.length > 0 ? [...new Set(numbers)] : null;
}

/** What is sent: the choices, and of the settings only those that were touched. */
function request() {
  const { config, parameters } = fields.touched();
  const stages = [...form.querySelectorAll('[name="stage"]')].map((one) => /** @type {HTMLInputElement} */ (one));
  if (stages.some((one) => !one.checked)) config.stages = stages.filter((one) => one.checked).map((one) => one.value);
  const chosen = mechanisms();
  /** @type {Record<string, any>} */
  const body = { dataset_id: field("dataset_id").value, seeds: seeds() ?? [0] };
  if (chosen.length < data.form.mechanisms.length) body.mechanisms = chosen;
  if (Object.keys(config).length) body.config = config;
  const own = Object.fromEntries(Object.entries(parameters).filter(([name]) => chosen.includes(name)));
  if (Object.keys(own).length) body.parameters = own;
  if (field("name").value.trim()) body.name = field("name").value.trim();
  if (config.start === "checkpoint") body.start_run = field("start_run").value;
  if (probes.chosen.length) body.probes = probes.chosen;
  return body;
}

/** @returns {boolean} whether everything can be sent; what is wrong stands beside its field */
function check() {
  fields.clear();
  let good = fields.check();
  const wrong = (/** @type {string} */ name, /** @type {string} */ words) => {
    fields.fail(name, words);
    good = false;
  };
  if (!field("dataset_id").value) wrong("dataset_id", "Choose the images to train on.");
  if (seeds() === null) wrong("seeds", "Whole numbers from 0, with commas between them.");
  if (![...form.querySelectorAll('[name="stage"]:checked')].length) wrong("stages", "Choose at least one stage.");
  const none = mechanisms().length === 0;
  part("mechanisms-error").hidden = !none;
  setText(part("mechanisms-error"), none ? "Choose at least one network." : "");
  if (fields.value("start") === "checkpoint" && !field("start_run").value) wrong("start_run", "Choose a finished run.");
  if (!good || none) showFirst();
  return good && !none;
}

function showFirst() {
  const first = /** @type {HTMLElement | null} */ (form.querySelector(".error:not([hidden])"));
  first?.closest("details")?.setAttribute("open", "");
  const owner = first?.closest("[data-field]") ?? first?.previousElementSibling;
  /** @type {HTMLElement | null} */ (owner?.querySelector("input, select"))?.focus();
  first?.scrollIntoView({ block: "center" });
}

/** The server's own refusal, beside the field that it names. @param {unknown} error */
function refuse(error) {
  const sentence = /** @type {Error} */ (error).message;
  const named = error instanceof ApiError && error.status === 422 && fields.failFromServer(sentence);
  showProblem(named ? "Some settings cannot be used; see beside them." : sentence);
  if (named) showFirst();
}

const costs = new CostEstimate({ request, check, refuse, mechanisms, seeds, dataset: () => datasets.get(field("dataset_id").value), fields });
new RangeTest({ request, check, refuse, fields });

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = part("start");
  if (!check() || button.disabled) return;
  button.disabled = true;
  setText(button, "Starting…");
  try {
    const study = await postJson(`${API}/training-runs`, request());
    location.assign(`/training/${study.id}`);
  } catch (error) {
    refuse(error);
    button.disabled = false;
    setText(button, "Start the study");
  }
});

form.addEventListener("input", () => update());

function update() {
  part("start-run").hidden = fields.value("start") !== "checkpoint";
  part("start-run").querySelector("select").disabled = part("start-run").hidden;
  for (const item of form.querySelectorAll("[data-mechanism]")) {
    item.classList.toggle("off", !(/** @type {HTMLInputElement} */ (item.querySelector('[name="mechanism"]')).checked));
  }
  const chosen = mechanisms();
  const clips = datasets.get(field("dataset_id").value)?.kind === "clips";
  const recipe = (/** @type {any} */ one) => (clips ? data.form.clips?.recipes[one.name] : one.recipe);
  const shown = data.form.mechanisms.filter((/** @type {any} */ one) => chosen.includes(one.name));
  fields.showRecipes(shown.map((/** @type {any} */ one) => ({ ...one, recipe: recipe(one) })), data.form.scratch ?? {});
  costs.estimate();
}

async function readDatasets() {
  const { items } = await getJson(`${API}/datasets?limit=100`).catch(() => getJson(`${API}/datasets`));
  const ready = items.filter((/** @type {any} */ one) => one.state === "succeeded");
  for (const one of ready) datasets.set(one.id, one);
  const select = field("dataset_id");
  if (ready.length === 0) {
    select.replaceChildren(new Option("none yet", ""));
    part("dataset-words").replaceChildren("There are no images yet. ", make("a", { href: "/datasets", text: "Bring some first." }));
    return;
  }
  select.replaceChildren(...ready.map((/** @type {any} */ one) => new Option(one.name, one.id)));
  const asked = new URLSearchParams(location.search).get("dataset") ?? "";
  select.value = datasets.has(asked) ? asked : ready[0].id;
  select.addEventListener("change", showDataset);
  showDataset();
}

function showDataset() {
  const dataset = datasets.get(field("dataset_id").value);
  if (!dataset) return;
  const clips = dataset.kind === "clips";
  const how = clips ? " Two streams each: one sees frames, one their motion." : "";
  setText(part("dataset-words"), `${plural(dataset.classes.length, "class", "classes")}, ${plural(dataset.train_images, clips ? "clip" : "image")} for training, ${dataset.val_images} for validation.${how}`);
  fields.showKind(dataset.kind);
  probes.open(dataset);
  update();
}

async function readRuns() {
  const { items } = await getJson(`${API}/training-runs?limit=100`);
  const done = items.filter((/** @type {any} */ run) => run.state === "succeeded");
  const select = field("start_run");
  select.replaceChildren(...done.map((/** @type {any} */ run) => new Option(`${run.title}, seed ${run.seed}${run.summary ? `, ${shareWords(run.summary.val_accuracy, run.summary.images)}` : ""}, ${new Date(run.created_at).toLocaleDateString()}`, run.id)));
  if (done.length === 0) select.replaceChildren(new Option("no run has finished yet", ""));
}

Promise.all([persist(readDatasets), persist(readRuns)]).then(update, (error) => showProblem(error.message));
