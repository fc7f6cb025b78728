/**
 * This tab's session in one room: what each packet means, the way in, and the way
 * back in after a lost connection. Draws nothing.
 */
import { Access } from './access.js';
import { catchUp } from './catch-up.js';
import { ROOM_DELETED, farewellOf } from './farewell.js';
import { Nick } from './nick.js';
import { RoomSocket, socketUrl } from './socket.js';

const EARLIER_COUNT = 50;

export class Session {
  /** Whether the log has older messages than those that are here. */
  hasEarlier = false;
  isJoined = false;
  #socket;
  #store;
  #view;
  #nick;
  #access;
  #self = {};
  #isPrivate = false;
  #joined = latch();
  /** From which message on the log is read anew; nothing once it is. */
  #from = '';

  /**
   * @param {{room: string, store: ReturnType<import('./store.js').createStore>, storage: () => Storage,
   *   view: Record<'connection' | 'room' | 'gate' | 'joined' | 'earlier' | 'inSight' | 'heard' | 'edited' | 'told', Function>}} options
   */
  constructor({ room, store, storage, view, location, WebSocket }) {
    this.#store = store;
    this.#view = view;
    this.#nick = new Nick({
      storage,
      ask: async (name) => store.rename(await this.request('nick', { name })),
      inRoom: () => store.people.get(store.sessionId)?.name,
    });
    this.#access = new Access({
      request: (type, data) => this.request(type, data),
      show: (gate) => this.#gate(gate),
      again: () => this.#socket.restart(),
      gaveUp: () => this.#socket.stop(),
    });
    this.#socket = new RoomSocket({
      url: socketUrl(location, room),
      onPacket: (packet) => this.#handlers[packet.type]?.(packet.data ?? {}),
      onState: (state, close) => this.#connection(state, close),
      WebSocket,
    });
  }

  connect = () => this.#socket.connect();
  probe = () => this.#socket.probe();
  request = (type, data) => this.#socket.request(type, data);

  /** Resolves once this tab is in the room, and knows what was said while it was not. */
  whenJoined = () => this.#joined.promise;

  /** Tries a passcode; what comes of it is told by the gate. */
  enter = (passcode) => this.#access.enter(passcode);

  /** The nick, as the room sees it or is about to; empty until there is one. */
  get nick() {
    return this.#nick.name;
  }

  /** Whether this session may edit and delete what others say. */
  get isManager() {
    return this.isJoined && this.#self.is_manager === true;
  }

  /** Takes a name, now or as soon as there is a connection. */
  setNick = (name) => this.#nick.take(name, this.isJoined);

  /** Loads the messages before the oldest. */
  async loadEarlier() {
    const { log } = await this.request('log', { n: EARLIER_COUNT, before: this.#store.order[0] });
    this.#store.add(log);
    this.#setEarlier(log.length === EARLIER_COUNT);
  }

  #setEarlier(isThere) {
    this.hasEarlier = isThere;
    this.#view.earlier(isThere);
  }

  #connection(state, close) {
    if (state !== 'open') this.#left();
    this.#view.connection(state, close);
  }

  #left() {
    if (!this.isJoined) return;
    this.isJoined = false;
    if (this.#joined.isOpen) this.#joined = latch();
  }

  #handlers = {
    'hello-event': (hello) => this.#hello(hello),
    'snapshot-event': (data) => this.#enter(data),
    'bounce-event': ({ reason }) => this.#access.bounced(reason),
    'send-event': (message) => { this.#store.add([message]); this.#view.heard(); },
    'edit-message-event': (message) => this.#edited(message),
    'media-upload-event': (event) => this.#store.mediaEvent(event),
    'join-event': (person) => this.#store.join(person),
    'part-event': (person) => this.#store.part(person),
    'nick-event': (change) => this.#store.rename(change),
    'network-event': (change) => { if (change.type === 'partition') this.#store.partition(change); },
    'disconnect-event': ({ reason }) => this.#dismissed(reason),
  };

  #hello({ session, room_is_private: isPrivate }) {
    this.#access.connected();
    this.#self = session;
    // A public room of the same name is another one: what waits to be said in private must not be said there.
    if (this.#isPrivate && !isPrivate) {
      this.#end(ROOM_DELETED);
      return;
    }
    this.#isPrivate = isPrivate;
    this.#view.room({ isPrivate });
  }

  #enter(snapshot) {
    this.#socket.settled(snapshot.listing.length + 1);
    this.isJoined = true;
    // What a person looks at stays, and the newest that was here: all that was missed is after it.
    [this.#from] = [this.#from, this.#store.order.at(-1), this.#view.inSight()].filter(Boolean).sort();
    this.#store.snapshot(snapshot, this.#self, this.#from);
    this.#nick.entered(snapshot.nick).catch(() => this.#view.joined());
    this.#view.joined();
    this.#catchUp(snapshot.log[0]?.id);
  }

  async #catchUp(oldest) {
    if (!(await catchUp(this.request, this.#store, oldest))) return;
    this.#from = '';
    this.#joined.open();
    this.#lookBack();
  }

  /** Whether there is more to load is asked with the smallest question. */
  async #lookBack() {
    const [before] = this.#store.order;
    this.hasEarlier = false;
    const reply = before && (await this.request('log', { n: 1, before }).catch(() => undefined));
    this.#setEarlier(this.hasEarlier || reply?.log?.length > 0);
  }

  #edited(message) {
    const what = this.#store.edit(message);
    if (what === 'earlier') this.#setEarlier(true);
    else if (what) this.#view.edited(what, message);
  }

  /** Whoever stands outside sees nothing of what is inside, and keeps nothing of it. */
  #gate(gate) {
    this.#left();
    if (gate.step !== 'checking') this.#store.clear();
    this.#view.gate(gate);
  }

  #dismissed(reason) {
    const farewell = farewellOf(reason);
    if (farewell.kind === 'final') {
      this.#end(farewell);
      return;
    }
    if (farewell.kind === 'passcode') this.#access.revoke();
    else this.#view.told(farewell.words);
    this.#socket.restart();
  }

  /** For good: there is no way back, and nothing to look at. */
  #end({ title, words }) {
    this.#socket.stop();
    this.#gate({ step: 'shut', title, words });
  }
}

function latch() {
  const it = { isOpen: false };
  it.promise = new Promise((resolve) => { it.open = () => { it.isOpen = true; resolve(); }; });
  return it;
}
