// What can be done with the chosen photos: tags, files and lists of them, their paths, more of
// their kind. It lies at the lower edge as long as something is chosen.

import { element } from "./element.js";
import { gettext as _, ngettext } from "./texts.js";

const TAGS = "/api/v1/tags";
const EXPORT = "/selection/export";
const AT_ONCE = 1000; // photos in a request that tags them
const MOST_LIKED = 10; // pictures in a query
const TYPED_MS = 150;

const FORMATS = {
  zip: () => _("Originals (ZIP)"),
  csv: () => _("Table (CSV)"),
  jsonl: () => _("Lines of JSON"),
};

function button(label, attributes, pressed) {
  const made = element("button", { type: "button", class: "plain", ...attributes }, label);
  made.addEventListener("click", pressed);
  return made;
}

export class Toolbar {
  #chosen;
  #clear;
  #bar = null;
  #count;
  #like;
  #said;
  #known;
  #undo = null;

  constructor({ chosen, clear }) {
    this.#chosen = chosen;
    this.#clear = clear;
  }

  update() {
    const count = this.#chosen.size;
    if (!count && !this.#bar) return;
    this.#bar ??= this.#made();
    this.#bar.hidden = !count;
    this.#count.textContent = ngettext("%(num)s photo chosen", "%(num)s photos chosen", count);
    this.#like.href = likeThese([...this.#chosen]);
    this.#say("");
  }

  #made() {
    this.#count = element("p", { class: "number", role: "status" });
    this.#like = element("a", { class: "button plain" }, _("More like these"));
    this.#said = element("p", { class: "said", role: "status" }, element("span"));
    const bar = element("section", { class: "selection", "aria-label": _("Chosen photos") });
    bar.append(this.#count);
    if (document.querySelector("form.photos[data-changes]")) bar.append(this.#tagging());
    bar.append(
      this.#menu(),
      button(_("Copy paths"), {}, () => this.#copy()),
      this.#like,
      button(_("Clear"), {}, () => this.#clear()),
      this.#said,
    );
    bar.addEventListener("keydown", (event) => this.#pressed(event));
    document.body.append(bar);
    return bar;
  }

  #tagging() {
    this.#known = element("datalist", { id: "known-tags" });
    const box = element("input", {
      "aria-label": _("Tag"),
      placeholder: _("Tag"),
      list: "known-tags",
      maxlength: 64,
      required: true,
      autocomplete: "off",
    });
    let timer;
    const complete = () => this.#complete(box.value.trim());
    box.addEventListener("focus", complete, { once: true });
    box.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(complete, TYPED_MS);
    });
    const add = element("button", { value: "accept" }, _("Add tag"));
    const remove = element("button", { value: "reject", class: "plain" }, _("Remove tag"));
    const form = element("form", {}, box, this.#known, add, remove);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#tag(event.submitter?.value ?? "accept", box.value.trim());
    });
    return form;
  }

  #menu() {
    const list = element("ul");
    const menu = element("details", { class: "menu" });
    for (const [format, label] of Object.entries(FORMATS)) {
      const item = button(label(), {}, () => {
        menu.open = false;
        this.#export(format);
      });
      list.append(element("li", {}, item));
    }
    menu.append(element("summary", { class: "button plain" }, _("Export")), list);
    return menu;
  }

