// What can follow in the box, in a list below it: completions, or the last searches while it is
// empty. A combobox as ARIA describes it: the focus stays in the box.

import { forget, forgetAll, searches } from "./history.js";
import { gettext as _ } from "./texts.js";

const DELAY_MS = 80;
const MOST_SEARCHES = 8;

let form;
let box;
let list;
let options = []; // what is shown, each with what choosing it does
let active = -1;
let timer;
let running;

function element(name, className, text = "") {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function close() {
  clearTimeout(timer);
  running?.abort();
  options = [];
  list.hidden = true;
  box.setAttribute("aria-expanded", "false");
  activate(-1);
}

function activate(at) {
  active = at;
  [...list.children].forEach((item, place) => {
    item.setAttribute("aria-selected", String(place === at));
    if (place === at) item.scrollIntoView({ block: "nearest" });
  });
  if (at < 0) box.removeAttribute("aria-activedescendant");
  else box.setAttribute("aria-activedescendant", list.children[at].id);
}

function open(shown, label) {
  options = shown;
  list.setAttribute("aria-label", label);
  list.replaceChildren(...shown.map(item));
  list.hidden = !shown.length;
  box.setAttribute("aria-expanded", String(shown.length > 0));
  activate(-1);
}

function item(option, place) {
  const made = element("li", option.className ?? "");
  made.id = `completion-${place}`;
  made.setAttribute("role", "option");
  made.append(element("span", "label", option.label));
  if (option.detail) made.append(" ", element("span", "detail", option.detail));
  if (option.count != null) {
    const language = document.documentElement.lang;
    made.append(" ", element("span", "number", option.count.toLocaleString(language)));
  }
  if (option.forget) {
    const cross = element("span", "forget", "×");
    cross.title = _("Forget this search (Delete)");
    cross.setAttribute("aria-hidden", "true"); // by keyboard it is the Delete key
    made.append(cross);
  }
  return made;
}

// The last searches.
function showSearches() {
  const known = searches().slice(0, MOST_SEARCHES);
  if (!known.length) return close();
  const shown = known.map((query) => ({
    label: query,
    forget: query,
    choose() {
      box.value = query;
      close();
      form.requestSubmit();
    },
  }));
  const all = {
    label: _("Forget all searches"),
    className: "all",
    choose() {
      forgetAll();
      close();
    },
  };
  open([...shown, all], _("Last searches"));
}

async function complete() {
  running?.abort();
  const own = (running = new AbortController());
  const text = box.value;
  const at = [...text.slice(0, box.selectionStart)].length; // characters, not halves of them
  try {
    const asked = new URLSearchParams({ q: text, at });
    const answer = await fetch(`/api/v1/completions?${asked}`, { signal: own.signal });
    if (!answer.ok) return close();
    const found = await answer.json();
    if (own.signal.aborted || box.value !== text || document.activeElement !== box) return;
    show(found, [...text]);
  } catch {
    if (!own.signal.aborted) close();
  }
}

function show(found, characters) {
  const typed = characters.slice(found.start, found.end).join("");
  const useful = found.completions.filter((one) => one.insert !== typed);
  const shown = useful.map((one) => ({
    ...one,
    choose() {
      const before = characters.slice(0, found.start).join("");
      const after = characters.slice(found.end).join("");
      const grouped = before.lastIndexOf("(") > before.lastIndexOf(")");
      const space = one.insert.endsWith(":") || after || grouped ? "" : " ";
      box.value = before + one.insert + space + after;
      const caret = (before + one.insert + space).length;
      box.setSelectionRange(caret, caret);
      close();
      box.dispatchEvent(new InputEvent("input", { bubbles: true }));
    },
  }));
  open(shown, _("Completions"));
}

function typed(event) {
  if (event.isComposing) return;
  clearTimeout(timer);
  if (!box.value.trim()) return showSearches();
  timer = setTimeout(complete, DELAY_MS);
}

function move(step) {
  if (list.hidden) {
    if (box.value.trim()) complete();
    else showSearches();
    return;
  }
  const places = options.length + 1; // one of them is the box itself
  activate(((active + 1 + step + places) % places) - 1);
}

function pressed(event) {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  const chosen = options[active];
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    move(event.key === "ArrowDown" ? 1 : -1);
  } else if ((event.key === "Enter" || event.key === "Tab") && chosen) {
    chosen.choose();
  } else if (event.key === "Escape" && !list.hidden) {
    event.stopPropagation();
    close();
  } else if (event.key === "Delete" && chosen?.forget) {
    forget(chosen.forget);
    showSearches();
  } else {
    if (event.key === "Enter" || event.key === "Tab") close();
    return;
  }
  event.preventDefault();
}

function clicked(event) {
  const place = [...list.children].indexOf(event.target.closest("[role=option]"));
  const option = options[place];
  if (!option) return;
  if (event.target.matches(".forget")) {
    forget(option.forget);
    showSearches();
  } else {
    option.choose();
  }
}

export function completions(searchForm, searchBox) {
  form = searchForm;
  box = searchBox;
  list = element("ul", "completions");
  list.id = "completions";
  list.setAttribute("role", "listbox");
  list.hidden = true;
  form.append(list);
  for (const [name, value] of Object.entries({
    role: "combobox",
    "aria-expanded": "false",
    "aria-controls": "completions",
    "aria-autocomplete": "list",
  })) box.setAttribute(name, value);
  box.addEventListener("input", typed);
  box.addEventListener("compositionend", () => typed({}));
  box.addEventListener("keydown", pressed);
  box.addEventListener("click", () => {
    if (list.hidden && !box.value) showSearches();
  });
  box.addEventListener("blur", close);
  form.addEventListener("submit", close);
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
  list.addEventListener("click", clicked);
}
