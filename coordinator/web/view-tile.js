/**
 * One picture in the log, through its whole life: waiting, uploading, placeholder, ready or failed.
 */
import { el, icon, setText } from './dom.js';
import { bestSource, dimensionsOf, ratioOf, sourcesOf, srcsetOf, tileOf } from './media.js';
import { linkOriginal, loadPicture, originalInWords, wantsStill } from './picture.js';
import { loadRenewed } from './refresh.js';
import { reasonInWords } from './text.js';
import { paintThumbHash } from './thumbhash.js';

const ALONE_WIDTH = 480;
const ALONE_HEIGHT = 384;
const PAIR_HEIGHT = 240;
const ROW_HEIGHT = 208;
const FADE_MS = 320;
/** A picture that was shown may be lost so often before it needs a press to be tried again. */
const LOSSES_MAX = 3;

/** How wide a tile gets among so many, in CSS pixels: what `sizes` tells the browser. */
export function tileWidth(ratio, count, viewport) {
  if (count === 1) return Math.ceil(Math.min(ALONE_WIDTH, ALONE_HEIGHT * ratio, viewport * 0.78));
  return Math.ceil(Math.min((count === 2 ? PAIR_HEIGHT : ROW_HEIGHT) * ratio, viewport * 0.78));
}

export class Tile {
  #id;
  #room;
  #count;
  #painted = '';
  #picture = null;
  #shownName = '';
  #shownCount = 0;
  #loading = false;
  #trouble = '';
  #losses = 0;
  #near = false;

