import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PASSCODE_CHANGED } from '../access.js';
import { Session } from '../session.js';
import { createStore } from '../store.js';
import { FakeWebSocket, settled } from './fake-socket.mjs';

const person = (name, more = {}) => ({ id: `agent:${name}`, name, server_id: 's', server_era: 'e1', session_id: name, ...more });
const id = (number) => String(number).padStart(13, '0');
const message = (number, more = {}) => ({
  id: id(number), time: 1000 + number, sender: person('ben'), content: `m${number}`, edited: null, deleted: null, ...more,
});
const WANTED = { reason: 'authentication required' };

/** A page whose storage is a Map, connected. */
function opened(context) {
  context.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  FakeWebSocket.all = [];
  const kept = new Map();
  const seen = { inSight: '', gates: [], rooms: [], told: [], edited: [], earlier: [], joined: 0, states: [] };
  const store = createStore();
  const session = new Session({
    room: 'vault', store, location: { protocol: 'https:', host: 'h' }, WebSocket: FakeWebSocket,
    storage: () => ({ getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => kept.set(key, value) }),
    view: {
      connection: (state) => seen.states.push(state), room: (room) => seen.rooms.push(room), gate: (gate) => seen.gates.push(gate),
      joined: () => { seen.joined += 1; }, earlier: (isThere) => seen.earlier.push(isThere), heard: () => {},
      inSight: () => seen.inSight,
      told: (words) => seen.told.push(words), edited: (what, { id: of }) => seen.edited.push(`${what} ${of}`),
    },
  });
  session.connect();
  return { session, store, seen, kept };
}

function hello({ isPrivate = true, isManager = false } = {}) {
  const ws = FakeWebSocket.last;
  ws.open();
  ws.tell('hello-event', { session: person('', { session_id: 'me', ...(isManager && { is_manager: true }) }), room_is_private: isPrivate });
  ws.tell('ping-event', { time: 7, next: 37 });
  return ws;
}

const snapshot = (ws, log = []) => ws.tell('snapshot-event', { identity: 'agent:ana', session_id: 'me', listing: [person('ben')], log });

/** As far as into the private room. */
async function inside(context, options) {
  const page = opened(context);
  const ws = hello(options);
  ws.tell('bounce-event', WANTED);
  page.session.enter('sesame');
  ws.answer('auth', { success: true });
  snapshot(ws, [message(1, { attachments: [{ id: 'x', state: 'created', created: 1, transcodings: {} }] })]);
  await settled();
  return { ...page, ws };
}

function reconnect(context) {
  context.mock.timers.tick(60_000);
  return FakeWebSocket.last;
}

test('a private room says that it is one and asks for its passcode', async (context) => {
  const { session, store, seen, kept, ws } = await inside(context);
  assert.deepEqual(seen.rooms, [{ isPrivate: true }]);
  assert.deepEqual(seen.gates.map((gate) => gate.step), ['ask', 'checking']);
  assert.deepEqual(ws.asked('auth').data, { type: 'passcode', passcode: 'sesame' });
  assert.equal(session.isJoined, true);
  assert.equal(store.media.has('x'), true);
  assert.doesNotMatch(JSON.stringify([...kept]) + ws.url, /sesame/u, 'kept in memory only');
});

test('after a lost connection it comes back with the passcode, and keeps what it shows', async (context) => {
  const { session, store, seen, ws } = await inside(context);
  seen.gates.length = 0;
  ws.onclose({ code: 1012 });
  assert.equal(session.isJoined, false);
  assert.equal(store.messages.size, 1, 'a short interruption takes nothing away');
  const again = reconnect(context);
  hello();
  again.tell('bounce-event', WANTED);
  assert.equal(again.asked('auth').data.passcode, 'sesame');
  again.answer('auth', { success: true });
  snapshot(again, [message(1)]);
  await settled();
  assert.deepEqual(seen.gates, []);
  assert.equal(session.isJoined, true);
});

