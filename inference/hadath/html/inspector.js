// What is known of a mark, shown while it is pointed at or has the focus: a card, and badges on the marks it relates to.

class Inspector {
  /**
   * @param main where the marks are
   * @param articleOf the article of a section
   * @param view view.details(article, key) gives {card: node, related: [[key, badge]]}
   */
  constructor(main, articleOf, view, words) {
    Object.assign(this, { main, articleOf, view, words, mark: null, pinned: false });
    this.card = element("div", { id: "card", class: "card", role: "tooltip", hidden: true });
    main.append(this.card);
    main.addEventListener("pointerover", (event) => this.point(event));
    main.addEventListener("pointerout", (event) => {
      if (!this.pinned && !event.relatedTarget?.closest?.(".mark, .card, [data-shows]")) this.rest();
    });
    this.card.addEventListener("pointerleave", () => !this.pinned && this.rest());
    main.addEventListener("focusin", (event) => {
      const mark = this.markOf(event.target);
      if (!mark) return;
      if (event.target === mark) this.rove(mark);
      if (!this.pinned || mark !== this.mark) this.show(mark, event.target);
    });
    main.addEventListener("focusout", () => !this.pinned && this.hide());
    main.addEventListener("click", (event) => {
      const mark = this.markOf(event.target);
      if (event.target.closest("[data-shows]") && mark) {
        mark.scrollIntoView({ block: "nearest" });
        mark.focus({ preventScroll: true });
        this.pin(mark);
      } else if (mark) {
        if (this.pinned && this.mark === mark) this.release();
        else this.pin(mark);
      } else if (!this.card.contains(event.target)) this.release();
    });
    document.addEventListener("keydown", (event) => this.key(event));
    addEventListener("resize", () => this.place());
    addEventListener("scroll", () => this.place(), { passive: true });
  }

  /** The first piece of the mark that an element stands in or, in a table, shows. */
  markOf(target) {
    const shows = target.closest("[data-shows]");
    const key = shows ? shows.dataset.shows : target.closest(".mark")?.dataset.key;
    return key ? target.closest("article").querySelector(`.mark[role][data-key="${key}"]`) : null;
  }

  point(event) {
    if (this.pinned || event.pointerType === "touch") return;
    const mark = this.markOf(event.target);
    if (mark && mark !== this.mark) this.show(mark, event.target);
  }

  /** What the keyboard is at is shown again once the pointer leaves. */
  rest() {
    const focused = document.activeElement?.closest?.("article") ? this.markOf(document.activeElement) : null;
    if (focused) this.show(focused, document.activeElement);
    else this.hide();
  }

  rove(mark) {
    for (const other of mark.closest("article").querySelectorAll('.mark[tabindex="0"]')) other.tabIndex = -1;
    mark.tabIndex = 0;
  }

  pin(mark) {
    this.show(mark);
    this.pinned = true;
    if (mark.getAttribute("role") === "button") mark.setAttribute("aria-pressed", "true");
  }

  release() {
    this.pinned = false;
    this.hide();
  }

  /** Shows a mark; without a card where it was met in a table, which says as much. */
  show(mark, met = mark) {
    this.hide();
    this.pinned = false;
    this.mark = mark;
    this.section = mark.closest("article");
    const { card, related } = this.view.details(this.articleOf(this.section), mark.dataset.key);
    this.card.replaceChildren(card);
    this.card.hidden = Boolean(met.closest("table"));
    if (!this.card.hidden) mark.setAttribute("aria-describedby", "card");
    for (const piece of this.pieces(mark.dataset.key)) piece.classList.add("active");
    this.badges = related.flatMap(([key, name, hue]) => {
      const pieces = this.pieces(key);
      for (const piece of pieces) piece.classList.add("related");
      if (!pieces.length) return [];
      const badge = element("span", { class: "badge", "aria-hidden": "true" }, name);
      if (hue !== undefined) badge.style.setProperty("--hue", hue);
      this.section.append(badge);
      return [[badge, pieces[0]]];
    });
    for (const row of this.section.querySelectorAll(`[data-row="${mark.dataset.key}"]`)) row.classList.add("active");
    this.place();
  }

