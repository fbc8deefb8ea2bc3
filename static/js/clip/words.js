// Sentences of the page of a clip.

/** The scale rule in one sentence. @type {Record<string, string>} */
export const RULES = {
  map: "Each track has one scale over the whole clip, so moments compare: Grad-CAM from 0 to its maximum, a mask from its minimum to its maximum.",
  row: "One scale along a row, over the whole clip: all tracks of a model that have the same method and unit share it, both streams too.",
  shared: "One scale over the table and the whole clip: all tracks that have the same method and unit share it.",
  absolute: "Fixed scales that compare between clips: shares to 8 times an even mask, gates from 0 to 1, Grad-CAM to 20 logits.",
};

/** @param {boolean} shares whether masks are shares of one whole @param {string} method in words */
export const energyWords = (shares, method) =>
  `Attention (${method}): ${shares ? "how concentrated the shares are" : "the mean of the map’s positive part"}, by stream and stage; each lane from 0 to its own highest.`;
