/**
 * The dashboard's script. Every page works without it; with it, pages that say so are
 * brought up to date as things change, and placeholders are drawn.
 */

import { paintThumbHash } from './thumbhash.js';

const keyOf = (node) => node.dataset?.key;
const sameKind = (old, fresh) => old.nodeName === fresh.nodeName && keyOf(old) === keyOf(fresh);

/** Brings `old` to what `fresh` says. What is the same stays, and with it focus and what somebody opened. */
function renew(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  // What is drawn within it is the script's own.
  const isDrawn = old.dataset?.thumbhash === fresh.dataset?.thumbhash && old.querySelector(':scope > canvas');
  for (const { name, value } of fresh.attributes ?? []) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...(old.attributes ?? [])]) {
    if (!fresh.hasAttribute(name) && !(old.nodeName === 'DETAILS' && name === 'open')) old.removeAttribute(name);
  }
  if (!isDrawn) renewChildren(old, fresh);
}

/** Removes a node; returns the one behind it. */
function drop(node) {
  const behind = node.nextSibling;
  node.remove();
  return behind;
}

/** The first of the kind of `child` from `place` on. */
function nextLike(place, child) {
  while (place && !sameKind(place, child)) place = place.nextSibling;
  return place;
}

/** What has a key is the one that had it before, wherever that is; all else is known by its order. */
function renewChildren(old, fresh) {
  const children = [...fresh.childNodes];
  const keys = new Set(children.map(keyOf));
  const known = new Map();
  for (const child of [...old.childNodes].filter((one) => keyOf(one) !== undefined)) {
    if (keys.has(keyOf(child))) known.set(keyOf(child), child);
    else child.remove();
  }
  let place = old.firstChild;
  for (const child of children) {
    const before = keyOf(child) === undefined ? nextLike(place, child) : known.get(keyOf(child));
    if (!before) {
      old.insertBefore(child, place);
      continue;
    }
    // What is moved loses the focus: what lies before it goes instead.
    while (place !== before && keyOf(place) === undefined) place = drop(place);
    if (place !== before) old.insertBefore(before, place);
    renew(before, child);
    place = before.nextSibling;
  }
  while (place) place = drop(place);
}

/** Draws the placeholders that are not drawn yet. */
function paint() {
  for (const figure of document.querySelectorAll('[data-thumbhash]')) {
    if (figure.querySelector('canvas')) continue;
    const canvas = document.createElement('canvas');
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', 'Placeholder of the picture');
    if (paintThumbHash(canvas, figure.dataset.thumbhash)) figure.replaceChildren(canvas);
  }
}

/** Keeps what is on a page fresh as long as somebody looks at it. */
function listen(live, content) {
  let source = null;
  const say = (words) => { if (live.textContent !== words) live.textContent = words; };
  const open = () => {
    source = new EventSource(live.dataset.events);
    source.onmessage = ({ data }) => {
      renew(content, new DOMParser().parseFromString(`<div id="content">${data}</div>`, 'text/html').querySelector('#content'));
      paint();
      say('Live');
    };
    source.addEventListener('away', () => say('The database does not answer'));
    source.onerror = () => say(source.readyState === EventSource.CLOSED ? 'Not live: reload the page' : 'Connecting again');
  };
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) source.close();
    else if (source.readyState === EventSource.CLOSED) open();
  });
  open();
}

const live = document.querySelector('#live');
if (live) listen(live, document.querySelector('#content'));
paint();
