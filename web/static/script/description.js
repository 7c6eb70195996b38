// A photo that has no description yet has a link to the page that makes one. With a script the
// description comes into this page instead, and nobody waits for the picture.

const link = document.getElementById("describe");

async function describe() {
  const answer = await fetch(link.href);
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const had = document.activeElement === link;
  document.getElementById("picture").alt = page.getElementById("picture").alt;
  for (const id of ["caption", "description"]) {
    document.getElementById(id).replaceChildren(...page.getElementById(id).childNodes);
  }
  const description = document.getElementById("description");
  const made = description.querySelector(".spoken") !== null;
  document.getElementById("described").textContent = made
    ? "The description is ready."
    : "No description could be made.";
  if (had) {
    description.tabIndex = -1;
    description.focus();
  }
}

// Without an answer the link stays, and leads to the reason.
if (link) describe().catch(() => {});
