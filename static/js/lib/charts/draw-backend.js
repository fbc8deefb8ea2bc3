// Two backends that draw the same figure: onto a canvas, and into the text of an SVG file.

/**
 * @typedef {object} Stroke
 * @property {string} colour
 * @property {number} [width]
 * @property {number[]} [dash]
 * @property {number} [alpha]
 */
/** @typedef {CanvasBackend | SvgBackend} DrawBackend */

export class CanvasBackend {
  /** @param {CanvasRenderingContext2D} context @param {string} family of the font */
  constructor(context, family) {
    this.context = context;
    this.family = family;
  }

  /** @param {number[]} points x, y, x, y ... @param {Stroke} stroke */
  path(points, { colour, width = 1, dash = [], alpha = 1 }) {
    const { context } = this;
    context.beginPath();
    for (let index = 0; index < points.length; index += 2) context.lineTo(points[index], points[index + 1]);
    Object.assign(context, { strokeStyle: colour, lineWidth: width, globalAlpha: alpha, lineJoin: "round" });
    context.setLineDash(dash);
    context.stroke();
    context.globalAlpha = 1;
  }

  /** @param {number[]} points @param {string} colour @param {number} alpha */
  area(points, colour, alpha) {
    const { context } = this;
    context.beginPath();
    for (let index = 0; index < points.length; index += 2) context.lineTo(points[index], points[index + 1]);
    Object.assign(context, { fillStyle: colour, globalAlpha: alpha });
    context.fill();
    context.globalAlpha = 1;
  }

  /** @param {number} x @param {number} y @param {number} radius @param {string} colour */
  dot(x, y, radius, colour) {
    const { context } = this;
    context.fillStyle = colour;
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    context.fill();
  }

  /**
   * @param {number} x @param {number} y @param {string} words
   * @param {{colour: string, align?: CanvasTextAlign, size?: number, bold?: boolean}} style
   */
  text(x, y, words, { colour, align = "left", size = 11.5, bold = false }) {
    const { context } = this;
    Object.assign(context, { fillStyle: colour, textAlign: align, textBaseline: "middle", font: `${bold ? "600 " : ""}${size}px ${this.family}` });
    context.fillText(words, x, y);
  }

  /** Draw only inside a box. @param {number} x @param {number} y @param {number} width @param {number} height @param {() => void} draw */
  inside(x, y, width, height, draw) {
    const { context } = this;
    context.save();
    context.beginPath();
    context.rect(x, y, width, height);
    context.clip();
    draw();
    context.restore();
  }
}

const escape = (/** @type {string} */ words) => words.replace(/[&<>]/g, (letter) => `&#${letter.charCodeAt(0)};`);
const short = (/** @type {number} */ value) => String(Math.round(10 * value) / 10);
let clips = 0;

export class SvgBackend {
  /** @param {string} family of the font */
  constructor(family) {
    this.family = family.replace(/"/g, "'");
    /** @type {string[]} */
    this.parts = [];
  }

  /** @param {number[]} points @returns {string} */
  #points(points) {
    return points.map(short).join(" ");
  }

  /** @param {number[]} points @param {Stroke} stroke */
  path(points, { colour, width = 1, dash = [], alpha = 1 }) {
    const dashes = dash.length ? ` stroke-dasharray="${dash.join(" ")}"` : "";
    this.parts.push(`<polyline points="${this.#points(points)}" fill="none" stroke="${colour}" stroke-width="${width}" stroke-opacity="${alpha}" stroke-linejoin="round"${dashes}/>`);
  }

  /** @param {number[]} points @param {string} colour @param {number} alpha */
  area(points, colour, alpha) {
    this.parts.push(`<polygon points="${this.#points(points)}" fill="${colour}" fill-opacity="${alpha}"/>`);
  }

  /** @param {number} x @param {number} y @param {number} radius @param {string} colour */
  dot(x, y, radius, colour) {
    this.parts.push(`<circle cx="${short(x)}" cy="${short(y)}" r="${radius}" fill="${colour}"/>`);
  }

  /**
   * @param {number} x @param {number} y @param {string} words
   * @param {{colour: string, align?: CanvasTextAlign, size?: number, bold?: boolean}} style
   */
  text(x, y, words, { colour, align = "left", size = 11.5, bold = false }) {
    const anchor = { left: "start", center: "middle", right: "end" }[/** @type {string} */ (align)];
    this.parts.push(`<text x="${short(x)}" y="${short(y)}" dy="0.35em" fill="${colour}" font-size="${size}" text-anchor="${anchor}"${bold ? ' font-weight="600"' : ""}>${escape(words)}</text>`);
  }

  /** @param {number} x @param {number} y @param {number} width @param {number} height @param {() => void} draw */
  inside(x, y, width, height, draw) {
    const id = `clip${(clips += 1)}`;
    this.parts.push(`<clipPath id="${id}"><rect x="${x}" y="${y}" width="${width}" height="${height}"/></clipPath><g clip-path="url(#${id})">`);
    draw();
    this.parts.push("</g>");
  }

  /** @param {number} width @param {number} height @param {string} paper @returns {string} the file */
  file(width, height, paper) {
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${this.family}"><rect width="100%" height="100%" fill="${paper}"/>${this.parts.join("")}</svg>`;
  }
}
