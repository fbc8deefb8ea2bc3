// What is going on, in words: waiting, running, stored, failed, cancelled; cancel and retry.
import { isFinal, postJson } from "../lib/api.js";
import { data, part } from "../lib/dom.js";

const reopened = new URLSearchParams(location.search).has("stored");

/** @param {any} analysis @returns {string} */
function words(analysis) {
  const total = analysis.request.models.length;
  const done = Object.keys(analysis.predictions).length;
  const failed = Object.keys(analysis.problems).length;
  const models = total === 1 ? "1 model" : `${total} models`;
  if (analysis.state === "queued") return "Waiting for the worker…";
  if (analysis.state === "running") return `${done} of ${models} ready`;
  if (analysis.state === "failed") return "Failed";
  if (analysis.state === "cancelled") return `Cancelled after ${done} of ${models}`;
  const what = "segments" in analysis.request ? "clip" : "photo";
  if (analysis.stored || reopened) return `Answered from what is stored: the same ${what} with the same request.`;
  const seconds = (Date.parse(analysis.finished_at) - Date.parse(analysis.started_at)) / 1000;
  return `${failed > 0 ? `${done} of ` : ""}${models} in ${seconds.toFixed(1)} s`;
}

/** What the answer says before there is one. @param {any} analysis @returns {string} */
export function waitingWords({ state, request }) {
  if (state === "queued") return "Waiting for its turn…";
  return isFinal({ state }) ? "No answer." : `Looking at the ${"segments" in request ? "clip" : "photo"}…`;
}

/** Why a model has no row, or "". @param {any} analysis @param {string} model @returns {string} */
export const problemOf = ({ problems }, model) => (Object.hasOwn(problems, model) ? problems[model].detail : "");

/** @param {any} analysis @returns {string} what went wrong, or "" */
function problem(analysis) {
  if (analysis.state === "failed") return analysis.detail ?? "The analysis failed inside the server.";
  const failed = Object.keys(analysis.problems);
  if (analysis.state === "succeeded" && failed.length > 0) {
    return `No answer from ${failed.join(", ")}: ${problemOf(analysis, failed[0])} The other rows stand.`;
  }
  if (analysis.state !== "cancelled") return "";
  const some = Object.keys(analysis.predictions).length > 0;
  return `This analysis was cancelled. ${some ? "The maps that were ready are shown." : "No map was ready yet."}`;
}

/** @param {any} analysis */
export function showStatus(analysis) {
  const ended = isFinal(analysis);
  part("status").textContent = words(analysis);
  part("progress").hidden = ended;
  part("progress").value = analysis.progress;
  if (part("cancel")) part("cancel").hidden = ended;
  part("menu").hidden = analysis.state !== "succeeded";
  part("analysis").toggleAttribute("data-running", !ended);
  showProblem(problem(analysis), true);
}

/** @param {string} sentence or "" @param {boolean} [retry] offer to run it again */
export function showProblem(sentence, retry = false) {
  part("problem").hidden = !sentence;
  part("problem-text").textContent = sentence;
  part("retry").hidden = !retry;
}

export function bindStatus() {
  part("cancel")?.addEventListener("click", async () => {
    part("cancel").disabled = true;
    part("status").textContent = "Cancelling…";
    await postJson(`${data.analysis.links.self}/cancel`).catch((error) => showProblem(error.message));
    part("cancel").disabled = false;
  });
  part("retry").addEventListener("click", () => rerun(data.analysis.request, location.search));
  bindFit();
}

/** How the networks see it: choosing alone asks nothing, since another choice is another analysis. */
function bindFit() {
  const choice = /** @type {HTMLSelectElement | null} */ (part("fit-choice"));
  if (!choice) return; // of a square, all are the same
  const show = () => (part("refit").disabled = choice.value === data.analysis.request.fit);
  choice.addEventListener("input", show);
  part("refit").addEventListener("click", () => rerun({ ...data.analysis.request, fit: choice.value }, location.search));
  show();
}

/** Ask again, or for something like it, and go there. @param {any} request @param {string} search */
export async function rerun(request, search) {
  try {
    const again = await postJson("/api/v1/analyses", request);
    location.assign(again.links.page + search);
  } catch (error) {
    showProblem(/** @type {Error} */ (error).message, true);
  }
}
