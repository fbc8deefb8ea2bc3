// What an admin does with a model that did not come with Sightline: publish an import, withdraw.
import { getJson } from "../lib/api.js";
import { API, attempt, part } from "../lib/dom.js";
import { askAndPublish } from "../lib/publishing.js";
import { sure } from "../lib/sure.js";

const { model, title, run } = part("manage").dataset;
const address = `${API}/models/${model}`;

part("offer")?.addEventListener("click", async () => {
  if (await askAndPublish(address, title)) location.reload();
});

part("withdraw").addEventListener("click", async () => {
  const files = run ? "Its run stays, and can be published again." : "Its files are removed from the server’s disk.";
  const text = `New analyses cannot use it; stored ones keep its rows. ${files}`;
  if (!(await sure({ title: `Remove ${title}?`, text, deed: "Remove" }))) return;
  if (await attempt(part("withdraw"), () => getJson(address, { method: "DELETE" }))) location.assign("/models");
});
