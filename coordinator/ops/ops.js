/**
 * The dashboard's script. Every page works without it; with it, the overview is
 * brought up to date as things change, and placeholders are drawn.
 */

import { paintThumbHash } from './thumbhash.js';

const sameKind = (old, fresh) =>
  old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && old.dataset?.key === fresh.dataset?.key;

/** Brings `old` to what `fresh` says. What is the same stays, and with it focus and what somebody opened. */
function renew(old, fresh) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name, value } of fresh.attributes ?? []) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  for (const { name } of [...(old.attributes ?? [])]) {
    if (!fresh.hasAttribute(name) && !(old.nodeName === 'DETAILS' && name === 'open')) old.removeAttribute(name);
  }
  const children = [...fresh.childNodes];
  children.forEach((child, at) => {
    const before = old.childNodes[at];
    if (!before) old.append(child);
    else if (sameKind(before, child)) renew(before, child);
    else before.replaceWith(child);
  });
  while (old.childNodes.length > children.length) old.lastChild.remove();
}

/** Keeps the overview fresh as long as somebody looks at it. */
function listen(live, content) {
  let source = null;
  const say = (words) => { if (live.textContent !== words) live.textContent = words; };
  const open = () => {
    source = new EventSource(live.dataset.events);
    source.onmessage = ({ data }) => {
      renew(content, new DOMParser().parseFromString(`<div id="content">${data}</div>`, 'text/html').querySelector('#content'));
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

for (const figure of document.querySelectorAll('[data-thumbhash]')) {
  const canvas = document.createElement('canvas');
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label', 'Placeholder of the picture');
  if (paintThumbHash(canvas, figure.dataset.thumbhash)) figure.replaceChildren(canvas);
}
