// A page whose content is being worked on comes again until it is there. Without a script, a link
// asks for it.

const EVERY_MS = 1000;

async function ask() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const still = page.querySelector("[data-waiting]");
  if (still) {
    document.querySelector("[data-waiting]").replaceChildren(...still.childNodes);
    setTimeout(ask, EVERY_MS);
  } else {
    document.getElementById("main").replaceChildren(...page.getElementById("main").childNodes);
  }
}

if (document.querySelector("[data-waiting]")) setTimeout(ask, EVERY_MS);
