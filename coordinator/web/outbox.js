/**
 * Sends messages: text, and pictures which go out as placeholders before their
 * first byte is uploaded. Sees a message through a lost connection without sending it twice.
 */
import { ConnectionLost } from './socket.js';
import { reasonInWords } from './text.js';

/** heim-media takes this many attachments unless it is told otherwise; more go into a second message. */
const PER_MESSAGE = 16;
const TRIES_MAX = 5;
const PICTURE_NAMES = /\.(?:jpe?g|png|gif|webp|avif|heic|heif|bmp|tiff?)$/iu;

/** Whether a file may be a picture: some systems name no type for the rarer ones. */
export function isPicture({ type, name }) {
  return type ? type.startsWith('image/') : PICTURE_NAMES.test(name);
}

export class Outbox {
  #session;
  #store;
  #uploads;
  #notify;
  /** How many messages are on their way. */
  #sending = 0;
  /** Those of them that are known to be in the room. */
  #arrived = new Set();

  /** @param {{notify: (words: string) => void}} options */
  constructor({ session, store, uploads, notify }) {
    this.#session = session;
    this.#store = store;
    this.#uploads = uploads;
    this.#notify = notify;
  }

  /** @param {{content: string, parent?: string}} draft */
  async sendText(draft) {
    await this.#deliver(draft);
  }

  /**
   * Sends pictures with the composer's text, all of them in one message where they fit.
   * @param {File[]} files
   * @param {{content: string, parent?: string}} draft
   * @returns {Promise<boolean>} whether the text went out
   */
  async sendPictures(files, draft) {
    const pictures = files.filter(isPicture);
    const others = files.filter((file) => !isPicture(file));
    if (others.length) this.#notify(`${others.map((file) => file.name).join(', ')}: only pictures can be shared here`);
    let sent = false;
    for (let at = 0; at < pictures.length; at += PER_MESSAGE) {
      const part = await this.#sendTogether(pictures.slice(at, at + PER_MESSAGE), sent ? { content: '' } : draft);
      sent ||= part;
    }
    return sent;
  }

  async #sendTogether(files, draft) {
    const asked = await Promise.all(files.map((file) => this.#create(file)));
    const attachments = asked.filter(Boolean).map((handle) => handle.id);
    if (!attachments.length) return false;
    for (const [at, handle] of asked.entries()) if (handle) this.#uploads.start(handle, files[at]);
    try {
      await this.#deliver({ ...draft, attachments });
      return true;
    } catch (error) {
      for (const id of attachments) this.#uploads.discard(id);
      throw error;
    }
  }

  /** Asks for an upload handle; one that is lost on the way is never used and expires. */
  async #create(file) {
    // With its shape, so that nobody's placeholder changes it when the picture comes.
    const { width, height } = (await this.#uploads.measure(file)) ?? {};
    const declared = { content_type: file.type || undefined, size: file.size, name: file.name, width, height };
    try {
      return await this.#persist(() => this.#session.request('media-upload', declared));
    } catch (error) {
      this.#notify(`${file.name}: ${reasonInWords(error.message)}`);
      return null;
    }
  }

  async #deliver(draft) {
    const before = new Set(this.#store.order);
    this.#sending += 1;
    try {
      const message = await this.#persist(async (isFirst) => {
        if (!isFirst && this.#hasArrived(draft, before)) return null;
        const sent = await this.#session.request('send', draft);
        this.#arrived.add(sent.id);
        return sent;
      });
      if (message) this.#store.add([message]);
    } finally {
      this.#sending -= 1;
      if (!this.#sending) this.#arrived.clear();
    }
  }

  /**
   * Whether a message is in the room although its reply was lost with the connection.
   * @param {Set<string>} before what was there when it was sent
   */
  #hasArrived({ content, attachments }, before) {
    const [oldest = ''] = before;
    const found = [...this.#store.messages.values()].find(({ id, sender, ...message }) => {
      if (attachments?.length) return message.attachments.includes(attachments[0]);
      const isNew = id > oldest && !before.has(id) && !this.#arrived.has(id);
      return isNew && sender.id === this.#store.identity && message.content === content;
    });
    if (found) this.#arrived.add(found.id);
    return Boolean(found);
  }

  /** Tries again in the next connection what was lost with this one. */
  async #persist(attempt) {
    for (let tries = 1; ; tries += 1) {
      await this.#session.whenJoined();
      try {
        return await attempt(tries === 1);
      } catch (error) {
        if (!(error instanceof ConnectionLost) || tries === TRIES_MAX) throw error;
      }
    }
  }
}
