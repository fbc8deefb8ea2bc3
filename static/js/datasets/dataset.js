// One dataset: its import while it runs, its classes as a contact sheet, deleting it.
import { follow, getJson, isFinal, postJson } from "../lib/api.js";
import { attempt, data, part, showTimes } from "../lib/dom.js";
import { ContactSheet } from "./contact-sheet.js";
import { words } from "./words.js";

const { dataset } = data;

/** @param {any} now */
function show(now) {
  if (isFinal(now)) return location.reload();
  /** @type {HTMLProgressElement} */ (part("progress")).value = now.progress;
  part("says").textContent = words(now);
}

function bindCancel() {
  part("cancel").addEventListener("click", () => attempt(part("cancel"), () => postJson(`${dataset.links.self}/cancel`)));
}

function bindDelete() {
  const ask = /** @type {HTMLDialogElement} */ (part("ask"));
  part("delete").addEventListener("click", () => ask.showModal());
  ask.addEventListener("close", async () => {
    if (ask.returnValue !== "yes") return;
    const gone = await attempt(part("delete"), () => getJson(dataset.links.self, { method: "DELETE" }));
    if (gone) location.assign("/datasets");
  });
}

showTimes();
if (part("progress")) follow(dataset, show, "dataset");
if (part("cancel")) bindCancel();
if (part("delete")) bindDelete();
if (dataset.state === "succeeded") new ContactSheet(dataset).start();
