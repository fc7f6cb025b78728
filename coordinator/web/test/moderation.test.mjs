import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Moderation, UNDO_MS } from '../moderation.js';
import { ConnectionLost } from '../socket.js';
import { createStore } from '../store.js';
import { settled } from './fake-socket.mjs';

const sent = { id: '1', time: 1, sender: { id: 'agent:b', name: 'ben' }, content: 'hi', edited: null, deleted: null };

function manager(answer) {
  const store = createStore();
  store.snapshot({ identity: 'agent:a', session_id: 'me', listing: [], log: [sent] }, {});
  const asked = [];
  const seen = { notices: [], told: [], changed: 0 };
  const session = {
    isManager: true,
    request: async (type, data) => {
      asked.push([type, data]);
      return answer(type, data);
    },
  };
  const moderation = new Moderation({
    session, store, changed: () => { seen.changed += 1; }, notify: (words) => seen.notices.push(words),
    told: (what) => seen.told.push(what),
  });
  return { moderation, session, store, asked, seen, message: () => store.messages.get('1') };
}

/** A server that does what it is asked, with edits e1, e2, … */
function obedient() {
  let edits = 0;
  return (type, data) => {
    edits += 1;
    return { ...sent, edit_id: `e${edits}`, edited: 5, deleted: data.delete ? 5 : null };
  };
}

test('deletes, and takes it back by naming the change that it takes back', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { moderation, asked, seen, message } = manager(obedient());
  assert.deepEqual([moderation.canDelete(message()), moderation.canUndo(message())], [true, false]);
  await moderation.delete('1');
  assert.deepEqual(asked, [['edit-message', { id: '1', delete: true, announce: true }]]);
  assert.deepEqual([moderation.canDelete(message()), moderation.canUndo(message())], [false, true]);
  await moderation.undo('1');
  assert.deepEqual(asked[1], ['edit-message', { id: '1', previous_edit_id: 'e1', delete: false, announce: true }]);
  assert.equal(message().content, 'hi');
  assert.deepEqual(seen.told, ['deleted', 'restored']);
});

test('undoing is offered for a moment, and only where it was deleted', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { moderation, seen, store, message } = manager(obedient());
  await moderation.delete('1');
  context.mock.timers.tick(UNDO_MS);
  assert.equal(moderation.canUndo(message()), false);
  assert.equal(seen.changed, 1);
  const other = manager(obedient());
  other.store.edit({ ...sent, edit_id: 'e1', deleted: 5 });
  assert.equal(other.moderation.canUndo(other.message()), false);
  assert.equal(store.messages.get('1').deleted, 5);
});

test('only managers are offered anything', () => {
  const { moderation, session, message } = manager(obedient());
  session.isManager = false;
  assert.deepEqual([moderation.canDelete(message()), moderation.canUndo({ ...message(), deleted: 5 })], [false, false]);
});

test('pressed twice is done once', async (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { moderation, asked, message } = manager(obedient());
  await Promise.all([moderation.delete('1'), moderation.delete('1')]);
  assert.equal(asked.length, 1);
  assert.equal(moderation.canUndo(message()), true);
});

test('a change that somebody else made first is fetched, and nothing is lost', async () => {
  const { moderation, seen, asked, message } = manager((type) => {
    if (type === 'edit-message') throw new Error('edit inconsistent');
    return { ...sent, content: 'hello', previous_edit_id: 'e9', edited: 5 };
  });
  await moderation.delete('1');
  await settled();
  assert.deepEqual(asked.map(([type]) => type), ['edit-message', 'get-message']);
  assert.match(seen.notices[0], /Somebody else changed/u);
  assert.deepEqual([message().content, message().deleted], ['hello', null]);
  assert.equal(moderation.canUndo({ ...message(), deleted: 5 }), false);
});

test('refusals are told in words', async () => {
  for (const [error, words] of [
    [new Error('access denied'), /Only a manager/u], [new Error('message not found'), /is gone/u], [new ConnectionLost(), /connection was lost/u],
  ]) {
    const { moderation, seen } = manager(() => { throw error; });
    await moderation.delete('1');
    assert.match(seen.notices[0], words);
  }
});
