"use strict";
(() => {
  const root = document.documentElement;

  // Theme: the system's choice until the reader makes one.
  const button = document.getElementById("theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const show = () => { button.textContent = dark() ? "Light theme" : "Dark theme"; };
  try { const kept = localStorage.getItem("bench-theme"); if (kept === "dark" || kept === "light") root.dataset.theme = kept; } catch { /* no storage from some file:// pages */ }
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("bench-theme", root.dataset.theme); } catch { /* as above */ }
    show();
  });
  system.addEventListener("change", show);
  show();

  // Sorting: by number where a column has numbers, by text else; empty cells last either way.
  const collator = new Intl.Collator(undefined, { numeric: true });
  const compare = (a, b) => {
    const x = Number(a), y = Number(b);
    return Number.isNaN(x) || Number.isNaN(y) ? collator.compare(a, b) : x - y;
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    const body = table.tBodies[0];
    const original = [...body.rows];
    heads.forEach((head, column) => {
      const control = head.querySelector("button");
      if (!control) return;
      control.addEventListener("click", () => {
        const falling = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
        head.setAttribute("aria-sort", falling ? "descending" : "ascending");
        const key = (row) => row.cells[column].dataset.value ?? "";
        const filled = original.filter((row) => key(row) !== "");
        filled.sort((a, b) => (falling ? compare(key(b), key(a)) : compare(key(a), key(b))));
        body.append(...filled, ...original.filter((row) => key(row) === ""));
        const name = control.innerText.replace(/\s+/g, " ");
        table.dataset.order = column === 0 && !falling ? "rank" : "other";
        const status = document.getElementById("sorted");
        if (status) status.textContent = `Sorted by ${name}, ${falling ? "descending" : "ascending"}`;
      });
    });
  }

  // Pointing at a model anywhere lights it up everywhere.
  let lit = null;
  const light = (index) => {
    if (index === lit) return;
    for (const each of document.querySelectorAll(".lit")) each.classList.remove("lit");
    lit = index;
    root.classList.toggle("has-lit", index !== null);
    if (index !== null) for (const each of document.querySelectorAll(`[data-model="${CSS.escape(index)}"]`)) each.classList.add("lit");
  };
  const pointed = (event) => light(event.target.closest?.("[data-model]")?.dataset.model ?? null);
  document.addEventListener("pointerover", pointed);
  document.addEventListener("focusin", pointed);

  // Paper shows what is folded away.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const each of opened) each.open = true;
  });
  addEventListener("afterprint", () => { for (const each of opened) each.open = false; });
})();
