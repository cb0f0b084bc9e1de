// The page around the articles: filters, search, theme, permalinks, and articles that are marked when they come near.

const number = new Intl.NumberFormat("en");

/** What a regular expression must be to find a text however its letters are written. */
function searchPattern(query) {
  const folds = ["اأإآٱ", "يىئ", "هة", "وؤ"];
  const marks = "[\\p{Mn}\\u0640\\u200b-\\u200f\\u061c]*";
  const digits = "٠١٢٣٤٥٦٧٨٩";
  const parts = [...query.trim().replace(/[\p{Mn}\u0640\u200b-\u200f\u061c]/gu, "").replace(/\s+/g, " ")].map((character) => {
    if (character === " ") return "\\s+";
    const fold = folds.find((letters) => letters.includes(character));
    if (fold) return `[${fold}]${marks}`;
    const digit = digits.includes(character) ? digits.indexOf(character) : "0123456789".indexOf(character);
    if (digit >= 0) return `[${digit}${digits[digit]}]`;
    return `${character.replace(/[\\^$.*+?()[\]{}|\/-]/g, "\\$&")}${marks}`;
  });
  return parts.length ? new RegExp(parts.join(""), "giu") : null;
}

/** Filters: which values of which facet are chosen, and what that leaves. */
class Filters {
  constructor(facets) {
    this.facets = facets;
    this.chosen = new Map(facets.map((facet) => [facet.name, new Set()]));
    this.pattern = null;
    this.query = "";
  }

  get any() {
    return Boolean(this.pattern) || this.facets.some((facet) => this.chosen.get(facet.name).size);
  }

  search(query) {
    this.query = query;
    this.pattern = searchPattern(query);
  }

  /** Whether an item has a chosen value in each facet, one facet left out on demand. */
  keeps(item, except = null) {
    for (const [name, values] of Object.entries(item.facets)) {
      const chosen = this.chosen.get(name);
      if (name !== except && chosen.size && !values.some((value) => chosen.has(value))) return false;
    }
    return true;
  }

  /** Whether an article holds, of each group that is filtered, an item that is kept, and what is searched for. */
  shows(article, except = null) {
    const groups = new Set(
      this.facets.filter((facet) => facet.name !== except && this.chosen.get(facet.name).size).map((facet) => facet.group),
    );
    for (const item of article.items) {
      if (!groups.size) break;
      if (groups.has(item.group) && this.keeps(item, except)) groups.delete(item.group);
    }
    if (groups.size) return false;
    if (!this.pattern) return true;
    this.pattern.lastIndex = 0;
    return this.pattern.test(article.text) || this.pattern.test(article.id ?? "");
  }

  /** How many items each value of a facet would leave. */
  counts(facet, articles) {
    const counts = new Map();
    for (const article of articles) {
      if (!this.shows(article, facet.name)) continue;
      for (const item of article.items) {
        if (item.group !== facet.group || !this.keeps(item, facet.name)) continue;
        for (const value of item.facets[facet.name] ?? []) counts.set(value, (counts.get(value) ?? 0) + 1);
      }
    }
    return counts;
  }
}

/**
 * Builds the page.
 *
 * @param data what Python embedded: title, words, direction
 * @param articles [{id, caption, text, items: [{group, facets: {name: [value]}}]}]
 * @param facets [{name, group, title, options: [{value, hue, classes}]}]
 * @param view {body(article, keeps): node, details(article, key): {card, related}, summary(articles, filters): [text]}
 */
