// Findings in a list, filtered by kind, level and words. Texts are set as text, never as markup.

function showFindings(data) {
  const { words } = data;
  const chosen = { level: new Set(), kind: new Set() };
  const count = element("p", { class: "status", role: "status" });
  const search = element("input", { type: "search", id: "search", "aria-label": "Search the findings", placeholder: "Search" });
  const clear = element("button", { type: "button", id: "clear" }, words.clear);
  document.body.append(
    element("header", {}, element("h1", {}, data.title), element("div", { class: "bar" }, search, clear), count),
    element("div", { class: "panel" }, ...["level", "kind"].map((name) => chips(data, name, chosen[name], apply))),
  );

  const rows = data.findings.map((finding) => ({ finding, item: findingItem(finding, data.legend), words: searchable(finding) }));
  const list = element("ol", { id: "findings" }, ...rows.map((row) => row.item));
  const nothing = element("p", { class: "nothing", hidden: true }, data.findings.length ? "Nothing matches the filters." : "Nothing was found.");
  document.body.append(element("main", {}, ...data.tables.map(table), legendLine(data.legend), list, nothing));

  function apply() {
    const pattern = searchPattern(search.value);
    let shown = 0;
    for (const { finding, item, words: text } of rows) {
      const kept = ["level", "kind"].every((name) => !chosen[name].size || chosen[name].has(finding[name]));
      if (pattern) pattern.lastIndex = 0;
      item.hidden = !kept || Boolean(pattern && !pattern.test(text));
      if (!item.hidden) shown += 1;
    }
    nothing.hidden = shown > 0;
    count.textContent = `${number.format(shown)} of ${number.format(rows.length)} findings`;
  }

  search.addEventListener("input", apply);
  clear.addEventListener("click", () => {
    search.value = "";
    for (const box of document.querySelectorAll(".chip input")) box.checked = false;
    for (const values of Object.values(chosen)) values.clear();
    apply();
  });
  apply();
}

function chips(data, name, chosen, apply) {
  const counts = new Map();
  for (const finding of data.findings) counts.set(finding[name], (counts.get(finding[name]) ?? 0) + 1);
  const boxes = [...counts].map(([value, count]) => {
    const box = element("input", { type: "checkbox", value, "data-facet": name });
    box.addEventListener("change", () => {
      if (box.checked) chosen.add(value);
      else chosen.delete(value);
      apply();
    });
    return element("label", { class: `chip ${value}` }, box, value, element("output", {}, number.format(count)));
  });
  return element("fieldset", { hidden: boxes.length < 2 }, element("legend", {}, name), element("div", { class: "chips" }, ...boxes));
}

function findingItem(finding, legend) {
  const head = element(
    "p", { class: "head" },
    finding.level ? element("span", { class: `level ${finding.level}` }, finding.level) : "", " ", element("strong", {}, finding.kind), " ",
    element("code", {}, finding.place), element("small", {}, finding.level === "doubt" ? ` ${finding.weight.toFixed(2)}` : ""),
  );
  const item = element("li", {}, head, element("p", { class: "message", dir: "auto" }, ...isolated(finding.message)));
  if (finding.sentence.length) {
    const pieces = finding.sentence.map(([text, mark]) =>
      mark ? element("mark", { class: mark.split("+").join(" "), title: mark.split("+").map((name) => legend[name] ?? name).join(", ") }, text) : text);
    item.append(element("p", { class: "plain sentence", lang: "ar", dir: "rtl" }, ...pieces));
  }
  return item;
}

/** A message in English with quoted Arabic in it: each quotation keeps its own direction. */
function isolated(message) {
  return message.split(/('[^']*')/).map((part, index) => (index % 2 ? element("bdi", {}, part) : part));
}

function legendLine(legend) {
  const entries = Object.entries(legend);
  if (!entries.length) return "";
  return element("p", { class: "legend" }, ...entries.flatMap(([name, text]) => [element("mark", { class: name }, text), " "]));
}

function table({ caption, rows: [head, ...rest] }) {
  return element(
    "table", {}, element("caption", {}, caption),
    element("thead", {}, element("tr", {}, ...head.map((cell) => element("th", { scope: "col" }, cell)))),
    element("tbody", {}, ...rest.map(([first, ...cells]) =>
      element("tr", {}, element("th", { scope: "row" }, first), ...cells.map((cell, index) => element("td", { "data-column": head[index + 1] }, cell))))),
  );
}

function searchable(finding) {
  return [finding.message, finding.place, finding.kind, ...finding.sentence.map(([text]) => text)].join(" ");
}

showFindings(JSON.parse(document.getElementById("data").textContent));
