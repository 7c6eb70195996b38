// A photo of the grid, large, over the grid. It asks the grid for more with `pixfind:more` on the
// document, and learns by `pixfind:added` that some have come.

import { element } from "./element.js";
import { icon } from "./icons.js";
import { Panel } from "./panel.js";
import { drawRegion } from "./region.js";
import { endSpeech } from "./speech.js";
import { gettext as _ } from "./texts.js";
import { addressOf } from "./sources.js";
import { beside, first, last, linkOf, tileOf, tiles } from "./tiles.js";
import { Zoom } from "./zoom.js";

const NEAR_END = 3;
const SWIPE_PX = 50;
const SHEETS = ["photo", "lightbox"];

const sheets = SHEETS.map((name) => {
  const { href } = new URL(`../style/${name}.css`, import.meta.url);
  const there = [...document.querySelectorAll("link[rel=stylesheet]")];
  if (there.some((each) => each.href.split("?")[0] === href)) return Promise.resolve();
  const sheet = element("link", { rel: "stylesheet", href });
  document.head.append(sheet);
  return new Promise((loaded) => {
    sheet.onload = sheet.onerror = loaded;
  });
});

function button(label, drawing, pressed, attributes = {}) {
  const named = { type: "button", "aria-label": label, title: label };
  const pressable = element("button", { ...named, ...attributes }, icon(drawing));
  pressable.addEventListener("click", pressed);
  return pressable;
}

class Viewer {
  #link = null; // of the photo shown, in the grid
  #gridTitle = document.title;
  #endRegion = null;
  #original = null;
  #touch = null;

  constructor() {
    this.name = element("h2", { id: "lightbox-name" });
    this.place = element("p", { class: "place" });
    this.status = element("p", { class: "hidden", role: "status" });
    this.stage = element("div", { class: "stage", tabindex: "-1" });
    this.bar = element("div", { class: "under" });
    const about = _("About this photo");
    this.panel = new Panel(about);
    this.before = button(_("Previous"), "before", () => this.#step(-1), { class: "turn before" });
    this.after = button(_("Next"), "after", () => this.#step(1), { class: "turn after" });
    this.larger = button(_("Larger"), "larger", () => this.zoom.in());
    this.smaller = button(_("Smaller"), "smaller", () => this.zoom.out());
    this.part = button(_("Search a part"), "part", () => this.#draw());
    this.match = button(_("Show the match"), "match", () => this.#toggleMatch(), {
      "aria-pressed": "true",
    });
    this.info = button(about, "info", () => this.#toggleInfo(), {
      "aria-expanded": "false",
      "aria-keyshortcuts": "i",
    });
    const leave = _("Open the photo's page");
    this.open = element("a", { title: leave, "aria-label": leave }, icon("page"));
    this.close = button(_("Close"), "close", () => this.hide());
    this.zoom = new Zoom(this.stage, (scale) => this.#zoomed(scale));
    this.dialog = this.#dialog();
    this.#listen();
    document.body.append(this.dialog);
  }

  #dialog() {
    const controls = element(
      "div",
      { class: "controls" },
      this.match,
      this.part,
      this.smaller,
      this.larger,
      this.info,
      this.open,
      this.close,
    );
    return element(
      "dialog",
      { class: "lightbox", "aria-labelledby": "lightbox-name" },
      element("header", {}, this.name, this.place, controls),
      element("div", { class: "view" }, this.before, this.stage, this.after),
      this.bar,
      this.panel.element,
      this.status,
    );
  }

  get link() {
    return this.#link;
  }

  // Show the photo of a link of the grid.
  show(link) {
    if (!this.dialog.open) {
      this.#gridTitle = document.title;
      this.dialog.showModal();
      this.stage.focus({ preventScroll: true });
      document.documentElement.classList.add("behind");
    }
    this.#leave();
    this.#link = link;
    this.open.href = link.href;
    const image = link.querySelector("img");
    this.name.textContent = image.alt;
    this.#showPicture(link, image);
    this.#place();
    this.panel.load(
      link,
      (page) => this.#tell(page),
      (problem) => {
        this.status.textContent = problem;
      },
    );
  }

  // Close; where the lightbox was opened by going forward, go back.
  hide() {
    if (history.state?.lightbox) history.back();
    else this.shut();
  }

  shut() {
    const link = this.#link;
    if (!link) return;
    this.#leave();
    this.#link = null;
    this.stage.replaceChildren();
    this.panel.empty();
    this.dialog.close();
    document.documentElement.classList.remove("behind");
    document.title = this.#gridTitle;
    link.scrollIntoView({ block: "nearest" });
    link.focus({ preventScroll: true });
  }

  #leave() {
    this.panel.leave();
    this.#original = null;
    this.#endRegion?.();
    endSpeech();
  }

