// Filters and sorts findings, sorts tables, and opens what a link points to. Without it the page shows everything.
(() => {
  "use strict";

  const findAll = (parent, selector) => [...parent.querySelectorAll(selector)];
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

  const filterFindings = (form, list) => {
    const cards = findAll(list, "details.finding");
    const count = document.getElementById("count");
    const countText = count.getAttribute("data-text");
    const read = (id) => document.getElementById(id).value;
    const places = new Map(cards.map((card, place) => [card, place]));
    const texts = new Map(cards.map((card) => [card, card.textContent.toLowerCase()]));
    const orders = {
      code: (a, b) => compare(a.dataset.code, b.dataset.code),
      misses: (a, b) => Number(b.dataset.misses) - Number(a.dataset.misses),
    };

    const update = () => {
      const status = read("by-status");
      const area = read("by-area");
      const word = read("by-word").trim().toLowerCase();
      const order = orders[read("by-order")] || (() => 0);
      for (const card of cards) {
        card.hidden = Boolean(
          (status && card.dataset.status !== status) ||
          (area && card.dataset.area !== area) ||
          (word && !texts.get(card).includes(word)),
        );
      }
      list.append(...[...cards].sort((a, b) => order(a, b) || places.get(a) - places.get(b)));
      const shown = cards.filter((card) => !card.hidden).length;
      count.textContent = countText.replace("{shown}", shown).replace("{all}", cards.length);
    };

    form.hidden = false;
    for (const field of findAll(form, "select, input")) field.addEventListener("input", update);
    update();
  };

  const makeSortable = (table) => {
    const body = table.tBodies[0];
    const heads = findAll(table, "thead th");

    const sortBy = (head, place) => {
      const isDescending = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", isDescending ? "descending" : "ascending");
      // data-v is the number behind a formatted cell; empty where there is none
      const readKey = (row) => {
        const cell = row.cells[place];
        const value = cell.getAttribute("data-v");
        if (value === null) return cell.textContent;
        return value === "" ? -Infinity : Number(value);
      };
      const compareRows = (one, other) => {
        const [a, b] = [readKey(one), readKey(other)];
        return typeof a === "string" ? a.localeCompare(b) : compare(a, b);
      };
      body.append(...findAll(body, "tr").sort((a, b) => (isDescending ? -1 : 1) * compareRows(a, b)));
    };

    heads.forEach((head, place) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sortBy(head, place));
    });
  };

  const openTarget = () => {
    let part = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (; part; part = part.parentElement) {
      if (part.tagName === "DETAILS") {
        part.open = true;
        part.hidden = false;
      }
    }
  };

  const form = document.getElementById("filter");
  const list = document.getElementById("list");
  if (form && list) filterFindings(form, list);
  findAll(document, "table.sortable").forEach(makeSortable);
  if (location.hash) openTarget();
  window.addEventListener("hashchange", openTarget);
})();
