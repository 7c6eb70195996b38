// Which photos are chosen: by their boxes, with Ctrl or Shift held, by keys. What is done with them
// is in the toolbar.

import { element } from "./element.js";
import { gettext as _ } from "./texts.js";
import { between, idOf, linkOf, nameOf, tileOf, tiles } from "./tiles.js";
import { Toolbar } from "./toolbar.js";

const chosen = new Set(); // ids, in the order in which they were chosen
let anchor = null; // where a range begins: the tile that was chosen last
let toolbar = null;

export function start() {
  toolbar = new Toolbar({ chosen, clear });
  document.addEventListener("click", clicked, { capture: true });
}

// A tile that is new on the page, or one that the browser has brought back.
export function adopt(tile) {
  show(tile);
}

// The box to tick. It has no name: it is nothing that the grid's form would send.
export function dress(tile) {
  const box = element("input", {
    type: "checkbox",
    class: "choose",
    "aria-label": _("Choose %(photo)s", { photo: nameOf(tile) }),
  });
  box.checked = chosen.has(idOf(tile));
  linkOf(tile).after(box);
  // In a list of buttons, all of them would sound alike.
  for (const like of tile.querySelectorAll(".likes button")) {
    like.title = like.textContent; // what is seen of it is a sign
    like.setAttribute("aria-label", `${like.textContent}: ${nameOf(tile)}`);
  }
}

// Other results are shown: nothing stays chosen that nobody sees.
export function refresh() {
  const there = new Set([...tiles()].map(idOf));
  for (const id of [...chosen]) if (!there.has(id)) chosen.delete(id);
  anchor = null;
  update();
}

export function toggle(tile) {
  choose([tile], !chosen.has(idOf(tile)));
  anchor = tile;
}

// From one tile to the next with Shift held.
export function extend(from, to) {
  if (!anchor?.isConnected) anchor = from;
  choose(between(anchor, to), true);
}

export function all() {
  choose(tiles(), true);
}

// Tells whether there was anything to clear.
export function clear() {
  if (!chosen.size) return false;
  const ids = new Set(chosen);
  chosen.clear();
  for (const tile of tiles()) if (ids.has(idOf(tile))) show(tile);
  anchor = null;
  update();
  return true;
}

function choose(some, is) {
  for (const tile of some) {
    if (is) chosen.add(idOf(tile));
    else chosen.delete(idOf(tile));
    show(tile);
  }
  update();
}

function show(tile) {
  const is = chosen.has(idOf(tile));
  tile.classList.toggle("chosen", is);
  const box = tile.querySelector(":scope > .choose");
  if (box) box.checked = is;
}

function update() {
  document.body.classList.toggle("choosing", chosen.size > 0);
  toolbar.update();
}

function clicked(event) {
  const tile = tileOf(event.target);
  if (!tile || event.button !== 0) return;
  const onBox = event.target.matches(".choose");
  const onPhoto = !onBox && linkOf(tile).contains(event.target);
  const many = event.shiftKey && !event.altKey;
  const one = event.ctrlKey || event.metaKey;
  if (onBox && !many) {
    choose([tile], event.target.checked);
    anchor = tile;
  } else if (onBox || (onPhoto && (many || one))) {
    // Neither a new window nor the photo itself: that is what a click alone is for.
    event.stopPropagation();
    if (onPhoto) event.preventDefault();
    if (many) extend(tile, tile);
    else toggle(tile);
    if (onPhoto) linkOf(tile).focus({ preventScroll: true });
  }
}
