import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectionLost, RoomSocket, backoffMs, socketUrl, spreadMs } from '../socket.js';
import { FakeWebSocket } from './fake-socket.mjs';

function connected(context) {
  context.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  FakeWebSocket.all = [];
  const seen = { packets: [], states: [] };
  const socket = new RoomSocket({
    url: 'ws://host/room/r/ws', WebSocket: FakeWebSocket,
    onPacket: (packet) => seen.packets.push(packet), onState: (state, close) => { seen.states.push(state); seen.close = close; },
  });
  socket.connect();
  FakeWebSocket.all[0].open();
  return { socket, seen, ws: FakeWebSocket.all[0] };
}

test('waiting doubles, is capped, and always keeps half for certain', () => {
  const waits = (random) => [0, 1, 2, 6, 50].map((attempt) => backoffMs(attempt, () => random));
  assert.deepEqual(waits(0), [250, 500, 1000, 10_000, 10_000]);
  assert.deepEqual(waits(1), [500, 1000, 2000, 20_000, 20_000]);
});

test('a herd spreads over what the server says, else over what the room suggests', () => {
  assert.equal(spreadMs('restarting; retry-ms=1500', 7), 1500);
  assert.equal(spreadMs('restarting; retry-ms=999999', 7), 30_000, 'capped');
  for (const untold of ['', undefined, 'restarting', 'retry-ms=', 'restarting; retry-ms=12 or so', 'pretty-ms=5']) {
    assert.equal(spreadMs(untold, 100), 300, String(untold));
  }
  assert.equal(spreadMs('', 1), 3, 'whoever was alone comes back at once');
  assert.equal(spreadMs('', 1_000_000), 30_000);
});

test('the first way back of a herd is spread, and no later one', (context) => {
  const { socket, ws } = connected(context);
  context.mock.method(Math, 'random', () => 1);
  const comesAfter = (ms) => {
    const before = FakeWebSocket.all.length;
    context.mock.timers.tick(ms - 1);
    const early = FakeWebSocket.all.length;
    context.mock.timers.tick(1);
    assert.deepEqual([early, FakeWebSocket.all.length], [before, before + 1]);
  };
  socket.settled(2);
  ws.onclose({ code: 1012, reason: 'restarting; retry-ms=4000' });
  comesAfter(4_500);
  FakeWebSocket.last.onclose({ code: 1006, reason: '' });
  comesAfter(1_000);
});

test('the address follows the page’s', () => {
  assert.equal(socketUrl({ protocol: 'https:', host: 'h:1' }, 'den'), 'wss://h:1/room/den/ws?h=1&media=1');
  assert.equal(socketUrl({ protocol: 'http:', host: 'h' }, 'den'), 'ws://h/room/den/ws?h=1&media=1');
});

test('replies find their command, errors reject, events pass', async (context) => {
  const { socket, seen, ws } = connected(context);
  assert.equal(ws.protocol, 'heim1');
  const [first, second] = [socket.request('who'), socket.request('nick', { name: '' })];
  assert.deepEqual(ws.sent.map((packet) => packet.id), ['1', '2']);
  ws.receive({ id: '2', type: 'nick-reply', data: null, error: 'invalid nick' });
  ws.receive({ type: 'send-event', data: {} });
  ws.receive({ id: '1', type: 'who-reply', data: { listing: [] } });
  assert.deepEqual(await first, { listing: [] });
  await assert.rejects(second, { message: 'invalid nick' });
  assert.deepEqual(seen.packets.map((packet) => packet.type), ['send-event']);
});

test('pings are answered with their own time', (context) => {
  const { seen, ws } = connected(context);
  ws.receive({ type: 'ping-event', data: { time: 7, next: 37 } });
  assert.deepEqual(ws.sent, [{ type: 'ping-reply', data: { time: 7 } }]);
  assert.deepEqual(seen.packets, []);
});

test('a silent server is asked, then left', (context) => {
  const { seen, ws } = connected(context);
  ws.receive({ type: 'ping-event', data: { time: 7, next: 37 } });
  context.mock.timers.tick(32_000);
  assert.equal(ws.sent.at(-1).type, 'ping');
  context.mock.timers.tick(5_000);
  assert.equal(seen.states.at(-1), 'waiting');
  assert.equal(ws.readyState, 3);
});

test('a server that says nothing at all is left', (context) => {
  const { seen, ws } = connected(context);
  context.mock.timers.tick(44_999);
  assert.equal(seen.states.at(-1), 'open');
  context.mock.timers.tick(1);
  assert.deepEqual([seen.states.at(-1), ws.readyState], ['waiting', 3]);
  context.mock.timers.tick(500);
  FakeWebSocket.last.open();
  FakeWebSocket.last.receive({ type: 'hello-event', data: {} });
  context.mock.timers.tick(60_000);
  assert.equal(seen.states.at(-1), 'open');
});

test('a lost connection rejects what waits and comes back', async (context) => {
  const { socket, seen, ws } = connected(context);
  const waiting = socket.request('who');
  ws.onclose({ code: 1012 });
  assert.equal(seen.close, 1012, 'why it waits is told');
  await assert.rejects(waiting, ConnectionLost);
  await assert.rejects(socket.request('who'), ConnectionLost);
  context.mock.timers.tick(500);
  assert.equal(FakeWebSocket.all.length, 2);
  assert.deepEqual(seen.states, ['connecting', 'open', 'waiting', 'connecting']);
  ws.receive({ type: 'send-event', data: {} });
  assert.deepEqual(seen.packets, [], 'the old connection is not listened to any more');
});

test('only a connection that held starts the waiting anew', (context) => {
  const { socket, seen } = connected(context);
  const loseAfter = (ms) => {
    const before = FakeWebSocket.all.length;
    const ws = FakeWebSocket.all.at(-1);
    ws.open();
    socket.settled();
    context.mock.timers.tick(ms);
    ws.onclose();
    context.mock.timers.tick(500);
    return FakeWebSocket.all.length > before;
  };
  context.mock.method(Math, 'random', () => 1);
  assert.deepEqual([loseAfter(11_000), loseAfter(1_000)], [true, false]);
  assert.equal(seen.states.at(-1), 'waiting');
  context.mock.timers.tick(500);
  assert.deepEqual([loseAfter(11_000)], [true]);
});

test('stopping is for good', (context) => {
  const { socket, seen, ws } = connected(context);
  socket.stop();
  ws.onclose();
  socket.connect();
  context.mock.timers.tick(60_000);
  assert.equal(FakeWebSocket.all.length, 1);
  assert.equal(seen.states.at(-1), 'stopped');
});
