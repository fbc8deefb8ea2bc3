// One dataset: its import while it runs, its classes as a contact sheet, deleting it.
import { follow, getJson, isFinal, postJson } from "../lib/api.js";
import { attempt, data, part, showTimes } from "../lib/dom.js";
import { sure } from "../lib/sure.js";
import { ContactSheet } from "./contact-sheet.js";
import { bindPlan } from "./plan.js";
import { words } from "./words.js";

const { dataset } = data;

/** @param {any} now */
function show(now) {
  if (isFinal(now) || now.state === "paused") return location.reload();
  /** @type {HTMLProgressElement} */ (part("progress")).value = now.progress;
  part("says").textContent = words(now);
}

function bindCancel() {
  const question = { title: "Cancel the import?", text: "What was read so far is removed.", deed: "Cancel it", keep: "Go on" };
  part("cancel").addEventListener("click", async () => {
    if (await sure(question)) attempt(part("cancel"), () => postJson(`${dataset.links.self}/cancel`));
  });
}

function bindDelete() {
  const files = dataset.source === "folder" ? "The folder on the server stays as it is." : "Its files are removed from the server’s disk.";
  const text = isFinal(dataset) ? files : `${files} The import will be stopped.`;
  part("delete").addEventListener("click", async () => {
    if (!(await sure({ title: `Delete ${dataset.name}?`, text, deed: "Delete" }))) return;
    const gone = await attempt(part("delete"), () => getJson(dataset.links.self, { method: "DELETE" }));
    if (gone) location.assign("/datasets");
  });
}

showTimes();
if (part("progress")) follow(dataset, show, "dataset");
if (part("cancel")) bindCancel();
if (part("delete")) bindDelete();
if (part("plan")) bindPlan();
if (dataset.state === "succeeded") new ContactSheet(dataset).start();
