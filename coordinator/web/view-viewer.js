/**
 * The viewer: one picture as large as the screen allows, with its neighbours in the log an arrow away.
 */
import { byId, setText } from './dom.js';
import { ORIGINAL, bestSource, dimensionsOf, linkedName, sourcesOf, stableLink } from './media.js';
import { isStale, linkOriginal, loadPicture, originalInWords, wantsStill } from './picture.js';
import { loadRenewed } from './refresh.js';
import { clockOf } from './text.js';

const SWIPE_PX = 48;
const COPIED_MS = 2500;

export class Viewer {
  #dialog = byId('viewer');
  #stage = byId('viewer-stage');
  #title = byId('viewer-title');
  #original = byId('viewer-original');
  #copied = byId('viewer-copied');
  #link = byId('viewer-link');
  #previous = byId('viewer-previous');
  #next = byId('viewer-next');
  #room;
  #id = '';
  #shown = { id: '', name: '' };
  #turn = 0;
  #copiedTimer;

  /** @param {{name: string, store: any, refresh: Function, closed: (id: string) => void}} room */
  constructor(room) {
    this.#room = room;
    this.#previous.onclick = () => this.#step(-1);
    this.#next.onclick = () => this.#step(1);
    byId('viewer-close').onclick = () => this.#dialog.close();
    byId('viewer-copy').onclick = () => this.#copy();
    this.#dialog.onclose = () => this.#closed();
    this.#dialog.onclick = ({ target }) => {
      if (target === this.#dialog || target === this.#stage) this.#dialog.close();
    };
    this.#dialog.onkeydown = ({ key, target }) => {
      if (target === this.#link) return;
      if (key === 'ArrowLeft') this.#step(-1);
      if (key === 'ArrowRight') this.#step(1);
    };
    this.#swipes();
  }

  open(id) {
    this.#id = id;
    this.#tell('');
    if (!this.#dialog.open) this.#dialog.showModal();
    this.update(id);
  }

  /** Closes where what it shows is gone. */
  check() {
    if (this.#dialog.open && !this.#room.store.media.has(this.#id)) this.#dialog.close();
  }

  /** Draws again if it shows this media object. */
  update(id) {
    if (!this.#dialog.open || id !== this.#id) return;
    const { store } = this.#room;
    const media = store.media.get(id);
    if (!media) {
      this.#dialog.close();
      return;
    }
    const pictures = store.pictures();
    const at = pictures.indexOf(id);
    const message = store.messageOf(id);
    const where = pictures.length > 1 ? `${at + 1} of ${pictures.length}` : '';
    setText(this.#title, [message.sender.name, clockOf(message.time), where].filter(Boolean).join(' · '));
    this.#previous.disabled = at <= 0;
    this.#next.disabled = at >= pictures.length - 1;
    linkOriginal(this.#original, media, this.#room.refresh);
    const original = media.transcodings[ORIGINAL];
    if (original) setText(this.#original.querySelector('.detail'), originalInWords(original));
    this.#draw(media, message);
  }

  /** Copies the address that always leads to this picture, for those who may see the room. */
  async #copy() {
    const media = this.#room.store.media.get(this.#id);
    if (!media) return;
    const link = stableLink(window.location.origin, this.#room.name, media, linkedName(media));
    try {
      await navigator.clipboard.writeText(link);
      this.#tell('Link copied');
    } catch {
      // Pages without TLS have no clipboard, and people may refuse it.
      this.#tell('Copy it from here:', link);
    }
  }

  #tell(words, link = '') {
    clearTimeout(this.#copiedTimer);
    setText(this.#copied, words);
    this.#link.value = link;
    this.#link.hidden = !link;
    if (link) {
      this.#link.focus();
      this.#link.select();
    } else if (words) {
      this.#copiedTimer = setTimeout(() => this.#tell(''), COPIED_MS);
    }
  }

  /** First what the browser has already, then the largest that fits the screen. */
  async #draw(media, message) {
    const sources = sourcesOf(media, wantsStill());
    const dimensions = dimensionsOf(media);
    const wide = Math.min(window.innerWidth, window.innerHeight * (dimensions.width / dimensions.height));
    const best = bestSource(sources, wide * window.devicePixelRatio);
    if (this.#shown.id === media.id && this.#shown.name === best.name) return;
    this.#turn += 1;
    const turn = this.#turn;
    const alt = `Picture from ${message.sender.name || 'somebody'}`;
    if (this.#shown.id !== media.id) this.#preview(media.id, dimensions);
    if (isStale(best, Date.now() / 1000)) await this.#room.refresh(media.id).catch(() => undefined);
    const load = (it) => loadPicture({ sources: sourcesOf(it, wantsStill()), sizes: `${Math.ceil(wide)}px`, dimensions, alt });
    const { picture, trouble } = await loadRenewed(this.#room.store.media.get(media.id) ?? media, this.#room.refresh, load);
    if (turn !== this.#turn) return;
    if (picture) this.#put(picture, { id: media.id, name: best.name }, dimensions);
    else this.#tell(trouble === 'gone' ? 'This picture can’t be shown any more' : 'The larger picture could not be loaded');
  }

  #preview(id, dimensions) {
    const tile = document.querySelector(`.tile[data-media-id="${CSS.escape(id)}"] img.picture`);
    const img = tile?.cloneNode() ?? new Image();
    img.className = 'picture';
    img.alt = tile?.alt ?? '';
    this.#put(img, { id, name: '' }, dimensions);
  }

  #put(img, shown, { width, height }) {
    this.#shown = shown;
    img.style.setProperty('--width', String(width));
    img.style.setProperty('--height', String(height));
    this.#stage.replaceChildren(img);
  }

  #step(by) {
    const pictures = this.#room.store.pictures();
    const id = pictures[pictures.indexOf(this.#id) + by];
    if (id) this.open(id);
  }

  #closed() {
    this.#turn += 1;
    this.#shown = { id: '', name: '' };
    this.#stage.replaceChildren();
    this.#tell('');
    this.#room.closed(this.#id);
    this.#id = '';
  }

  #swipes() {
    let from = 0;
    this.#stage.addEventListener('touchstart', ({ touches }) => { from = touches.length === 1 ? touches[0].clientX : NaN; }, { passive: true });
    this.#stage.addEventListener('touchend', ({ changedTouches }) => {
      const way = changedTouches[0].clientX - from;
      if (Math.abs(way) > SWIPE_PX) this.#step(way < 0 ? 1 : -1);
    }, { passive: true });
  }
}
