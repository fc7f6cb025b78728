// A WebSocket that a test plays the server of.

export class FakeWebSocket {
  static all = [];
  static get last() { return FakeWebSocket.all.at(-1); }
  readyState = 0;
  sent = [];
  constructor(url, protocol) {
    Object.assign(this, { url, protocol });
    FakeWebSocket.all.push(this);
  }
  send(text) { this.sent.push(JSON.parse(text)); }
  close() { this.readyState = 3; }
  open() { this.readyState = 1; this.onopen(); }
  receive(packet) { this.onmessage({ data: JSON.stringify(packet) }); }
  /** An event from the server. */
  tell(type, data) { this.receive({ type, data }); }
  /** The command of this type that came last. */
  asked(type) { return this.sent.findLast((packet) => packet.type === type); }
  /** Answers that command. */
  answer(type, data) { this.receive({ id: this.asked(type).id, type: `${type}-reply`, data }); }
  refuse(type, error) { this.receive({ id: this.asked(type).id, type: `${type}-reply`, data: null, error }); }
}

/** Lets everything run that waits for nothing. */
export async function settled() {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}