  /**
   * @param {string} id media id
   * @param {{store: any, uploads: any, refresh: (id: string) => Promise<any>, view: (id: string) => void,
   *   whenNear: (node: Element, run: () => void) => void}} room
   * @param {{count: number, isNew: boolean, sender: string}} place, `count` pictures beside each other
   */
  constructor(id, room, { count, isNew, sender }) {
    this.#id = id;
    this.#room = room;
    this.#count = count;
    this.canvas = el('canvas', { 'aria-hidden': 'true', hidden: true });
    this.open = el('button.open', { type: 'button', disabled: true, onclick: () => room.view(id) }, this.canvas);
    this.words = el('span.words');
    this.bar = el('span.bar', { role: 'progressbar', 'aria-label': 'Upload', 'aria-valuemin': 0, 'aria-valuemax': 100 });
    this.stop = el('button.round.small.stop', { type: 'button', title: 'Cancel', 'aria-label': 'Cancel the upload' }, icon('close'));
    this.stop.onclick = () => room.uploads.cancel(id);
    this.again = el('button.quiet', { type: 'button', onclick: () => this.#tryAgain() }, 'Try again');
    this.original = el('a', { target: '_blank', rel: 'noopener' });
    this.status = el('figcaption', {}, icon('broken'), this.words, this.bar, this.again, this.original);
    this.node = el('figure.tile', {}, this.open, this.status, this.stop);
    this.node.dataset.mediaId = id;
    this.sender = sender;
    if (isNew) this.#near = true;
    else room.whenNear(this.node, () => { this.#near = true; this.update(); });
    this.update();
  }

  get #media() {
    return this.#room.store.media.get(this.#id);
  }

  /** Draws what store and uploads know now. */
  update() {
    const media = this.#media;
    if (!media) return;
    const upload = this.#room.uploads.get(this.#id);
    const dimensions = dimensionsOf(media, upload);
    const tile = tileOf(media, upload, { shown: Boolean(this.#picture), trouble: this.#trouble, now: Date.now() / 1000 });
    this.node.dataset.state = tile.state;
    this.node.style.setProperty('--ratio', ratioOf(dimensions).toFixed(4));
    this.node.style.setProperty('--natural', String(dimensions?.width ?? ALONE_WIDTH));
    this.node.classList.toggle('shimmer', tile.state === 'waiting' && !upload);
    this.#paint(media.placeholder);
    this.#preview(upload);
    this.#caption(tile, media, upload);
    this.#load(media, dimensions);
    // Whichever comes last, the picture or the answer to its upload.
    if (this.#picture) this.#room.uploads.release(this.#id);
  }

  #paint(placeholder) {
    if (!placeholder || placeholder === this.#painted || this.#picture) return;
    this.#painted = placeholder;
    if (!this.canvas.isConnected) this.open.prepend(this.canvas);
    this.canvas.hidden = !paintThumbHash(this.canvas, placeholder);
  }

  /** The uploader's own tab needs no placeholder: it has the file. */
  #preview(upload) {
    if (!upload?.preview || this.local || this.#picture) return;
    this.local = el('img.local', { alt: '', src: upload.preview, decoding: 'async', draggable: false });
    this.local.onerror = () => this.local.remove();
    this.open.append(this.local);
  }

  #caption({ state, words }, media, upload) {
    const percent = Math.floor((upload?.done ?? 0) * 100);
    const isSending = upload?.state === 'sending';
    const isFailed = state === 'failed';
    setText(this.words, (words && reasonInWords(words)) + (isSending && percent > 0 && percent < 100 ? ` ${percent} %` : ''));
    this.bar.hidden = state !== 'uploading';
    this.bar.setAttribute('aria-valuenow', String(percent));
    this.bar.style.setProperty('--done', String(upload?.done ?? 0));
    this.stop.hidden = state !== 'uploading';
    this.again.hidden = !isFailed || !(upload?.again || this.#trouble === 'unreachable');
    this.open.hidden = isFailed;
    this.original.hidden = true;
    if (isFailed) linkOriginal(this.original, media, this.#room.refresh);
    if (!this.original.hidden) setText(this.original, `Original (${originalInWords(media.transcodings.original)})`);
  }

  #load(media, dimensions) {
    const sources = sourcesOf(media, wantsStill());
    if (!sources.length || this.#loading || this.#trouble || !this.#near) return;
    const width = tileWidth(ratioOf(dimensions), this.#count, window.innerWidth);
    const best = bestSource(sources, width * window.devicePixelRatio);
    if (best.name === this.#shownName) {
      // The same file serves: the larger ones are for a larger screen, or a deeper zoom.
      if (sources.length > this.#shownCount) this.#picture.srcset = srcsetOf(sources);
      this.#shownCount = sources.length;
      return;
    }
    this.#loading = true;
    const alt = `Picture from ${this.sender || 'somebody'}${dimensions ? `, ${dimensions.width} by ${dimensions.height} pixels` : ''}`;
    const load = (fresh) => loadPicture({ sources: sourcesOf(fresh, wantsStill()), sizes: `${width}px`, dimensions, alt });
    loadRenewed(media, this.#room.refresh, load).then(({ picture, trouble }) => {
      this.#loading = false;
      this.#trouble = trouble;
      if (picture) this.#show(picture, best.name, sources.length);
      this.update();
    });
  }

  #show(img, name, count) {
    if (this.#picture) {
      this.#picture.replaceWith(img);
    } else {
      const under = [this.canvas, this.local].filter(Boolean);
      img.classList.add('fade');
      this.open.append(img);
      this.open.disabled = false;
      setTimeout(() => under.forEach((node) => node.remove()), FADE_MS);
    }
    this.#picture = img;
    this.#shownName = name;
    this.#shownCount = count;
    // A larger file that the browser fetches later may be refused where this one was not.
    img.onerror = () => this.#lose(img);
  }

  /** The picture is there no more: from the beginning, with what handles there are. */
  #lose(img) {
    if (img !== this.#picture) return;
    img.remove();
    this.#picture = null;
    this.#shownName = '';
    this.#painted = '';
    this.open.disabled = true;
    this.#losses += 1;
    this.#trouble = this.#losses > LOSSES_MAX ? 'unreachable' : '';
    this.update();
  }

  #tryAgain() {
    this.#room.uploads.retry(this.#id);
    this.#trouble = '';
    this.#losses = 0;
    this.update();
  }
}
