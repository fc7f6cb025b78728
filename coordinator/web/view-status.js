/**
 * What the page says of itself: the connection's banner, notices, the passcode form, the title.
 */
import { byId, el, icon, setText } from './dom.js';
import { reasonInWords } from './text.js';

const NOTICE_MS = 9000;
const NOTICES_MAX = 4;
/** A short interruption is nobody's business. */
const QUIET_MS = 1200;

export class StatusView {
  #banner = byId('banner');
  #words = this.#banner.querySelector('span');
  #now = this.#banner.querySelector('button');
  #notices = byId('notices');
  #gate = byId('gate');
  #passcode = byId('passcode');
  #reason = byId('gate-reason');
  #room;
  #unread = 0;
  #quiet;

  /** @param {{name: string, reconnect: () => void, authenticate: (passcode: string) => Promise<string | undefined>}} room */
  constructor({ name, reconnect, authenticate }) {
    this.#room = name;
    byId('room').textContent = name;
    this.#now.onclick = reconnect;
    this.#gate.onsubmit = (event) => { event.preventDefault(); this.#enter(authenticate); };
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.#title(0); });
    this.#title(0);
  }

  /** @param {'connecting' | 'open' | 'waiting' | 'stopped'} state */
  connection(state) {
    if (state === 'waiting') {
      this.#quiet ??= setTimeout(() => this.#say('Reconnecting…', true), QUIET_MS);
      if (!this.#banner.hidden) this.#say('Reconnecting…', true);
    } else if (state === 'connecting' && !this.#banner.hidden) {
      this.#say('Reconnecting…', false);
    }
  }

  /** In the room. */
  joined() {
    clearTimeout(this.#quiet);
    this.#quiet = undefined;
    this.#banner.hidden = true;
    this.#gate.hidden = true;
    document.body.classList.remove('gated');
  }

  /** For good. */
  closed(reason) {
    this.joined();
    this.#say(`You were disconnected: ${reason}`, false);
  }

  /** The room is private, or not open. */
  gate(reason) {
    this.joined();
    const isPasscode = reason === 'authentication required' || reason === 'passcode incorrect';
    document.body.classList.add('gated');
    this.#gate.hidden = false;
    this.#gate.classList.toggle('shut', !isPasscode);
    setText(this.#reason, reason === 'authentication required' ? '' : reasonInWords(reason));
    if (isPasscode) this.#passcode.focus();
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

  async #enter(authenticate) {
    const button = this.#gate.querySelector('button');
    button.disabled = true;
    setText(this.#reason, '');
    const refused = await authenticate(this.#passcode.value).catch((error) => error.message);
    button.disabled = false;
    if (refused) {
      setText(this.#reason, reasonInWords(refused));
      this.#passcode.select();
    } else {
      this.#passcode.value = '';
    }
  }
}
