// The list of studies, the queue, the one-press study, and the import of a model.
import { getJson, persist, postJson } from "../lib/api.js";
import { API, attempt, data, make, part, showProblem } from "../lib/dom.js";
import { ago, duration, setText } from "../lib/format.js";
import { areFew, counted, shareWords } from "../lib/shares.js";
import { bindImport } from "./importing.js";
import { Queue } from "./queue.js";
import { isActive, plural, STATES, summary } from "./words.js";

const BUSY_MS = 2000; // how often the list is read while something runs, and while nothing does
const IDLE_MS = 10000;
const queue = new Queue(data.may.train, () => load());
/** @type {{first: any[], older: any[], next: string | null}} */
const known = { first: data.studies.items, older: [], next: data.studies.next };
let timer = 0;

/** One line: a run, or a network's seeds together. @param {any[]} runs of one network */
function runRow(runs) {
  const [run] = runs;
  const scores = runs.flatMap((one) => one.summary?.val_accuracy ?? []);
  const over = scores.length === runs.length;
  const mean = scores.reduce((sum, one) => sum + one, 0) / Math.max(1, scores.length);
  const progress = runs.reduce((sum, one) => sum + (one.state === "succeeded" ? 1 : one.progress), 0) / runs.length;
  const going = runs.find((one) => one.state === "running");
  const state = going ?? runs.find((one) => one.state !== "succeeded") ?? run;
  const judged = run.summary?.images;
  // A mean over seeds is no count, and few images give it no second digit.
  const score = runs.length > 1 && areFew(judged) ? `${(100 * mean).toFixed(0)} %` : counted(mean, judged);
  const words = over ? score : going ? `${going.epoch} of ${going.epochs}` : STATES[state.state];
  const name = runs.length > 1 ? `${run.title} × ${runs.length}` : run.title;
  return make(
    "li", { class: `mini ${state.state}` },
    make("span.mini-name", { text: name, title: runs.length > 1 ? `${runs.length} seeds${over ? ", their mean" : ""}` : null }),
    make("progress", { max: 1, value: over ? mean : progress, class: over ? "score" : "", "aria-hidden": "true" }),
    make("span.mini-says.num", { text: words, title: over && runs.length === 1 ? shareWords(mean, judged) : null }),
  );
}

/** @param {any} study */
function studyRow(study) {
  const { runs } = study;
  const networks = [...new Set(runs.map((/** @type {any} */ run) => run.mechanism))];
  const rows = networks.map((name) => runs.filter((/** @type {any} */ run) => run.mechanism === name));
  const left = runs.reduce((/** @type {number} */ sum, /** @type {any} */ run) => sum + (run.status?.seconds_left ?? 0), 0);
  const published = runs.filter((/** @type {any} */ run) => run.model_id).length;
  const words = [summary(runs), left > 0 && runs.some(isActive) ? `${duration(left)} left` : "", published ? `${published} in the table` : ""];
  const time = new Date(study.created_at);
  return make(
    "article.study", { "data-study": study.id },
    make("div.study-what", {},
      make("h3", {}, make("a", { href: `/training/${study.id}`, text: study.name })),
      make("p.small.muted", {}, `${study.dataset.name} · ${study.created_by} · `, make("time", { datetime: study.created_at, title: time.toLocaleString(), text: ago(time) })),
      make("p.small", { text: words.filter(Boolean).join(" · ") })),
    make("ul.minis", { "aria-label": `Runs of ${study.name}` }, ...rows.map(runRow)),
  );
}

function show() {
  const box = part("studies");
  const all = [...known.first, ...known.older];
  box.removeAttribute("aria-busy");
  const focused = document.activeElement?.closest("[data-study]")?.getAttribute("data-study");
  if (all.length === 0) box.replaceChildren(emptyWords());
  else box.replaceChildren(...all.map(studyRow));
  if (focused) box.querySelector(`[data-study="${focused}"] a`)?.focus();
  part("more-studies").hidden = !known.next;
}

