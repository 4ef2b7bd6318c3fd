// The page's own program: sorts, filters and pages its tables and draws its plots from the JSON block `data`, whose
// sections are {kind, id, data}. A kind that is not known here stays as the HTML shows it, and a section that fails
// leaves the others alone. Text is set as text, never as markup.
'use strict';
(() => {
  const page = JSON.parse(document.getElementById('data').textContent);
  const blankDrawing = document.getElementById('drawing').content.firstElementChild;

  // ---- Elements and numbers ------------------------------------------------------------------------------------------

  function dress(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
      else if (value !== null && value !== false) node.setAttribute(name, value === true ? '' : value);
    }
    node.append(...children);
    return node;
  }
  const html = (tag, attributes = {}, ...children) => dress(document.createElement(tag), attributes, children);
  const svg = (tag, attributes = {}, ...children) =>
      dress(document.createElementNS(blankDrawing.namespaceURI, tag), attributes, children);

  const isNumber = Number.isFinite;
  const grouped = (count) => count.toLocaleString('en-US');
  /** Four significant digits, for titles that appear on hovering. */
  const brief = (value) => isNumber(value) ? String(Number(value.toPrecision(4))) : '-';

  const sections = new Map(page.sections.map((section) => [section.id, section]));
  /** The values of an axis: an array, or a column of a table of this page. Fractions of a `percent` axis become percent. */
  function resolve(values) {
    if (Array.isArray(values)) return values;
    return sections.get(values.table).data.columns.find((column) => column.key === values.column).values;
  }
  function valuesOf(axis, values = axis.values) {
    const scaled = (value) => Array.isArray(value) ? value.map(scaled) : isNumber(value) ? value * (axis.percent ? 100 : 1) : null;
    return resolve(values).map(scaled);
  }

  // ---- Tables --------------------------------------------------------------------------------------------------------

  const tables = [];
  const pageSizes = [25, 100, Infinity];
  const alwaysWhole = 30;  // rows that need no filter and no pages

  class Table {
    constructor(id, data, host) {
      this.id = id;
      this.columns = data.columns;
      this.element = host.querySelector('table');
      this.rows = [...this.element.tBodies[0].rows];
      const by = this.columns.find((column) => column.key === data.sorted);
      this.state = {key: by ? by.key : '', ascending: by ? by.ascending : true, filter: '', page: 0, size: pageSizes[0]};
      this.headers = [...this.element.tHead.rows[0].cells];
      this.buttons = this.columns.map((column) => html('button', {type: 'button', onclick: () => this.clicked(column)}, column.label));
      this.offerSorting(true);
      this.indexes = this.rows.map((_, index) => index);
      if (this.rows.length > alwaysWhole) host.before(this.makeControls());
      else this.state.size = Infinity;
      this.markSorted();
      this.show();
    }

    /** On paper the headings are plain text: browsers repeat that on the next page, but not buttons. */
    offerSorting(offered) {
      this.headers.forEach((header, index) => header.replaceChildren(offered ? this.buttons[index] : this.columns[index].label));
    }

    clicked(column) {
      const again = this.state.key === column.key;
      this.sort(column.key, again ? !this.state.ascending : column.ascending);
      remember({table: this.id, sort: this.state.key, order: this.state.ascending ? 'ascending' : 'descending'});
    }

    /** Values that are absent come last either way; equal ones keep the order of the report. */
    sort(key, ascending) {
      const column = this.columns.find((candidate) => candidate.key === key);
      if (!column) return;
      const direction = ascending ? 1 : -1;
      const absent = (value) => value === null || value === undefined;
      const compare = (a, b) => typeof a === 'string' && typeof b === 'string' ?
          a.localeCompare(b, 'en', {numeric: true}) : a < b ? -1 : a > b ? 1 : 0;
      this.indexes.sort((i, j) => {
        const a = column.values[i];
        const b = column.values[j];
        if (absent(a) || absent(b)) return absent(a) - absent(b) || i - j;
        return direction * compare(a, b) || i - j;
      });
      Object.assign(this.state, {key, ascending, page: 0});
      this.element.tBodies[0].append(...this.indexes.map((index) => this.rows[index]));
      this.markSorted();
      this.show();
    }

    markSorted() {
      const order = this.state.ascending ? 'ascending' : 'descending';
      if (this.state.key) this.element.dataset.sorted = `${this.state.key} ${order}`;
      this.headers.forEach((header, index) => {
        if (this.columns[index].key === this.state.key) header.setAttribute('aria-sort', order);
        else header.removeAttribute('aria-sort');
      });
    }

    filter(text) {
      Object.assign(this.state, {filter: text, page: 0});
      if (this.filterBox.value !== text) this.filterBox.value = text;
      this.show();
    }

    show() {
      const {filter, size} = this.state;
      const wanted = filter.trim().toLowerCase();
      const found = this.indexes.filter((index) => !wanted || this.rows[index].textContent.toLowerCase().includes(wanted));
      const pages = Math.max(1, Math.ceil(found.length / size));
      this.state.page = Math.min(Math.max(this.state.page, 0), pages - 1);
      const first = size === Infinity ? 0 : this.state.page * size;
      const shown = new Set(found.slice(first, first + size));
      this.rows.forEach((row, index) => { row.hidden = !shown.has(index); });
      if (!this.status) return;
      this.back.disabled = this.state.page === 0;
      this.forth.disabled = this.state.page === pages - 1;
      this.status.textContent = found.length === 0 ? 'No row matches' :
          `${grouped(first + 1)} to ${grouped(first + shown.size)} of ${grouped(found.length)}` +
          (found.length < this.rows.length ? ` found, ${grouped(this.rows.length)} in all` : '');
    }

    makeControls() {
      const turn = (by) => () => { this.state.page += by; this.show(); };
      this.filterBox = html('input', {type: 'search', placeholder: 'part of a row', oninput: (event) => this.filter(event.target.value)});
      this.back = html('button', {type: 'button', onclick: turn(-1)}, 'Previous');
      this.forth = html('button', {type: 'button', onclick: turn(1)}, 'Next');
      this.status = html('span', {role: 'status'});
      const sizes = html('select', {onchange: (event) => { this.state.size = pageSizes[event.target.value]; this.show(); }},
          ...pageSizes.map((size, index) => html('option', {value: index}, size === Infinity ? 'all' : String(size))));
      return html('div', {class: 'controls'}, html('label', {}, 'Filter ', this.filterBox), html('label', {}, 'Rows ', sizes),
          this.back, this.forth, this.status);
    }
  }

  // The order can be linked to: #sort=truth, with &order=ascending|descending, &filter=TEXT, and &table=ID for one table.

  function remember(wanted) {
    try {
      history.replaceState(null, '', '#' + new URLSearchParams(wanted));
    } catch {
      // A page without an address of its own cannot keep it; the order on screen is right all the same.
    }
  }

  function followAddress() {
    const wanted = new URLSearchParams(location.hash.slice(1));
    for (const table of tables) {
      if (wanted.has('table') && wanted.get('table') !== table.id) continue;
      const column = table.columns.find((candidate) => candidate.key === wanted.get('sort'));
      if (column) table.sort(column.key, wanted.has('order') ? wanted.get('order') === 'ascending' : column.ascending);
      if (wanted.has('filter') && table.filterBox) table.filter(wanted.get('filter'));
      if (wanted.has('table')) table.element.scrollIntoView();
    }
  }

  // ---- Axes ----------------------------------------------------------------------------------------------------------

  const width = 560;
  const lineHeight = 18;
  const letter = 6.6;  // mean width of a character of 12 px

  function tickText(value, step) {
    if (value === 0) return '0';
    if (Math.abs(value) >= 1e6 || Math.abs(value) < 1e-4) return value.toExponential(0).replace('e+', 'e');
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    return value.toLocaleString('en-US', {minimumFractionDigits: digits, maximumFractionDigits: digits});
  }

  /** A scale in round numbers around the values: {at(value) in 0 .. 1, ticks: [{value, text}]}. */
  function linearScale(low, high, count) {
    const pad = low === high ? Math.abs(low) * 0.05 || 1 : 0;
    const raw = (high - low + 2 * pad) / count;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((m) => m * power).find((candidate) => candidate >= raw * 0.999);
    const first = Math.floor((low - pad) / step + 1e-9);
    const last = Math.max(Math.ceil((high + pad) / step - 1e-9), first + 1);
    const ticks = [];
    for (let k = first; k <= last; ++k) ticks.push({value: k * step, text: tickText(k * step, step)});
    return {ticks, span: (last - first) * step, at: (value) => (value / step - first) / (last - first)};
  }

  /** A tick a value where each is about twice the one before or more, as batch sizes are; else null. */
  function doublingScale(values) {
    const distinct = [...new Set(values.filter(isNumber))].sort((a, b) => a - b);
    if (distinct.length < 3 || distinct[0] <= 0 || distinct.some((value, i) => i > 0 && value < 1.9 * distinct[i - 1])) return null;
    const first = Math.log2(distinct[0]);
    const last = Math.log2(distinct[distinct.length - 1]);
    const stride = Math.ceil(distinct.length / 10);
    const ticks = distinct.filter((_, i) => i % stride === 0).map((value) => ({value, text: value.toLocaleString('en-US')}));
    return {ticks, at: (value) => 0.03 + 0.94 * (Math.log2(value) - first) / (last - first)};
  }

  function logScale(low, high) {
    const first = Math.floor(Math.log10(low) + 1e-9);
    const last = Math.max(Math.ceil(Math.log10(high) - 1e-9), first + 1);
    const stride = Math.ceil((last - first) / 8);
    const ticks = [];
    for (let k = first; k <= last; k += stride) ticks.push({value: 10 ** k, text: tickText(10 ** k, 10 ** k)});
    return {ticks, at: (value) => (Math.log10(value) - first) / (last - first)};
  }

  /** `log` allows a logarithmic axis; it is taken where linear would press most points together. `setting`: the values were
   *  chosen, and stand evenly where they double. `covers`: values that the axis reaches whatever is plotted. */
  function scaleFor(axis, values, count) {
    const doubling = axis.setting ? doublingScale(values) : null;
    if (doubling) return doubling;
    let low = Infinity;
    let high = -Infinity;
    for (const value of [...values, ...(axis.covers || [])]) {
      if (!isNumber(value)) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    if (low > high) return null;
    return axis.log && low > 0 && high / low > 30 ? logScale(low, high) : linearScale(low, high, count);
  }

  /** The frame of a plot with grid and axis labels; null when an axis has no value. `rows` replaces the y axis by names.
   *  `equal`: a step is as long to the right as upwards, as on a map. */
  function frame(title, x, xValues, y, yValues, rows, equal = false) {
    const xScale = scaleFor(x, xValues, 6);
    const yScale = rows ? {ticks: []} : scaleFor(y, yValues, 6);
    if (!xScale || !yScale) return null;
    const widest = (texts) => Math.max(0, ...texts.map((text) => text.length)) * letter;
    const left = rows ? Math.min(widest(rows), 210) + 12 : widest(yScale.ticks.map((tick) => tick.text)) + 34;
    const box = {left, right: width - 16, top: 10, bottom: rows ? 10 + rows.length * lineHeight + 6 : 310};
    if (equal) {
      const most = 560;  // high
      const unit = Math.min((box.right - box.left) / xScale.span, (most - box.top) / yScale.span);
      box.right = box.left + unit * xScale.span;
      box.bottom = box.top + unit * yScale.span;
    }
    const drawing = blankDrawing.cloneNode(true);
    dress(drawing, {viewBox: `0 0 ${width} ${box.bottom + 42}`, 'aria-label': title}, []);
    const px = (value) => box.left + xScale.at(value) * (box.right - box.left);
    const py = (value) => box.bottom - yScale.at(value) * (box.bottom - box.top);
    const rowAt = (index) => box.top + 3 + (index + 0.5) * lineHeight;
    for (const {value, text} of xScale.ticks) {
      drawing.append(svg('line', {class: 'grid', x1: px(value), x2: px(value), y1: box.top, y2: box.bottom}),
          svg('text', {class: 'tick', x: px(value), y: box.bottom + 16, 'text-anchor': 'middle'}, text));
    }
    for (const {value, text} of yScale.ticks) {
      drawing.append(svg('line', {class: 'grid', x1: box.left, x2: box.right, y1: py(value), y2: py(value)}),
          svg('text', {class: 'tick', x: box.left - 6, y: py(value) + 4, 'text-anchor': 'end'}, text));
    }
    (rows || []).forEach((name, index) => {
      const fits = Math.floor(210 / letter);
      const short = name.length > fits ? name.slice(0, fits - 1) + '\u2026' : name;
      drawing.append(svg('line', {class: 'grid', x1: box.left, x2: box.right, y1: rowAt(index), y2: rowAt(index)}),
          svg('text', {x: box.left - 6, y: rowAt(index) + 4, 'text-anchor': 'end'}, svg('title', {}, name), short));
    });
    const middle = (box.top + box.bottom) / 2;
    drawing.append(
        svg('path', {class: 'frame', d: `M${box.left} ${box.top}V${box.bottom}H${box.right}`}),
        svg('text', {x: (box.left + box.right) / 2, y: box.bottom + 36, 'text-anchor': 'middle'}, x.label));
    if (!rows) {
      drawing.append(svg('text', {transform: `translate(12 ${middle}) rotate(-90)`, 'text-anchor': 'middle'}, y.label));
    }
    return {drawing, px, py, rowAt, box};
  }

  // ---- Marks ---------------------------------------------------------------------------------------------------------

  const shapes = [
    (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`,
    (x, y, r) => `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z`,
    (x, y, r) => `M${x} ${y - 1.2 * r}l${1.2 * r} ${2.1 * r}h${-2.4 * r}z`,
    (x, y, r) => `M${x} ${y - 1.4 * r}l${1.4 * r} ${1.4 * r}l${-1.4 * r} ${1.4 * r}l${-1.4 * r} ${-1.4 * r}z`,
    (x, y, r) => `M${x} ${y + 1.2 * r}l${1.2 * r} ${-2.1 * r}h${-2.4 * r}z`,
    (x, y, r) => `M${x - 1.2 * r} ${y - 1.1 * r}h${2.4 * r}l${-2.4 * r} ${2.2 * r}h${2.4 * r}z`,
    (x, y, r) => `M${x - 0.45 * r} ${y - 1.3 * r}h${0.9 * r}v${0.85 * r}h${0.85 * r}v${0.9 * r}h${-0.85 * r}v${0.85 * r}h${-0.9 * r}v${-0.85 * r}h${-0.85 * r}v${-0.9 * r}h${0.85 * r}z`,
  ];
  const dashes = ['', '7 3', '2 3', '9 3 2 3'];
  const mark = (x, y, r, shape = 0) => svg('path', {class: 'mark', d: shapes[shape % shapes.length](x, y, r)});
  const titled = (node, text) => { node.append(svg('title', {}, text)); return node; };

  /** Line k differs from its neighbours in colour, dash and mark; `marked` are the indexes of the points with a mark. */
  function seriesLine(k, points, marked) {
    const group = svg('g', {class: `series c${k % 6}`});
    // A gap in the values is a gap in the line.
    let path = '';
    let open = false;
    for (const point of points) {
      path += point ? `${open ? 'L' : 'M'}${point[0]} ${point[1]}` : '';
      open = point !== null;
    }
    group.append(svg('path', {class: 'line', d: path, 'stroke-dasharray': dashes[k % dashes.length] || null}));
    for (const i of marked) if (points[i]) group.append(mark(points[i][0], points[i][1], 3.5, k));
    return group;
  }

  // ---- Plots: each takes the figure's element, its title and its data -----------------------------------------------------

  const mostLines = 20;

  /** {x: axis, y: axis, series: [{name, values, x?}], shown}: the first `shown` at once, the reader chooses others. */
  function lines(host, title, data) {
    const series = data.series.map((one) => ({
      name: one.name, x: valuesOf(data.x, one.x || data.x.values), y: valuesOf(data.y, one.values), own: Boolean(one.x)}));
    const first = series.map((_, index) => index).slice(0, data.shown || series.length);
    let slots = [...first];  // position k: the series drawn in style k, or null
    const area = html('div');
    const legend = html('ul', {class: 'legend'});
    const band = series.length > first.length ? spread(series) : null;
    const everyX = series.flatMap((one) => one.x);
    const everyY = series.flatMap((one) => one.y);

    function redraw() {
      const parts = frame(title, data.x, everyX, data.y, everyY);
      if (!parts) return;
      const at = (x, y) => isNumber(x) && isNumber(y) ? [parts.px(x), parts.py(y)] : null;
      if (band) parts.drawing.append(drawBand(band, parts));
      const groups = [];
      slots.forEach((index, k) => {
        if (index === null) return;
        const one = series[index];
        const every = Math.ceil(one.x.length / 12);
        const marked = one.x.map((_, i) => i).filter((i) => i % every === 0);
        const group = seriesLine(k, one.x.map((x, i) => at(x, one.y[i])), marked);
        const best = Math.max(...one.y.filter(isNumber));
        groups[k] = titled(group, `${one.name}: highest ${brief(best)}`);
      });
      parts.drawing.append(...groups.filter(Boolean));
      area.replaceChildren(parts.drawing);
      const emphasise = (k) => groups.forEach((group, other) => group.classList.toggle('faded', k !== null && other !== k));
      legend.replaceChildren(...slots.flatMap((index, k) => index === null ? [] : [entry(index, k, emphasise)]));
      if (band) legend.append(bandEntry());
      if (chooser) chooser.update();
    }

    function entry(index, k, emphasise) {
      const swatch = svg('svg', {'aria-hidden': 'true', viewBox: '0 0 36 12'}, seriesLine(k, [[0, 6], [18, 6], [36, 6]], [1]));
      const remove = () => { slots[k] = null; redraw(); };
      return html('li', {onmouseenter: () => emphasise(k), onmouseleave: () => emphasise(null)}, swatch, series[index].name,
          html('button', {type: 'button', 'aria-label': `Remove ${series[index].name}`, onclick: remove,
            onfocus: () => emphasise(k), onblur: () => emphasise(null)}, '\u00d7'));
    }

    const add = (index) => {
      const free = slots.indexOf(null);
      if (free >= 0) slots[free] = index;
      else slots.push(index);
      redraw();
    };
    const reset = () => { slots = [...first]; redraw(); };
    const chooser = series.length > 1 ?
        makeChooser(host.id, data.each || 'model', series.map((one) => one.name), () => slots.filter((index) => index !== null), add, reset) : null;
    redraw();
    if (!area.firstChild) return;
    host.append(area, legend);
    if (chooser) host.append(chooser.element);
  }

  /** A box to add a series by name, and a button back to the first ones. */
  function makeChooser(id, each, names, shown, add, reset) {
    const options = html('datalist', {id: `${id}-names`});
    const status = html('span', {role: 'status'});
    const choose = (event) => {
      const index = names.indexOf(event.target.value);
      if (index < 0 || shown().includes(index)) return;
      event.target.value = '';
      add(index);
    };
    const input = html('input', {list: `${id}-names`, placeholder: `name of a ${each}`, oninput: choose});
    const update = () => {
      const drawn = new Set(shown());
      options.replaceChildren(...names.filter((_, index) => !drawn.has(index)).map((name) => html('option', {value: name})));
      input.disabled = drawn.size >= mostLines;
      status.textContent = input.disabled ? 'No more fit; remove one first' : `${drawn.size} of ${grouped(names.length)} shown`;
    };
    const back = html('button', {type: 'button', onclick: reset}, each === 'model' ? 'Best again' : 'First again');
    return {update, element: html('div', {class: 'controls'}, html('label', {}, 'Add ', input), options, back, status)};
  }

  function quantile(sorted, q) {
    const at = q * (sorted.length - 1);
    const low = Math.floor(at);
    return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
  }
  const sorted = (values) => values.filter(isNumber).sort((a, b) => a - b);

  /** Where nine tenths of many series lie, for those that share the x values. */
  function spread(series) {
    const shared = series.filter((one) => !one.own);
    if (shared.length < 3) return null;
    return shared[0].x.map((x, i) => {
      const values = sorted(shared.map((one) => one.y[i]));
      return {x, low: quantile(values, 0.05), high: quantile(values, 0.95)};
    }).filter((point) => isNumber(point.x) && isNumber(point.low));
  }
  function drawBand(band, parts) {
    const edge = (key) => band.map((point) => `${parts.px(point.x)} ${parts.py(point[key])}`);
    return svg('path', {class: 'band', d: `M${[...edge('low'), ...edge('high').reverse()].join('L')}z`});
  }
  const bandEntry = () => html('li', {}, svg('svg', {'aria-hidden': 'true', viewBox: '0 0 36 12'},
      svg('rect', {class: 'swatch', width: 36, height: 12})), 'nine tenths of all');

  const few = 16;  // points that can carry their names

  const mostGroups = 42;  // pairs of colour and shape

  /** Least squares over points [x, y]: the ends of the line within them; null where there is none. */
  function fitted(points) {
    const n = points.length;
    const mean = (k) => points.reduce((sum, point) => sum + point[k], 0) / n;
    const [mx, my] = [mean(0), mean(1)];
    const sxx = points.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
    if (n < 3 || sxx === 0) return null;
    const slope = points.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0) / sxx;
    const xs = points.map(([x]) => x);
    return [Math.min(...xs), Math.max(...xs)].map((x) => [x, my + slope * (x - mx)]);
  }

  /** {names, x: axis, y: axis, groups?, groupNames?, fit?, equal?}: a mark a name; names of a group share a colour and a
   *  shape. `x.error` are standard errors, `fit` draws the least-squares line, `equal` is for maps. */
  function scatter(host, title, data) {
    const names = resolve(data.names);
    const x = valuesOf(data.x);
    const y = valuesOf(data.y);
    const both = names.map((_, i) => i).filter((i) => isNumber(x[i]) && isNumber(y[i]));
    const error = data.x.error ? valuesOf(data.x, data.x.error) : [];
    const reach = both.filter((i) => isNumber(error[i])).flatMap((i) => [x[i] - error[i], x[i] + error[i]]);
    const line = data.fit ? fitted(both.map((i) => [x[i], y[i]])) : null;
    const parts = frame(title, data.x, [...both.map((i) => x[i]), ...reach], data.y,
        [...both.map((i) => y[i]), ...(line || []).map((end) => end[1])], null, data.equal);
    if (!parts) return;
    if (line) parts.drawing.append(svg('path', {class: 'fit', d: `M${line.map(([a, b]) => `${parts.px(a)} ${parts.py(b)}`).join('L')}`}));
    const [density, radius] = both.length > 300 ? ['crowd', 2.5] : both.length > 60 ? ['many', 3] : ['', 4.5];
    const all = svg('g', {class: density});
    const groups = (data.groupNames || []).map((_, k) => svg('g', {class: `series c${k % 6}`}));
    all.append(...groups);
    for (const i of both) {
      const k = data.groups ? data.groups[i] : 0;
      const name = data.groups ? `${names[i]}, ${data.groupNames[k]}` : names[i];
      const bar = isNumber(error[i]) && error[i] > 0;
      const text = `${name}\n${data.x.label}: ${brief(x[i])}${bar ? ` \u00b1 ${brief(error[i])}` : ''}\n${data.y.label}: ${brief(y[i])}`;
      if (bar) all.append(svg('path', {class: 'bar', d: `M${parts.px(x[i] - error[i])} ${parts.py(y[i])}H${parts.px(x[i] + error[i])}`}));
      (groups[k] || all).append(titled(mark(parts.px(x[i]), parts.py(y[i]), radius, k), text));
    }
    parts.drawing.append(all);
    if (both.length <= few) addLabels(parts, both.map((i) => ({name: names[i], x: parts.px(x[i]), y: parts.py(y[i])})));
    host.append(parts.drawing);
    const said = [reach.length > 0 ? 'bars: one standard error' : '', line ? 'dashed: least-squares line' : ''].filter(Boolean);
    if (said.length > 0) host.append(html('p', {class: 'note'}, `${said.join('; ')}`));
    if (groups.length > 0 && groups.length <= mostGroups) host.append(groupLegend(data.groupNames));
  }

  const groupLegend = (names) => html('ul', {class: 'legend'}, ...names.map((name, k) => html('li', {},
      svg('svg', {'aria-hidden': 'true', viewBox: '0 0 36 12'}, svg('g', {class: `series c${k % 6}`}, mark(18, 6, 4, k))), name)));

  /** Names beside their points, where there is room for them. */
  function addLabels(parts, points) {
    const taken = points.map(({x, y}) => ({left: x - 5, right: x + 5, top: y - 5, bottom: y + 5}));
    const free = (a) => a.left >= parts.box.left && a.right <= width && a.top >= 0 && a.bottom <= parts.box.bottom &&
        taken.every((b) => a.right < b.left || b.right < a.left || a.bottom < b.top || b.bottom < a.top);
    for (const {name, x, y} of points) {
      const long = name.length * letter;
      const places = [[x + 8, y + 4, 'start', 0], [x - 8, y + 4, 'end', 1], [x, y - 8, 'middle', 0.5],
        [x, y + 17, 'middle', 0.5], [x + 5, y - 8, 'end', 1], [x + 5, y + 17, 'end', 1]];
      for (const [tx, ty, anchor, part] of places) {
        const area = {left: tx - part * long, right: tx + (1 - part) * long, top: ty - 10, bottom: ty + 2};
        if (!free(area)) continue;
        taken.push(area);
        parts.drawing.append(svg('text', {class: 'halo', x: tx, y: ty, 'text-anchor': anchor}, name));
        break;
      }
    }
  }

  const mostRows = 40;  // rows with names; more models become a scatter over their position

  /** {names, x: axis with optional low and high}: a row a name; with many names, the value over the position. */
  function dots(host, title, data) {
    const names = resolve(data.names);
    const x = valuesOf(data.x);
    if (names.length > mostRows) {
      const position = {label: 'position in the ranking', values: names.map((_, i) => i + 1)};
      scatter(host, title, {names, x: position, y: data.x});
      return;
    }
    const ends = (key) => data.x[key] ? valuesOf(data.x, data.x[key]) : [];
    const low = ends('low');
    const high = ends('high');
    const parts = frame(title, data.x, [...x, ...low, ...high], null, null, names);
    if (!parts) return;
    names.forEach((name, i) => {
      const y = parts.rowAt(i);
      const between = isNumber(low[i]) && isNumber(high[i]);
      if (between) {
        const cap = (at) => `M${parts.px(at)} ${y - 4}v8`;
        parts.drawing.append(svg('path', {class: 'interval', d: `M${parts.px(low[i])} ${y}H${parts.px(high[i])}${cap(low[i])}${cap(high[i])}`}));
      }
      if (!isNumber(x[i])) return;
      const text = `${name}: ${brief(x[i])}` + (between ? ` [${brief(low[i])}, ${brief(high[i])}]` : '');
      parts.drawing.append(titled(mark(parts.px(x[i]), y, 4.5), text));
    });
    host.append(parts.drawing);
  }

  const boxable = 5;  // values of which quartiles say something

  /** {names, x: axis of arrays}: quartiles as a box and whiskers to the ends where there are values enough, a mark a value
   *  while they are few. */
  function box(host, title, data) {
    const names = resolve(data.names).slice(0, mostRows);
    const values = valuesOf(data.x).slice(0, mostRows);
    const parts = frame(title, data.x, values.flat(), null, null, names);
    if (!parts) return;
    names.forEach((name, i) => {
      const all = sorted(values[i]);
      if (all.length === 0) return;
      const y = parts.rowAt(i);
      const [low, q1, median, q3, high] = [0, 0.25, 0.5, 0.75, 1].map((q) => parts.px(quantile(all, q)));
      const group = svg('g', {});
      if (all.length >= boxable) group.append(
          svg('path', {class: 'interval', d: `M${low} ${y}H${high}M${low} ${y - 4}v8M${high} ${y - 4}v8`}),
          svg('rect', {class: 'box', x: q1, y: y - 6, width: Math.max(q3 - q1, 0.5), height: 12}),
          svg('path', {class: 'interval', d: `M${median} ${y - 6}v12`}));
      if (all.length <= 12) group.append(...all.map((value) => mark(parts.px(value), y, 3)));
      parts.drawing.append(titled(group, `${name}: median ${brief(quantile(all, 0.5))} of ${all.length}`));
    });
    if (resolve(data.names).length > mostRows) host.append(html('p', {class: 'note'}, `The first ${mostRows} are shown.`));
    host.append(parts.drawing);
  }

  // ---- Start ---------------------------------------------------------------------------------------------------------

  const plots = {lines, scatter, dots, box};
  const drawnAtOnce = 24;     // figures; more are drawn as they come near the window
  const waiting = new Map();  // those that are not drawn yet

  function guarded(id, action) {
    try {
      action();
    } catch (error) {
      console.error(`section ${id}:`, error);
    }
  }

  function draw(figure) {
    const section = waiting.get(figure);
    if (!section) return;
    waiting.delete(figure);
    figure.dataset.drawn = section.kind;
    guarded(section.id, () => plots[section.kind](figure, figure.querySelector('figcaption').textContent, section.data));
    if (!figure.querySelector('.drawing')) figure.append(html('p', {class: 'note'}, 'There are no values to plot.'));
  }

  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      observer.unobserve(entry.target);
      draw(entry.target);
    }
  }, {rootMargin: '800px'});

  for (const section of page.sections) {
    const host = document.getElementById(section.id);
    if (!host) continue;
    if (section.kind === 'table') {
      guarded(section.id, () => tables.push(new Table(section.id, section.data, host)));
    } else if (Object.hasOwn(plots, section.kind)) {
      waiting.set(host, section);
    }
  }
  const drawAll = () => [...waiting.keys()].forEach(draw);
  if (waiting.size <= drawnAtOnce) drawAll();
  else for (const figure of waiting.keys()) observer.observe(figure);
  followAddress();
  addEventListener('hashchange', followAddress);
  addEventListener('beforeprint', () => {
    drawAll();
    tables.forEach((table) => table.offerSorting(false));
  });
  addEventListener('afterprint', () => tables.forEach((table) => table.offerSorting(true)));
})();