  #pressed(event) {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    const menu = this.#bar.querySelector(".menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
      return;
    }
    const tile = document.querySelector(".grid > .chosen > a");
    this.#clear();
    tile?.focus();
  }

  async #complete(prefix) {
    try {
      const asked = new URLSearchParams({ prefix, limit: 12 });
      const answer = await fetch(`${TAGS}?${asked}`);
      const { tags } = await answer.json();
      this.#known.replaceChildren(...tags.map(({ name }) => element("option", { value: name })));
    } catch {
      // Whoever types a tag in full needs no list.
    }
  }

  async #tag(says, tag) {
    const changed = await this.#post(says, tag, [...this.#chosen].map(Number));
    if (!changed) return;
    const { name, photos } = changed;
    const said =
      says === "accept"
        ? ngettext("%(num)s photo now has the tag “%(tag)s”.", "%(num)s photos now have the tag “%(tag)s”.", photos.length, { tag: name })
        : ngettext("%(num)s photo has the tag “%(tag)s” no more.", "%(num)s photos have the tag “%(tag)s” no more.", photos.length, { tag: name });
    this.#say(said, photos.length ? () => this.#takeBack(changed) : null);
  }

  // What was said of some of them before is said again.
  async #takeBack({ name, photos, accepted, rejected }) {
    const spoken = new Set([...accepted, ...rejected]);
    const unspoken = photos.filter((id) => !spoken.has(id));
    for (const [says, ids] of Object.entries({ withdraw: unspoken, accept: accepted, reject: rejected })) {
      if (!(await this.#post(says, name, ids))) return;
    }
    this.#say(_("Taken back."));
  }

  // Returns the tag's name, the photos that it was new to, and those of them of which something had
  // been said of it before; null if something has gone wrong.
  async #post(says, tag, photos) {
    const done = { name: tag, photos: [], accepted: [], rejected: [] };
    try {
      for (let at = 0; at < photos.length; at += AT_ONCE) {
        const answer = await fetch(`${TAGS}/${says}`, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ tag, photos: photos.slice(at, at + AT_ONCE) }),
        });
        const told = await answer.json();
        if (!answer.ok) throw new Error(told.detail);
        done.name = told.tag;
        for (const list of ["photos", "accepted", "rejected"]) done[list].push(...told[list]);
      }
      return done;
    } catch (error) {
      this.#say(_("That did not work: %(reason)s", { reason: error.message }));
      return null;
    }
  }

  // A form of its own: the answer is a file, which the browser keeps without ever holding it.
  #export(format) {
    const fields = { format, photos: [...this.#chosen].join(",") };
    const form = element("form", { action: EXPORT, method: "post", hidden: true });
    for (const [name, value] of Object.entries(fields)) {
      form.append(element("input", { type: "hidden", name, value }));
    }
    document.body.append(form);
    form.submit();
    form.remove();
    this.#say(_("The download has been asked for."));
  }

  async #copy() {
    const body = new URLSearchParams({ format: "paths", photos: [...this.#chosen].join(",") });
    try {
      const answer = await fetch(EXPORT, { method: "POST", body });
      if (!answer.ok) throw new Error(answer.statusText);
      const paths = (await answer.text()).trimEnd();
      await copied(paths, this.#bar);
      const count = paths.split("\n").length;
      this.#say(ngettext("%(num)s path copied.", "%(num)s paths copied.", count));
    } catch (error) {
      this.#say(_("That did not work: %(reason)s", { reason: error.message }));
    }
  }

  #say(text, undo = null) {
    this.#undo?.remove();
    this.#undo = null;
    this.#said.querySelector("span").textContent = text;
    if (!undo) return;
    this.#undo = button(_("Undo"), {}, undo);
    this.#said.append(this.#undo);
  }
}

// Where a page is not served safely, browsers have no clipboard but the old command.
async function copied(text, place) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return;
    } catch {
      // not allowed: the old way may be
    }
  }
  const area = element("textarea", { class: "hidden", "aria-hidden": "true" });
  area.value = text;
  place.append(area);
  const before = document.activeElement;
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus();
  if (!done) throw new Error(_("the browser does not allow it"));
}

function likeThese(ids) {
  const form = document.querySelector("form.photos");
  // A very long query is not repeated in the form.
  const query = form?.elements.q?.value ?? new URLSearchParams(location.search).get("q") ?? "";
  const liked = ids.slice(0, MOST_LIKED).map((id) => `like:${id}`);
  const asked = new URLSearchParams({ q: [query, ...liked].join(" ").trim() });
  return `/?${asked}`;
}
