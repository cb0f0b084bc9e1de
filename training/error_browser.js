// The error browser: annotated and predicted text side by side, errors marked, filtered, and walked through.

const SIDES = ["gold", "predicted"];

function readArticle(data, values) {
  const sides = Object.fromEntries(SIDES.map((side) => [side, taggedSpans(data, values.text, values[side], side[0])]));
  const article = { id: values.id, text: values.text, sides };
  article.items = values.errors.map((error) => errorItem(article, error));
  article.items.sort((one, other) => one.start - other.start);
  return article;
}

/** An error with its spans, and what it is filtered by. */
function errorItem(article, { kind, error, goldArgument, predictedArgument, ...places }) {
  const item = { group: "errors", kind, error, spans: {}, arguments: {} };
  const given = { gold: goldArgument, predicted: predictedArgument };
  for (const side of SIDES) {
    const spans = article.sides[side];
    const list = kind === "entities" ? spans.entities : spans.events;
    item.spans[side] = places[side] === null ? null : list[places[side]];
    if (given[side]) item.arguments[side] = { role: given[side][0], entity: spans.entities[given[side][1]] };
  }
  const present = SIDES.map((side) => item.spans[side]).filter(Boolean);
  const roles = SIDES.map((side) => item.arguments[side]?.role).filter(Boolean);
  const first = present[0];
  item.start = first.start;
  item.key = first.key;
  const filler = item.arguments.gold ?? item.arguments.predicted;
  item.name = [kind, error, `${first.start}-${first.end}`, ...(filler ? [filler.role, filler.entity.start] : [])].join("/");
  item.address = `${article.id}:${item.name}`;
  item.facets = {
    kind: [kind], error: [error], type: [...new Set(present.map((span) => span.name))], role: [...new Set(roles)],
  };
  return item;
}

const spoken = (name) => name.replaceAll("_", " ");

function showErrors(data) {
  const { words } = data;
  const articles = data.documents.map((values) => readArticle(data, values));
  const facets = errorFacets(data, articles);
  const count = element("output", { class: "count" });
  const move = (by) => element("button", { type: "button", "data-move": by }, by < 0 ? words.previous : words.next);
  const only = element("input", { type: "checkbox", id: "only" });
  const controls = [move(-1), count, move(1), element("label", {}, only, " ", words.onlyErrors)];
  let list = [];
  let current = null;

  const view = {
    controls,
    filtersOpen: true,
    body: (article, keeps) => sideBySide(data, article, article.items.filter(keeps)),
    details(article, key) {
      const side = key[0] === "g" ? "gold" : "predicted";
      const spans = article.sides[side];
      const index = Number(key.slice(2));
      const item = key[1] === "e" ? spans.entities[index] : spans.events[index];
      const errors = article.items.filter((error) => SIDES.some((one) => error.spans[one]?.key === key));
      const card = key[1] === "e" ? entityCard(article, item, words) : eventCard(article, item, words);
      card.prepend(...errors.map((error) => element("p", { class: "said" }, ...errorWords(error, words))));
      const related = item.arguments
        ? item.arguments.map(({ role, entity }) => [entity.key, role, item.hue])
        : item.events.map(({ role, event }) => [event.key, role, event.hue]);
      for (const error of errors) {
        for (const one of SIDES) {
          if (one === side) continue;
          const other = error.arguments[one]?.entity ?? error.spans[one];
          if (other) related.push([other.key, error.arguments[one]?.role ?? words[one], other.hue]);
        }
      }
      return { card, related };
    },
    summary: (shown, filters) => [
      `${words.errors}: ${number.format(shown.flatMap((article) => article.items.filter((item) => filters.keeps(item))).length)}`,
      `${words.articles}: ${number.format(shown.length)} / ${number.format(data.tagged)}`,
    ],
    applied(filters) {
      list = articles.flatMap((article) =>
        !article.shown ? [] : article.items.filter((item) => filters.keeps(item)).map((item) => ({ article, item })));
      if (!list.some(({ item }) => item === current)) current = null;
      showCount();
    },
    arrive(at) {
      const found = articles.flatMap((article) => article.items.map((item) => ({ article, item }))).find(({ item }) => item.address === at);
      if (found) open(found);
    },
  };
  const built = buildPage(data, articles, facets, view);

  function showCount() {
    const place = list.findIndex(({ item }) => item === current);
    count.value = `${place < 0 ? "–" : number.format(place + 1)} / ${number.format(list.length)}`;
  }

  function open({ article, item }) {
    current = item;
    built.go(article, item.key);
    built.writeAddress(item.address);
    for (const row of document.querySelectorAll("[aria-current]")) row.removeAttribute("aria-current");
    article.content.querySelector(`[data-error="${CSS.escape(item.name)}"]`)?.setAttribute("aria-current", "true");
    showCount();
  }

  function step(by) {
    if (!list.length) return;
    const place = list.findIndex(({ item }) => item === current);
    open(list[place < 0 ? (by > 0 ? 0 : list.length - 1) : (place + by + list.length) % list.length]);
  }

  document.addEventListener("click", (event) => {
    const by = event.target.closest("[data-move]")?.dataset.move;
    if (by) step(Number(by));
    const link = event.target.closest("[data-error] a");
    if (!link) return;
    event.preventDefault();
    view.arrive(link.dataset.at);
  });
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches?.("input[type=search]")) return;
    const by = { n: 1, p: -1 }[event.key];
    if (by) step(by);
  });
  only.addEventListener("change", () => document.getElementById("articles").classList.toggle("only-errors", only.checked));
  built.start();
}

