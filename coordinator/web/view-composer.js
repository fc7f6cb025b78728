/**
 * The composer: name, text, pictures by button, paste or drop, and which message is answered.
 */
import { byId, setText } from './dom.js';
import { reasonInWords } from './text.js';
import { quoteOf } from './view-message.js';

const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes('Files');

export class ComposerView {
  #form = byId('composer-form');
  #text = byId('composer');
  #nick = byId('nick');
  #reason = byId('nick-reason');
  #files = byId('file-input');
  #replyTo = byId('reply-to');
  #overlay = byId('drop');
  #room;
  #parent = '';
  /** Pictures that came before there was a name. @type {File[]} */
  #held = [];

  /**
   * @param {{store: any, session: any, outbox: any, notify: (words: string) => void, sent: () => void,
   *   isShut: () => boolean}} room `isShut`: one is not in the room, and has no business there
   */
  constructor(room) {
    this.#room = room;
    this.#form.onsubmit = (event) => { event.preventDefault(); this.#submit(); };
    this.#text.onkeydown = (event) => {
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    };
    this.#text.oninput = () => this.#fit();
    this.#nick.onchange = () => this.#rename();
    this.#nick.onkeydown = (event) => { if (event.key === 'Enter') this.#entered(event); };
    byId('pick').onclick = () => this.#files.click();
    this.#files.onchange = () => { this.#share([...this.#files.files]); this.#files.value = ''; };
    this.#replyTo.querySelector('button').onclick = () => this.reply('');
    document.addEventListener('paste', (event) => this.#paste(event));
    this.#drops();
  }

  /** Shows the nick that the room knows. */
  showNick() {
    const { nick } = this.#room.session;
    if (document.activeElement !== this.#nick) this.#nick.value = nick;
    this.#form.classList.toggle('nameless', !nick);
  }

  /** Answers a message from now on; `''` for none. */
  reply(id) {
    this.#answer(this.#room.store.messages.get(id));
    this.#text.focus();
  }

  /** A message that is gone can't be answered. */
  check() {
    if (!this.#parent) return;
    const message = this.#room.store.messages.get(this.#parent);
    this.#answer(message?.deleted ? undefined : message);
  }

  focus() {
    (this.#room.session.nick ? this.#text : this.#nick).focus();
  }

  #answer(message) {
    this.#parent = message?.id ?? '';
    this.#replyTo.hidden = !message;
    setText(this.#replyTo.querySelector('span'), message ? `${message.sender.name}: ${quoteOf(message)}` : '');
  }

  #entered(event) {
    event.preventDefault();
    this.#rename();
    this.#text.focus();
  }

  async #rename() {
    const { session } = this.#room;
    setText(this.#reason, '');
    try {
      if (this.#nick.value.trim() || session.nick === '') await session.setNick(this.#nick.value);
    } catch (error) {
      setText(this.#reason, reasonInWords(error.message));
      this.#nick.focus();
      return;
    }
    this.#nick.value = session.nick;
    this.showNick();
    const held = this.#held.splice(0);
    if (held.length) this.#share(held);
  }

  /** Nobody can speak without a name. */
  #needsName() {
    if (this.#room.session.nick) return false;
    setText(this.#reason, 'Choose a name first');
    this.#nick.focus();
    return true;
  }

  #take() {
    const draft = { content: this.#text.value.trim(), ...(this.#parent && { parent: this.#parent }) };
    this.#text.value = '';
    this.#answer(undefined);
    this.#fit();
    return draft;
  }

  #giveBack(draft) {
    if (!this.#text.value) this.#text.value = draft.content;
    this.#fit();
  }

  async #submit() {
    if (!this.#text.value.trim() || this.#needsName()) return;
    const draft = this.#take();
    this.#room.sent();
    try {
      await this.#room.outbox.sendText(draft);
    } catch (error) {
      this.#refused(error, draft);
    }
  }

  async #share(files) {
    if (!files.length) return;
    if (this.#room.isShut()) {
      this.#room.notify('Enter the room before you share pictures');
      return;
    }
    if (this.#needsName()) {
      this.#held.push(...files);
      return;
    }
    const draft = this.#take();
    this.#room.sent();
    try {
      if (!(await this.#room.outbox.sendPictures(files, draft))) this.#giveBack(draft);
    } catch (error) {
      this.#refused(error, draft);
    }
  }

  #refused(error, draft) {
    this.#giveBack(draft);
    this.#room.notify(reasonInWords(error.message));
  }

  #fit() {
    this.#text.style.height = 'auto';
    this.#text.style.height = `${this.#text.scrollHeight}px`;
  }

  #paste(event) {
    const files = [...(event.clipboardData?.files ?? [])];
    if (!files.length || document.querySelector('dialog[open]')) return;
    event.preventDefault();
    this.#share(files);
  }

  #drops() {
    let depth = 0;
    const show = (isOver) => { this.#overlay.hidden = !isOver; };
    window.addEventListener('dragenter', (event) => { if (hasFiles(event)) { depth += 1; show(true); } });
    window.addEventListener('dragleave', (event) => { if (hasFiles(event)) { depth -= 1; show(depth > 0); } });
    window.addEventListener('dragover', (event) => { if (hasFiles(event)) event.preventDefault(); });
    window.addEventListener('drop', (event) => {
      depth = 0;
      show(false);
      if (!hasFiles(event)) return;
      event.preventDefault();
      this.#share([...event.dataTransfer.files]);
    });
  }
}