function buildPage(data, articles, facets, view) {
  const { words } = data;
  const filters = new Filters(facets);
  const near = new Set();
  const sections = new Map();
  const status = element("p", { class: "status", role: "status" });
  const nothing = element("p", { class: "nothing", hidden: true }, words.nothing);
  const main = element("main", { id: "articles" }, nothing);

  const search = element("input", {
    type: "search", id: "search", placeholder: words.search, "aria-label": words.search, dir: "auto", autocomplete: "off",
  });
  const clear = element("button", { type: "button", class: "quiet", hidden: true }, words.clear);
  const bar = element("div", { class: "bar" }, search, clear, ...(view.controls ?? []), themeSwitch(words));
  const panel = element("details", { class: "filters", open: articles.length > 1 && innerWidth > 640 });
  panel.append(element("summary", {}, words.filters), ...facets.map(fieldset));
  const hint = element("p", { class: "hint" }, words.keys);
  document.body.append(
    element("header", {}, element("h1", { dir: "auto" }, data.title), bar, status),
    element("section", { class: "panel", "aria-label": words.filters }, panel, hint),
    main,
  );

  function fieldset(facet) {
    const chips = facet.options.map((option) => {
      const box = element("input", { type: "checkbox", value: option.value, "data-facet": facet.name });
      const name = element("bdi", {}, option.label ?? option.value);
      const chip = element("label", { class: `chip ${option.classes ?? ""}` }, box, name, element("output", {}));
      if (option.hue !== undefined) chip.style.setProperty("--hue", option.hue);
      return chip;
    });
    return element("fieldset", {}, element("legend", {}, facet.title), element("div", { class: "chips" }, ...chips));
  }

  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        const article = sections.get(entry.target);
        if (entry.isIntersecting) {
          near.add(article);
          mark(article);
        } else near.delete(article);
      }
    },
    { rootMargin: "800px" },
  );

  articles.forEach((article, place) => {
    const heading = element("h2", { id: `article-${place}` }, element("bdi", {}, article.id ?? words.article));
    // the page's title says it already
    if (articles.length === 1 && !article.caption && article.id === data.title) heading.hidden = true;
    if (article.caption) heading.append(element("small", {}, element("bdi", {}, article.caption)));
    // until it comes near an article is plain text, which the browser finds and prints but does not lay out
    article.content = element("div", { class: "content plain", dir: "rtl" }, article.text);
    article.section = element("article", { "aria-labelledby": `article-${place}` }, heading, article.content);
    // about its height, so that the scroll bar tells the truth: 70 characters a line
    article.section.style.setProperty("--height", `${Math.ceil(article.text.length / 70) * 2.2 + 6}rem`);
    article.stale = true;
    sections.set(article.section, article);
    main.append(article.section);
    observer.observe(article.section);
  });

  function mark(article) {
    if (!article.stale || article.section.hidden) return;
    article.stale = false;
    const body = view.body(article, (item) => filters.keeps(item));
    article.content.replaceWith(body);
    article.content = body;
    const first = body.querySelector(".mark[role]");
    if (first) first.tabIndex = 0;
    showFound();
  }

  function showFound() {
    if (!globalThis.CSS?.highlights) return;
    CSS.highlights.delete("found");
    if (!filters.pattern) return;
    const ranges = [];
    for (const article of near) if (!article.section.hidden) ranges.push(...foundRanges(article.content, filters.pattern));
    CSS.highlights.set("found", new Highlight(...ranges));
  }

  function apply() {
    inspector.release();
    let shown = 0;
    for (const article of articles) {
      const visible = filters.shows(article);
      if (visible) shown += 1;
      if (article.section.hidden === visible) article.section.hidden = !visible;
      article.stale = true;
    }
    for (const article of near) mark(article);
    for (const facet of facets) {
      const counts = filters.counts(facet, articles);
      for (const box of panel.querySelectorAll(`input[data-facet="${facet.name}"]`)) {
        const count = counts.get(box.value) ?? 0;
        box.checked = filters.chosen.get(facet.name).has(box.value);
        const chip = box.parentElement;
        chip.querySelector("output").value = number.format(count);
        chip.classList.toggle("empty", !count && !box.checked);
      }
    }
    nothing.hidden = shown > 0;
    clear.hidden = !filters.any;
    status.replaceChildren(...view.summary(articles.filter((article) => !article.section.hidden), filters).map((text) => element("span", {}, text)));
    showFound();
    view.applied?.(filters);
  }

  function readAddress() {
    const values = new URLSearchParams(location.hash.slice(1));
    for (const facet of facets) {
      const known = new Set(facet.options.map((option) => option.value));
      filters.chosen.set(facet.name, new Set(values.getAll(facet.name).filter((value) => known.has(value))));
    }
    filters.search(values.get("q") ?? "");
    search.value = filters.query;
    return values.get("at");
  }

  function writeAddress(at) {
    const values = new URLSearchParams();
    for (const facet of facets) for (const value of filters.chosen.get(facet.name)) values.append(facet.name, value);
    if (filters.query) values.set("q", filters.query);
    if (at) values.set("at", at);
    try {
      history.replaceState(null, "", `#${values}`);
    } catch {
      // a page inside another has no address of its own
    }
  }

  panel.addEventListener("change", (event) => {
    const { facet } = event.target.dataset;
    if (!facet) return;
    filters.chosen.get(facet)[event.target.checked ? "add" : "delete"](event.target.value);
    writeAddress();
    apply();
  });
  let typing;
  search.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => {
      filters.search(search.value);
      writeAddress();
      apply();
    }, 150);
  });
  clear.addEventListener("click", () => {
    for (const chosen of filters.chosen.values()) chosen.clear();
    filters.search((search.value = ""));
    writeAddress();
    apply();
    search.focus();
  });
  addEventListener("hashchange", () => arrive(readAddress()));
  addEventListener("beforeprint", () => articles.forEach(mark));

  const inspector = new Inspector(main, (section) => sections.get(section), view, words);
  const arrive = (at) => {
    apply();
    if (at) view.arrive?.(at);
  };
  const built = {
    filters, articles, inspector, apply, writeAddress,
    /** Scrolls to a mark of an article and opens it. */
    go(article, key) {
      near.add(article);
      mark(article);
      const target = article.content.querySelector(`.mark[role][data-key="${key}"]`);
      if (!target) return;
      target.scrollIntoView({ block: "center" });
      target.focus({ preventScroll: true });
      inspector.pin(target);
      // what stands above may be laid out only now
      requestAnimationFrame(() => requestAnimationFrame(() => {
        target.scrollIntoView({ block: "center" });
        inspector.place();
      }));
    },
    start: () => arrive(readAddress()),
  };
  return built;
}

