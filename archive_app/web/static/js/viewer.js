// The page viewer: thumbnails, one page at a time, fit, zoom, pan, rotate, text that can be selected, boxes that are lit.
// Boxes come in pixels of the page before rotation; everything is drawn in the upright page's pixels.

const ZH = document.documentElement.lang.startsWith("zh");
const WORDS = ZH
  ? { width: "适合宽度", whole: "整页", in: "放大", out: "缩小", turn: "旋转视图", before: "上一页", after: "下一页", page: "第 {n} 页", pages: "页", failed: "识读失败", none: "此页没有图像", hit: "下一处" }
  : { width: "Fit width", whole: "Whole page", in: "Zoom in", out: "Zoom out", turn: "Rotate the view", before: "Page before", after: "Next page", page: "Page {n}", pages: "Pages", failed: "not read", none: "This page has no picture", hit: "Next hit" };
const ICONS = new URL("../icons.svg", import.meta.url).href;
const STILL = window.matchMedia("(prefers-reduced-motion: reduce)");
const GLIDE_MS = 240;
const CLOSEST = 4; // device pixels a page pixel
const GAP = 12; // around the sheet
const measure = document.createElement("canvas").getContext("2d");

export function upright(page, [x, y, w, h]) {
  const { width, height } = page;
  switch (((page.rotation % 360) + 360) % 360) {
    case 90:
      return [height - y - h, x, h, w];
    case 180:
      return [width - x - w, height - y - h, w, h];
    case 270:
      return [y, width - x - w, h, w];
    default:
      return [x, y, w, h];
  }
}

export function uprightSize(page) {
  return page.rotation % 180 ? [page.height, page.width] : [page.width, page.height];
}

function turning(angle, width, height) {
  switch (((angle % 360) + 360) % 360) {
    case 90:
      return `translate(${height}px, 0) rotate(90deg)`;
    case 180:
      return `translate(${width}px, ${height}px) rotate(180deg)`;
    case 270:
      return `translate(0, ${width}px) rotate(270deg)`;
    default:
      return "";
  }
}

function sized(address, width) {
  return width ? `${address}${address.includes("?") ? "&" : "?"}width=${width}` : address;
}

function picture(page) {
  const image = new Image();
  image.decoding = "async";
  image.draggable = false;
  image.alt = "";
  image.src = page.image;
  Object.assign(image.style, {
    position: "absolute",
    left: "0",
    top: "0",
    width: `${page.width}px`,
    height: `${page.height}px`,
    maxWidth: "none",
    transformOrigin: "0 0",
    transform: turning(page.rotation, page.width, page.height),
  });
  return image;
}

/** Shows a box of a page inside `element`, as large as its width and `tallest` pixels allow. */
export function crop(element, page, box, tallest = 64) {
  const [x, y, w, h] = upright(page, box);
  const margin = Math.max(12, h * 0.35);
  const wide = w + 2 * margin;
  const tall = h + 2 * margin;
  const scale = Math.min(element.clientWidth / wide, tallest / tall, 1.5);
  const holder = document.createElement("div");
  const image = picture(page);
  image.className = "scan";
  Object.assign(holder.style, {
    position: "absolute",
    left: "0",
    top: "0",
    transformOrigin: "0 0",
    transform: `scale(${scale}) translate(${-x + margin}px, ${-y + margin}px)`,
  });
  holder.append(image);
  element.replaceChildren(holder);
  element.style.height = `${Math.round(tall * scale)}px`;
  element.style.width = `${Math.round(wide * scale)}px`;
}

function button(name, icon, act, keys) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "viewer-tool";
  made.title = keys ? `${name} (${keys})` : name;
  made.setAttribute("aria-label", name);
  made.innerHTML = `<svg class="icon" aria-hidden="true"><use href="${ICONS}#${icon}"></use></svg>`;
  made.addEventListener("click", act);
  return made;
}

export class PageViewer {
  constructor(element, data) {
    this.element = element;
    this.zoom = 1;
    this.fitting = "width";
    this.turned = 0;
    this.marks = [];
    this.current = null;
    this.flight = 0;
    this.build();
    this.load(data);
    new ResizeObserver(() => this.refit()).observe(this.stage);
  }

