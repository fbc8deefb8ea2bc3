// What an admin does with a model: make it a row of the usual table; publish an import, withdraw.
import { getJson, postJson } from "../lib/api.js";
import { API, attempt, part } from "../lib/dom.js";
import { askAndPublish } from "../lib/publishing.js";
import { sure } from "../lib/sure.js";

const { model, title, run } = part("manage").dataset;
const address = `${API}/models/${model}`;

part("offer")?.addEventListener("click", async () => {
  if (await askAndPublish(address, title)) location.reload();
});

part("usual")?.addEventListener("change", async () => {
  const box = /** @type {HTMLInputElement} */ (part("usual"));
  const done = await attempt(box, () => postJson(`${address}/default`, { default: box.checked }));
  if (!done) box.checked = !box.checked;
});

part("withdraw")?.addEventListener("click", async () => {
  const files = run ? "Its run stays, and can be published again." : "Its files are removed from the server’s disk.";
  const text = `New analyses cannot use it; stored ones keep its rows. ${files}`;
  if (!(await sure({ title: `Remove ${title}?`, text, deed: "Remove" }))) return;
  if (await attempt(part("withdraw"), () => getJson(address, { method: "DELETE" }))) location.assign("/models");
});
