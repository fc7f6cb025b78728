/**
 * The socket: envelope, command ids, keep-alive, reconnecting. Knows nothing of
 * rooms and media; packets that are no replies go to `onPacket`.
 */

const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 20_000;
const ANSWER_WITHIN_MS = 5_000;
/** A server lets a connection wait for its turn for half a minute. */
const HELLO_WITHIN_MS = 45_000;
const REPLY_WITHIN_MS = 60_000;
const PENDING_MAX = 512;
/** A connection that held this long was a good one. */
const STEADY_MS = 10_000;

/** What each session that comes back adds to the time over which all of them spread, if the server did not say. */
const SPREAD_MS_EACH = 3;
const SPREAD_MS_MAX = 30_000;

/** The connection went away before the reply came; the command may have been carried out or not. */
export class ConnectionLost extends Error {
  constructor() {
    super('the connection was lost');
    this.name = 'ConnectionLost';
  }
}

/**
 * How long to wait before the next attempt: doubling, capped, with jitter so that a
 * room full of tabs does not come back in the same instant.
 * @param {number} attempt 0 for the first
 * @param {() => number} random in 0..1
 */
export function backoffMs(attempt, random = Math.random) {
  const whole = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(attempt, 16));
  return Math.round(whole / 2 + (random() * whole) / 2);
}

/**
 * Over how long to spread the way back, on top of {@link backoffMs}: the server says it when it stops, because it knows
 * how many it sends away. One that was killed said nothing, and took at least those with it who were in the room.
 * @param {string | undefined} reason of the close frame
 * @param {number} crowd how many are in the room
 */
export function spreadMs(reason, crowd) {
  const told = /(?:^|; )retry-ms=(\d{1,6})$/.exec(reason ?? '')?.[1];
  return Math.min(SPREAD_MS_MAX, told === undefined ? crowd * SPREAD_MS_EACH : Number(told));
}

/** Where a page's room has its socket. */
export function socketUrl({ protocol, host }, room) {
  return `${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}/room/${room}/ws?h=1&media=1`;
}

export class RoomSocket {
  #url;
  #onPacket;
  #onState;
  #WebSocket;
  #ws = null;
  #attempt = 0;
  #settledAt = Infinity;
  #crowd = 0;
  #isStopped = false;
  #lastId = 0;
  #pending = new Map();
  #retryTimer;
  #pingTimer;
  #deadTimer;

  /**
   * @param {{url: string, onPacket: (packet: object) => void,
   *   onState: (state: 'connecting' | 'open' | 'waiting' | 'stopped', close?: number) => void,
   *   WebSocket?: typeof globalThis.WebSocket}} options
   */
  constructor({ url, onPacket, onState, WebSocket = globalThis.WebSocket }) {
    this.#url = url;
    this.#onPacket = onPacket;
    this.#onState = onState;
    this.#WebSocket = WebSocket;
  }

  /** Connects now, unless it is connected, about to be, or stopped. */
  connect() {
    if (this.#ws || this.#isStopped) return;
    clearTimeout(this.#retryTimer);
    this.#onState('connecting');
    const ws = new this.#WebSocket(this.#url, 'heim1');
    this.#ws = ws;
    ws.onopen = () => this.#onState('open');
    ws.onmessage = ({ data }) => this.#receive(ws, data);
    ws.onclose = (event) => this.#lost(ws, event);
    this.#deadTimer = setTimeout(() => this.restart(), HELLO_WITHIN_MS);
  }

  /**
   * The room let us in: if it keeps us for a while, the next loss starts with a short wait again.
   * @param {number} [crowd] how many are in the room
   */
  settled(crowd = 0) {
    this.#settledAt = Date.now();
    this.#crowd = crowd;
  }

  /** Gives this connection up and makes a new one. */
  restart() {
    const ws = this.#ws;
    ws?.close();
    // A dead network would keep the close handshake waiting.
    if (ws) this.#lost(ws);
  }

  /** Closes for good. */
  stop() {
    this.#isStopped = true;
    const ws = this.#ws;
    this.#drop();
    ws?.close();
    this.#onState('stopped');
  }

  /** Asks the server for a sign of life, and reconnects if none comes. */
  probe() {
    if (this.#ws?.readyState !== 1) return;
    this.#write({ type: 'ping', data: { time: Math.floor(Date.now() / 1000) } });
    clearTimeout(this.#deadTimer);
    this.#deadTimer = setTimeout(() => this.restart(), ANSWER_WITHIN_MS);
  }

  /**
   * Sends a command.
   * @returns {Promise<any>} the reply's data; rejects with the server's error, or {@link ConnectionLost}
   */
  request(type, data = {}) {
    if (this.#ws?.readyState !== 1) return Promise.reject(new ConnectionLost());
    if (this.#pending.size >= PENDING_MAX) return Promise.reject(new Error('too many requests at a time'));
    this.#lastId += 1;
    const id = String(this.#lastId);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.restart(), REPLY_WITHIN_MS);
      this.#pending.set(id, { resolve, reject, timer });
      this.#write({ id, type, data });
    });
  }

  #write(packet) {
    this.#ws.send(JSON.stringify(packet));
  }

  #receive(ws, text) {
    if (ws !== this.#ws) return;
    clearTimeout(this.#deadTimer);
    let packet;
    try {
      packet = JSON.parse(text);
    } catch {
      this.restart();
      return;
    }
    const waiting = packet.id && this.#pending.get(packet.id);
    if (waiting) {
      this.#pending.delete(packet.id);
      clearTimeout(waiting.timer);
      if (packet.error) waiting.reject(new Error(packet.error));
      else waiting.resolve(packet.data);
    } else if (packet.type === 'ping-event') {
      this.#answerPing(packet.data);
    } else {
      this.#onPacket(packet);
    }
  }

  #answerPing({ time, next }) {
    this.#write({ type: 'ping-reply', data: { time } });
    clearTimeout(this.#pingTimer);
    this.#pingTimer = setTimeout(() => this.probe(), Math.max(5, next - time + 2) * 1000);
  }

  #drop() {
    for (const timer of [this.#pingTimer, this.#deadTimer, this.#retryTimer]) clearTimeout(timer);
    this.#ws = null;
    const waiting = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject, timer } of waiting) {
      clearTimeout(timer);
      reject(new ConnectionLost());
    }
  }

  /** @param {{code?: number, reason?: string}} [close] nothing where this side gave the connection up */
  #lost(ws, close) {
    if (ws !== this.#ws) return;
    this.#drop();
    const wasSteady = Date.now() - this.#settledAt > STEADY_MS;
    this.#settledAt = Infinity;
    const attempt = wasSteady ? 0 : this.#attempt;
    // Who is alone in losing the server is alone in coming back, and so is whoever tries again: those are spread by now.
    const spread = close && attempt === 0 ? spreadMs(close.reason, this.#crowd) : 0;
    const wait = backoffMs(attempt) + Math.round(Math.random() * spread);
    this.#attempt = attempt + 1;
    this.#onState('waiting', close?.code);
    this.#retryTimer = setTimeout(() => this.connect(), wait);
  }
}