  build() {
    this.element.classList.add("viewer");
    this.thumbs = document.createElement("ol");
    this.thumbs.className = "viewer-thumbs";
    this.thumbs.setAttribute("aria-label", WORDS.pages);
    this.stage = document.createElement("div");
    this.stage.className = "viewer-stage";
    this.stage.tabIndex = 0;
    this.stage.setAttribute("role", "group");
    this.sheet = document.createElement("div");
    this.sheet.className = "viewer-sheet";
    this.stage.append(this.sheet);
    this.said = document.createElement("output");
    this.percent = document.createElement("output");
    this.bar = document.createElement("div");
    this.bar.className = "viewer-bar";
    this.bar.append(
      button(WORDS.before, "chevron-left", () => this.step(-1), "PageUp"),
      this.said,
      button(WORDS.after, "chevron-right", () => this.step(1), "PageDown"),
      button(WORDS.out, "zoom-out", () => this.zoomBy(1 / 1.25), "−"),
      this.percent,
      button(WORDS.in, "zoom-in", () => this.zoomBy(1.25), "+"),
      button(WORDS.width, "fit", () => this.fit(this.fitting === "width" ? "page" : "width"), "0"),
      button(WORDS.turn, "rotate", () => this.rotate(), "R"),
    );
    this.element.replaceChildren(this.thumbs, this.stage, this.bar);
    this.stage.addEventListener("pointerdown", (event) => this.pan(event));
    this.stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.stage.addEventListener("keydown", (event) => this.key(event));
  }

  load({ pages, boxes = {} }) {
    cancelAnimationFrame(this.flight);
    this.pages = pages;
    this.turned = 0;
    this.fitting = "width";
    this.current = null;
    this.marks = pages.flatMap((page) =>
      [...(page.boxes ?? []), ...(boxes[page.number] ?? [])].map((box) => ({ page: page.number, box, kind: "hit" })),
    );
    this.element.classList.toggle("single", pages.length < 2);
    this.thumbs.replaceChildren(...pages.map((page) => this.thumb(page)));
    const first = this.marks[0]?.page ?? pages[0]?.number;
    if (first !== undefined) this.turnTo(first);
    else this.sheet.replaceChildren();
  }

  thumb(page) {
    const line = document.createElement("li");
    const made = document.createElement("button");
    made.type = "button";
    made.dataset.page = page.number;
    made.setAttribute("aria-label", WORDS.page.replace("{n}", page.number));
    if (page.image) {
      const image = new Image();
      image.loading = "lazy";
      image.alt = "";
      image.className = "scan";
      image.src = sized(page.image, 120);
      const frame = document.createElement("span");
      frame.className = "viewer-thumb";
      frame.append(image);
      if (page.rotation) image.style.transform = `rotate(${page.rotation}deg)`;
      made.append(frame);
    }
    const number = document.createElement("span");
    number.textContent = page.failed ? `${page.number} · ${WORDS.failed}` : page.number;
    if (page.failed) made.classList.add("failed");
    if (this.marks.some((mark) => mark.page === page.number)) made.classList.add("hit");
    made.append(number);
    made.addEventListener("click", () => this.turnTo(page.number));
    line.append(made);
    return line;
  }

  turnTo(number) {
    const page = this.pages.find((one) => one.number === number);
    if (!page) return;
    const isNew = this.current !== page;
    this.current = page;
    if (isNew) this.draw();
    this.refit();
    for (const made of this.thumbs.querySelectorAll("button")) {
      const here = Number(made.dataset.page) === number;
      if (here) made.setAttribute("aria-current", "true");
      else made.removeAttribute("aria-current");
      if (here && this.thumbs.scrollHeight > this.thumbs.clientHeight) made.scrollIntoView({ block: "nearest" });
    }
    this.said.textContent = `${number} / ${this.pages.length}`;
    this.stage.setAttribute("aria-label", WORDS.page.replace("{n}", number));
    if (!isNew) return;
    this.stage.scrollTo(0, 0);
    this.element.dispatchEvent(new CustomEvent("page", { detail: { number } }));
  }

