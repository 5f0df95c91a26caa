"use strict";
// The page is complete without this script, which adds sorting, filters and CSV files to its tables.

const words = new Intl.Collator("en", { numeric: true });
const NOTHING = "–";

function column(table, name) {
  return [...table.tHead.rows[0].cells].findIndex((heading) => heading.dataset.name === name);
}

// A number as programs write it: the page has minus signs.
function plain(text) {
  return text.replace("−", "-");
}

// What a cell is sorted by; null for a missing value, which comes last in both directions.
function keyOf(cell, numeric) {
  const text = cell.textContent.trim();
  if (text === NOTHING) return null;
  return numeric ? Number.parseFloat(plain(text)) : text;
}

function sortBy(heading) {
  const table = heading.closest("table");
  const numeric = heading.classList.contains("n");
  const descending = heading.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
  const compare = numeric ? (a, b) => a - b : (a, b) => words.compare(a, b);
  const rows = [...table.tBodies[0].rows].map((row) => [keyOf(row.cells[heading.cellIndex], numeric), row]);
  rows.sort(([a], [b]) => {
    if (a === null || b === null) return (a === null) - (b === null);
    return descending ? compare(b, a) : compare(a, b);
  });
  table.tBodies[0].append(...rows.map(([, row]) => row));
}

function makeSortable(table) {
  for (const heading of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sortBy(heading));
    heading.append(button);
  }
}

function filter(form, table) {
  const chosen = [...form.querySelectorAll("select")]
    .filter((select) => select.value)
    .map((select) => [column(table, select.name), select.value]);
  // A short table has no search.
  const sought = (form.querySelector("input")?.value ?? "").trim().toLowerCase();
  const rows = [...table.tBodies[0].rows];
  let kept = 0;
  for (const row of rows) {
    const fits = chosen.every(([index, value]) => row.cells[index].textContent.trim() === value);
    row.hidden = !(fits && (!sought || row.textContent.toLowerCase().includes(sought)));
    kept += !row.hidden;
  }
  const all = `${rows.length.toLocaleString("en")} row${rows.length === 1 ? "" : "s"}`;
  form.querySelector("output").value = kept === rows.length ? all : `${kept.toLocaleString("en")} of ${all}`;
}

function saveCsv(table) {
  const told = (cell) => (cell.matches("td.n") ? plain(cell.textContent) : cell.textContent);
  const quoted = (cell) => `"${told(cell).trim().replaceAll('"', '""')}"`;
  const rows = [...table.rows].filter((row) => !row.hidden);
  const text = rows.map((row) => [...row.cells].map(quoted).join(",")).join("\r\n");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([`${text}\r\n`], { type: "text/csv" }));
  link.download = `${table.id}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function makeFilterable(form) {
  const table = document.getElementById(form.dataset.for);
  form.addEventListener("input", () => filter(form, table));
  form.addEventListener("submit", (event) => event.preventDefault());
  // A reset event comes before the fields have changed.
  form.addEventListener("reset", () => setTimeout(() => filter(form, table)));
  form.querySelector(".csv").addEventListener("click", () => saveCsv(table));
  form.hidden = false;
  filter(form, table);
}

document.querySelectorAll("table.data").forEach(makeSortable);
document.querySelectorAll("form.filters").forEach(makeFilterable);
for (const link of document.querySelectorAll("a[data-column]")) {
  link.closest(".browse").hidden = false;
  link.addEventListener("click", () => {
    const form = document.querySelector("form[data-for=replies-table]");
    form.closest("details").open = true;
    form.reset();
    // After the reset's own filtering.
    setTimeout(() => {
      form.elements[link.dataset.column].value = link.dataset.value;
      form.dispatchEvent(new Event("input"));
    });
  });
}

// Paper can't be unfolded: a printed page has its terms.
addEventListener("beforeprint", () => { document.querySelector("#terms details").open = true; });
