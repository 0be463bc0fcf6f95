(function () {
  "use strict";
  var doc = document, all = function (parent, what) { return Array.prototype.slice.call(parent.querySelectorAll(what)); };
  var bar = doc.getElementById("filter"), list = doc.getElementById("list");
  function compare(one, other) { return one < other ? -1 : one > other ? 1 : 0; }
  if (bar && list) {
    var cards = all(list, "details.finding"), count = doc.getElementById("count"), text = count.getAttribute("data-text");
    var pick = function (id) { return doc.getElementById(id); };
    cards.forEach(function (card, place) { card.place = place; card.words = card.textContent.toLowerCase(); });
    var update = function () {
      var status = pick("by-status").value, area = pick("by-area").value, word = pick("by-word").value.trim().toLowerCase();
      var order = pick("by-order").value, shown = 0;
      cards.forEach(function (card) {
        card.hidden = !((!status || card.dataset.status === status) && (!area || card.dataset.area === area) &&
          (!word || card.words.indexOf(word) >= 0));
        shown += card.hidden ? 0 : 1;
      });
      cards.slice().sort(function (one, other) {
        var by = order === "code" ? compare(one.dataset.code, other.dataset.code)
          : order === "misses" ? Number(other.dataset.misses) - Number(one.dataset.misses) : 0;
        return by || one.place - other.place;
      }).forEach(function (card) { list.appendChild(card); });
      count.textContent = text.replace("{shown}", shown).replace("{all}", cards.length);
    };
    bar.hidden = false;
    all(bar, "select, input").forEach(function (field) { field.addEventListener("input", update); });
    update();
  }
  all(doc, "table.sortable").forEach(function (table) {
    var body = table.tBodies[0], heads = all(table, "thead th");
    heads.forEach(function (head, place) {
      var button = doc.createElement("button");
      button.type = "button";
      while (head.firstChild) { button.appendChild(head.firstChild); }
      head.appendChild(button);
      button.addEventListener("click", function () {
        var down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        var key = function (row) {
          var cell = row.cells[place], value = cell.getAttribute("data-v");
          return value === null ? cell.textContent : value === "" ? -Infinity : Number(value);
        };
        all(body, "tr").sort(function (one, other) {
          var a = key(one), b = key(other), by = typeof a === "string" ? a.localeCompare(b) : compare(a, b);
          return down ? -by : by;
        }).forEach(function (row) { body.appendChild(row); });
      });
    });
  });
  if (location.hash) { open(); }
  window.addEventListener("hashchange", open);
  function open() {
    var part = doc.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (; part; part = part.parentElement) { if (part.tagName === "DETAILS") { part.open = true; part.hidden = false; } }
  }
})();
