// What scripts say, in the reader's language. The English text is the message; the page brings the
// translations of all of them with it. `%(name)s` stands for a value.

const translations = JSON.parse(document.getElementById("texts")?.textContent || "{}");

function filled(text, values) {
  return text.replace(/%\((\w+)\)s/g, (whole, name) => values[name] ?? whole);
}

export function gettext(message, values = {}) {
  const said = translations[message];
  return filled((Array.isArray(said) ? said[0] : said) || message, values);
}

// `%(num)s` stands for the number.
export function ngettext(one, many, count, values = {}) {
  const said = translations[one];
  const forms = Array.isArray(said) ? said : said ? [said] : [one, many];
  const form = forms.length > 1 && count !== 1 ? forms[1] : forms[0];
  return filled(form, { num: count.toLocaleString(document.documentElement.lang), ...values });
}
