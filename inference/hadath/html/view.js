// The view of tagged articles: text with entities and triggers, and a table of the events below.

const LONGEST_TABLE = 500;
const LONG_ARTICLE = 200; // lines

function eventTable(data, article, events) {
  const { words } = data;
  const columns = [words.trigger, words.event, words.modality, ...data.roles];
  const head = element("tr", {}, ...columns.map((name) => element("th", { scope: "col" }, element("bdi", {}, name))));
  const rows = events.map((event) => {
    const cells = [
      element("button", { type: "button", class: "jump", "data-shows": event.key }, element("bdi", { dir: "auto" }, event.text)),
      swatch(event, "event"),
      element("bdi", { class: event.modality === data.defaultModality ? null : "unreal" }, event.modality),
      ...data.roles.map((role) => {
        const given = event.arguments.filter((argument) => argument.role === role);
        return element("span", {}, ...given.map((argument) => element("bdi", { class: "filler", dir: "auto" }, argument.entity.called)));
      }),
    ];
    return element("tr", { "data-row": event.key }, ...cells.map((cell, index) => {
      const made = element(index ? "td" : "th", index ? {} : { scope: "row" }, cell);
      made.dataset.column = columns[index];
      made.classList.toggle("void", !cell.textContent);
      return made;
    }));
  });
  return element("table", {}, element("caption", {}, words.events), element("thead", {}, head), element("tbody", {}, ...rows));
}

/** The table, or, where it would be longer than anybody reads, a heading that it is made under when that is opened. */
function eventSection(data, article, events) {
  if (events.length <= LONGEST_TABLE) return events.length ? eventTable(data, article, events) : "";
  const section = element("details", {}, element("summary", {}, `${data.words.events}: ${number.format(events.length)}`));
  section.addEventListener("toggle", () => section.append(eventTable(data, article, events)), { once: true });
  return section;
}

function taggedArticle(data, values) {
  const { entities, events } = taggedSpans(data, values.text, values);
  const items = [
    ...events.map((event) => ({ group: "events", facets: { event: [event.name], modality: [event.modality] }, of: event })),
    ...entities.map((entity) => ({ group: "entities", facets: { entity: [entity.name] }, of: entity })),
  ];
  return { id: values.id, caption: values.caption, text: values.text, entities, events, items };
}

function showTagged(data) {
  const { words } = data;
  const articles = data.documents.map((values) => taggedArticle(data, values));
  const options = (types, classes) => types.map(({ name, hue }) => ({ value: name, hue, classes }));
  const facets = [
    { name: "event", group: "events", title: words.events, options: options(data.eventTypes, "event") },
    { name: "modality", group: "events", title: words.modality, options: data.modalities.map((value) => ({ value })) },
    { name: "entity", group: "entities", title: words.entities, options: options(data.entityTypes, "entity") },
  ].filter((facet) => facet.options.length);

  const view = {
    body(article, keeps) {
      const kept = article.items.filter(keeps).map((item) => item.of);
      const events = kept.filter((item) => item.arguments);
      const marks = kept.map((item) => (item.arguments ? eventMark(item, data) : entityMark(item)));
      const text = element("div", { class: "text", lang: "ar", dir: "rtl" });
      text.append(...markedLines(article.text, marks));
      text.classList.toggle("long", text.children.length > LONG_ARTICLE);
      return element("div", { class: "content" }, text, eventSection(data, article, events));
    },
    details(article, key) {
      const index = Number(key.slice(1));
      if (key[0] === "e") {
        const entity = article.entities[index];
        return { card: entityCard(article, entity, words), related: entity.events.map(({ role, event }) => [event.key, role, event.hue]) };
      }
      const event = article.events[index];
      return { card: eventCard(article, event, words), related: event.arguments.map(({ role, entity }) => [entity.key, role, event.hue]) };
    },
    summary(shown, filters) {
      const kept = { events: 0, entities: 0 };
      for (const article of shown) for (const item of article.items) if (filters.keeps(item)) kept[item.group] += 1;
      return [
        `${words.articles}: ${number.format(shown.length)}${shown.length < articles.length ? ` / ${number.format(articles.length)}` : ""}`,
        `${words.events}: ${number.format(kept.events)}`,
        `${words.entities}: ${number.format(kept.entities)}`,
      ];
    },
    arrive(at) {
      const place = at.lastIndexOf(":");
      const article = articles.find((one, index) => (one.id ?? String(index)) === at.slice(0, place));
      if (article) built.go(article, at.slice(place + 1));
    },
  };
  const built = buildPage(data, articles, facets, view);
  built.start();
}

showTagged(JSON.parse(document.getElementById("data").textContent));
