// The token of an address that was printed in a terminal: sent once, in a form, and then gone from
// the address bar. What follows the # never reaches a server, its log, or another site.

const form = document.getElementById("login");
const token = location.hash.slice(1);

if (token && form.dataset.takes === "token") {
  history.replaceState(null, "", location.pathname + location.search);
  form.elements.secret.value = token;
  form.requestSubmit();
}
