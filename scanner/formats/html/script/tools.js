// Small tools: elements, words, numbers and times. Texts enter the document as text nodes only, never as markup.

const $ = (id) => document.getElementById(id);

/** An element with a class, children and texts; what is null or empty is left out. */
function make(tag, name, ...content) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  for (const item of content) if (item !== null && item !== undefined && item !== "") node.append(item);
  return node;
}
function button(name, label, act) {
  const node = make("button", name, label);
  node.type = "button";
  if (act) node.addEventListener("click", act);
  return node;
}
function outside(address, label) {
  const link = make("a", "out", label);
  link.href = address;
  link.target = "_blank";
  link.rel = "noopener noreferrer external";
  return link;
}
const code = (content, name = "id") => (content ? make("code", name, content) : "");
const portal = (id) => (/^\/subscriptions\/(?!file:)/i.test(id) && !id.includes("⟨") ? `https://portal.azure.com/#@/resource${encodeURI(id)}` : "");

// ---- words, numbers, times ----------------------------------------------------------------------------------------

const locale = document.documentElement.dataset.locale;
const format = new Intl.NumberFormat(locale).format;
const dayFormat = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" });
const timeFormat = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" });
let words = {};

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? String(values[key]) : whole));
const many = (key, n) => fill(words[`${key}.${n === 1 ? "one" : "other"}`], { n: format(n) });
const name = (group, key) => words[`${group}.${key}`] ?? key;
const field = (key) => words[`field.${key}`] ?? key;

/** A machine's time as people of this language write it; anything else as it is. */
function moment(text) {
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)$/.test(text)) {
    const time = new Date(text);
    return Number.isNaN(time.valueOf()) ? text : `${timeFormat.format(time)} UTC`;
  }
  if (/^\d{4}-\d\d-\d\d$/.test(text)) {
    const day = new Date(`${text}T00:00:00Z`);
    return Number.isNaN(day.valueOf()) ? text : dayFormat.format(day);
  }
  return text;
}
function timeNode(text) {
  if (!text) return "";
  const node = make("time", "", moment(text));
  node.dateTime = text;
  node.title = text;
  return node;
}
/** Show the times of a part of the page as people of this language write them; the machine's own stays at hand. */
function localise(root) {
  for (const node of root.querySelectorAll("time[datetime]")) {
    const own = node.getAttribute("datetime");
    const shown = moment(own);
    if (shown !== own) {
      node.textContent = shown;
      node.title = own;
    }
  }
}

// ---- marks: word, shape and colour together ------------------------------------------------------------------------

const GLYPHS = {
  fail: "✕", error: "!", unknown: "?", manual: "✎", pass: "✓", notApplicable: "–",
  critical: "▲▲", high: "▲", medium: "◆", low: "▽", info: "·",
  waived: "⊖", lapsed: "✕", attested: "✔", new: "+", reopened: "↻", changed: "≠", persisting: "=", resolved: "✓",
};
function mark(group, letter, key, label) {
  const glyph = make("span", "glyph", GLYPHS[key] ?? "◇");
  glyph.setAttribute("aria-hidden", "true");
  return make("span", `mark ${letter}-${key.replace(/[^A-Za-z-]/g, "")}`, glyph, label ?? name(group, key));
}

// ---- copying -------------------------------------------------------------------------------------------------------

function copyButton(label, source) {
  const node = button("small-button", label, async () => {
    try {
      await navigator.clipboard.writeText(source());
      node.textContent = words.copied;
    } catch {
      const text = node.parentElement.querySelector("code");
      if (text) getSelection().selectAllChildren(text);
      node.textContent = words["copy-failed"];
    }
    setTimeout(() => { node.textContent = label; }, 2000);
  });
  return node;
}
function addCopyButtons(root) {
  for (const box of root.querySelectorAll(".code")) box.append(copyButton(words.copy, () => box.querySelector("code").textContent));
}