test('a passcode that was changed while away empties the page and asks', async (context) => {
  const { store, seen, ws } = await inside(context);
  ws.onclose();
  const again = reconnect(context);
  hello();
  again.tell('bounce-event', WANTED);
  again.answer('auth', { success: false, reason: 'passcode incorrect' });
  await settled();
  assert.deepEqual(seen.gates.at(-1), { step: 'ask', words: PASSCODE_CHANGED });
  assert.deepEqual([store.messages.size, store.media.size, store.people.size], [0, 0, 0]);
});

test('a passcode that is changed while one is here does so at once', async (context) => {
  const { session, store, seen, ws } = await inside(context);
  ws.tell('disconnect-event', { reason: 'access changed' });
  assert.deepEqual(seen.gates.at(-1), { step: 'ask', words: PASSCODE_CHANGED });
  assert.deepEqual([store.messages.size, store.media.size, session.isJoined], [0, 0, false]);
  ws.tell('send-event', message(2));
  assert.equal(store.messages.size, 0, 'what comes late is not heard');
  const again = reconnect(context);
  hello();
  again.tell('bounce-event', WANTED);
  assert.equal(again.asked('auth'), undefined, 'the old one is forgotten');
  session.enter('tahini');
  again.answer('auth', { success: true });
  snapshot(again);
  await settled();
  assert.equal(session.isJoined, true);
});

test('a room that was deleted is left for good', async (context) => {
  const { store, seen, ws } = await inside(context);
  ws.tell('disconnect-event', { reason: 'room deleted' });
  assert.deepEqual(seen.gates.at(-1), { step: 'shut', title: 'This room was deleted', words: 'Its messages and pictures are gone.' });
  assert.equal(store.messages.size, 0);
  assert.equal(seen.states.at(-1), 'stopped');
  assert.equal(reconnect(context), ws);
});

test('a public room of the same name is not the room that one was in', async (context) => {
  const { session, seen, ws } = await inside(context);
  ws.onclose();
  const again = reconnect(context);
  hello({ isPrivate: false });
  snapshot(again, [message(9)]);
  await settled();
  assert.equal(seen.gates.at(-1).title, 'This room was deleted');
  assert.equal(session.isJoined, false);
  assert.deepEqual(again.sent, [], 'nothing is said there');
});

test('other farewells are told, and one comes back', async (context) => {
  const { store, seen, ws } = await inside(context);
  ws.tell('disconnect-event', { reason: 'authentication changed' });
  assert.deepEqual(seen.told, ['The server ended the connection: Authentication changed']);
  assert.equal(store.messages.size, 1);
  assert.notEqual(reconnect(context), ws);
});

test('too many wrong passcodes end the connection', async (context) => {
  const { session, seen } = opened(context);
  const ws = hello();
  ws.tell('bounce-event', WANTED);
  for (let wrong = 0; wrong < 5; wrong += 1) {
    session.enter(`wrong ${wrong}`);
    ws.answer('auth', { success: false, reason: 'passcode incorrect' });
    await settled();
  }
  assert.equal(seen.gates.at(-1).canReload, true);
  assert.equal(seen.states.at(-1), 'stopped');
  assert.equal(reconnect(context), ws);
});

test('managers are known by the hello, and only inside', async (context) => {
  const { session, ws } = await inside(context, { isManager: true });
  assert.equal(session.isManager, true);
  ws.onclose();
  assert.equal(session.isManager, false);
});

test('edits are told; those of older messages show that there are some', async (context) => {
  const { store, seen, ws } = await inside(context);
  ws.tell('send-event', message(5));
  ws.tell('edit-message-event', message(5, { deleted: 9, edit_id: id(8) }));
  ws.tell('edit-message-event', message(5, { edit_id: id(9) }));
  ws.tell('edit-message-event', message(0, { edit_id: id(9) }));
  assert.deepEqual(seen.edited, [`deleted ${id(5)}`, `restored ${id(5)}`]);
  assert.equal(seen.earlier.at(-1), true);
  assert.equal(store.messages.get(id(5)).content, 'm5');
});

