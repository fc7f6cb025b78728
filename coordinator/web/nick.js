/**
 * The own name: what the person chose, what the room knows, what is on its way between them.
 */
import { ConnectionLost } from './socket.js';
import { normaliseNick } from './text.js';

const NICK_KEY = 'heim-media:nick';

/** `localStorage` throws where the browser forbids it; then the nick lasts as long as the page. */
function remembered(storage) {
  try {
    return normaliseNick(storage().getItem(NICK_KEY) ?? '');
  } catch {
    return null;
  }
}

function remember(storage, nick) {
  try {
    storage().setItem(NICK_KEY, nick);
  } catch {
    // See above: the server remembers it too.
  }
}

export class Nick {
  #storage;
  #ask;
  #inRoom;
  #chosen;
  #asked = { nick: '', reply: null };

  /**
   * @param {{storage: () => Storage, ask: (nick: string) => Promise<void>, inRoom: () => string | undefined}} options
   *   `ask` tells the room, `inRoom` is what the room knows
   */
  constructor({ storage, ask, inRoom }) {
    this.#storage = storage;
    this.#ask = ask;
    this.#inRoom = inRoom;
    this.#chosen = remembered(storage);
  }

  /** The name, as the room sees it or is about to; empty until there is one. */
  get name() {
    return this.#inRoom() || this.#chosen || '';
  }

  /** Takes a name, now or as soon as there is a connection. */
  async take(name, isJoined) {
    const nick = normaliseNick(name);
    if (!nick) throw new Error('invalid nick');
    this.#chosen = nick;
    remember(this.#storage, nick);
    if (!isJoined || nick === this.#inRoom()) return;
    if (this.#asked.nick !== nick) this.#asked = { nick, reply: this.#tell(nick) };
    await this.#asked.reply;
  }

  /** In the room, which remembers a name of its own or none. */
  async entered(known) {
    this.#chosen ??= known || null;
    if (this.#chosen && this.#chosen !== known) await this.take(this.#chosen, true);
  }

  async #tell(nick) {
    try {
      await this.#ask(nick);
    } catch (error) {
      // A lost connection is no refusal: the next one starts with this nick.
      if (error instanceof ConnectionLost) return;
      this.#chosen = this.#inRoom() || null;
      throw error;
    } finally {
      this.#asked = { nick: '', reply: null };
    }
  }
}
