// The head of each row: what the model says, and whether that is right.
import { make } from "../lib/dom.js";
import { abstention, capital, inWords, percent } from "../lib/format.js";
import { classIn, lackingWords } from "./target.js";

/**
 * @param {HTMLElement} row @param {any} prediction or null while the model has not answered
 * @param {string} truth true class, or "" @param {import("./target.js").Target} target what Grad-CAM explains
 * @param {string[]} classes that the model knows; without the target, it explains none
 * @param {string} problem why there is no answer, or ""
 */
export function showAnswer(row, prediction, truth, target, classes, problem) {
  const key = JSON.stringify([prediction, truth, target, problem]);
  if (row.dataset.shown === key) return;
  row.dataset.shown = key;
  const none = Boolean(prediction?.abstained);
  const name = classIn(target, classes);
  const answers = prediction && !none ? shown(prediction, name) : [];
  const says = /** @type {HTMLElement} */ (row.querySelector("[data-says]"));
  says.classList.toggle("is-none", none);
  const items = [...says.children];
  const lacking = prediction && name === null ? items.pop() : null;
  items.forEach((item, index) => say(/** @type {HTMLElement} */ (item), answers[index], truth, name));
  if (none) items[0].replaceChildren(abstention(classes.length));
  if (!prediction && problem) items[0].replaceChildren(make("span.lacking", { text: "no answer", title: problem }));
  if (lacking) lacking.replaceChildren(make("span.lacking", { text: lackingWords(target), title: lackingWords(target) }));
  showVerdict(row, prediction, truth, classes.includes(truth));
}

/** @param {HTMLElement} item @param {any} answer or nothing @param {string} truth @param {string | null} target its class */
function say(item, answer, truth, target) {
  const name = answer ? inWords(answer.name) : "";
  if (answer) item.replaceChildren(make("span", { text: name, title: name }), make("span", { text: percent(answer.probability) }));
  else item.replaceChildren();
  item.style.setProperty("--p", answer ? answer.probability : "0");
  item.classList.toggle("is-true", truth !== "" && answer?.name === truth);
  item.classList.toggle("is-target", answer?.name === target);
}

/** The best three; a chosen target that is not among them takes the third place. */
function shown(/** @type {any} */ { top, target }, /** @type {string | null} */ chosen) {
  const best = top.slice(0, 3);
  const missing = target?.name === chosen && !best.some((/** @type {any} */ one) => one.name === chosen);
  return missing ? [...best.slice(0, 2), target] : best;
}

/**
 * @param {HTMLElement} row @param {any} prediction @param {string} truth
 * @param {boolean} knows whether the model has the true class at all
 */
function showVerdict(row, prediction, truth, knows) {
  const verdict = /** @type {HTMLElement} */ (row.querySelector("[data-verdict]"));
  const right = prediction?.abstained ? !knows : prediction?.top[0].name === truth;
  const word = right ? "right" : prediction?.abstained ? "abstains" : knows ? "wrong" : "cannot be right";
  verdict.hidden = !(truth && prediction);
  verdict.textContent = right ? "✓" : word === "wrong" ? "✗" : "–";
  verdict.setAttribute("aria-label", word);
  verdict.title = `${capital(word)}: the true class is ${inWords(truth)}${knows ? "" : ", which it does not have"}`;
  verdict.className = `verdict ${word.split(" ")[0]}`;
}
