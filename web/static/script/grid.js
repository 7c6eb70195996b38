// The grid of photos with a script: blurred previews, keys, a selection, and no end. Everything
// else works without.
//
// A script that puts other results into the page says so: `pixfind:results` on the document.

import { blur } from "./blur.js";
import { element } from "./element.js";
import * as endless from "./endless.js";
import * as keyboard from "./keyboard.js";
import * as parts from "./parts.js";
import * as selection from "./selection.js";
import { handOut } from "./sources.js";
import { first, linkOf } from "./tiles.js";

const NEAR = "1200px";
const known = new WeakSet();
const dressed = new WeakSet();
const near = new IntersectionObserver(approach, { rootMargin: `${NEAR} 0px` });
// The browser compares the place of all that is observed with each frame: parts first, then tiles.
const nearParts = new IntersectionObserver(approachPart, { rootMargin: `${NEAR} 0px` });

function approachPart(entries) {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    nearParts.unobserve(target);
    for (const tile of target.children) {
      if (dressed.has(tile)) continue;
      handOut(linkOf(tile).querySelector("img"));
      near.observe(tile);
    }
  }
}

// What a tile gets only when it comes near: of thousands, most never do.
function approach(entries) {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    dressed.add(target);
    blur(linkOf(target).querySelector("img"));
    selection.dress(target);
    keyboard.dress(target);
  }
}

// A form looks through all of its buttons whenever it gets one: with thousands, that is what most
// of the time would go into. So the grid stands beside its form, for which buttons are pressed here.
function part() {
  for (const grid of document.querySelectorAll("form.photos > .grid")) {
    grid.parentElement.after(grid);
  }
}

function liked({ target }) {
  const button = target.closest?.(".grid .likes button");
  const forms = button ? [...document.querySelectorAll("form.photos")] : [];
  const above = (form) => form.compareDocumentPosition(button) & Node.DOCUMENT_POSITION_FOLLOWING;
  const form = forms.findLast(above);
  if (!form || button.form) return;
  const { name, value } = button;
  const submitter = element("button", { name, value, hidden: true });
  form.append(submitter);
  form.requestSubmit(submitter);
  submitter.remove();
}

// Anew, since a part that is near and has grown would not be told.
function observe() {
  nearParts.disconnect();
  for (const grid of document.querySelectorAll(".grid")) nearParts.observe(grid);
}

function adopt() {
  part();
  for (const grid of document.querySelectorAll(".grid")) {
    if (grid.matches(".full") && known.has(grid)) continue; // nothing is added to these
    known.add(grid);
    for (const tile of grid.children) {
      if (known.has(tile)) continue;
      known.add(tile);
      keyboard.adopt(tile);
      selection.adopt(tile);
    }
  }
  observe();
  keyboard.settle(first());
}

adopt();
keyboard.start(document.getElementById("q"));
selection.start();
endless.start(adopt);
parts.start(observe);
document.addEventListener("click", liked);
document.addEventListener("pixfind:results", () => {
  adopt();
  selection.refresh();
  endless.restart();
});
