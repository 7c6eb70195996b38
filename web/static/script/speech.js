// Reads a page aloud: all that is marked as spoken, in the order in which it stands there.

const button = document.getElementById("read-aloud");
let spoken = null; // what is read now; held here, or browsers forget to tell when it ends

function show(speaking) {
  // The name alone tells the state: "Stop, pressed" would leave open which of them is meant.
  button.textContent = speaking ? "Stop" : "Read aloud";
}

function utterances() {
  // One for each text: browsers fall silent in the middle of long ones.
  return [...document.querySelectorAll(".spoken")].map((element) => {
    const utterance = new SpeechSynthesisUtterance(element.textContent.trim());
    utterance.lang = element.closest("[lang]").lang;
    return utterance;
  });
}

function start() {
  speechSynthesis.cancel(); // another page may be talking
  const texts = utterances();
  const ended = () => {
    if (spoken === texts) stop();
  };
  spoken = texts;
  for (const text of texts) {
    text.addEventListener("error", ended);
    speechSynthesis.speak(text);
  }
  texts[texts.length - 1].addEventListener("end", ended);
  show(true);
}

function stop() {
  spoken = null;
  speechSynthesis.cancel();
  show(false);
}

if (button && "speechSynthesis" in window) {
  button.hidden = false;
  button.addEventListener("click", () => {
    if (spoken) stop();
    else start();
  });
  // A voice would go on after its page is gone.
  window.addEventListener("pagehide", stop);
}