function emptyWords() {
  return make("p.muted.waiting-words", { text: data.may.train ? "No study yet. Choose a dataset above and press the button." : "No study yet." });
}

/** Running and waiting runs of all studies; the server's order of the queue. */
async function loadQueue() {
  const names = new Map([...known.first, ...known.older].map((study) => [study.id, study.name]));
  const runs = [...known.first, ...known.older].flatMap((study) => study.runs).filter(isActive);
  const { items } = runs.length ? await getJson(`${API}/training-runs?queue=true`) : { items: [] };
  const active = items.filter(isActive);
  const order = [...active.filter((/** @type {any} */ run) => run.state === "running"), ...active.filter((/** @type {any} */ run) => run.state === "queued")];
  queue.show(order.map((run) => ({ ...run, study: names.get(run.study_id) ?? "a study" })));
  return order.length > 0;
}

let shown = JSON.stringify(known.first);
let failed = false;
async function load() {
  clearTimeout(timer);
  let busy = false;
  try {
    const { items, next } = await getJson(`${API}/studies`);
    const text = JSON.stringify(items);
    known.first = items;
    if (known.older.length === 0) known.next = next;
    if (text !== shown) show();
    shown = text;
    busy = await loadQueue();
    if (failed) showProblem();
    failed = false;
  } catch (error) {
    failed = true;
    showProblem(/** @type {Error} */ (error).message);
  }
  timer = setTimeout(() => (document.hidden ? undefined : load()), busy ? BUSY_MS : IDLE_MS);
}

/** What the button will start. @param {{runs: number, steps: number | null, seconds: number | null} | undefined} cost */
function costWords(cost) {
  if (!cost) return "All networks, one after another, with the settings of the shipped models.";
  const steps = cost.steps === null ? "" : `: about ${plural(cost.steps, "step")}`;
  const time = cost.seconds === null
    ? "How long that takes is not known: nothing like it has been trained or measured here yet. A new study can be measured first."
    : `About ${duration(cost.seconds)} on this machine, by the speed of what it has trained and measured.`;
  return `${plural(cost.runs, "network")}, one after another, with the settings of the shipped models${steps}. ${time}`;
}

async function loadDatasets() {
  const select = part("dataset");
  if (!select) return;
  const { items } = await getJson(`${API}/datasets`);
  const ready = items.filter((/** @type {any} */ one) => one.state === "succeeded");
  if (ready.length === 0) {
    select.replaceChildren(new Option("none yet"));
    part("launch-words").replaceChildren("There is nothing to train on yet. ", make("a", { href: "/datasets", text: "Bring some first." }));
    return;
  }
  select.replaceChildren(...ready.map((/** @type {any} */ one) => new Option(one.name, one.id)));
  select.disabled = false;
  part("reproduce").disabled = false;
  const follow = () => {
    part("new").setAttribute("href", `/training/new?dataset=${select.value}`);
    part("launch-words").textContent = costWords(data.costs[select.value]);
  };
  select.addEventListener("change", follow);
  follow();
}

part("reproduce")?.addEventListener("click", (/** @type {Event} */ event) => {
  const button = /** @type {HTMLElement} */ (event.currentTarget);
  attempt(button, async () => {
    setText(button, "Starting…");
    try {
      const study = await postJson(`${API}/training-runs`, { dataset_id: part("dataset").value });
      location.assign(`/training/${study.id}`);
    } finally {
      setText(button, "Reproduce the study");
    }
  });
});

part("more-studies").addEventListener("click", (/** @type {Event} */ event) => {
  attempt(/** @type {HTMLElement} */ (event.currentTarget), async () => {
    const page = await getJson(`${API}/studies?cursor=${encodeURIComponent(known.next ?? "")}`);
    known.older.push(...page.items);
    known.next = page.next;
    show();
  });
});

document.addEventListener("visibilitychange", () => !document.hidden && load());
bindImport(load);
show();
persist(loadDatasets).catch((error) => showProblem(error.message));
load();
