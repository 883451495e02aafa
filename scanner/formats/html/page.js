"use strict";
// The page's own script. It decodes the table of findings and gives it filters, sorting, links and the keyboard.
// Without it the page is complete as plain HTML. Texts enter the document as text nodes only, never as markup.
(() => {
  const $ = (id) => document.getElementById(id);

  /** An element with a class, a text and children. */
  const make = (tag, name, ...content) => {
    const node = document.createElement(tag);
    if (name) node.className = name;
    for (const item of content) if (item !== null && item !== "") node.append(item);
    return node;
  };
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? String(values[key]) : whole));

  // ---- the data block -------------------------------------------------------------------------------------------

  async function decode() {
    const packed = atob($("table-data").textContent.trim());
    const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).json();
  }

  function start(data) {
    const { columns, text, rules, resources, fingerprints } = data;
    const words = data.words;
    const size = fingerprints.length;
    const format = new Intl.NumberFormat(document.documentElement.lang).format;
    const name = (group, key) => words[`${group}.${key}`] ?? key;
    const glyphs = {
      fail: "✕", error: "!", unknown: "?", manual: "✎", pass: "✓", notApplicable: "–",
      critical: "▲▲", high: "▲", medium: "◆", low: "▽", info: "·",
    };
    const mark = (group, letter, key) => {
      const glyph = make("span", "glyph", glyphs[key] ?? "◇");
      glyph.setAttribute("aria-hidden", "true");
      return make("span", `mark ${letter}-${key.replace(/[^A-Za-z-]/g, "")}`, glyph, name(group, key));
    };
    const verdictOf = (row) => data.verdicts[columns.verdict[row]];
    const severityOf = (row) => data.severities[columns.severity[row]];
    const placeOf = (row) => resources[columns.resource[row]];

    // ---- copying ------------------------------------------------------------------------------------------------

    function copyButton(label, source) {
      const button = make("button", "small-button", label);
      button.type = "button";
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(source());
          button.textContent = words.copied;
        } catch {
          const text = button.parentElement.querySelector("code");
          if (text) getSelection().selectAllChildren(text);
          button.textContent = words["copy-failed"];
        }
        setTimeout(() => { button.textContent = label; }, 2000);
      });
      return button;
    }
    function addCopyButtons(root) {
      for (const box of root.querySelectorAll(".code")) box.append(copyButton(words.copy, () => box.querySelector("code").textContent));
    }

    // ---- filter and order ---------------------------------------------------------------------------------------

    const lower = text.map((item) => item.toLowerCase());
    const ruleText = rules.map((rule) => `${rule.id} ${rule.title ?? ""}`.toLowerCase());
    const state = { q: "", verdict: "", severity: "", subscription: "", sort: "", down: false };
    let shown = new Uint32Array(0);
    let here = 0;

    const fields = { q: $("filter-text"), verdict: $("filter-verdict"), severity: $("filter-severity"), subscription: $("filter-subscription") };
    const comparable = {
      verdict: (row) => columns.verdict[row] === undefined ? 0 : data.order.indexOf(verdictOf(row)),
      severity: (row) => columns.severity[row],
      rule: (row) => ruleRank[columns.rule[row]],
      resource: (row) => resourceRank[columns.resource[row]],
      message: (row) => messageRank[columns.message[row]],
    };
    const rankOf = (items) => {
      const order = [...items.keys()].sort((a, b) => (items[a] < items[b] ? -1 : items[a] > items[b] ? 1 : a - b));
      const rank = new Uint32Array(items.length);
      order.forEach((item, place) => { rank[item] = place; });
      return rank;
    };
    let ruleRank, resourceRank, messageRank;

    function prepareRanks() {
      ruleRank ??= rankOf(ruleText);
      resourceRank ??= rankOf(resources.map((item) => `${lower[item[2]]} ${lower[item[0]]}`));
      messageRank ??= rankOf(lower);
    }

    function choose() {
      const terms = state.q.toLowerCase().split(/\s+/).filter(Boolean);
      const tests = terms.map((term) => {
        const inText = new Uint8Array(text.length);
        for (let at = 0; at < text.length; at++) inText[at] = lower[at].includes(term) ? 1 : 0;
        const inRule = ruleText.map((item) => item.includes(term));
        const inResource = resources.map((item) => inText[item[0]] || inText[item[2]]);
        return (row) => inRule[columns.rule[row]] || inResource[columns.resource[row]] || inText[columns.message[row]] === 1 ||
          inText[columns.element[row]] === 1 || inText[columns.reason[row]] === 1 || fingerprints[row].startsWith(term);
      });
      const verdict = data.verdicts.indexOf(state.verdict);
      const severity = data.severities.indexOf(state.severity);
      const found = new Uint32Array(size);
      let count = 0;
      for (let row = 0; row < size; row++) {
        if (state.verdict && columns.verdict[row] !== verdict) continue;
        if (state.severity && columns.severity[row] !== severity) continue;
        if (state.subscription && text[placeOf(row)[3]] !== state.subscription) continue;
        if (!tests.every((test) => test(row))) continue;
        found[count++] = row;
      }
      shown = found.subarray(0, count);
      if (state.sort in comparable) {
        prepareRanks();
        const key = Float64Array.from(shown, (row) => comparable[state.sort](row));
        const sign = state.down ? -1 : 1;
        shown = Uint32Array.from([...key.keys()].sort((a, b) => sign * (key[a] - key[b]) || a - b), (at) => found[at]);
      }
      here = Math.min(here, Math.max(0, shown.length - 1));
    }

    // ---- the table of visible rows ------------------------------------------------------------------------------

    const table = $("table");
    const head = make("div", "grid-head");
    head.setAttribute("role", "row");
    const body = make("div", "grid-body");
    body.setAttribute("role", "rowgroup");
    const space = make("div", "grid-space");
    space.setAttribute("role", "presentation");
    const heads = {};
    for (const key of ["verdict", "severity", "rule", "resource", "message"]) {
      const button = make("button", "", words[`field.${key}`]);
      button.type = "button";
      button.addEventListener("click", () => {
        if (state.sort === key && state.down) { state.sort = ""; state.down = false; }
        else { state.down = state.sort === key; state.sort = key; }
        here = 0;
        refresh();
      });
      heads[key] = make("div", key, button);
      heads[key].setAttribute("role", "columnheader");
      head.append(heads[key]);
    }
    body.append(space);
    const headGroup = make("div", "", head);
    headGroup.setAttribute("role", "rowgroup");
    table.append(headGroup, body);
    const nodes = new Map();
    let rowHeight = 38;

    function cell(name, ...content) {
      const node = make("span", name, ...content);
      node.setAttribute("role", "cell");
      return node;
    }

    function rowNode(at) {
      const row = shown[at];
      const resource = placeOf(row);
      const link = make("a", "", text[columns.message[row]] || rules[columns.rule[row]].title || rules[columns.rule[row]].id);
      link.href = `#f=${encodeURIComponent(fingerprints[row])}`;
      link.tabIndex = at === here ? 0 : -1;
      link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        event.stopPropagation();
        here = at;
        open(row);
      });
      const resourceName = make("bdi", "", text[resource[2]]);
      const node = make("div", "grid-row",
        cell("verdict", mark("verdict", "v", verdictOf(row))), cell("severity", mark("severity", "s", severityOf(row))),
        cell("rule", rules[columns.rule[row]].id), cell("where", resourceName), cell("message", link));
      node.setAttribute("role", "row");
      node.setAttribute("aria-rowindex", String(at + 2));
      node.title = `${text[resource[2]]}: ${text[columns.message[row]]}`;
      node.style.setProperty("inset-block-start", `${at * rowHeight}px`);
      node.addEventListener("click", () => { here = at; open(row); });
      node.addEventListener("focusin", () => { here = at; });
      return node;
    }

    function draw() {
      const first = Math.max(0, Math.floor(body.scrollTop / rowHeight) - 8);
      const last = Math.min(shown.length, Math.ceil((body.scrollTop + (body.clientHeight || 600)) / rowHeight) + 8);
      for (const [at, node] of nodes) {
        if ((at < first || at >= last) && !node.contains(document.activeElement)) { node.remove(); nodes.delete(at); }
      }
      for (let at = first; at < last; at++) {
        let node = nodes.get(at);
        if (!node) {
          node = rowNode(at);
          nodes.set(at, node);
          const after = nodes.get(at + 1);
          space.insertBefore(node, after ?? null);
        }
        node.classList.toggle("here", at === here);
        node.querySelector("a").tabIndex = at === here ? 0 : -1;
      }
    }

    function refresh() {
      choose();
      for (const [key, node] of Object.entries(heads)) {
        node.setAttribute("aria-sort", state.sort === key ? (state.down ? "descending" : "ascending") : "none");
      }
      rowHeight = parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row")) || 38;
      for (const node of nodes.values()) node.remove();
      nodes.clear();
      space.replaceChildren();
      space.style.setProperty("block-size", `${shown.length * rowHeight}px`);
      if (!shown.length) space.append(make("p", "grid-none", words.none));
      if (!shown.length) space.style.setProperty("block-size", "auto");
      table.setAttribute("aria-rowcount", String(shown.length + 1));
      $("table-count").textContent = fill(words.shown, { n: format(shown.length), total: format(data.total) });
      body.scrollTop = Math.max(0, Math.min(body.scrollTop, here * rowHeight));
      draw();
      for (const [key, field] of Object.entries(fields)) if (field.value !== state[key]) field.value = state[key];
    }

    function moveTo(at, focus) {
      here = Math.max(0, Math.min(shown.length - 1, at));
      const top = here * rowHeight;
      if (top < body.scrollTop) body.scrollTop = top;
      else if (top + rowHeight > body.scrollTop + body.clientHeight) body.scrollTop = top + rowHeight - body.clientHeight;
      draw();
      if (focus) nodes.get(here)?.querySelector("a").focus({ preventScroll: true });
    }

    body.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
    body.addEventListener("keydown", (event) => {
      const page = Math.max(1, Math.floor(body.clientHeight / rowHeight) - 1);
      const steps = { ArrowDown: here + 1, ArrowUp: here - 1, PageDown: here + page, PageUp: here - page, Home: 0, End: shown.length - 1 };
      if (event.key in steps && shown.length && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        moveTo(steps[event.key], true);
      }
    });
    let waiting = 0;
    addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(refresh, 120); });

    // ---- one finding --------------------------------------------------------------------------------------------

    const drawer = $("drawer");
    let opened = -1;

    function fact(list, key, ...content) {
      if (!content.some((item) => item)) return;
      const term = make("dt", "", words[`field.${key}`] ?? key);
      list.append(make("div", "", term, make("dd", "", ...content)));
    }
    function outside(address, label) {
      const link = make("a", "out", label);
      link.href = address;
      link.target = "_blank";
      link.rel = "noopener noreferrer external";
      return link;
    }
    const code = (content, name = "id") => (content ? make("code", name, content) : "");
    const block = (content, label) => make("div", "code", make("span", "label", label), make("pre", "", make("code", "", content)));
    const portal = (id) => (/^\/subscriptions\//i.test(id) && !id.includes("⟨") ? `https://portal.azure.com/#@/resource${encodeURI(id)}` : "");

    function evidenceTable(places) {
      const headRow = make("tr", "");
      const keys = ["path", "observed", "expected", "source"];
      for (const key of keys) {
        const th = make("th", "", words[`field.${key}`]);
        th.scope = "col";
        headRow.append(th);
      }
      const rows = make("tbody", "");
      for (const place of places) {
        const [path, kind, observed, expected, rulePlace, source, collected, note] = data.evidence[place].map((at) => text[at]);
        const th = make("th", "", code(path, ""));
        th.scope = "row";
        const cells = [th,
          make("td", `state-${kind.replace(/[^a-z]/g, "")}`, code(observed, ""), note ? make("div", "note", note) : ""),
          make("td", "", code(expected, ""), rulePlace ? make("div", "note", rulePlace) : ""),
          make("td", "", source ? code(source, "") : words.unstated, collected ? make("div", "note", collected) : "")];
        keys.forEach((key, at) => { cells[at].dataset.label = words[`field.${key}`]; });
        rows.append(make("tr", "", ...cells));
      }
      const box = make("div", "scroll", make("table", "evidence", make("thead", "", headRow), rows));
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", words["field.evidence"]);
      return box;
    }

    function describe(row) {
      const rule = rules[columns.rule[row]];
      const [id, type, , subscription, group, location_] = placeOf(row).map((at) => text[at]);
      const [source, where, collected] = data.origins[columns.origin[row]].map((at) => text[at]);
      const column = (key) => text[columns[key][row]];
      const title = make("h2", "", `${rule.id} ${rule.title ?? ""}`);
      title.id = "drawer-title";
      const parts = [make("p", "marks", mark("verdict", "v", verdictOf(row)), mark("severity", "s", severityOf(row))), title,
        make("p", "lead", column("message"))];
      const facts = make("dl", "inline");
      fact(facts, "resource", code(id), " ", portal(id) ? outside(portal(id), words.portal) : "");
      fact(facts, "type", type);
      const subscriptionName = data.subscriptions[subscription];
      fact(facts, "subscription", subscriptionName ? `${subscriptionName} · ${subscription}` : subscription);
      fact(facts, "element", code(column("element")));
      fact(facts, "reason", column("reason"));
      fact(facts, "qualifier", column("qualifier") && (words[`qualifier.${column("qualifier")}`] ?? column("qualifier")));
      fact(facts, "waiver", column("waiver"));
      fact(facts, "change", column("change"));
      fact(facts, "firstSeen", column("firstSeen"));
      parts.push(facts);
      const heading = (key) => parts.push(make("h3", "", words[`field.${key}`]));
      const proof = data.proofs[columns.evidence[row]];
      if (proof.length) { heading("evidence"); parts.push(evidenceTable(proof)); }
      const origin = make("dl", "inline");
      fact(origin, "source", source, where ? " " : "", code(where));
      fact(origin, "apiVersion", column("apiVersion"));
      fact(origin, "collected", collected);
      fact(origin, "place", code(rule.place));
      parts.push(origin);
      if (rule.rationale) { heading("rationale"); parts.push(make("p", "prose", rule.rationale)); }
      if (rule.manual) parts.push(make("p", "prose", rule.manual));
      const commands = data.lists[columns.commands[row]].map((at) => text[at]);
      const lines = commands.length ? commands : rule.az ?? [];
      if (lines.length || rule.bicep || rule.terraform || rule.mend) {
        heading("remediation");
        if (rule.effort) parts.push(make("p", "note", `${words["field.effort"]}: ${name("effort", rule.effort)}`));
        for (const line of lines) parts.push(block(line, words["field.az"]));
        if (rule.bicep) parts.push(block(rule.bicep, words["field.bicep"]));
        if (rule.terraform) parts.push(block(rule.terraform, words["field.terraform"]));
        if (rule.mend) parts.push(make("p", "prose", rule.mend));
      }
      const affected = data.lists[columns.affected[row]];
      if (affected.length) {
        const count = columns.affectedCount[row];
        parts.push(make("h3", "", fill(words[count === 1 ? "affected.one" : "affected.other"], { n: format(count) })));
        parts.push(make("ul", "plain ids", ...affected.map((at) => make("li", "", code(text[at])))));
        if (count > affected.length) parts.push(make("p", "more", fill(words["affected-more"], { n: format(count - affected.length) })));
      }
      if (rule.controls?.length) {
        heading("controls");
        parts.push(make("ul", "tags", ...rule.controls.map(([framework, control, basis]) =>
          make("li", "", make("b", "", name("framework", framework)), ` ${control} `, basis === "stated" ? "" : make("i", "", name("basis", basis))))));
      }
      if (rule.references?.length) {
        heading("references");
        parts.push(make("ul", "plain", ...rule.references.map(([shownAs, target]) =>
          make("li", "", target.startsWith("https://") ? outside(target, shownAs) : make("span", "address", shownAs)))));
      }
      const last = make("dl", "inline");
      fact(last, "fingerprint", code(fingerprints[row], "digest"));
      const card = make("a", "", words["rule-card"]);
      card.href = `#rule-${encodeURIComponent(rule.id)}`;
      card.addEventListener("click", () => { opened = -1; drawer.close(); });
      parts.push(last, make("p", "drawer-buttons", copyButton(words["copy-link"], () => `${location.href.split("#")[0]}#f=${encodeURIComponent(fingerprints[row])}`), card));
      return parts;
    }

    function open(row) {
      opened = row;
      const at = shown.indexOf(row);
      $("drawer-body").replaceChildren(...describe(row));
      addCopyButtons($("drawer-body"));
      $("drawer-place").textContent = at < 0 ? "" : fill(words.place, { n: format(at + 1), total: format(shown.length) });
      $("drawer-previous").disabled = at <= 0;
      $("drawer-next").disabled = at < 0 || at >= shown.length - 1;
      if (!drawer.open) drawer.showModal();
      $("drawer-body").scrollTop = 0;
      $("drawer-body").focus();
      writeHash();
    }
    function step(by) {
      const at = shown.indexOf(opened) + by;
      if (at < 0 || at >= shown.length) return;
      moveTo(at, false);
      open(shown[at]);
    }
    $("drawer-previous").addEventListener("click", () => step(-1));
    $("drawer-next").addEventListener("click", () => step(1));
    $("drawer-close").addEventListener("click", () => drawer.close());
    drawer.addEventListener("click", (event) => { if (event.target === drawer) drawer.close(); });
    drawer.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "ArrowLeft" || event.key === "k") step(-1);
      if (event.key === "ArrowRight" || event.key === "j") step(1);
    });
    drawer.addEventListener("close", () => {
      if (opened < 0) return;
      opened = -1;
      writeHash();
      moveTo(here, true);
    });

    // ---- links --------------------------------------------------------------------------------------------------

    function writeHash() {
      const wanted = new URLSearchParams();
      if (opened >= 0) wanted.set("f", fingerprints[opened]);
      for (const key of ["q", "verdict", "severity", "subscription", "sort"]) if (state[key]) wanted.set(key, state[key]);
      if (state.down) wanted.set("down", "1");
      const hash = wanted.toString();
      try {
        history.replaceState(null, "", hash ? `#${hash}` : location.href.split("#")[0]);
      } catch { /* some viewers forbid it; the page works all the same */ }
    }
    function readHash() {
      const hash = location.hash.slice(1);
      if (!hash.includes("=")) return false;
      const given = new URLSearchParams(hash.replaceAll("+", "%20"));
      for (const key of ["q", "verdict", "severity", "subscription", "sort"]) state[key] = given.get(key) ?? "";
      state.down = given.get("down") === "1";
      here = 0;
      refresh();
      const row = given.has("f") ? fingerprints.indexOf(given.get("f")) : -1;
      if (row >= 0) {
        moveTo(Math.max(0, shown.indexOf(row)), false);
        open(row);
      } else {
        if (given.has("f")) $("table-count").textContent = words.missing;
        $("findings").scrollIntoView();
      }
      return true;
    }
    addEventListener("hashchange", readHash);
    function show(query) {
      Object.assign(state, { q: "", verdict: "", severity: "", subscription: "" }, query);
      here = 0;
      refresh();
      writeHash();
      $("findings").scrollIntoView();
      fields.q.focus({ preventScroll: true });
    }

    // ---- filters and shortcuts ----------------------------------------------------------------------------------

    function options(select, values, label) {
      for (const value of values) {
        const option = make("option", "", label(value));
        option.value = value;
        select.append(option);
      }
    }
    const present = (column, labels) => [...new Set(columns[column])].map((at) => labels[at]);
    data.order = ["fail", "error", "unknown", "manual", "pass", "notApplicable"];
    options(fields.verdict, data.order.filter((item) => present("verdict", data.verdicts).includes(item)), (item) => name("verdict", item));
    options(fields.severity, data.severities.filter((item) => present("severity", data.severities).includes(item)), (item) => name("severity", item));
    const subscriptions = [...new Set(resources.map((item) => text[item[3]]))].filter(Boolean);
    const subscriptionLabel = (id) => (data.subscriptions[id] ? `${data.subscriptions[id]} (${id})` : id);
    options(fields.subscription, subscriptions.sort((a, b) => (subscriptionLabel(a) < subscriptionLabel(b) ? -1 : 1)), subscriptionLabel);
    let typing = 0;
    for (const [key, field] of Object.entries(fields)) {
      field.addEventListener("input", () => {
        clearTimeout(typing);
        typing = setTimeout(() => { state[key] = field.value; here = 0; refresh(); writeHash(); }, key === "q" ? 80 : 0);
      });
    }
    $("filter-reset").addEventListener("click", () => show({ sort: "", down: false }));
    document.addEventListener("keydown", (event) => {
      const typed = event.target instanceof Element && event.target.closest("input, select, textarea, dialog");
      if (event.key === "/" && !typed && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        fields.q.focus();
      }
    });

    // ---- the rest of the page -----------------------------------------------------------------------------------

    addCopyButtons(document);
    for (const box of document.querySelectorAll("[data-rule]")) {
      const button = make("button", "small-button", words["show-findings"]);
      button.type = "button";
      button.addEventListener("click", () => show({ q: box.dataset.rule.toLowerCase() }));
      box.append(button);
    }
    for (const line of document.querySelectorAll("tr[data-id]")) {
      const label = line.querySelector(".name");
      const button = make("a", "", label.textContent);
      button.href = `#q=${encodeURIComponent(line.dataset.id.toLowerCase())}`;
      button.title = words["show-registry"];
      label.replaceChildren(button);
    }

    document.documentElement.classList.add("live");
    for (const id of ["table-tools", "table", "table-more"]) $(id)?.removeAttribute("hidden");
    if (!readHash()) refresh();

    addEventListener("beforeprint", () => {
      const kept = new Set(shown);
      const plain = [...document.querySelectorAll("#rows > details")];
      plain.forEach((row, at) => { row.hidden = !kept.has(at); });
      const listed = plain.filter((row) => !row.hidden);
      if (listed.length <= 200) for (const row of listed) { row.dataset.opened = row.open ? "1" : ""; row.open = true; }
    });
    addEventListener("afterprint", () => {
      for (const row of document.querySelectorAll("#rows > details")) {
        row.hidden = false;
        if (row.dataset.opened === "") row.open = false;
        delete row.dataset.opened;
      }
    });
  }

  function frameworks(label) {
    const list = $("framework-switch");
    if (!list) return;
    const all = make("a", "", label);
    all.href = "#controls";
    list.prepend(make("li", "", all));
    const links = [...list.querySelectorAll("a")];
    const pick = (link) => {
      const wanted = link.getAttribute("href").slice(1);
      for (const item of links) item.setAttribute("aria-current", String(item === link));
      for (const box of document.querySelectorAll(".framework")) box.hidden = wanted !== "controls" && box.id !== wanted;
    };
    for (const link of links) {
      link.addEventListener("click", (event) => { event.preventDefault(); pick(link); });
    }
    pick(links[1] ?? all);
  }

  // A link to something inside a folded or filtered part opens that part.
  function reveal() {
    const target = $(decodeURIComponent(location.hash.slice(1)));
    if (!target || target.closest("#rows")) return;
    for (let node = target; node; node = node.parentElement) if (node instanceof HTMLDetailsElement) node.open = true;
    target.scrollIntoView();
  }

  async function run() {
    const data = await decode();
    frameworks(data.words["all-frameworks"]);
    if ($("table")) start(data);
    reveal();
    addEventListener("hashchange", reveal);
    const links = new Map([...document.querySelectorAll(".contents a")].map((link) => [link.getAttribute("href").slice(1), link]));
    const watch = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        for (const link of links.values()) link.removeAttribute("aria-current");
        links.get(entry.target.id)?.setAttribute("aria-current", "true");
      }
    }, { rootMargin: "-20% 0px -70% 0px" });
    for (const part of document.querySelectorAll(".part")) watch.observe(part);
    document.documentElement.dataset.ready = "yes";
  }
  run().catch((error) => { console.error(error); });
})();
