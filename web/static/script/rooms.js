// On a narrow screen the rooms stand in one line that scrolls: the one that is shown is in sight.

const line = document.querySelector("nav.rooms");
const current = line.querySelector("[aria-current]");
if (current) {
  const before = current.getBoundingClientRect().left - line.getBoundingClientRect().left;
  line.scrollLeft += before - (line.clientWidth - current.offsetWidth) / 2;
}
