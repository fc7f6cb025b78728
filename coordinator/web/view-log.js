/**
 * The log: keeps a view for each message, in order, and the eye where it was.
 */
import { byId } from './dom.js';
import { MessageView } from './view-message.js';

/** This close to the end counts as being there. */
const END_PX = 96;
/** So many of the newest pictures are loaded at once; older ones when they come near. */
const EAGER = 12;
const NEAR = '900px 0px';

export class LogView {
  /** @type {Map<string, MessageView>} */
  #views = new Map();
  #log = byId('log');
  #list = byId('messages');
  #newest = byId('newest');
  #atEnd = true;
  #top = 0;
  #isFirst = true;
  #room;
  #near = new Map();
  #observer;

  /** @param {object} room what {@link MessageView} needs, without what is added here */
  constructor(room) {
    this.#room = {
      ...room,
      whenNear: (node, run) => this.#watch(node, run),
      showMessage: (id) => this.showMessage(id),
      forget: (node) => this.#unwatch(node),
      leave: () => this.#log.focus({ preventScroll: true }),
    };
    this.#observer = new IntersectionObserver((entries) => this.#seen(entries), { root: this.#log, rootMargin: NEAR });
    this.#log.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    this.#newest.onclick = () => this.toEnd();
    new ResizeObserver(() => this.#keepEnd()).observe(this.#log);
    new ResizeObserver(() => this.#keepEnd()).observe(this.#list.parentElement);
  }

  /** Brings the list in line with the store. */
  render() {
    const { store } = this.#room;
    const before = this.#anchor();
    const isLive = !this.#isFirst;
    const end = this.#list.lastElementChild?.dataset.id ?? '';
    let above;
    this.#log.setAttribute('aria-busy', String(!isLive));
    // First, so that what stays is not moved: it would lose the focus.
    this.#removeOthers();
    let next = this.#list.firstElementChild;
    for (const [at, id] of store.order.entries()) {
      const message = store.messages.get(id);
      const isNew = (isLive && id > end) || store.order.length - at <= EAGER;
      const view = this.#views.get(id) ?? new MessageView(message, this.#room, { isNew });
      this.#views.set(id, view);
      view.update(message, above);
      above = message;
      if (view.node === next) next = next.nextElementSibling;
      else this.#list.insertBefore(view.node, next);
    }
    byId('empty').hidden = store.order.length > 0;
    if (isLive && !this.#atEnd && (store.order.at(-1) ?? '') > end) this.#newest.hidden = false;
    this.#isFirst = false;
    this.#log.setAttribute('aria-busy', 'false');
    this.#restore(before);
  }

  /** Nothing is here, and what comes next is no news. */
  clear() {
    this.#isFirst = true;
    this.#atEnd = true;
    this.#newest.hidden = true;
    byId('earlier').hidden = true;
    this.#removeOthers();
  }

  /** The oldest message that a person looks at who is not at the end; else `''`. */
  inSight() {
    return this.#anchor()?.node.dataset.id ?? '';
  }

  /** A media object or its upload changed. */
  updateMedia(id) {
    const before = this.#anchor();
    for (const tile of this.#tiles(id)) tile.update();
    this.#restore(before);
  }

  /** Whether there are older messages to ask for. */
  showEarlier(isThere) {
    const before = this.#anchor();
    byId('earlier').hidden = !isThere;
    this.#restore(before);
  }

  /** Back from the viewer: the focus goes to the picture that was looked at last. */
  focusPicture(id) {
    const [tile] = this.#tiles(id);
    (tile?.open ?? this.#log).focus({ preventScroll: true });
    tile?.node.scrollIntoView({ block: 'nearest' });
  }

  showMessage(id) {
    const view = this.#views.get(id);
    const isCalm = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
    view?.node.scrollIntoView({ block: 'center', behavior: isCalm ? 'instant' : 'smooth' });
    view?.node.classList.remove('marked');
    // Reading a size makes the animation start anew.
    if (view?.node.offsetWidth) view.node.classList.add('marked');
  }

  toEnd() {
    this.#atEnd = true;
    this.#newest.hidden = true;
    this.#keepEnd();
  }

  #tiles(id) {
    return [...this.#views.values()].flatMap((view) => view.tiles).filter((tile) => tile.node.dataset.mediaId === id);
  }

  #removeOthers() {
    for (const [id, view] of this.#views) {
      if (this.#room.store.messages.has(id)) continue;
      for (const tile of view.tiles) this.#unwatch(tile.node);
      view.node.remove();
      this.#views.delete(id);
    }
  }

  /** A message near the top of what is in sight and where it is, unless the eye is at the end. */
  #anchor() {
    if (this.#atEnd) return null;
    const { top, height } = this.#log.getBoundingClientRect();
    const { left, width } = this.#list.getBoundingClientRect();
    for (const part of [0.05, 0.3, 0.7]) {
      const node = document.elementFromPoint(left + width / 2, top + height * part)?.closest('.message');
      if (node) return { node, top: node.getBoundingClientRect().top };
    }
    return null;
  }

  #restore(before) {
    if (before?.node.isConnected) {
      this.#log.scrollTop += before.node.getBoundingClientRect().top - before.top;
    } else {
      this.#keepEnd();
    }
  }

  #keepEnd() {
    if (this.#atEnd) this.#log.scrollTop = this.#log.scrollHeight;
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.#log;
    // Only a person scrolls up; that the end moves away below is no wish to leave it.
    const isAway = scrollHeight - scrollTop - clientHeight >= END_PX;
    if (!isAway || scrollTop < this.#top) this.#atEnd = !isAway;
    this.#top = scrollTop;
    if (this.#atEnd) this.#newest.hidden = true;
  }

  #watch(node, run) {
    this.#near.set(node, run);
    this.#observer.observe(node);
  }

  #unwatch(node) {
    this.#near.delete(node);
    this.#observer.unobserve(node);
  }

  #seen(entries) {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      const run = this.#near.get(target);
      this.#unwatch(target);
      run?.();
    }
  }
}
