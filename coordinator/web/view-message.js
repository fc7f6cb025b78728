/**
 * One message: who, when, what, and its pictures. Content only becomes text nodes and
 * http(s) links.
 */
import { disc, el, icon, setText } from './dom.js';
import { clockOf, counted, dayOf, fullTimeOf, hueOf, initialOf, linkRuns } from './text.js';
import { Tile } from './view-tile.js';

/** Messages of one person this close together share a heading. */
const TOGETHER_S = 300;
const QUOTE_RUNES_MAX = 90;

/** What stands for a message where another one answers it. */
export function quoteOf(message) {
  if (message.deleted) return 'deleted';
  const line = message.content.trim().replace(/\s+/gu, ' ');
  const runes = [...line];
  if (!runes.length) return counted(message.attachments.length, 'picture');
  return runes.length > QUOTE_RUNES_MAX ? `${runes.slice(0, QUOTE_RUNES_MAX).join('')}…` : line;
}

const nameOf = (sender) => sender.name || 'Somebody';

export class MessageView {
  /** @type {Tile[]} */
  tiles = [];
  #room;
  #content = null;
  #attachments = '';

  /**
   * @param {import('./store.js').Message} message
   * @param {object} room what {@link Tile} needs, `reply(id)`, `showAll(id)`, `moderation`, `leave(node)`
   */
  constructor(message, room, { isNew }) {
    this.#room = room;
    this.isNew = isNew;
    const { sender, time, id } = message;
    const hue = hueOf(sender.id);
    this.day = el('div.day', { hidden: true }, el('span'));
    this.disc = disc(hue, '');
    this.author = el('span.author');
    this.author.style.setProperty('--hue', String(hue));
    const at = el('time', { dateTime: new Date(time * 1000).toISOString(), title: fullTimeOf(time) }, clockOf(time));
    this.edited = el('span.edited', { hidden: true }, 'edited');
    this.quote = el('button.quote', { type: 'button', hidden: true });
    this.text = el('p.text');
    this.all = el('button.quiet', { type: 'button', hidden: true, onclick: () => room.showAll(id) }, 'Show all of it');
    this.gallery = el('div.gallery', { hidden: true });
    this.undo = el('button.quiet', { type: 'button', onclick: () => room.moderation.undo(id) }, 'Undo');
    this.gone = el('p.gone', { hidden: true }, icon('trash'), el('span', {}, 'This message was deleted'), this.undo);
    this.reply = el('button.round.small', { type: 'button', title: 'Reply', onclick: () => room.reply(id) }, icon('reply'));
    this.delete = el('button.round.small.delete', { type: 'button', title: 'Delete', onclick: () => room.moderation.delete(id) }, icon('trash'));
    this.actions = el('div.actions', {}, this.reply, this.delete);
    this.node = el('article.message', {}, this.day,
      el('div.body', {}, this.disc,
        el('header', {}, this.author, at, this.edited),
        this.quote, this.text, this.all, this.gallery, this.gone, this.actions));
    this.node.dataset.id = id;
  }

  /**
   * @param {import('./store.js').Message} message
   * @param {import('./store.js').Message | undefined} before the message above it
   */
  update(message, before) {
    const isNewDay = !before || dayOf(before.time, Date.now()) !== dayOf(message.time, Date.now());
    const follows = !isNewDay && before.sender.session_id === message.sender.session_id
      && before.sender.name === message.sender.name && message.time - before.time < TOGETHER_S && !message.parent;
    this.node.classList.toggle('follows', follows);
    this.day.hidden = !isNewDay;
    setText(this.day.firstChild, dayOf(message.time, Date.now()));
    this.edited.hidden = !message.edited || Boolean(message.deleted);
    this.all.hidden = !message.truncated;
    this.#name(message.sender);
    this.#actions(message);
    this.#quote(message.parent);
    if (message.content !== this.#content) this.#write(message.content);
    if (message.attachments.join() !== this.#attachments) this.#attach(message);
  }

  /** A private message that was cut comes without its sender's name, which `showAll` brings. */
  #name(sender) {
    const name = nameOf(sender);
    setText(this.author, name);
    setText(this.disc, initialOf(name));
    this.reply.setAttribute('aria-label', `Reply to ${name}`);
    this.delete.setAttribute('aria-label', `Delete the message from ${name}`);
  }

  /** The focus stays with what was pressed: from deleting to undoing and back. */
  #actions(message) {
    const { moderation } = this.#room;
    const focused = document.activeElement;
    this.gone.hidden = !message.deleted;
    this.undo.hidden = !moderation.canUndo(message);
    this.actions.hidden = Boolean(message.deleted);
    this.delete.hidden = !moderation.canDelete(message);
    const isLost = (focused === this.delete && this.delete.hidden) || (focused === this.undo && this.undo.hidden);
    if (!isLost) return;
    const next = [this.undo, this.delete].find((button) => !button.hidden && button !== focused);
    if (next) next.focus();
    else this.#room.leave(this.node);
  }

  #quote(parent) {
    const answered = parent && this.#room.store.messages.get(parent);
    this.quote.hidden = !answered;
    if (!answered) {
      setText(this.quote, '');
      return;
    }
    this.quote.onclick = () => this.#room.showMessage(parent);
    setText(this.quote, `↳ ${nameOf(answered.sender)}: ${quoteOf(answered)}`);
  }

  #write(content) {
    this.#content = content;
    this.text.hidden = !content.trim();
    this.text.replaceChildren(...linkRuns(content).map(({ text, href }) =>
      href ? el('a', { href, target: '_blank', rel: 'noopener noreferrer' }, text) : text));
  }

  #attach({ attachments, sender }) {
    this.#attachments = attachments.join();
    for (const tile of this.tiles) this.#room.forget(tile.node);
    const count = attachments.length;
    this.tiles = attachments.map((id) => new Tile(id, this.#room, { count, isNew: this.isNew, sender: sender.name }));
    this.gallery.hidden = count === 0;
    this.gallery.classList.toggle('alone', count === 1);
    this.gallery.classList.toggle('pair', count === 2);
    this.gallery.replaceChildren(...this.tiles.map((tile) => tile.node));
  }
}
