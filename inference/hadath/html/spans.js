// Entities and events as the pages show them: what Python embedded made objects, marks of them, and cards about them.

/** Spans of a text, as spans.py writes them, as objects; their keys begin with a prefix. */
function taggedSpans(data, text, values, prefix = "") {
  const entities = values.entities.map(([start, end, type, score, called], index) => ({
    ...data.entityTypes[type], key: `${prefix}e${index}`, start, end, score, text: text.slice(start, end), events: [],
    called: called ?? text.slice(start, end),
  }));
  const events = values.events.map(([start, end, type, score, modality, given], index) => ({
    ...data.eventTypes[type], key: `${prefix}t${index}`, start, end, score, modality: data.modalities[modality],
    text: text.slice(start, end),
    arguments: given.map(([role, entity, of]) => ({ role: data.roles[role], entity: entities[entity], score: of })),
  }));
  for (const event of events) for (const { role, entity } of event.arguments) entity.events.push({ role, event });
  return { entities, events };
}

/** An entity as a span that markedLine takes. */
function entityMark(entity, classes = []) {
  const parts = entity.events.map(({ role, event }) => `${role}: ${event.text} (${event.name})`);
  return {
    ...entity, classes: ["entity", ...classes], label: entity.name,
    description: [entity.text, entity.name, ...parts].join(", "),
  };
}

/** An event's trigger likewise. */
function eventMark(event, data, classes = []) {
  const happened = event.modality === data.defaultModality;
  const parts = event.arguments.map(({ role, entity }) => `${role}: ${entity.called}`);
  return {
    ...event, classes: ["event", ...(happened ? [] : ["unreal"]), ...classes],
    label: happened ? event.name : `${event.name} · ${event.modality}`,
    description: [event.text, event.name, event.modality, ...parts].join(", "),
  };
}

/** The name of a type in its colour. */
function swatch(item, kind, text = item.name) {
  const made = element("bdi", { class: `type ${kind}` }, text);
  made.style.setProperty("--hue", item.hue);
  return made;
}

/** Where a span stands, counted in characters as Python counts them. */
function placeOf(text, { start, end }) {
  const first = [...text.slice(0, start)].length;
  return `${number.format(first)}–${number.format(first + [...text.slice(start, end)].length)}`;
}

function spanCard(article, item, kind, rows, words) {
  const facts = element("dl", {});
  for (const [name, ...values] of rows) {
    facts.append(element("dt", {}, element("bdi", {}, name)), ...values.map((value) => element("dd", {}, value)));
  }
  facts.append(element("dt", {}, words.score), element("dd", {}, item.score.toFixed(2)));
  facts.append(element("dt", {}, words.place), element("dd", {}, element("bdi", { dir: "ltr" }, placeOf(article.text, item))));
  return element("div", {}, element("p", {}, swatch(item, kind), " ", element("bdi", { class: "quote", dir: "auto" }, item.text)), facts);
}

function eventCard(article, event, words) {
  const roles = Map.groupBy(event.arguments, ({ role }) => role);
  return spanCard(article, event, "event", [
    [words.modality, element("bdi", {}, event.modality)],
    ...[...roles].map(([role, given]) => [role, ...given.map((argument) => filler(argument, words))]),
  ], words);
}

function entityCard(article, entity, words) {
  const name = entity.called === entity.text ? [] : [[words.name, element("bdi", { dir: "auto" }, entity.called)]];
  return spanCard(article, entity, "entity", [...name, ...entity.events.map(({ role, event }) => [
    role, element("span", {}, element("bdi", {}, event.text), " ", swatch(event, "event")),
  ])], words);
}

function filler({ entity, score }, words) {
  return element("span", { title: `${words.score} ${score.toFixed(2)}` },
    element("bdi", { dir: "auto" }, entity.called), " ", swatch(entity, "entity"));
}
