
/* Points, bars and the row of one network belong together: choosing one of them shows all. */
const networks = new Map();
for (const one of all("[data-point]")) {
  const key = one.dataset.point;
  if (!networks.has(key)) networks.set(key, []);
  networks.get(key).push(one);
}
let chosen = null;
function choose(key) {
  for (const halo of all(".halo")) halo.remove();
  for (const one of networks.get(chosen) || []) mark(one, false);
  chosen = key === chosen ? null : key;
  for (const one of networks.get(chosen) || []) mark(one, true);
}
function mark(one, on) {
  one.classList.toggle("chosen", on);
  if (one.matches("tr")) {
    one.toggleAttribute("aria-current", on);
    const frame = one.closest(".scroll");
    /* Within the table alone: the page stays where the reader looks. */
    if (on) frame.scrollTop = one.offsetTop - frame.clientHeight / 2;
    return;
  }
  one.setAttribute("aria-pressed", String(on));
  if (!on) return;
  const halo = one.cloneNode(false);
  for (const name of halo.getAttributeNames()) if (!/^(d|x|y|width|height)$/.test(name)) halo.removeAttribute(name);
  halo.classList.add("halo");
  one.ownerSVGElement.append(halo); /* above all other points */
}
const network = (event) => event.target.closest && event.target.closest("[data-point]");
addEventListener("click", (event) => network(event) && choose(network(event).dataset.point));
addEventListener("keydown", (event) => {
  if (!network(event) || (event.key !== "Enter" && event.key !== " ")) return;
  event.preventDefault();
  choose(network(event).dataset.point);
});
for (const row of all("tr[data-point]")) row.tabIndex = 0;

/* A drawing is one stop of the tab key, however many points it has; arrow keys go from point to point. */
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
for (const plot of all("svg.plot")) {
  const marks = all(".mark", plot);
  marks.forEach((one, index) => {
    one.setAttribute("role", "button");
    one.setAttribute("aria-pressed", "false");
    one.setAttribute("tabindex", index ? "-1" : "0");
    one.addEventListener("keydown", (event) => {
      const step = STEPS[event.key];
      if (!step) return;
      event.preventDefault();
      one.setAttribute("tabindex", "-1");
      const next = marks[(index + step + marks.length) % marks.length];
      next.setAttribute("tabindex", "0");
      next.focus();
    });
  });
}
