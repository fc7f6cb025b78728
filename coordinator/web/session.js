/**
 * This tab's session in one room: what each packet means, the nick, the passcode, and
 * the way back in after a lost connection. Draws nothing.
 */
import { ConnectionLost, RoomSocket, socketUrl } from './socket.js';
import { normaliseNick } from './text.js';

const EARLIER_COUNT = 50;
const NICK_KEY = 'heim-media:nick';
/** After these the server would only close the next connection as well. */
const FINAL_REASONS = new Set(['banned']);

/** `localStorage` throws where the browser forbids it; then the nick lasts as long as the page. */
function rememberedNick(storage) {
  try {
    return normaliseNick(storage().getItem(NICK_KEY) ?? '');
  } catch {
    return null;
  }
}

function rememberNick(storage, nick) {
  try {
    storage().setItem(NICK_KEY, nick);
  } catch {
    // See above: the server remembers it too.
  }
}

export class Session {
  /** Whether the log has older messages than those that are here. */
  hasEarlier = false;
  isJoined = false;
  #socket;
  #store;
  #storage;
  #view;
  #self = {};
  #passcode = '';
  #nick;
  #asked = { nick: '', reply: null };
  #joined = latch();

  /**
   * @param {{room: string, store: ReturnType<import('./store.js').createStore>, storage: () => Storage,
   *   view: Record<'connection' | 'gate' | 'joined' | 'earlier' | 'heard' | 'closed', Function>}} options
   */
  constructor({ room, store, storage, view, location, WebSocket }) {
    this.#store = store;
    this.#storage = storage;
    this.#view = view;
    this.#nick = rememberedNick(storage);
    this.#socket = new RoomSocket({
      url: socketUrl(location, room),
      onPacket: (packet) => this.#handlers[packet.type]?.(packet.data ?? {}),
      onState: (state, waitMs) => this.#connection(state, waitMs),
      WebSocket,
    });
  }

  connect = () => this.#socket.connect();
  probe = () => this.#socket.probe();
  request = (type, data) => this.#socket.request(type, data);

  /** Resolves once this tab is in the room. */
  whenJoined = () => this.#joined.promise;

  /** The nick, as the room sees it or is about to; empty until there is one. */
  get nick() {
    return this.#roomNick || this.#nick || '';
  }

  get #roomNick() {
    return this.#store.people.get(this.#store.sessionId)?.name;
  }

  /** Takes a name, now or as soon as there is a connection. */
  async setNick(name) {
    const nick = normaliseNick(name);
    if (!nick) throw new Error('invalid nick');
    this.#nick = nick;
    rememberNick(this.#storage, nick);
    if (!this.isJoined || nick === this.#roomNick) return;
    if (this.#asked.nick !== nick) this.#asked = { nick, reply: this.#askFor(nick) };
    await this.#asked.reply;
  }

  async #askFor(nick) {
    try {
      this.#store.rename(await this.request('nick', { name: nick }));
    } catch (error) {
      // A lost connection is no refusal: the next one starts with this nick.
      if (error instanceof ConnectionLost) return;
      this.#nick = this.#roomNick || null;
      throw error;
    } finally {
      this.#asked = { nick: '', reply: null };
    }
  }

  /** Tries a passcode; resolves to the server's reason if it is not the right one. */
  async authenticate(passcode) {
    const { success, reason } = await this.request('auth', { type: 'passcode', passcode });
    this.#passcode = success ? passcode : '';
    return success ? undefined : reason;
  }

  /** Loads the messages before the oldest. */
  async loadEarlier() {
    const { log } = await this.request('log', { n: EARLIER_COUNT, before: this.#store.order[0] });
    this.hasEarlier = log.length === EARLIER_COUNT;
    this.#store.add(log);
    this.#view.earlier(this.hasEarlier);
  }

  #connection(state, waitMs) {
    if (state !== 'open' && this.isJoined) {
      this.isJoined = false;
      this.#joined = latch();
    }
    this.#view.connection(state, waitMs);
  }

  #handlers = {
    'hello-event': ({ session }) => { this.#self = session; },
    'snapshot-event': (data) => this.#enter(data),
    'bounce-event': ({ reason }) => this.#bounced(reason),
    'send-event': (message) => { this.#store.add([message]); this.#view.heard(); },
    'edit-message-event': (message) => this.#store.edit(message),
    'media-upload-event': (event) => this.#store.mediaEvent(event),
    'join-event': (person) => this.#store.join(person),
    'part-event': (person) => this.#store.part(person),
    'nick-event': (change) => this.#store.rename(change),
    'network-event': (change) => this.#store.partition(change),
    'disconnect-event': ({ reason }) => this.#dismissed(reason),
  };

  #enter(snapshot) {
    this.#socket.settled();
    this.isJoined = true;
    this.#store.snapshot(snapshot, this.#self);
    this.#nick ??= snapshot.nick || null;
    this.#view.joined();
    this.#joined.resolve();
    if (this.#nick && this.#nick !== snapshot.nick) this.setNick(this.#nick).catch(() => this.#view.joined());
    this.#lookBack();
  }

  /** Whether there is more to load is asked with the smallest question. */
  async #lookBack() {
    const [before] = this.#store.order;
    this.hasEarlier = false;
    if (before) {
      const reply = await this.request('log', { n: 1, before }).catch(() => ({ log: [] }));
      this.hasEarlier = reply.log?.length > 0;
    }
    this.#view.earlier(this.hasEarlier);
  }

  /** A private room asks again after each new connection; the passcode lasts as long as the page. */
  async #bounced(reason) {
    if (!this.#passcode) {
      this.#view.gate(reason);
      return;
    }
    const refused = await this.authenticate(this.#passcode).catch(() => undefined);
    if (refused) this.#view.gate(refused);
  }

  #dismissed(reason) {
    if (FINAL_REASONS.has(reason)) {
      this.#socket.stop();
      this.#view.closed(reason);
    } else {
      this.#socket.restart();
    }
  }
}

function latch() {
  let resolve;
  const promise = new Promise((done) => { resolve = done; });
  return { promise, resolve };
}
