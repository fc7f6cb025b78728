import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Access, FAILURES_MAX, PASSCODE_CHANGED, TOO_MANY } from '../access.js';
import { closeInWords, farewellOf } from '../farewell.js';
import { ConnectionLost } from '../socket.js';

const WANTED = 'authentication required';

/** A server whose room opens to `passcode`. */
function room(passcode) {
  const seen = { gates: [], tried: [], gaveUp: 0, again: 0 };
  const server = { passcode, isLost: false, trouble: '' };
  const access = new Access({
    request: async (type, data) => {
      assert.equal(type, 'auth');
      assert.equal(data.type, 'passcode');
      if (server.isLost) throw new ConnectionLost();
      seen.tried.push(data.passcode);
      if (server.trouble) throw new Error(server.trouble);
      return data.passcode === server.passcode ? { success: true } : { success: false, reason: 'passcode incorrect' };
    },
    show: (gate) => seen.gates.push(gate),
    again: () => { seen.again += 1; },
    gaveUp: () => { seen.gaveUp += 1; },
  });
  access.connected();
  return { access, seen, server };
}
const steps = (seen) => seen.gates.map((gate) => gate.step);

test('asks, says what is wrong, and lets in', async () => {
  const { access, seen } = room('sesame');
  await access.bounced(WANTED);
  assert.deepEqual(seen.gates, [{ step: 'ask', words: '' }]);
  await access.enter('open');
  assert.deepEqual(seen.gates.at(-1), { step: 'ask', words: 'That passcode is not right', isWrong: true });
  await access.enter('sesame');
  assert.deepEqual(steps(seen), ['ask', 'checking', 'ask', 'checking']);
  assert.match(seen.gates.at(-1).words, /more slowly/u, 'from the second try on the server takes its time');
});

test('one try at a time, and none without a passcode', async () => {
  const { access, seen } = room('sesame');
  await access.bounced(WANTED);
  await Promise.all([access.enter('a'), access.enter('b'), access.enter('')]);
  assert.deepEqual(seen.tried, ['a']);
});

test('after five wrong ones it gives up', async () => {
  const { access, seen } = room('sesame');
  await access.bounced(WANTED);
  for (let wrong = 1; wrong <= FAILURES_MAX; wrong += 1) await access.enter(`wrong ${wrong}`);
  assert.equal(seen.gaveUp, 1);
  assert.deepEqual(seen.gates.at(-1), { step: 'shut', words: TOO_MANY, canReload: true });
  const words = seen.gates.filter((gate) => gate.isWrong).map((gate) => gate.words);
  assert.deepEqual(words.slice(-2), ['That passcode is not right (2 tries left)', 'That passcode is not right (1 try left)']);
});

test('comes back by itself with the passcode that was right', async () => {
  const { access, seen } = room('sesame');
  await access.bounced(WANTED);
  await access.enter('sesame');
  seen.gates.length = 0;
  access.connected();
  await access.bounced(WANTED);
  assert.deepEqual(seen.tried, ['sesame', 'sesame']);
  assert.deepEqual(seen.gates, [], 'unseen');
});

test('asks again, with the reason, once the passcode was changed', async () => {
  const { access, seen, server } = room('sesame');
  await access.bounced(WANTED);
  await access.enter('sesame');
  server.passcode = 'tahini';
  access.connected();
  await access.bounced(WANTED);
  assert.deepEqual(seen.gates.at(-1), { step: 'ask', words: PASSCODE_CHANGED });
  // A second connection in the meantime says the same.
  access.connected();
  await access.bounced(WANTED);
  assert.deepEqual(seen.gates.at(-1), { step: 'ask', words: PASSCODE_CHANGED });
  assert.deepEqual(seen.tried, ['sesame', 'sesame']);
  await access.enter('tahini');
  assert.deepEqual(seen.tried.at(-1), 'tahini');
});

test('a passcode that was revoked is not tried again', async () => {
  const { access, seen } = room('sesame');
  await access.bounced(WANTED);
  await access.enter('sesame');
  access.revoke();
  assert.deepEqual(seen.gates.at(-1), { step: 'ask', words: PASSCODE_CHANGED });
  access.connected();
  await access.bounced(WANTED);
  assert.deepEqual(seen.tried, ['sesame']);
});

test('a passcode that a lost connection swallowed is tried in the next', async () => {
  const { access, seen, server } = room('sesame');
  await access.bounced(WANTED);
  server.isLost = true;
  await access.enter('sesame');
  assert.equal(seen.gates.at(-1).step, 'checking');
  server.isLost = false;
  access.connected();
  await access.bounced(WANTED);
  assert.deepEqual(seen.tried, ['sesame']);
  assert.notEqual(seen.gates.at(-1).step, 'ask');
});

test('a server that cannot tell says nothing of the passcode', async () => {
  const { access, seen, server } = room('sesame');
  await access.bounced(WANTED);
  server.trouble = 'not available right now, try again';
  for (let tries = 0; tries <= FAILURES_MAX; tries += 1) await access.enter('sesame');
  assert.deepEqual(seen.gates.at(-1), { step: 'ask', words: 'Not available right now, try again' });
  server.trouble = '';
  await access.enter('sesame');
  server.trouble = 'not available right now, try again';
  seen.gates.length = 0;
  access.connected();
  await access.bounced(WANTED);
  assert.deepEqual([seen.gates, seen.again, seen.gaveUp], [[], 1, 0], 'it is still the right one');
  server.trouble = '';
  access.connected();
  await access.bounced(WANTED);
  assert.deepEqual(seen.gates, []);
});

test('a room that is shut says so and asks nothing', async () => {
  const { access, seen } = room('sesame');
  await access.bounced('room not open');
  assert.deepEqual(seen.gates, [{ step: 'shut', title: 'This room is not open to you', words: '' }]);
});

test('farewells have a meaning', () => {
  assert.equal(farewellOf('room deleted').title, 'This room was deleted');
  assert.equal(farewellOf('room deleted').kind, 'final');
  assert.equal(farewellOf('access changed').kind, 'passcode');
  assert.equal(farewellOf('banned').kind, 'final');
  assert.deepEqual(farewellOf('authentication changed'), { kind: 'passing', title: '', words: 'The server ended the connection: Authentication changed' });
});

test('closes are told in words', () => {
  assert.equal(closeInWords(1012), 'The server is restarting. Reconnecting…');
  assert.equal(closeInWords(1006), 'Reconnecting…');
  assert.equal(closeInWords(undefined), 'Reconnecting…');
});
