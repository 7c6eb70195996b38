// The keys, for who asks for them with a question mark.

import { element } from "./element.js";
import { gettext as _ } from "./texts.js";

let dialog = null;

export function showKeys() {
  dialog ??= made();
  dialog.showModal();
}

function inGrid() {
  return [
    [["/"], _("Go to the search box")],
    [["↓"], _("From the search box to the photos")],
    [["←", "→", "↑", "↓"], _("From photo to photo")],
    [["Home", "End"], _("First photo, last photo")],
    [["Enter"], _("Open the photo")],
    [["x", _("Space")], _("Choose the photo, or not")],
    [[_("Shift"), "→"], _("Choose all on the way; also with a click")],
    [["Ctrl", _("Click")], _("Choose one more")],
    [["Ctrl", "A"], _("Choose all that are shown")],
    [["Esc"], _("Choose none; then back to the search box")],
    [["?"], _("These keys")],
  ];
}

function inLargeView() {
  return [
    [["←", "→"], _("Previous photo, next photo")],
    [["Home", "End"], _("First photo, last photo")],
    [["+"], _("Larger")],
    [["-"], _("Smaller")],
    [["0"], _("All of it")],
    [["i"], _("About this photo")],
    [["Esc"], _("Close")],
  ];
}

function list(title, keys) {
  const told = element("dl");
  for (const [names, meaning] of keys) {
    const term = element("dt");
    for (const name of names) term.append(element("kbd", {}, name), " ");
    told.append(term, element("dd", {}, meaning));
  }
  return element("section", {}, element("h3", {}, title), told);
}

function made() {
  const title = element("h2", { id: "keys-title" }, _("Keys"));
  const close = element("button", { type: "submit", class: "plain" }, _("Close"));
  const header = element("header", {}, title, element("form", { method: "dialog" }, close));
  const lists = element(
    "div",
    { class: "lists" },
    list(_("In the grid"), inGrid()),
    list(_("In the large view"), inLargeView()),
  );
  const box = element("dialog", { class: "keys", "aria-labelledby": "keys-title" }, header, lists);
  document.body.append(box);
  return box;
}