  hide() {
    if (!this.mark) return;
    this.card.hidden = true;
    this.mark.removeAttribute("aria-describedby");
    this.mark.removeAttribute("aria-pressed");
    for (const [badge] of this.badges) badge.remove();
    for (const node of this.section.querySelectorAll(".active, .related")) node.classList.remove("active", "related");
    this.mark = null;
  }

  pieces(key) {
    return this.section.querySelectorAll(`.mark[data-key="${key}"]`);
  }

  place() {
    if (!this.mark) return;
    const around = this.section.getBoundingClientRect();
    const taken = [];
    for (const [badge, piece] of this.badges) {
      const at = piece.getClientRects()[0];
      const { offsetWidth: width, offsetHeight: height } = badge;
      const rightToLeft = getComputedStyle(piece).direction === "rtl";
      let left = (rightToLeft ? at.right - width : at.left) - around.left;
      left = Math.max(0, Math.min(left, around.width - width));
      let top = at.top - around.top - height + 2;
      // two roles of one mark stand above each other
      while (taken.some((other) => other.top < top + height && top < other.top + height && other.left < left + width && left < other.left + other.width)) top -= height;
      taken.push({ left, top, width, height });
      badge.style.left = `${left}px`;
      badge.style.top = `${top}px`;
    }
    const at = this.mark.getClientRects()[0];
    const { offsetWidth: width, offsetHeight: height } = this.card;
    const room = document.documentElement.clientWidth - width - 8;
    const kept = this.badges.flatMap(([badge, piece]) => [badge.getBoundingClientRect(), ...piece.getClientRects()]);
    const covered = ({ left, top }) =>
      kept.filter((other) => other.left < left + width && left < other.right && other.top < top + height && top < other.bottom).length;
    // below, above or beside: where it fits and covers least of what the mark relates to
    const places = [at.bottom + 8, at.top - height - 8, at.top - height - 30, at.bottom + 50]
      .flatMap((top) => [at.left + at.width / 2 - width / 2, at.left, at.right - width, at.left - width, at.right].map((left) => ({ top, left: Math.max(8, Math.min(left, room)) })))
      .map((place) => ({ ...place, cost: covered(place) + (place.top < 8 || place.top + height > innerHeight ? 100 : 0) }));
    const best = places.reduce((one, other) => (other.cost < one.cost ? other : one));
    this.card.style.left = `${best.left}px`;
    this.card.style.top = `${best.top}px`;
  }

  key(event) {
    if (event.key === "Escape" && this.mark) {
      this.release();
      event.preventDefault();
      return;
    }
    if (event.altKey || event.ctrlKey || event.metaKey || !event.target.matches?.(".mark[role]")) return;
    const mark = event.target;
    if (event.key === "Enter" || event.key === " ") {
      if (this.pinned && this.mark === mark) this.release();
      else this.pin(mark);
      event.preventDefault();
      return;
    }
    const marks = [...mark.closest("article").querySelectorAll(".mark[role]")];
    const triggers = marks.filter((other) => other.classList.contains("event"));
    const leftwards = getComputedStyle(mark).direction === "rtl";
    const step = (list, by) => {
      const order = (other) => Math.sign(by) * (marks.indexOf(other) - marks.indexOf(mark)) > 0;
      return by > 0 ? list.find(order) : list.findLast(order);
    };
    const target = {
      ArrowLeft: () => step(marks, leftwards ? 1 : -1),
      ArrowRight: () => step(marks, leftwards ? -1 : 1),
      ArrowDown: () => step(triggers, 1),
      ArrowUp: () => step(triggers, -1),
      Home: () => marks[0],
      End: () => marks[marks.length - 1],
    }[event.key];
    if (!target) return;
    event.preventDefault();
    target()?.focus();
  }
}