  draw() {
    const page = this.current;
    this.paper = document.createElement("div");
    this.paper.className = "viewer-paper";
    const [width, height] = uprightSize(page);
    Object.assign(this.paper.style, { width: `${width}px`, height: `${height}px`, transformOrigin: "0 0" });
    if (page.image) {
      const image = picture(page);
      image.className = "scan";
      this.paper.append(image);
    } else {
      this.paper.classList.add("bare");
      const told = document.createElement("p");
      told.textContent = WORDS.none;
      this.paper.append(told);
    }
    this.paper.append(this.textLayer(page));
    this.boxLayer = document.createElement("div");
    this.boxLayer.className = "viewer-boxes";
    this.paper.append(this.boxLayer);
    this.sheet.replaceChildren(this.paper);
    this.drawMarks();
  }

  textLayer(page) {
    const layer = document.createElement("div");
    layer.className = page.image ? "viewer-text" : "viewer-text seen";
    for (const line of page.lines) {
      const [x, y, w, h] = upright(page, line.box);
      const span = document.createElement("span");
      const down = h > w * 2 && line.text.length > 1; // a line that runs downwards
      const size = Math.max(4, (down ? w : h) * 0.82);
      measure.font = `${size}px sans-serif`;
      const natural = measure.measureText(line.text).width || 1;
      span.textContent = line.text;
      Object.assign(span.style, {
        left: `${down ? x + w : x}px`,
        top: `${y}px`,
        fontSize: `${size}px`,
        lineHeight: `${down ? w : h}px`,
        transform: `${down ? "rotate(90deg) " : ""}scaleX(${(down ? h : w) / natural})`,
      });
      layer.append(span, document.createElement("br"));
    }
    return layer;
  }

  /** Lights boxes: `[{page, box, kind, id}]`, kind `hit`, `doubtful`, `read` or `current`. */
  mark(marks) {
    this.marks = marks;
    this.drawMarks();
  }

  drawMarks() {
    if (!this.boxLayer) return;
    this.boxLayer.replaceChildren();
    for (const mark of this.marks) {
      if (mark.page !== this.current.number || !mark.box) continue;
      const [x, y, w, h] = upright(this.current, mark.box);
      const box = document.createElement("i");
      box.className = `viewer-box ${mark.kind}`;
      Object.assign(box.style, { left: `${x}px`, top: `${y}px`, width: `${w}px`, height: `${h}px` });
      if (mark.id) {
        box.addEventListener("click", () => this.element.dispatchEvent(new CustomEvent("box", { detail: mark })));
      }
      this.boxLayer.append(box);
    }
  }

  size() {
    const [width, height] = uprightSize(this.current);
    return this.turned % 180 ? [height, width] : [width, height];
  }

  fitZoom(how) {
    const [width, height] = this.size();
    const across = (this.stage.clientWidth - 2 * GAP) / width;
    return how === "page" ? Math.min(across, (this.stage.clientHeight - 2 * GAP) / height) : across;
  }

  refit() {
    if (!this.current || !this.stage.clientWidth) return;
    if (this.fitting) this.zoom = this.fitZoom(this.fitting);
    this.place();
  }

  place() {
    const [width, height] = this.size();
    const [paperWidth, paperHeight] = uprightSize(this.current);
    this.sheet.style.width = `${width * this.zoom}px`;
    this.sheet.style.height = `${height * this.zoom}px`;
    this.paper.style.transform = `scale(${this.zoom}) ${turning(this.turned, paperWidth, paperHeight)}`;
    this.paper.style.setProperty("--hair", String(1 / this.zoom));
    this.percent.textContent = `${Math.round((this.zoom / this.fitZoom("width")) * 100)} %`;
  }

  fit(how) {
    cancelAnimationFrame(this.flight);
    this.fitting = how;
    this.refit();
  }

  rotate() {
    cancelAnimationFrame(this.flight);
    this.turned = (this.turned + 90) % 360;
    this.refit();
  }

  step(by) {
    const place = this.pages.indexOf(this.current) + by;
    if (this.pages[place]) this.turnTo(this.pages[place].number);
  }

