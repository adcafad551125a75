"use strict";
const all = (selector, within = document) => [...within.querySelectorAll(selector)];

/* Sorting: numbers as numbers, what is missing last; a third click restores the order of the page. */
for (const table of all("table.sortable")) {
  const body = table.tBodies[0];
  const heads = all("thead th", table);
  const original = [...body.rows];
  const key = (row, column, numeric) => {
    const value = row.cells[column].dataset.key;
    return value === undefined ? null : numeric ? Number(value) : value;
  };
  heads.forEach((head, column) => {
    const numeric = head.classList.contains("number");
    const turns = numeric ? ["descending", "ascending", "none"] : ["ascending", "descending", "none"];
    head.querySelector("button").addEventListener("click", () => {
      const next = turns[(turns.indexOf(head.getAttribute("aria-sort")) + 1) % 3];
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", next);
      const sign = next === "descending" ? -1 : 1;
      const sorted = next === "none" ? original : [...original].sort((one, other) => {
        const a = key(one, column, numeric), b = key(other, column, numeric);
        if (a === null || b === null) return (a === null) - (b === null);
        return sign * (numeric ? a - b : a.localeCompare(b));
      });
      body.append(...sorted);
    });
  });
}

/* Choosing kernels by source and by text, on a page that has a table of them. */
const search = document.getElementById("search");
const filters = all("[data-filter]");
const rows = all("#kernel-table tbody tr");
function filterRows() {
  const shown = new Set(filters.filter((f) => f.getAttribute("aria-pressed") === "true").map((f) => f.dataset.filter));
  const words = search.value.toLowerCase().split(/\s+/);
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !shown.has(row.dataset.source) || !words.every((word) => text.includes(word));
  }
}
for (const filter of filters) {
  filter.addEventListener("click", () => {
    filter.setAttribute("aria-pressed", String(filter.getAttribute("aria-pressed") !== "true"));
    filterRows();
  });
}
if (search) search.addEventListener("input", filterRows);
/* A kernel that was followed to from the drawing must not stay hidden. */
addEventListener("hashchange", () => {
  const row = document.getElementById(location.hash.slice(1));
  if (row && row.hidden) {
    search.value = "";
    filters.forEach((filter) => filter.setAttribute("aria-pressed", "true"));
    filterRows();
    row.scrollIntoView();
  }
});

/* Details of drawings at once, where the browser's own tip would take its time. */
const tip = document.getElementById("tip");
for (const title of all("svg title")) {
  title.parentElement.dataset.tip = title.textContent;
  title.parentElement.setAttribute("aria-label", title.textContent);
  title.remove();
}
function showTip(marked, x, y) {
  tip.hidden = !marked;
  if (!marked) return;
  tip.textContent = marked.dataset.tip;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - box.width - 8))}px`;
  const below = y + 16;
  tip.style.top = `${below + box.height > innerHeight ? y - box.height - 12 : below}px`;
}
const marked = (event) => event.target.closest && event.target.closest("[data-tip]");
addEventListener("mousemove", (event) => showTip(marked(event), event.clientX, event.clientY));
addEventListener("focusin", (event) => {
  const focused = marked(event) || event.target.querySelector("[data-tip]");
  if (!focused || !event.target.matches(":focus-visible")) return;
  const box = focused.getBoundingClientRect();
  showTip(focused, box.right, box.bottom - 8);
});
addEventListener("focusout", () => showTip(null));
addEventListener("keydown", (event) => event.key === "Escape" && showTip(null));

for (const button of all("[data-copy]")) {
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "copied";
    } catch {
      getSelection().selectAllChildren(source); /* a page from a file may not write the clipboard */
    }
  });
}
document.getElementById("download").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([document.getElementById("data").textContent], { type: "application/json" }));
  link.download = `${document.title.split(/[^\w-]+/)[0].toLowerCase() || "data"}.json`;
  link.click();
});