const span = (from, to) => Array.from({ length: to - from + 1 }, (_, at) => message(from + at));
const shown = (store) => store.order.map(Number);

/** In a public room with messages 1 to 5, whose connection was lost, and another made. */
async function away(context, inSight = '') {
  const page = opened(context);
  page.seen.inSight = inSight;
  snapshot(hello({ isPrivate: false }), span(1, 5));
  await settled();
  FakeWebSocket.last.onclose({ code: 1006 });
  const back = async () => {
    reconnect(context);
    const ws = hello({ isPrivate: false });
    snapshot(ws, span(301, 400));
    await settled();
    return ws;
  };
  return { ...page, back, ws: await back() };
}

test('what was said while one was away for longer than a snapshot tells of is read page by page', async (context) => {
  const { session, store, ws } = await away(context);
  let isCaughtUp = false;
  session.whenJoined().then(() => { isCaughtUp = true; });
  assert.deepEqual(ws.asked('log').data, { n: 100, before: id(301) });
  ws.answer('log', { log: span(201, 300) });
  await settled();
  assert.deepEqual([shown(store).length, isCaughtUp], [201, false], 'the newest of those that were here, and what came since');
  ws.answer('log', { log: span(101, 200) });
  await settled();
  // The newest of those that were here is not among them: it was deleted meanwhile.
  ws.answer('log', { log: [message(3), message(4), ...span(6, 100)] });
  await settled();
  assert.deepEqual(shown(store), [3, 4, ...span(6, 400).map((it) => Number(it.id))]);
  assert.equal(isCaughtUp, true);
  assert.deepEqual(ws.asked('log').data, { n: 1, before: id(3) }, 'whether there is more');
});

test('what a person looks at stays where it is', async (context) => {
  const { store, ws } = await away(context, id(2));
  assert.deepEqual(shown(store).slice(0, 5), [2, 3, 4, 5, 301]);
  ws.answer('log', { log: span(250, 300) });
  await settled();
  assert.deepEqual(shown(store), span(250, 400).map((it) => Number(it.id)), 'fewer than were asked for are all that there are');
});

test('a log that cannot be read has no gap: what is before it is asked for by whoever wants it', async (context) => {
  const { session, store, seen, ws } = await away(context);
  ws.refuse('log', 'not available right now, try again');
  await settled();
  assert.deepEqual(shown(store), span(301, 400).map((it) => Number(it.id)));
  ws.answer('log', { log: [message(300)] });
  await settled();
  assert.equal(seen.earlier.at(-1), true);
  await session.whenJoined();
});

test('who loses the connection while catching up begins where there was no gap', async (context) => {
  const { session, store, ws, back } = await away(context);
  const joined = session.whenJoined();
  ws.answer('log', { log: span(201, 300) });
  await settled();
  ws.onclose({ code: 1006 });
  await settled();
  const again = await back();
  assert.deepEqual(again.asked('log').data, { n: 100, before: id(301) });
  for (const from of [201, 101, 1]) {
    again.answer('log', { log: span(from, from + 99) });
    await settled();
  }
  await joined;
  assert.deepEqual(shown(store), span(1, 400).map((it) => Number(it.id)));
  again.onclose({ code: 1006 });
  await back();
  assert.deepEqual(shown(store), span(301, 400).map((it) => Number(it.id)), 'nothing was missed');
});

test('a server that went away takes its people along', async (context) => {
  const { store, ws } = await inside(context);
  ws.tell('join-event', person('cleo', { server_era: 'e2' }));
  ws.tell('network-event', { type: 'partition', server_id: 's', server_era: 'e2' });
  assert.deepEqual([...store.people.keys()], ['ben', 'me']);
});