function errorFacets(data, articles) {
  const { words } = data;
  const items = articles.flatMap((article) => article.items);
  const used = (name) => new Set(items.flatMap((item) => item.facets[name]));
  const plain = (name) => [...used(name)].sort().map((value) => ({ value, label: spoken(value) }));
  const types = [...data.entityTypes.map((type) => ({ ...type, classes: "entity" })), ...data.eventTypes.map((type) => ({ ...type, classes: "event" }))];
  return [
    { name: "error", group: "errors", title: words.error, options: plain("error") },
    { name: "kind", group: "errors", title: words.kind, options: plain("kind") },
    {
      name: "type", group: "errors", title: words.type,
      options: types.filter(({ name }) => used("type").has(name)).map(({ name, hue, classes }) => ({ value: name, hue, classes })),
    },
    { name: "role", group: "errors", title: words.role, options: plain("role") },
  ].filter((facet) => facet.options.length);
}

/** An article in two columns, line beside line, and the list of its errors. */
function sideBySide(data, article, errors) {
  const { words } = data;
  const text = element("div", { class: "sides", role: "group" });
  text.append(...SIDES.map((side) => element("p", { class: "side-name" }, words[side])));
  const columns = SIDES.map((side) => markedLines(article.text, sideMarks(data, article, side, errors)));
  columns[0].forEach((_, row) => {
    const clean = !columns.some((lines) => lines[row].querySelector(".mark.wrong"));
    SIDES.forEach((side, column) => {
      const classes = `text ${side}${clean ? " clean" : ""}`;
      text.append(element("div", { class: classes, lang: "ar", dir: "rtl", "data-side": words[side] }, columns[column][row]));
    });
  });
  return element("div", { class: "content" }, text, errorTable(data, errors));
}

function sideMarks(data, article, side, errors) {
  const of = new Map();
  for (const error of errors) {
    const span = error.spans[side];
    if (span) of.set(span, [...(of.get(span) ?? []), error]);
  }
  const { entities, events } = article.sides[side];
  const { words } = data;
  return [...entities, ...events].map((item) => {
    const wrong = of.get(item) ?? [];
    const classes = wrong.length ? ["wrong"] : ["right"];
    const mark = item.arguments ? eventMark(item, data, classes) : entityMark(item, classes);
    const said = saidOf(wrong, side, words);
    if (!said.length) return mark;
    const label = `${mark.label} ✗ ${said.join(", ")}`;
    if (label.length > 40) mark.classes.push("long");
    return { ...mark, label, description: `${mark.description}, ${words.error}: ${said.join(", ")}` };
  });
}

/** What a mark says of its errors; of more than two arguments only how many. */
function saidOf(errors, side, words) {
  const given = errors.filter((error) => error.kind === "arguments");
  const roles = given.map((error) => `${(error.arguments[side] ?? error.arguments.gold ?? error.arguments.predicted).role} ${spoken(error.error)}`);
  const own = errors.filter((error) => !given.includes(error)).map((error) => spoken(error.error));
  return [...own, ...(roles.length > 2 ? [`${roles.length} ${words.arguments}`] : roles)];
}

/** What an error says in a line: its kind, and what was annotated and predicted. */
function errorWords(error, words) {
  const sides = SIDES.filter((side) => error.spans[side]).map((side) => element("span", { class: "said-side" }, `${words[side]}: `, ...sideWords(error, side, words)));
  return [element("strong", {}, spoken(error.error)), " ", ...sides];
}

function sideWords(error, side) {
  const span = error.spans[side];
  if (!span) return ["–"];
  const argument = error.arguments[side];
  if (error.kind === "arguments") return argument ? [argument.role, " ", element("bdi", { dir: "auto" }, argument.entity.text)] : ["–"];
  const words = [swatch(span, error.kind === "entities" ? "entity" : "event"), " ", element("bdi", { dir: "auto" }, span.text)];
  return error.error === "wrong_modality" ? [...words, " ", span.modality] : words;
}

function errorTable(data, errors) {
  const { words } = data;
  const columns = [words.error, words.kind, words.gold, words.predicted, words.score, words.address];
  const head = element("tr", {}, ...columns.map((name) => element("th", { scope: "col" }, name)));
  const rows = errors.map((error) => {
    const trigger = error.kind === "arguments" ? [" ", element("bdi", { dir: "auto" }, error.spans.gold.text)] : [];
    const link = element("a", { href: `#${new URLSearchParams({ at: error.address })}`, "data-at": error.address, "aria-label": words.link }, "#");
    const cells = [
      [element("button", { type: "button", class: "jump", "data-shows": error.key }, spoken(error.error)), ...trigger],
      [error.kind], sideWords(error, "gold"), sideWords(error, "predicted"),
      [error.spans.predicted ? error.spans.predicted.score.toFixed(2) : "–"], [link],
    ];
    return element("tr", { "data-row": error.key, "data-error": error.name }, ...cells.map((cell, index) =>
      element(index ? "td" : "th", index ? { "data-column": columns[index] } : { scope: "row", "data-column": columns[0] }, element("span", {}, ...cell))));
  });
  return element("table", {}, element("caption", {}, words.errors), element("thead", {}, head), element("tbody", {}, ...rows));
}

showErrors(JSON.parse(document.getElementById("data").textContent));
