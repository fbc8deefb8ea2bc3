// The page of a photo becomes that of another analysis of it, of the photo made small or as it is.
import { isFinal, postJson } from "../lib/api.js";
import { API, data, part } from "../lib/dom.js";
import { root } from "./page.js";
import { showProblem } from "./status.js";

const SQUARE = { width: 896, height: 896 }; // of the server's picture
let asking = {};

/**
 * Ask the same of the photo at another place, and show that instead.
 * @param {import("../small/place.js").Place | null} place null: the photo as it is
 * @param {{
 *   state: import("./tools.js").ViewState, sources: import("./sources.js").Sources, lead: import("../answer/lead.js").Lead,
 *   small: import("../small/tool.js").Small, retarget: import("./retarget.js").Retarget,
 *   channels: import("./channels.js").Channels, draw: () => void
 * }} page
 */
export async function makeSmall(place, { state, sources, lead, small, retarget, channels, draw }) {
  const mine = (asking = {});
  try {
    const known = !place && small.original && isFinal(small.original) ? small.original : null;
    const next = known ?? (await postJson(`${API}/analyses`, { ...data.analysis.request, place }));
    if (asking !== mine) return; // it has moved on
    showProblem("");
    lead.reshape(become(next, state));
    for (const layer of ["base", "cam", "derived"]) sources.drop(layer);
    if (!place) lead.rest(null);
    if (!place) lead.takePhoto(part("lead-photo"));
    const done = sources.watch("base", next);
    await small.take();
    await done;
    if (asking !== mine) return;
    if (state.now.target) await retarget.change(retarget.current);
    await channels.reduce(state.now.channel);
    draw();
  } catch (error) {
    showProblem(/** @type {Error} */ (error).message);
    small.take();
  }
}

/**
 * Pictures, links and the address are those of this analysis.
 * @param {any} next @param {import("./tools.js").ViewState} state @returns {{width: number, height: number}} of the picture
 */
function become(next, state) {
  const before = data.analysis;
  data.analysis = next;
  root.toggleAttribute("data-placed", Boolean(next.request.place));
  const shape = next.request.place ? SQUARE : data.media;
  for (const image of root.querySelectorAll(".frame img, .lead-strip img")) {
    const { width, height } = shape;
    for (const [name, value] of Object.entries({ width, height, src: next.links.view })) image.setAttribute(name, String(value));
  }
  for (const link of root.querySelectorAll(".menu-list a")) {
    const one = /** @type {HTMLAnchorElement} */ (link);
    one.href = one.href.replace(before.id, next.id);
  }
  history.replaceState(null, "", next.links.page + state.serialise());
  return shape;
}
