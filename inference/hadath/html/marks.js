// Text into marked text: lines, spans, labels. Right-to-left text is isolated, and letters of a word stay joined.

const LINE_BREAK = /\r\n|[\n\r\u0085\u2028\u2029]/g;
const ONLY_BREAKS = /^[\n\r\u0085\u2028\u2029]*$/;
const ARABIC_OR_HEBREW = /[\p{Script=Arabic}\p{Script=Hebrew}]/u;
const LATIN = /\p{Script=Latin}/u;
// a run that reads left to right: Latin words, with the digits and marks inside them (F-16, Boeing 737, a web address);
// a row of digits is looked through from its first one alone, so that a long one takes no longer than it is
const LATIN_RUN =
  /(?<![0-9][-.\/]?)(?=[0-9]*(?:[-.\/][0-9]+)*[-.\/]?\p{Script=Latin})[\p{Script=Latin}0-9]+(?:[-.,:\/&'’_@+#%=?~]+[\p{Script=Latin}0-9]+| +[\p{Script=Latin}0-9]+)*/gu;
// what belongs to the run before it where a span ends with it: "Inc." and "(NRF)"
const RUN_END = /^[.,:;!?)\]'’"»%+]+$/u;
const WORD_CHARACTER = /[\p{L}\p{M}\p{N}\u200c\u200d_]/u;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

/** Line ranges of a text: [[start, end], …], line breaks left out. */
function lineRanges(text) {
  const ranges = [];
  let start = 0;
  for (const found of text.matchAll(LINE_BREAK)) {
    ranges.push([start, found.index]);
    start = found.index + found[0].length;
  }
  ranges.push([start, text.length]);
  return ranges;
}

/** Whether a place lies inside a word, so that a gap there would tear its letters apart. */
function isInsideWord(text, place) {
  if (place <= 0 || place >= text.length) return false;
  const unit = text.charCodeAt(place - 1);
  if (text.codePointAt(place - 1) > 0xffff) return true; // between the halves of a surrogate pair
  const before = String.fromCodePoint(text.codePointAt(place - (unit >= 0xdc00 && unit <= 0xdfff ? 2 : 1)));
  const after = String.fromCodePoint(text.codePointAt(place));
  return WORD_CHARACTER.test(before) && WORD_CHARACTER.test(after);
}

/** Direction of a line: as the page's text, unless it holds Latin letters and none that are written leftwards. */
function lineDirection(line) {
  return LATIN.test(line) && !ARABIC_OR_HEBREW.test(line) ? "ltr" : "rtl";
}

function latinRuns(text, from, to, marks) {
  return [...text.slice(from, to).matchAll(LATIN_RUN)].map((found) => {
    const start = from + found.index;
    const end = start + found[0].length;
    const around = marks.find((mark) => mark.start <= start && RUN_END.test(text.slice(end, mark.end)));
    return { start, end: around ? around.end : end, latin: true };
  });
}

/** Spans and Latin runs of a line as pieces of which any two are apart or one inside the other. */
function nestedPieces(text, from, to, spans) {
  const marks = spans
    .map((span) => ({ start: Math.max(span.start, from), end: Math.min(span.end, to), span }))
    .filter((piece) => piece.start < piece.end);
  const order = (a, b) => a.start - b.start || b.end - a.end || Boolean(a.latin) - Boolean(b.latin);
  const open = [...marks, ...latinRuns(text, from, to, marks)].sort(order);
  const pieces = [];
  const outer = [];
  while (open.length) {
    const piece = open.shift();
    while (outer.length && outer[outer.length - 1].end <= piece.start) outer.pop();
    const around = outer[outer.length - 1];
    if (around && around.end < piece.end) {
      // two that cross: the later one goes on after the earlier one's end
      const rest = { ...piece, start: around.end };
      piece.end = around.end;
      const place = open.findIndex((other) => order(rest, other) < 0);
      open.splice(place < 0 ? open.length : place, 0, rest);
    }
    pieces.push(piece);
    outer.push(piece);
  }
  return pieces;
}

/**
 * Returns the lines of a text with its spans marked.
 *
 * A span is {start, end, key, classes, hue, label, description}; its label follows its last piece, or, where the span
 * ends inside a word, the word. What is marked keeps the characters of the text and nothing else.
 */
function markedLines(text, spans) {
  const ranges = lineRanges(text);
  const ofLine = ranges.map(() => []);
  for (const span of spans) {
    let [line, after] = [0, ranges.length];
    while (line < after) {
      const middle = (line + after) >> 1;
      if (ranges[middle][1] <= span.start) line = middle + 1;
      else after = middle;
    }
    for (; line < ranges.length && ranges[line][0] < span.end; line += 1) ofLine[line].push(span);
  }
  return ranges.map(([from, to], index) => markedLine(text, from, to, ofLine[index]));
}

function markedLine(text, from, to, spans) {
  const direction = lineDirection(text.slice(from, to));
  const line = element("div", { class: "line", dir: direction });
  const stack = [{ node: line, end: to, direction }];
  let labels = []; // of spans that ended inside the word that is being written
  let written = from;

  const write = (until) => {
    while (written < until) {
      let next = until;
      if (labels.length) {
        next = written;
        while (next < until && isInsideWord(text, next)) next += 1;
        if (next < until || !isInsideWord(text, until)) {
          top().node.append(text.slice(written, next), ...labels);
          labels = [];
          written = next;
          continue;
        }
      }
      top().node.append(text.slice(written, next));
      written = next;
    }
  };
  const top = () => stack[stack.length - 1];
  const close = () => {
    const closed = stack.pop();
    if (!closed.label) return;
    if (isInsideWord(text, closed.end)) labels.push(closed.label);
    else closed.node.append(closed.label);
  };
  const closeUntil = (place) => {
    while (stack.length > 1 && top().end <= place) {
      write(top().end);
      close();
    }
  };

  for (const piece of nestedPieces(text, from, to, spans)) {
    closeUntil(piece.start);
    write(piece.start);
    const around = top();
    const torn = { start: isInsideWord(text, piece.start), end: isInsideWord(text, piece.end) };
    const way = piece.latin ? "ltr" : around.direction;
    // an isolate between two letters would tear them apart, so a piece that cuts a word is none
    const node = element(torn.start || torn.end ? "span" : "bdi", torn.start || torn.end ? {} : { dir: way });
    if (piece.span) dress(node, piece, torn, ONLY_BREAKS.test(text.slice(piece.span.start, piece.start)));
    around.node.append(node);
    const last = piece.span && ONLY_BREAKS.test(text.slice(piece.end, piece.span.end));
    const label = last && piece.span.label ? labelOf(piece.span) : null;
    stack.push({ node, end: piece.end, direction: way, label });
  }
  closeUntil(to);
  write(to);
  line.append(...labels);
  // what stands inside a button is not heard
  for (const outer of line.querySelectorAll(".mark[role]:has(.mark)")) outer.setAttribute("role", "group");
  if (from === to) line.append(element("br"));
  return line;
}

function dress(node, piece, torn, first) {
  const { span } = piece;
  node.className = ["mark", ...span.classes, torn.start && "torn-start", torn.end && "torn-end"]
    .filter(Boolean)
    .join(" ");
  node.style.setProperty("--hue", span.hue);
  node.dataset.key = span.key;
  if (first) {
    node.setAttribute("role", "button");
    node.setAttribute("aria-label", span.description);
    node.tabIndex = -1;
  }
}

// a label is no text of the document: it is neither copied nor found, and stands in an attribute
function labelOf(span) {
  const label = element("i", { class: ["label", ...span.classes].join(" "), "data-label": span.label });
  label.setAttribute("aria-hidden", "true");
  label.style.setProperty("--hue", span.hue);
  return label;
}
