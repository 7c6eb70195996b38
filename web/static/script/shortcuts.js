// The keys, for who asks for them with a question mark.

import { element } from "./element.js";
import { gettext as _ } from "./texts.js";

let dialog = null;

export function showKeys() {
  dialog ??= made();
  dialog.showModal();
}

function keys() {
  return [
    [["/"], _("Go to the search box")],
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

function made() {
  const list = element("dl");
  for (const [names, meaning] of keys()) {
    const term = element("dt");
    for (const name of names) term.append(element("kbd", {}, name), " ");
    list.append(term, element("dd", {}, meaning));
  }
  const title = element("h2", { id: "keys-title" }, _("Keys"));
  const close = element("button", { type: "submit" }, _("Close"));
  const form = element("form", { method: "dialog" }, close);
  const box = element("dialog", { class: "keys", "aria-labelledby": "keys-title" }, title, list, form);
  document.body.append(box);
  return box;
}
