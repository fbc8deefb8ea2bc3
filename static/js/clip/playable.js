// The clip as this browser can play it: fetched whole, so that scrubbing asks the server nothing.
import { getJson, load, persist, sleep } from "../lib/api.js";

const WHOLE = 64 * 1024 * 1024; // larger clips are read in parts, as the player needs them
const PAUSE_MS = 700;

/**
 * Wait for the copy where one is being made, and put the clip into the video element.
 * @param {any} media Media JSON @param {HTMLVideoElement} video @param {(words: string) => void} say
 */
export async function loadPlayable(media, video, say) {
  let now = media;
  while (now.playable === "waiting") {
    say("A copy that browsers can play is being made…");
    await sleep(PAUSE_MS);
    now = await persist(() => getJson(media.links.self));
  }
  if (now.playable === "failed") throw new Error("No copy that browsers can play could be made of this clip.");
  say("Loading the clip…");
  const address = now.links.playable;
  const source = now.bytes > WHOLE ? address : URL.createObjectURL(await persist(() => load(address, {}, "blob")));
  await show(video, source);
  say("");
}

/** @param {HTMLVideoElement} video @param {string} source */
function show(video, source) {
  return new Promise((resolve, reject) => {
    video.addEventListener("loadeddata", resolve, { once: true });
    video.addEventListener("error", () => reject(new Error("This browser cannot play the clip.")), { once: true });
    video.preload = "auto";
    video.src = source;
  });
}