  #listen() {
    this.dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.hide();
    });
    // Browsers close it all the same when Escape is pressed twice.
    this.dialog.addEventListener("close", () => {
      if (this.#link) this.hide();
    });
    this.dialog.addEventListener("keydown", (event) => {
      this.#key(event);
      event.stopPropagation(); // the grid behind has keys of its own
    });
    this.stage.addEventListener("touchstart", (event) => this.#touched(event), { passive: true });
    this.stage.addEventListener("touchend", (event) => this.#swiped(event.changedTouches[0]));
    document.addEventListener("pixfind:added", () => this.#link && this.#place());
  }

  #key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.target.closest("input, select, textarea, video") && event.key !== "Escape") return;
    const sideways = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const upright = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const inPanel = this.panel.element.contains(event.target);
    if (sideways && this.zoom.scale > 1) this.zoom.pan(-sideways, 0);
    else if (upright && this.zoom.scale > 1 && !inPanel) this.zoom.pan(0, -upright);
    else if (sideways) this.#step(sideways);
    else if (event.key === "Home" && !inPanel) this.#go(first());
    else if (event.key === "End" && !inPanel) this.#go(last());
    else if (event.key === "+" || event.key === "=") this.zoom.in();
    else if (event.key === "-") this.zoom.out();
    else if (event.key === "0") this.zoom.reset();
    else if (event.key === "i") this.#toggleInfo();
    else return;
    event.preventDefault();
  }

  // A button that is hidden or disabled while it has the focus loses it to nobody.
  #keepFocus() {
    const focused = document.activeElement;
    const lost = !this.dialog.contains(focused) || focused.disabled || focused.hidden;
    if (lost) this.stage.focus({ preventScroll: true });
  }

  #touched({ touches }) {
    const free = touches.length === 1 && this.zoom.scale === 1 && !this.#endRegion;
    this.#touch = free ? { x: touches[0].clientX, y: touches[0].clientY } : null;
  }

  #swiped(touch) {
    if (!this.#touch) return;
    const [x, y] = [touch.clientX - this.#touch.x, touch.clientY - this.#touch.y];
    this.#touch = null;
    if (Math.abs(x) > SWIPE_PX && Math.abs(x) > 2 * Math.abs(y)) this.#step(x < 0 ? 1 : -1);
  }

  #step(by) {
    this.#go(beside(tileOf(this.#link), by));
  }

  #go(tile) {
    const link = tile && linkOf(tile);
    if (!link || link === this.#link) return;
    history.replaceState(history.state, "", link.href);
    this.show(link);
  }

  #place() {
    const all = [...tiles()];
    const at = all.indexOf(tileOf(this.#link));
    const values = { place: at + 1, count: all.length };
    this.place.textContent = _("%(place)s of %(count)s", values);
    this.before.disabled = at <= 0;
    this.after.disabled = at === all.length - 1;
    this.#keepFocus();
    if (at >= all.length - NEAR_END) document.dispatchEvent(new CustomEvent("pixfind:more"));
    for (const next of [all[at + 1], all[at - 1]]) {
      if (next) new Image().src = previewOf(linkOf(next).querySelector("img"));
    }
  }

  #showPicture(link, thumbnail) {
    const [width, height] = ["width", "height"].map((side) => thumbnail.getAttribute(side));
    const small = element("img", { src: addressOf(thumbnail), alt: "", class: "small" });
    const large = element("img", { alt: thumbnail.alt, class: "large" });
    const picture = element("div", { class: "picture" }, small, large);
    picture.style.setProperty("--ratio", width / height || 1);
    large.addEventListener("load", () => {
      picture.style.setProperty("--ratio", large.naturalWidth / large.naturalHeight);
      picture.classList.add("loaded");
    });
    large.src = previewOf(thumbnail);
    const frame = link.querySelector("svg.frame")?.cloneNode(true);
    if (frame) picture.append(frame);
    this.match.hidden = !frame;
    picture.classList.toggle("unframed", this.match.getAttribute("aria-pressed") === "false");
    this.stage.replaceChildren(picture);
    this.part.hidden = this.smaller.hidden = this.larger.hidden = false;
    this.zoom.picture = picture;
  }

  #tell(page) {
    const told = page.querySelector("article.photo .told");
    if (!told) return;
    document.title = page.title;
    const heading = page.querySelector("article.photo h1");
    this.name.textContent = heading.textContent;
    this.status.textContent = `${heading.textContent}, ${this.place.textContent}`;
    const video = page.querySelector("article.photo video");
    if (video) this.#showVideo(document.importNode(video, true));
    this.#original = told.querySelector("#open-original")?.href ?? null;
    this.panel.fill(told);
    this.#keepFocus();
    if (this.panel.shown) this.#describe();
  }

  #describe() {
    this.panel.describe(this.stage.querySelectorAll(".large"));
  }

  #showVideo(video) {
    this.zoom.picture = null;
    this.part.hidden = this.smaller.hidden = this.larger.hidden = this.match.hidden = true;
    this.stage.replaceChildren(video);
    video.play().catch(() => {});
  }

  #zoomed(scale) {
    this.dialog.classList.toggle("zoomed", scale > 1);
    this.smaller.disabled = scale <= 1;
    if (this.dialog) this.#keepFocus();
    if (scale > 1 && this.#original) this.#showOriginal();
  }

  #showOriginal() {
    const large = this.stage.querySelector(".large");
    const better = new Image();
    const link = this.#link;
    better.addEventListener("load", () => {
      if (this.#link === link && large) large.src = better.src;
    });
    better.src = this.#original;
    this.#original = null;
  }

  #toggleInfo() {
    const shown = this.panel.toggle();
    this.info.setAttribute("aria-expanded", String(shown));
    this.dialog.classList.toggle("telling", shown);
    this.zoom.reset();
    if (shown) this.#describe();
  }

  #toggleMatch() {
    const shown = this.match.getAttribute("aria-pressed") === "false";
    this.match.setAttribute("aria-pressed", String(shown));
    this.stage.querySelector(".picture")?.classList.toggle("unframed", !shown);
  }

  #draw() {
    const picture = this.stage.querySelector(".picture");
    if (!picture || this.#endRegion) return;
    this.zoom.reset();
    this.zoom.picture = null;
    this.dialog.classList.add("drawing");
    this.#endRegion = drawRegion(picture, this.bar, this.#link.href, () => {
      this.#endRegion = null;
      this.dialog.classList.remove("drawing");
      this.zoom.picture = picture;
      this.part.focus();
    });
  }
}

function previewOf(thumbnail) {
  return addressOf(thumbnail).replace("/thumbnails/", "/previews/");
}

// Return a viewer, ready to show photos.
export async function openViewer() {
  await Promise.all(sheets);
  return new Viewer();
}
