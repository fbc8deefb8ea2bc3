// A button back to the page of ours that led here, where there is one.
import { part } from "./dom.js";

const came = document.referrer && new URL(document.referrer).origin === location.origin;
part("back").hidden = !(came && history.length > 1);
part("back").addEventListener("click", () => history.back());
