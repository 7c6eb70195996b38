// A photo that has no description yet has a link to the page that makes one. With a script the
// description comes into this page instead, and nobody waits for the picture.

import { gettext as _ } from "./texts.js";

async function describe(root, link, pictures) {
  const answer = await fetch(link.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const had = document.activeElement === link;
  const alt = page.querySelector("#picture")?.alt;
  for (const picture of pictures) if (alt) picture.alt = alt;
  for (const id of ["caption", "description"]) {
    const place = root.querySelector(`#${id}`);
    place?.replaceChildren(...page.getElementById(id).childNodes);
  }
  const description = root.querySelector("#description");
  const made = description.querySelector(".spoken") !== null;
  root.querySelector("#described").textContent = made
    ? _("The description is ready.")
    : _("No description could be made.");
  if (had) {
    description.tabIndex = -1;
    description.focus();
  }
}

// `root` holds what is told of the photo, `pictures` show it. Without an answer the link stays, and
// leads to the reason.
export function setUpDescription(root, pictures = root.querySelectorAll("#picture")) {
  const link = root.querySelector("#describe");
  if (link) describe(root, link, pictures).catch(() => {});
}
