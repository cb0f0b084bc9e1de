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
    return `${character.replace(/[\\^$.*+?()[\]{}|\/]/g, "\\$&")}${marks}`;
  });
  return parts.length ? new RegExp(parts.join(""), "giu") : null;
}

/** Filters: which values of which facet are chosen, what is searched for, and what that leaves of the articles. */
class Filters {
  constructor(facets, articles) {
    this.facets = facets;
    this.articles = articles;
    this.chosen = new Map(facets.map((facet) => [facet.name, new Set()]));
    this.search("");
    // thousands of articles have a hundred thousand items: what is asked of each at every change is looked up once
    for (const article of articles) {
      for (const item of article.items) item.values = facets.map((facet) => item.facets[facet.name]);
    }
  }

  get any() {
    return Boolean(this.pattern) || this.facets.some((facet) => this.chosen.get(facet.name).size);
  }

  search(query) {
    this.query = query;
    this.pattern = searchPattern(query);
  }

  keeps(item) {
    return item.failed === 0;
  }

  /**
   * Finds out which items each facet refuses (bits of item.failed) and which articles are shown: those that hold what is
   * searched for and, of each group that is filtered, an item that is kept.
   *
   * Returns for each facet how many items each of its values would leave.
   */
  apply() {
    const { facets } = this;
    const counts = facets.map(() => new Map());
    const chosen = facets.map((facet) => this.chosen.get(facet.name));
    const groups = [...new Set(facets.map((facet) => facet.group))];
    const filtered = (group, except) => facets.some((facet, place) => facet.group === group && place !== except && chosen[place].size);
    for (const article of this.articles) {
      // for each group, whether some item is kept, and kept if one facet were not filtered
      const best = new Map(groups.map((group) => [group, new Set()]));
      for (const item of article.items) {
        item.failed = 0;
        for (let place = 0; place < facets.length; place += 1) {
          const values = item.values[place];
          if (values && chosen[place].size && !values.some((value) => chosen[place].has(value))) item.failed |= 1 << place;
        }
        best.get(item.group).add(item.failed);
      }
      const passes = (except) => groups.every((group) =>
        !filtered(group, except) || [...best.get(group)].some((failed) => (failed & ~(except < 0 ? 0 : 1 << except)) === 0));
      const found = this.finds(article);
      article.shown = found && passes(-1);
      if (!found) continue;
      for (let place = 0; place < facets.length; place += 1) {
        if (!passes(place)) continue;
        for (const item of article.items) {
          if (item.group !== facets[place].group || (item.failed & ~(1 << place)) !== 0) continue;
          for (const value of item.values[place] ?? []) counts[place].set(value, (counts[place].get(value) ?? 0) + 1);
        }
      }
    }
    return counts;
  }

  finds(article) {
    if (!this.pattern) return true;
    return [article.text, article.id ?? ""].some((text) => text.search(this.pattern) >= 0);
  }
}

/**
 * Builds the page.
 *
 * @param data what Python embedded: title, words, direction
 * @param articles [{id, caption, text, items: [{group, facets: {name: [value]}}]}]
 * @param facets [{name, group, title, options: [{value, hue, classes}]}]
 * @param view {body(article, keeps): node, details(article, key): {card, related}, summary(articles, filters): [text]},
 *   and where needed controls: [node], filtersOpen, applied(filters), arrive(at)
 */
function buildPage(data, articles, facets, view) {
  const { words } = data;
  const filters = new Filters(facets, articles);
  const near = new Set();
  const sections = new Map();
  const boxes = new Map();
  const status = element("p", { class: "status", role: "status" });
  const nothing = element("p", { class: "nothing", hidden: true }, words.nothing);
  const main = element("main", { id: "articles" }, nothing);

  const search = element("input", {
    type: "search", id: "search", placeholder: words.search, "aria-label": words.search, dir: "auto", autocomplete: "off",
  });
  const clear = element("button", { type: "button", class: "quiet", hidden: true }, words.clear);
  const bar = element("div", { class: "bar" }, search, clear, ...(view.controls ?? []), themeSwitch(words));
  // a frame that is not laid out yet is 0 wide
  const narrow = innerWidth > 0 && innerWidth <= 640;
  const panel = element("details", { class: "filters", open: (view.filtersOpen ?? articles.length > 1) && !narrow });
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
    boxes.set(facet.name, chips.map((chip) => chip.querySelector("input")));
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
    if (!article.stale || !article.shown) return;
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
    for (const article of near) if (article.shown) ranges.push(...foundRanges(article.content, filters.pattern));
    CSS.highlights.set("found", new Highlight(...ranges));
  }

  function apply() {
    inspector.release();
    const counts = filters.apply();
    for (const article of articles) {
      if (article.section.hidden === article.shown) article.section.hidden = !article.shown;
      article.stale = true;
    }
    for (const article of near) mark(article);
    facets.forEach((facet, place) => {
      for (const box of boxes.get(facet.name)) {
        const count = counts[place].get(box.value) ?? 0;
        box.checked = filters.chosen.get(facet.name).has(box.value);
        box.parentElement.querySelector("output").value = number.format(count);
        box.parentElement.classList.toggle("empty", !count && !box.checked);
      }
    });
    const shown = articles.filter((article) => article.shown);
    nothing.hidden = shown.length > 0;
    clear.hidden = !filters.any;
    status.replaceChildren(...view.summary(shown, filters).map((text) => element("span", {}, text)));
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
      // what stands around it may be laid out, and change its height, only now
      let frames = 30;
      const settle = () => {
        const { top, bottom } = target.getBoundingClientRect();
        if (top < 0 || bottom > innerHeight) target.scrollIntoView({ block: "center" });
        inspector.place();
        if ((frames -= 1) && document.activeElement === target) requestAnimationFrame(settle);
      };
      settle();
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
