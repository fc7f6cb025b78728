import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadRenewed, refresher } from '../refresh.js';
import { ConnectionLost } from '../socket.js';
import { createStore } from '../store.js';

const object = (url) => ({ id: 'x', state: 'ready', created: 1, transcodings: { original: { name: 'original', url } } });

function room(answer) {
  const store = createStore();
  const message = { id: '1', time: 1, sender: {}, content: '', edited: null, deleted: null, attachments: [object('/old')] };
  store.snapshot({ identity: '', session_id: 'me', listing: [], log: [message] }, {});
  const asked = [];
  const session = {
    whenJoined: async () => {},
    request: async (type, data) => {
      asked.push(`${type} ${data.id}`);
      return answer(asked.length);
    },
  };
  return { refresh: refresher(session, store), store, asked };
}

test('fresh handles are asked for once at a time', async () => {
  const { refresh, asked } = room(() => object('/fresh'));
  const [one, other] = await Promise.all([refresh('x'), refresh('x')]);
  assert.equal(one.transcodings.original.url, '/fresh');
  assert.equal(one, other);
  assert.deepEqual(asked, ['get-media x']);
  await refresh('x');
  assert.equal(asked.length, 2);
});

test('a lost connection is waited for, not for ever', async () => {
  const once = room((count) => { if (count === 1) throw new ConnectionLost(); return object('/fresh'); });
  assert.equal((await once.refresh('x')).transcodings.original.url, '/fresh');
  const always = room(() => { throw new ConnectionLost(); });
  await assert.rejects(always.refresh('x'), ConnectionLost);
  assert.equal(always.asked.length, 3);
});

test('what the room has no more is not asked for again', async () => {
  const { refresh, asked } = room(() => { throw new Error('media not found'); });
  await assert.rejects(refresh('x'), { message: 'media not found' });
  assert.equal(asked.length, 1);
});

test('a picture whose message went away meanwhile is gone', async () => {
  const { refresh, store } = room(() => { store.clear(); return object('/fresh'); });
  await assert.rejects(refresh('x'), { message: 'media not found' });
});

const refusing = (urls) => async ({ transcodings }) => {
  if (urls.includes(transcodings.original.url)) throw new Error('refused');
  return transcodings.original.url;
};

test('a picture that loads needs no fresh handles', async () => {
  const { refresh, asked } = room(() => object('/fresh'));
  assert.deepEqual(await loadRenewed(object('/old'), refresh, refusing([])), { picture: '/old', trouble: '' });
  assert.deepEqual(asked, []);
});

test('a handle that is refused is renewed once', async () => {
  const { refresh, asked } = room(() => object('/fresh'));
  assert.deepEqual(await loadRenewed(object('/old'), refresh, refusing(['/old'])), { picture: '/fresh', trouble: '' });
  assert.deepEqual(await loadRenewed(object('/old'), refresh, refusing(['/old', '/fresh'])), { trouble: 'unreachable' });
  assert.equal(asked.length, 2);
});

test('what may not be seen any more is told apart from what does not come', async () => {
  const gone = room(() => { throw new Error('media not found'); });
  assert.deepEqual(await loadRenewed(object('/old'), gone.refresh, refusing(['/old'])), { trouble: 'gone' });
  for (const error of [new ConnectionLost(), new Error('not available right now, try again')]) {
    const away = room(() => { throw error; });
    assert.deepEqual(await loadRenewed(object('/old'), away.refresh, refusing(['/old'])), { trouble: 'unreachable' });
  }
});
