/**
 * The state of one room as this tab knows it: messages, people, media. Pure:
 * packets go in, `changed` is told what to draw again.
 *
 * @typedef {import('./media.js').Media} Media
 * @typedef {import('./people.js').Person} Person
 * @typedef {{id: string, parent?: string, time: number, sender: Person, content: string, edit: string,
 *   edited: number | null, deleted: number | null, truncated?: boolean, attachments: string[]}} Message
 *   `edit`: its newest change; one that was deleted while it was here has lost its content
 * @typedef {{what: 'log' | 'people' | 'media' | 'forgotten' | 'cleared', id?: string}} Change
 *   `media`, `forgotten`: of this media object
 */
import { foldEvent, mergeMedia, sourcesOf, unknownMedia } from './media.js';
import { People } from './people.js';

/** Most messages that are kept; the oldest go first. */
export const MESSAGES_MAX = 2000;
/** Most media objects that are kept without a message that shows them. */
export const EARLY_MAX = 256;

/** Ids of changes are as long as each other, so that the larger one is the newer; without any it is `''`. */
const editOf = (message) => message.edit_id ?? message.previous_edit_id ?? '';

/** @param {(change: Change) => void} changed */
export function createStore(changed = () => {}) {
  return new Store(changed);
}

class Store {
  /** @type {Map<string, Message>} */
  messages = new Map();
  /** Message ids, oldest first. @type {string[]} */
  order = [];
  /** Media objects that a message shows. @type {Map<string, Media>} */
  media = new Map();
  /** Media objects whose message has not come yet. @type {Map<string, Media>} */
  early = new Map();
  people = new People();
  identity = '';
  sessionId = '';
  #changed;

  constructor(changed) {
    this.#changed = changed;
  }

  /**
   * Replaces log and listing; media objects of messages that stay keep what events told of them. What is older than the
   * snapshot's log stays from the message `from` on, until {@link reread}.
   */
  snapshot(data, self, from) {
    this.identity = data.identity;
    this.sessionId = data.session_id;
    this.people.fill([...data.listing, { ...self, session_id: data.session_id, name: data.nick ?? '' }]);
    this.#changed({ what: 'people' });
    this.#replace(data.log, (id) => id >= from && id < data.log[0]?.id);
  }

  /** Adds messages of a `log-reply`, `send-reply` or `send-event`. */
  add(messages) {
    const again = this.#insert(messages);
    const [oldest] = this.order.slice(-MESSAGES_MAX);
    if (this.order.length > MESSAGES_MAX) this.#keep((id) => id >= oldest);
    this.#changed({ what: 'log' });
    // What a message shows may have changed, although the message has not.
    for (const id of again) this.#changed({ what: 'media', id });
  }

  /** All that the room has from the first of these on to the one before `before`: others are there no more. */
  reread(messages, before, from = messages[0].id) {
    this.#replace(messages, (id) => id < from || id >= before);
  }

  /**
   * A message with new content, without any, or back again.
   * @returns {'edited' | 'deleted' | 'restored' | 'earlier' | ''} what that was to those who look on;
   *   `earlier`: it is older than what is here
   */
  edit(message) {
    const known = this.messages.get(message.id);
    if (known ? known.edit > editOf(message) : message.deleted) return '';
    // Without a gap from the oldest to the newest: what is unknown in between was deleted when the log was read.
    if (!known && message.id < (this.order[0] ?? '')) return 'earlier';
    if (message.deleted) this.#bury(message);
    else this.#insert([message]);
    this.#changed({ what: 'log' });
    if (known && Boolean(known.deleted) === Boolean(message.deleted)) return 'edited';
    return message.deleted ? 'deleted' : 'restored';
  }

  /** Forgets everything: whoever looks at this page may not see it any more. */
  clear() {
    this.messages.clear();
    this.order = [];
    this.people.clear();
    this.early.clear();
    this.#forgetUnshown();
    this.identity = '';
    this.sessionId = '';
    this.#changed({ what: 'cleared' });
  }

  join(person) {
    this.people.join(person);
    this.#changed({ what: 'people' });
  }

  part(person) {
    if (this.people.delete(person.session_id)) this.#changed({ what: 'people' });
  }

  /** A `nick-event`, or the own `nick-reply`. */
  rename(change) {
    this.people.rename(change);
    this.#changed({ what: 'people' });
  }

  /** A server went away with all of its sessions. */
  partition(server) {
    this.people.partition(server, this.sessionId);
    this.#changed({ what: 'people' });
  }

  /** A `media-upload-event`, which may come before the message that shows it. */
  mediaEvent(event) {
    const id = event.media_id;
    if (this.media.has(id)) {
      this.media.set(id, foldEvent(this.media.get(id), event));
      this.#changed({ what: 'media', id });
      return;
    }
    const known = this.early.get(id) ?? unknownMedia(id);
    this.early.delete(id);
    this.early.set(id, foldEvent(known, event));
    if (this.early.size > EARLY_MAX) this.early.delete(this.early.keys().next().value);
  }

  /** A media object with fresh handles, from `get-media`. */
  mediaObject(object) {
    if (!this.media.has(object.id)) return;
    this.media.set(object.id, mergeMedia(this.media.get(object.id), object));
    this.#changed({ what: 'media', id: object.id });
  }

  /** Media ids that can be looked at, in the order of the log. */
  pictures() {
    const ids = new Set(this.order.flatMap((id) => this.messages.get(id).attachments));
    return [...ids].filter((id) => sourcesOf(this.media.get(id)).length > 0);
  }

  /** The message that shows a media object. */
  messageOf(mediaId) {
    return [...this.messages.values()].find((message) => message.attachments.includes(mediaId));
  }

  /** @returns {string[]} media objects that were here and are told of anew */
  #insert(messages) {
    const again = [];
    for (const message of messages) {
      const edit = editOf(message);
      if (message.deleted || this.messages.get(message.id)?.edit > edit) continue;
      const attachments = message.attachments ?? [];
      for (const object of attachments) {
        const known = this.media.get(object.id) ?? this.early.get(object.id);
        if (this.media.has(object.id)) again.push(object.id);
        this.early.delete(object.id);
        this.media.set(object.id, mergeMedia(known, object));
      }
      if (!this.messages.has(message.id)) this.#place(message.id);
      this.messages.set(message.id, { ...message, edit, attachments: attachments.map((object) => object.id) });
    }
    return again;
  }

  #replace(messages, isKept) {
    const there = new Set(messages.map(({ id }) => id));
    this.#keep((id) => isKept(id) || there.has(id));
    this.add(messages);
  }

  #keep(isKept) {
    for (const id of this.order) if (!isKept(id)) this.messages.delete(id);
    this.order = this.order.filter(isKept);
    this.#forgetUnshown();
  }

  /** Ids are as long as each other, so that their order is their age. */
  #place(id) {
    let at = this.order.length;
    while (at > 0 && this.order[at - 1] > id) at -= 1;
    this.order.splice(at, 0, id);
  }

  /** Leaves the place, without what stood there. */
  #bury(message) {
    const { id, deleted } = message;
    this.messages.set(id, { ...this.messages.get(id), edit: editOf(message), deleted, content: '', truncated: false, attachments: [] });
    this.#forgetUnshown();
  }

  #forgetUnshown() {
    const shown = new Set([...this.messages.values()].flatMap((message) => message.attachments));
    for (const id of [...this.media.keys()]) {
      if (shown.has(id)) continue;
      this.media.delete(id);
      this.#changed({ what: 'forgotten', id });
    }
  }
}
