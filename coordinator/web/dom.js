/**
 * Building elements. Text only ever becomes text nodes: nothing here or
 * elsewhere parses HTML.
 */

const SVG = 'http://www.w3.org/2000/svg';

/** @returns {any} the element with this id, which index.html is sure to have. */
export const byId = (id) => document.getElementById(id);

/**
 * @param {string} tag `name.class.class`
 * @param {Record<string, any>} [properties] set as properties; `aria-*`, `role` as attributes
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function el(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split('.');
  const node = document.createElement(name);
  if (classes.length) node.className = classes.join(' ');
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith('aria-') || key === 'role') node.setAttribute(key, value);
    else node[key] = value;
  }
  node.append(...children);
  return node;
}

/** One of the symbols in index.html. */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  const use = document.createElementNS(SVG, 'use');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Sets text only where it changes, so that live regions don't speak twice. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** A disc in a person's hue with their initial. */
export function disc(hue, initial) {
  const node = el('span.disc', { 'aria-hidden': 'true' }, initial);
  node.style.setProperty('--hue', String(hue));
  return node;
}
