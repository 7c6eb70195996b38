// Arrow keys through the grid, by rows as they are seen. The grid is one stop of the Tab key: the
// tile that was visited last.

import { more } from "./endless.js";
import * as selection from "./selection.js";
import { across, beside, first, last, linkOf, middle, tileOf } from "./tiles.js";
import { showKeys } from "./shortcuts.js";

let current = null; // the tile that Tab leads to
let column = null; // where somebody goes up and down, across the page
let box = null; // to search in
let reopens = false; // whether an arrow key opens the box's list again

export function start(searchBox) {
  box = searchBox;
  document.addEventListener("keydown", pressed);
  box?.addEventListener("keydown", pressedInBox, { capture: true }); // before those of its list
  document.addEventListener("focusin", ({ target }) => {
    const tile = tileOf(target);
    column = null;
    if (tile) settle(tile, true);
  });
}

export function adopt(tile) {
  reachable(tile, tile === current);
}

// A tile gets its box to tick later than its links.
export function dress(tile) {
  reachable(tile, tile === current);
}

// Makes a tile the one that Tab leads to; without `instead` only if there is no other.
export function settle(tile, instead = false) {
  if (current?.isConnected && !instead) return;
  if (current === tile) return;
  if (current) reachable(current, false);
  current = tile;
  if (current) reachable(current, true);
}

function reachable(tile, is) {
  for (const part of tile.querySelectorAll("a, button, input")) part.tabIndex = is ? 0 : -1;
}

function pressed(event) {
  if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
  const { target } = event;
  const writes = target.matches("input:not([type='checkbox'], [type='radio']), textarea, select");
  if (writes || target.isContentEditable) return;
  const tile = tileOf(target);
  const did = tile ? inGrid(event, tile) || anywhere(event) : anywhere(event);
  if (did) event.preventDefault();
}

// Down from the box to the photos, unless its list is open, or Escape has only just closed it.
function pressedInBox(event) {
  const { key, isComposing, shiftKey, ctrlKey, metaKey, altKey } = event;
  const isOpen = box.getAttribute("aria-expanded") === "true";
  const goes = key === "ArrowDown" && !isOpen && !reopens;
  reopens = key === "Escape" && isOpen;
  if (!goes || !first() || isComposing || shiftKey || ctrlKey || metaKey || altKey) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  visit(first(), null, false);
}

function anywhere({ key, ctrlKey, metaKey, altKey }) {
  if (ctrlKey || metaKey || altKey) return false;
  if (key === "/") {
    box?.focus();
    box?.select();
    return box !== null;
  }
  if (key === "?") {
    showKeys();
    return true;
  }
  if (key === "Escape") return selection.clear();
  return false;
}

function inGrid(event, tile) {
  const { key, ctrlKey, metaKey, altKey, shiftKey, target } = event;
  if (altKey) return false;
  if (ctrlKey || metaKey) {
    if (key.toLowerCase() !== "a" || shiftKey) return false;
    selection.all();
    return true;
  }
  const ways = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1 };
  if (key in ways) {
    const vertical = key === "ArrowDown" || key === "ArrowUp";
    go(tile, ways[key], vertical, shiftKey);
    return true;
  }
  if (key === "Home" || key === "End") {
    visit(key === "Home" ? first() : last(), tile, shiftKey);
    return true;
  }
  const onPhoto = target === linkOf(tile);
  if (key === "x" || (key === " " && onPhoto)) {
    selection.toggle(tile);
    return true;
  }
  if (key === "Enter" && target.matches("input")) {
    linkOf(tile).click(); // the grid is a form, which it would send
    return true;
  }
  if (key === "Escape") {
    if (!selection.clear()) box?.focus();
    return true;
  }
  return false;
}

async function go(tile, step, vertical, extend) {
  const from = vertical ? (column ?? middle(tile)) : null;
  const next = () => (vertical ? across(tile, step, from) : beside(tile, step));
  let found = next();
  if (!found && step > 0 && (await more())) found = next();
  if (!found || tileOf(document.activeElement) !== tile) return;
  visit(found, tile, extend);
  column = from;
}

function visit(tile, from, extend) {
  if (!tile) return;
  if (extend) selection.extend(from, tile);
  linkOf(tile).focus({ preventScroll: true });
  tile.scrollIntoView({ block: "nearest" });
}
