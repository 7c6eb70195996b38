// Reads a photo's texts aloud: all that is marked as spoken, in the order in which it stands there.

import { gettext as _ } from "./texts.js";

let stopReading = () => {};

function utterances(root) {
  // One for each text: browsers fall silent in the middle of long ones.
  return [...root.querySelectorAll(".spoken")].map((element) => {
    const utterance = new SpeechSynthesisUtterance(element.textContent.trim());
    utterance.lang = element.closest("[lang]").lang;
    return utterance;
  });
}

// `root` holds the texts and the button.
export function setUpSpeech(root) {
  const button = root.querySelector("#read-aloud");
  if (!button || !("speechSynthesis" in window)) return;
  let spoken = null; // what is read now; held here, or browsers forget to tell when it ends

  function show(speaking) {
    // The name alone tells the state: "Stop, pressed" would leave open which of them is meant.
    button.textContent = speaking ? _("Stop") : _("Read aloud");
  }

  function start() {
    speechSynthesis.cancel(); // another page may be talking
    const texts = utterances(root);
    const ended = () => {
      if (spoken === texts) stop();
    };
    spoken = texts;
    for (const text of texts) {
      text.addEventListener("error", ended);
      speechSynthesis.speak(text);
    }
    texts[texts.length - 1].addEventListener("end", ended);
    stopReading = stop;
    show(true);
  }

  function stop() {
    spoken = null;
    speechSynthesis.cancel();
    show(false);
  }

  button.hidden = false;
  button.addEventListener("click", () => {
    if (spoken) stop();
    else start();
  });
}

// What is being read ends with what it is about.
export function endSpeech() {
  stopReading();
  stopReading = () => {};
}

// A voice would go on after its page is gone.
addEventListener("pagehide", endSpeech);