/** Ranges of what is searched for in an element, found line by line across its marks. */
function foundRanges(content, pattern) {
  const ranges = [];
  const lines = content.querySelectorAll(".line");
  for (const line of lines.length ? lines : [content]) {
    const nodes = [];
    let text = "";
    for (let walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT); walker.nextNode(); ) {
      nodes.push([text.length, walker.currentNode]);
      text += walker.currentNode.data;
    }
    const spot = (place) => {
      const [start, node] = nodes.findLast(([first]) => first < place) ?? nodes[0];
      return [node, place - start];
    };
    for (const found of text.matchAll(pattern)) {
      const range = new Range();
      range.setStart(...spot(found.index));
      range.setEnd(...spot(found.index + found[0].length));
      ranges.push(range);
    }
  }
  return ranges;
}

function themeSwitch(words) {
  const names = ["auto", "light", "dark"];
  const root = document.documentElement;
  const button = element("button", { type: "button", class: "quiet", id: "theme" });
  const set = (name) => {
    root.dataset.theme = name;
    button.replaceChildren(`${words.theme}: ${words[name]}`);
    try {
      localStorage.setItem("hadath-theme", name);
    } catch {
      // a sandboxed page keeps nothing
    }
  };
  let kept = null;
  try {
    kept = localStorage.getItem("hadath-theme");
  } catch {
    // as above
  }
  set(names.includes(kept) ? kept : "auto");
  button.addEventListener("click", () => set(names[(names.indexOf(root.dataset.theme) + 1) % names.length]));
  return button;
}
