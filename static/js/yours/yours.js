// All analyses of a visitor: found as one types, more at the end, chosen, deleted with an undo.
import { load, sleep } from "../lib/api.js";
import { attempt, part, showProblem, showTimes, tell } from "../lib/dom.js";
import { shortcuts } from "../lib/keys.js";
import { Deletion, justDeleted } from "./deletion.js";
import { Selection } from "./selection.js";

const LOOK_MS = 3000; // between two looks at analyses that have not ended
const TYPED_MS = 250; // after the last letter
const OPEN = '[data-state="queued"], [data-state="running"]';

const find = /** @type {HTMLFormElement | null} */ (part("find"));
const count = (/** @type {number} */ n) => (n === 1 ? "1 analysis" : `${n} analyses`);

/** @param {ParentNode} [root] @returns {HTMLElement[]} */
const rowsIn = (root = document) => [.../** @type {any} */ (root.querySelectorAll("[data-one]"))];
const shown = () => rowsIn().filter((row) => !row.hidden);

/** @param {string[]} ids @returns {HTMLElement[]} */
const rowsOf = (ids) => rowsIn().filter((row) => ids.includes(row.dataset.one ?? ""));

/** A page of this list; the server draws the rows. @param {string} address @returns {Promise<HTMLElement>} */
async function fetchResults(address) {
  const text = await load(address, { headers: { Accept: "text/html" } }, "text");
  return /** @type {any} */ (new DOMParser().parseFromString(text, "text/html").querySelector("[data-results]"));
}

function start() {
  const results = /** @type {HTMLElement} */ (part("results"));
  const selection = new Selection(results, shown, showBar);
  const deletion = new Deletion(() => part("undo").matches(":hover, :focus"), gone, failed);
  let asked = 0;

  function showBar() {
    const [chosen, waiting] = [selection.chosen().length, deletion.pending.length];
    const left = Number(results.dataset.total) - waiting;
    part("count").textContent = chosen > 0 ? `${chosen} of ${left} selected` : count(left);
    if (waiting > 0 && chosen === 0) part("count").textContent = `${waiting} deleted, ${left} left`;
    part("undo").hidden = waiting === 0;
    part("delete").hidden = chosen === 0;
    part("delete").setAttribute("aria-label", `Delete ${count(chosen)}`);
    selection.show();
  }

  /** Rows that are being deleted stay out of sight. */
  function dress() {
    for (const row of rowsOf(deletion.pending)) row.hidden = true;
    showTimes();
    showBar();
  }

  /** @param {string} address */
  async function showResults(address) {
    const turn = (asked += 1);
    const found = await fetchResults(address);
    if (turn !== asked) return; // something newer is on its way
    results.dataset.total = found.dataset.total;
    results.replaceChildren(...found.childNodes);
    dress();
  }

  async function more(/** @type {HTMLAnchorElement} */ link) {
    const turn = asked;
    const found = await fetchResults(link.href);
    if (turn !== asked) return;
    const rows = rowsIn(found);
    part("list").append(...rows);
    const next = found.querySelector(".more");
    if (next) part("more").parentElement.replaceWith(next);
    else part("more").parentElement.remove();
    dress();
    rows[0]?.querySelector("a")?.focus();
    tell(`${shown().length} of ${results.dataset.total} shown`);
  }

  function remove() {
    const rows = selection.chosen();
    if (rows.length === 0) return;
    const all = shown();
    const after = all.slice(all.indexOf(rows[0])).find((row) => !rows.includes(row));
    const before = all.slice(0, all.indexOf(rows[0])).at(-1);
    selection.set(rows, false);
    for (const row of rows) row.hidden = true;
    deletion.start(rows.map((row) => row.dataset.one ?? ""));
    showBar();
    /** @type {HTMLElement} */ ((after ?? before)?.querySelector("[data-pick]") ?? part("search")).focus();
    tell(`${count(rows.length)} deleted. Undo with Control Z, or with the button above the list.`);
  }

  function undo() {
    const ids = deletion.undo();
    if (ids.length === 0) return;
    const rows = rowsOf(ids);
    for (const row of rows) row.hidden = false;
    showBar();
    /** @type {HTMLElement | null} */ (rows[0]?.querySelector("[data-pick]"))?.focus();
    tell(`${count(ids.length)} kept.`);
  }

  /** @param {string[]} ids */
  function gone(ids) {
    for (const row of rowsOf(ids)) row.remove();
    results.dataset.total = String(Number(results.dataset.total) - ids.length);
    showBar();
    if (rowsIn().length === 0) attempt(null, () => showResults(location.href));
  }

  /** @param {string[]} ids @param {string} problem */
  function failed(ids, problem) {
    for (const row of rowsOf(ids)) row.hidden = false;
    showBar();
    showProblem(`${count(ids.length)} could not be deleted. ${problem}`);
  }

  async function watch() {
    for (;;) {
      await sleep(LOOK_MS);
      if (document.hidden || !results.querySelector(OPEN)) continue;
      const now = await fetchResults(location.href).catch(() => null);
      for (const fresh of now ? rowsIn(now) : []) showState(fresh);
    }
  }

  results.addEventListener("click", (event) => {
    const link = /** @type {Element} */ (event.target).closest("[data-more]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    attempt(/** @type {HTMLElement} */ (link), () => more(/** @type {HTMLAnchorElement} */ (link)));
  });
  part("delete").addEventListener("click", remove);
  part("undo").addEventListener("click", undo);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "z" || !(event.ctrlKey || event.metaKey) || event.target === part("search")) return;
    event.preventDefault();
    undo();
  });
  shortcuts({ delete: remove, backspace: remove, "/": () => part("search").focus(), escape: () => selection.set(shown(), false) });
  bindFind(showResults);
  const stale = rowsOf([...justDeleted()]);
  results.dataset.total = String(Number(results.dataset.total) - stale.length);
  for (const row of stale) row.remove();
  dress();
  watch();
}

/** @param {HTMLElement} fresh the row as the server draws it now */
function showState(fresh) {
  const [row] = rowsOf([fresh.dataset.one ?? ""]);
  if (!row) return;
  row.dataset.state = fresh.dataset.state;
  const says = fresh.querySelectorAll("[data-says]");
  [...row.querySelectorAll("[data-says]")].forEach((part, index) => part.replaceChildren(...says[index].childNodes));
}

/** The list follows the form as one types; the address too. @param {(address: string) => Promise<void>} show */
function bindFind(show) {
  if (!find) return;
  const address = () => {
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(find)) if (value && name !== "zone") query.set(name, String(value));
    if (query.has("from") || query.has("to")) query.set("zone", String(new Date().getTimezoneOffset()));
    return `/yours${query.size ? `?${query}` : ""}`;
  };
  const follow = async () => {
    history.replaceState(null, "", address());
    await attempt(null, () => show(address()));
    tell(`${count(Number(part("results").dataset.total))} found`);
  };
  let timer = 0;
  find.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(follow, TYPED_MS);
  });
  find.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    follow();
  });
}

addEventListener("pageshow", (event) => event.persisted && location.reload());
if (part("bar")) start();
