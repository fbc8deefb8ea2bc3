// The account page: make and revoke tokens, sign browsers out, change the password. After each
// change the list is fetched anew, so its rows are written in one place, the template.
import { getJson, load, postJson } from "../lib/api.js";
import { ago } from "../lib/format.js";
import { sure } from "../lib/sure.js";
import { browserName } from "./agent.js";

const DAY = 24 * 3600 * 1000;
const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const API = "/api/v1/account";

/** @template {HTMLElement} T @param {string} selector @returns {T} */
const find = (selector) => /** @type {T} */ (document.querySelector(selector));

/** @param {HTMLElement} form @param {string} [sentence] */
function say(form, sentence) {
  const place = /** @type {HTMLElement} */ (form.querySelector("[data-problem]"));
  place.hidden = !sentence;
  place.textContent = sentence ?? "";
}

/** Times and browsers in words. @param {ParentNode} root */
function dress(root) {
  for (const element of root.querySelectorAll("time[data-time]")) {
    const time = /** @type {HTMLTimeElement} */ (element);
    const then = new Date(time.dateTime);
    time.textContent = then.getTime() > Date.now() ? DATE.format(then) : ago(then);
    time.title = then.toLocaleString();
  }
  for (const element of root.querySelectorAll("[data-agent]")) {
    element.textContent = browserName(/** @type {HTMLElement} */ (element).title);
  }
}

/** Fetch a list anew. @param {string} name */
async function refresh(name) {
  const text = await load("/account", {}, "text");
  const fresh = new DOMParser().parseFromString(text, "text/html");
  const part = fresh.querySelector(`[data-part="${name}"]`);
  if (!part) return location.reload(); // signed out meanwhile: the server shows the way
  dress(part);
  find(`[data-part="${name}"]`).replaceWith(part);
}

/** Send a form; its button waits, and what goes wrong is said. @param {string} selector @param {(data: FormData, form: HTMLFormElement) => Promise<void>} send */
function onSubmit(selector, send) {
  const form = /** @type {HTMLFormElement} */ (find(selector));
  const button = /** @type {HTMLButtonElement} */ (form.querySelector('[type="submit"]'));
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    say(form);
    try {
      await send(new FormData(form), form);
    } catch (error) {
      say(form, /** @type {Error} */ (error).message);
    } finally {
      button.disabled = false;
    }
  });
}

const panel = /** @type {HTMLDetailsElement} */ (find("[data-new]"));
const made = find("[data-made]");
const secret = find("[data-secret]");

/** A token for everything asks for the password, where the page knows that the server will. */
function askAgain() {
  const mighty = /** @type {HTMLInputElement | null} */ (document.querySelector('[name="scope"][value="admin"]'));
  find("[data-confirm]").hidden = !mighty?.checked || find("[data-current]").hidden;
}
find("[data-token-form]").addEventListener("change", askAgain);

onSubmit("[data-token-form]", async (data, form) => {
  const name = String(data.get("name")).trim();
  const scopes = data.getAll("scope");
  if (!name) throw new Error("Give the token a name, to tell it from others.");
  if (!scopes.length) throw new Error("Choose what the token may do.");
  const days = Number(data.get("days"));
  const expires = days ? new Date(Date.now() + days * DAY).toISOString() : null;
  const password = String(data.get("password")) || null;
  const token = await postJson(`${API}/tokens`, { name, scopes, expires_at: expires, password }).catch((error) => {
    if (error.status === 403) find("[data-confirm]").hidden = false; // an hour after a link it is needed
    throw error;
  });
  secret.textContent = token.token;
  made.hidden = false;
  panel.open = false;
  form.reset();
  askAgain();
  await refresh("tokens");
  find("[data-copy]").focus();
});

onSubmit("[data-password-form]", async (data, form) => {
  const fresh = String(data.get("new"));
  const shortest = Number(/** @type {HTMLInputElement} */ (form.elements.namedItem("new")).minLength);
  if (fresh.length < shortest) throw new Error(`A password has at least ${shortest} characters.`);
  const revoke = data.has("revoke_tokens");
  await postJson(`${API}/password`, { current: data.get("current"), new: fresh, revoke_tokens: revoke });
  form.reset();
  find("[data-done]").textContent = "The password is set.";
  for (const place of document.querySelectorAll("[data-current], [data-invite-confirm]")) {
    /** @type {HTMLElement} */ (place).hidden = false;
  }
  find("[data-none]")?.remove();
  await refresh("sessions");
  if (revoke) await refresh("tokens");
});

find("[data-close]").addEventListener("click", () => {
  panel.open = false;
  find("[data-new] summary").focus();
});
panel.addEventListener("toggle", () => {
  if (panel.open) find('[data-token-form] [name="name"]').focus();
});

/** A button that copies a text. @param {HTMLElement} button @param {HTMLElement} text */
function copies(button, text) {
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent ?? "");
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 2000);
    } catch {
      getSelection()?.selectAllChildren(text); // without the clipboard (plain http): Ctrl+C does it
      button.textContent = "Press Ctrl+C";
    }
  });
}
copies(find("[data-copy]"), secret);

if (document.querySelector("[data-invite-form]")) {
  const link = find("[data-link]");
  copies(find("[data-copy-link]"), link);
  onSubmit("[data-invite-form]", async (data, form) => {
    const body = { days: Number(data.get("days")), password: String(data.get("password")) || null };
    const invitation = await postJson("/api/v1/people/invitations", body).catch((error) => {
      if (error.status === 403) find("[data-invite-confirm]").hidden = false;
      throw error;
    });
    form.reset();
    link.textContent = new URL(invitation.link, location.href).href;
    find("[data-invited]").hidden = false;
    await refresh("people");
    find("[data-copy-link]").focus();
  });
}

document.addEventListener("click", async (event) => {
  const button = /** @type {HTMLButtonElement | null} */ (
    /** @type {Element} */ (event.target).closest("[data-revoke]")
  );
  if (!button) return;
  const { ask = "", text = "", deed = "" } = button.dataset;
  if (!(await sure({ title: ask, text, deed }))) return;
  button.disabled = true;
  const name = /** @type {HTMLElement} */ (button.closest("[data-part]")).dataset.part ?? "";
  await getJson(button.dataset.revoke ?? "", { method: "DELETE" }).catch(() => null);
  if (name === "tokens") made.hidden = true;
  if (name === "people") find("[data-invited]").hidden = true;
  await refresh(name);
});

const leave = /** @type {HTMLFormElement} */ (find("[data-leave]"));
leave.addEventListener("submit", async (event) => {
  if (!document.querySelector("[data-none]")) return;
  event.preventDefault();
  const text = "You have no password: you will need a new link from the server to come back. You can set one on this page.";
  if (await sure({ title: "Sign out without a password?", text, deed: "Sign out", keep: "Stay" })) leave.submit();
});

const everywhere = /** @type {HTMLFormElement} */ (find("[data-everywhere]"));
everywhere.addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = "This browser too. Each needs the password, or a new link, to come back; tokens keep working.";
  if (await sure({ title: "Sign all browsers out?", text, deed: "Sign out", keep: "Stay" })) everywhere.submit();
});

dress(document);
