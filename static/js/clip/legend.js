// The legend of a clip: a ramp for each stream's layer in the player, with its true numbers.
import { setText } from "../lib/format.js";
import { Ramp } from "../analysis/legend.js";
import { hasSign } from "../lib/scale.js";
import { make } from "./timeline.js";

/**
 * @param {HTMLElement} element
 * @returns {(look: import("./picture.js").Look, tracks: Record<string, import("./tracks.js").Track | null>, name: string) => void}
 */
export function clipLegend(element) {
  const title = make("h2", "legend-of");
  const ramps = { rgb: new Ramp("RGB stream"), flow: new Ramp("Flow stream") };
  element.append(title, ramps.rgb.element, ramps.flow.element);
  return (look, tracks, name) => {
    setText(title, name);
    for (const [stream, ramp] of Object.entries(ramps)) {
      const track = tracks[stream];
      ramp.element.hidden = !track;
      ramp.colour(look.view.signed && track?.data && hasSign(track) ? look.diverging : look.lookup);
      ramp.show(track, /** @type {any} */ (look), null);
    }
  };
}
