// One dataset: its import while it runs, its classes as a contact sheet, deleting it.
import { follow, getJson, isFinal, postJson } from "../lib/api.js";
import { data, part } from "../lib/dom.js";
import { ContactSheet } from "./contact-sheet.js";
import { agoAll, say, words } from "./words.js";

const { dataset } = data;

/** @param {any} now */
function show(now) {
  if (isFinal(now)) return location.reload();
  /** @type {HTMLProgressElement} */ (part("progress")).value = now.progress;
  part("says").textContent = words(now);
}

function bindCancel() {
  part("cancel").addEventListener("click", async () => {
    /** @type {HTMLButtonElement} */ (part("cancel")).disabled = true;
    try {
      await postJson(`${dataset.links.self}/cancel`);
    } catch (error) {
      say(/** @type {Error} */ (error).message);
    }
  });
}

function bindDelete() {
  const ask = /** @type {HTMLDialogElement} */ (part("ask"));
  part("delete").addEventListener("click", () => ask.showModal());
  ask.addEventListener("close", async () => {
    if (ask.returnValue !== "yes") return;
    try {
      await getJson(dataset.links.self, { method: "DELETE" });
      location.assign("/datasets");
    } catch (error) {
      say(/** @type {Error} */ (error).message);
    }
  });
}

agoAll();
if (part("progress")) follow(dataset, show, "dataset");
if (part("cancel")) bindCancel();
if (part("delete")) bindDelete();
if (dataset.state === "succeeded") new ContactSheet(dataset).start();
