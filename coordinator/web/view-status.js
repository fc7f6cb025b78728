/**
 * What the page says of itself: the room's name, the connection's banner, notices, the title.
 */
import { byId, el, icon, setText } from './dom.js';
import { closeInWords } from './farewell.js';

const NOTICE_MS = 9000;
const NOTICES_MAX = 4;
/** A short interruption is nobody's business. */
const QUIET_MS = 1200;

export class StatusView {
  #banner = byId('banner');
  #words = this.#banner.querySelector('span');
  #now = this.#banner.querySelector('button');
  #notices = byId('notices');
  #spoken = byId('spoken');
  #room;
  #unread = 0;
  #quiet;

  /** @param {{name: string, reconnect: () => void}} room */
  constructor({ name, reconnect }) {
    this.#room = name;
    byId('room').textContent = name;
    this.#now.onclick = reconnect;
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.#title(0); });
    this.#title(0);
  }

  /** What kind of room it is. */
  room({ isPrivate }) {
    for (const id of ['private', 'about-private']) byId(id).hidden = !isPrivate;
  }

  /**
   * @param {'connecting' | 'open' | 'waiting' | 'stopped'} state
   * @param {number} [close] why it waits
   */
  connection(state, close) {
    if (state === 'waiting') {
      const words = closeInWords(close);
      this.#quiet ??= setTimeout(() => this.#say(words, true), QUIET_MS);
      if (!this.#banner.hidden) this.#say(words, true);
    } else if (state === 'connecting') {
      this.#now.hidden = true;
    } else if (state === 'stopped') {
      this.connected();
    }
  }

  /** The way back was found, or will not be looked for. */
  connected() {
    clearTimeout(this.#quiet);
    this.#quiet = undefined;
    this.#banner.hidden = true;
  }

  notify(words) {
    const close = el('button.round.small', { type: 'button', 'aria-label': 'Dismiss' }, icon('close'));
    const notice = el('p.notice', {}, el('span', {}, words), close);
    const end = () => notice.remove();
    close.onclick = end;
    setTimeout(end, NOTICE_MS);
    this.#notices.append(notice);
    while (this.#notices.children.length > NOTICES_MAX) this.#notices.firstElementChild.remove();
  }

  /** Takes back all words about what is in the room. */
  hush() {
    this.#spoken.replaceChildren();
    this.#notices.replaceChildren();
  }

  /** For those who don't see what changed. */
  speak(words) {
    this.#spoken.replaceChildren(el('span', {}, words));
  }

  /** Messages that came while nobody was looking stand in the title. */
  unread() {
    if (document.hidden) this.#title(this.#unread + 1);
  }

  #title(unread) {
    this.#unread = unread;
    document.title = `${unread ? `(${unread}) ` : ''}${this.#room} · heim-media`;
  }

  #say(words, canTry) {
    setText(this.#words, words);
    this.#now.hidden = !canTry;
    this.#banner.hidden = false;
  }
}
