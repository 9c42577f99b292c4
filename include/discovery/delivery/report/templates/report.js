"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const table = document.getElementById("servers"), head = table.tHead.rows[0], body = table.tBodies[0];
  const search = document.getElementById("search"), found = document.getElementById("found"), page = document.getElementById("page");
  const earlier = document.getElementById("earlier"), later = document.getElementById("later");
  const size = 50, last = data.columns.length, money = data.columns.indexOf("monthly_usd");
  const names = { server_id: "server", hostname: "host name", application_group: "application", instance_type: "instance type", monthly_usd: "$ a month" };
  const open = new Set();
  let rows = data.rows, from = 0, by = money, up = false;

  const make = (tag, text, kind) => {
    const made = document.createElement(tag);
    if (text !== undefined && text !== null) made.textContent = text;
    if (kind) made.className = kind;
    return made;
  };
  const dollars = (value) => value === null ? "" : value.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const compare = (a, b) => {
    const x = a[by], y = b[by];
    if (x === y) return a[0] < b[0] ? -1 : 1;
    if (x === null) return 1;
    if (y === null) return -1;
    return (x < y ? -1 : 1) * (up ? 1 : -1);
  };

  const behind = (row) => {
    const list = make("dl"), why = row[last], text = (number) => data.texts[number];
    const add = (title, value) => {
      if (value === undefined || value === null) return;
      list.append(make("dt", title));
      const cell = make("dd");
      for (const part of Array.isArray(value) ? value : [value]) cell.append(part instanceof Node ? part : make("div", part));
      list.append(cell);
    };
    add("size", why.s !== undefined ? text(why.s) : undefined);
    add("strategy", why.t !== undefined ? (why.o ? "Decided by people. " : "") + text(why.t) : undefined);
    add("application", why.g);
    add("wave", why.w !== undefined ? text(why.w) : undefined);
    if (why.c) {
      const costs = make("table");
      for (const [item, amount, usd, rule] of why.c) {
        const line = costs.insertRow();
        line.append(make("td", item.replaceAll("_", " ")), make("td", dollars(usd), "money"), make("td", amount), make("td", text(rule)));
      }
      add("cost a month", [costs]);
    }
    add("databases", why.d);
    add("conflicts", why.x);
    add("facts from", why.v);
    add("marks", why.m);
    return list;
  };

  const draw = () => {
    body.replaceChildren();
    for (const row of rows.slice(from, from + size)) {
      const line = body.insertRow(), id = row[0];
      data.columns.forEach((name, place) => {
        const cell = make(place ? "td" : "th", place === money ? dollars(row[place]) : row[place], place === money ? "money" : "");
        if (!place) cell.scope = "row";
        line.append(cell);
      });
      const button = make("button", "Why?"), cell = make("td");
      button.type = "button";
      button.setAttribute("aria-label", "Why? " + id);
      button.setAttribute("aria-expanded", open.has(id));
      button.addEventListener("click", () => {
        open.has(id) ? open.delete(id) : open.add(id);
        draw();
        body.querySelector("button[aria-label=" + CSS.escape("Why? " + id) + "]")?.focus();
      });
      cell.append(button);
      line.append(cell);
      if (open.has(id)) {
        const more = body.insertRow(), wide = make("td");
        more.className = "behind";
        wide.colSpan = last + 1;
        wide.append(behind(row));
        more.append(wide);
      }
    }
    const end = Math.min(from + size, rows.length);
    page.textContent = rows.length ? `${from + 1} to ${end} of ${rows.length.toLocaleString("en-US")}` : "";
    found.textContent = rows.length ? `${rows.length.toLocaleString("en-US")} servers` : "No server has these words.";
    earlier.disabled = !from;
    later.disabled = end >= rows.length;
    [...head.cells].forEach((cell, place) => place < last && cell.setAttribute("aria-sort", place === by ? (up ? "ascending" : "descending") : "none"));
    [...head.querySelectorAll("button")].forEach((button, place) => {
      button.textContent = (names[data.columns[place]] || data.columns[place]) + (place === by ? (up ? " ↑" : " ↓") : "");
    });
  };

  const choose = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    rows = data.rows.filter((row) => {
      const text = row.slice(0, last).join(" ").toLowerCase();
      return words.every((word) => text.includes(word));
    }).sort(compare);
    from = 0;
    draw();
  };

  data.columns.forEach((name, place) => {
    const cell = make("th", null, place === money ? "money" : ""), button = make("button");
    button.type = "button";
    button.addEventListener("click", () => {
      up = by === place ? !up : place !== money;
      by = place;
      choose();
    });
    cell.append(button);
    head.append(cell);
  });
  head.append(make("th"));
  search.addEventListener("input", choose);
  earlier.addEventListener("click", () => { from = Math.max(0, from - size); draw(); });
  later.addEventListener("click", () => { from += size; draw(); });
  choose();
})();
