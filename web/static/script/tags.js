// A photo's tags are forms that lead back to its page. With a script the section alone is exchanged
// for the one on that page, which knows what one tag brings with it or takes away.

import { gettext as _ } from "./texts.js";

const SAID = {
  accept: (tag) => _("%(tag)s is accepted.", { tag }),
  reject: (tag) => _("%(tag)s is rejected.", { tag }),
  withdraw: (tag) => _("What you said of %(tag)s is taken back.", { tag }),
};

async function send(form, way, tag) {
  const answer = await fetch(form.action, {
    method: "POST",
    body: new URLSearchParams({ [way]: tag }),
  });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const section = page.querySelector("#tags");
  if (!section) throw new Error(page.title);
  return section;
}

// Back to where somebody was, or as near to it as there is something.
function focusAgain(section, way, tag, place) {
  const forms = section.querySelectorAll("li form button");
  const shown = (button) => button.closest("details")?.open !== false;
  const next = [...forms].find((button) => button.value === tag && shown(button));
  const wanted = way === "new" ? section.querySelector("#new-tag") : next ?? forms[place];
  (wanted ?? section.querySelector("#new-tag"))?.focus();
}

// Written when the place for it is there already: screen readers tell changes only.
function say(section, text) {
  requestAnimationFrame(() => {
    section.querySelector("#tagged").textContent = text;
  });
}

// `root` holds the section.
export function setUpTags(root) {
  root.addEventListener("submit", async (event) => {
    const form = event.target;
    const section = form.closest("#tags");
    if (!section) return;
    event.preventDefault();
    const field = form.querySelector("input[name]");
    const button = event.submitter;
    const [way, tag] = field ? [field.name, field.value.trim()] : [button.name, button.value];
    if (!tag || section.hasAttribute("aria-busy")) return;
    const place = [...section.querySelectorAll("li form button")].indexOf(button);
    const open = section.querySelector("details")?.open ?? false;
    section.setAttribute("aria-busy", "true");
    form.closest("li")?.classList.add("changing");
    try {
      const fresh = document.importNode(await send(form, way, tag), true);
      if (fresh.querySelector("details")) fresh.querySelector("details").open = open;
      section.replaceWith(fresh);
      const refused = fresh.querySelector("[role=alert]");
      if (field && refused) fresh.querySelector("#new-tag").value = field.value;
      focusAgain(fresh, field ? "new" : way, tag, place);
      if (!refused) say(fresh, SAID[way](tag));
    } catch {
      section.removeAttribute("aria-busy");
      form.closest("li")?.classList.remove("changing");
      say(section, _("This could not be saved. Is the server still there?"));
    }
  });
}
