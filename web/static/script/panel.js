// What is said of a photo beside it in the viewer: taken from the photo's page, which stays the one
// source of it.

import { setUpDescription } from "./description.js";
import { element } from "./element.js";
import { setUpSpeech } from "./speech.js";
import { setUpTags } from "./tags.js";
import { gettext as _ } from "./texts.js";

const SETTLED_MS = 120; // who turns pages fast does not read them

export class Panel {
  #coming = null; // cancels what is loaded

  constructor(label) {
    this.element = element("aside", { class: "panel-told", "aria-label": label, hidden: true });
  }

  // Fetch the page of a link; `tell` is called with it, `fail` with why there is none.
  load(link, tell, fail) {
    this.element.setAttribute("aria-busy", "true");
    this.#coming = new AbortController();
    setTimeout(() => this.#load(link, this.#coming?.signal, tell, fail), SETTLED_MS);
  }

  leave() {
    this.#coming?.abort();
    this.#coming = null;
  }

  empty() {
    this.element.replaceChildren();
  }

  get shown() {
    return !this.element.hidden;
  }

  toggle() {
    this.element.hidden = !this.element.hidden;
    return this.shown;
  }

  fill(told) {
    told.querySelector("details.part")?.remove(); // it is drawn on the picture
    const kept = document.importNode(told, true);
    this.element.replaceChildren(kept);
    this.element.removeAttribute("aria-busy");
    setUpTags(kept);
    setUpSpeech(kept);
  }

  // A description takes the model's time, so it is made for those who look.
  describe(pictures) {
    const kept = this.element.firstElementChild;
    if (kept) setUpDescription(kept, pictures);
  }

  async #load(link, signal, tell, fail) {
    if (!signal || signal.aborted) return;
    try {
      const answer = await fetch(link.href, { signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!signal.aborted) tell(page);
    } catch {
      if (!signal.aborted) fail(_("Nothing more is known just now."));
    }
  }
}