  /** Zooms about a point of the stage, its middle by default. */
  zoomBy(factor, across = this.stage.clientWidth / 2, down = this.stage.clientHeight / 2) {
    cancelAnimationFrame(this.flight);
    const before = this.zoom;
    this.fitting = null;
    this.zoom = Math.min(CLOSEST, Math.max(0.05, before * factor));
    const [left, top] = this.origin();
    const x = (this.stage.scrollLeft + across - left) / before;
    const y = (this.stage.scrollTop + down - top) / before;
    this.place();
    const [newLeft, newTop] = this.origin();
    this.stage.scrollTo(x * this.zoom + newLeft - across, y * this.zoom + newTop - down);
  }

  origin() {
    return [this.sheet.offsetLeft, this.sheet.offsetTop];
  }

  /** Turns to a page and glides to a box on it, at 150 % of the fitted width by default. */
  show(number, box = null, times = 1.5) {
    this.turnTo(number);
    if (!box || !this.stage.clientWidth) return;
    cancelAnimationFrame(this.flight);
    const [x, y, w, h] = this.seen(upright(this.current, box));
    const room = [this.stage.clientWidth - 4 * GAP, this.stage.clientHeight - 4 * GAP];
    const to = Math.min(this.fitZoom("width") * times, room[0] / w, room[1] / h);
    const from = this.zoom;
    this.fitting = null;
    const middle = [x + w / 2, y + h / 2];
    const start = [this.stage.scrollLeft, this.stage.scrollTop];
    const began = performance.now();
    const frame = (now) => {
      const part = STILL.matches ? 1 : Math.min(1, (now - began) / GLIDE_MS);
      const eased = 1 - (1 - part) ** 3;
      this.zoom = from + (to - from) * eased;
      this.place();
      const [left, top] = this.origin();
      const goal = [
        middle[0] * this.zoom + left - this.stage.clientWidth / 2,
        middle[1] * this.zoom + top - this.stage.clientHeight / 2,
      ];
      this.stage.scrollTo(start[0] + (goal[0] - start[0]) * eased, start[1] + (goal[1] - start[1]) * eased);
      if (part < 1) this.flight = requestAnimationFrame(frame);
    };
    this.flight = requestAnimationFrame(frame);
  }

  /** A box of the upright page as the turned view has it. */
  seen([x, y, w, h]) {
    const [width, height] = uprightSize(this.current);
    return upright({ width, height, rotation: this.turned }, [x, y, w, h]);
  }

  pan(event) {
    const onText = event.target.closest(".viewer-text span, .viewer-box");
    if (event.button === 1 || (event.button === 0 && !onText)) {
      const start = [event.clientX, event.clientY, this.stage.scrollLeft, this.stage.scrollTop];
      cancelAnimationFrame(this.flight);
      this.stage.classList.add("panning");
      this.stage.setPointerCapture(event.pointerId);
      const move = (moved) =>
        this.stage.scrollTo(start[2] + start[0] - moved.clientX, start[3] + start[1] - moved.clientY);
      const end = () => {
        this.stage.classList.remove("panning");
        this.stage.removeEventListener("pointermove", move);
      };
      this.stage.addEventListener("pointermove", move);
      this.stage.addEventListener("pointerup", end, { once: true });
      this.stage.addEventListener("pointercancel", end, { once: true });
    }
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const place = this.stage.getBoundingClientRect();
    this.zoomBy(Math.exp(-event.deltaY / 300), event.clientX - place.left, event.clientY - place.top);
  }

  /** Answers whether the key meant the viewer. */
  key(event) {
    if (event.ctrlKey || event.metaKey || event.defaultPrevented) return false;
    const acts = {
      PageUp: () => this.step(-1),
      PageDown: () => this.step(1),
      "+": () => this.zoomBy(1.25),
      "=": () => this.zoomBy(1.25),
      "-": () => this.zoomBy(1 / 1.25),
      0: () => this.fit(this.fitting === "width" ? "page" : "width"),
      r: () => this.rotate(),
    };
    const act = acts[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return false;
    event.preventDefault();
    act();
    return true;
  }
}
