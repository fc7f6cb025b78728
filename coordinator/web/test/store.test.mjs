import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { EARLY_MAX, MESSAGES_MAX, createStore } from '../store.js';

const person = (name, session = name, era = 'e1') => ({ id: `agent:${name}`, name, server_id: 's', server_era: era, session_id: session });
const id = (number) => String(number).padStart(13, '0');
const message = (number, more = {}) => ({
  id: id(number), time: 1000 + number, sender: person('ben'), content: `m${number}`, edited: null, deleted: null, ...more,
});
const media = (mediaId, more = {}) => ({ id: mediaId, state: 'created', created: 1000, transcodings: {}, ...more });
const event = (mediaId, name = 'thumb-160') => ({
  media_id: mediaId, name, content_type: 'image/webp', size: 9, width: 160, height: 90, url: '/t', expires: 9, state: 'uploaded',
});
const snapshot = (more = {}) => ({ identity: 'agent:ana', session_id: 'ana', listing: [], log: [], ...more });

let store;
let changes;
beforeEach(() => {
  changes = [];
  store = createStore((change) => changes.push([change.what, change.id].filter(Boolean).join(' ')));
  store.snapshot(snapshot({ listing: [person('ben')], nick: 'ana' }), person(''));
  changes.length = 0;
});
const names = () => [...store.people.values()].map((it) => it.name);

test('a snapshot brings the others and oneself', () => {
  assert.deepEqual(names(), ['ben', 'ana']);
});

test('messages stand in the order of their ids, however they arrive', () => {
  store.add([message(5)]);
  store.add([message(3)]);
  store.add([message(1), message(2)]);
  store.add([message(5)]);
  assert.deepEqual(store.order, [1, 2, 3, 5].map(id));
});

test('events that come before their message are kept for it', () => {
  store.mediaEvent(event('x'));
  assert.deepEqual(changes, []);
  store.add([message(1, { attachments: [media('x')] })]);
  assert.equal(store.media.get('x').transcodings['thumb-160'].url, '/t');
  assert.equal(store.media.get('x').state, 'uploaded');
  assert.equal(store.early.size, 0);
  store.mediaEvent(event('x', 'thumb-320'));
  assert.deepEqual(changes.at(-1), 'media x');
  assert.equal(Object.keys(store.media.get('x').transcodings).length, 2);
});

test('events of media that nobody shows have a bound, the oldest go first', () => {
  for (let at = 0; at <= EARLY_MAX; at += 1) store.mediaEvent(event(`x${at}`));
  assert.equal(store.early.size, EARLY_MAX);
  assert.equal(store.early.has('x0'), false);
  assert.equal(store.early.has(`x${EARLY_MAX}`), true);
});

test('a snapshot after a reconnect replaces the log and heals what was missed', () => {
  store.add([message(1), message(2, { attachments: [media('x')] })]);
  store.mediaEvent(event('x'));
  const healed = media('x', { state: 'ready', transcodings: { 'thumb-640': event('x', 'thumb-640') } });
  store.snapshot(snapshot({ session_id: 'ana2', log: [message(2, { attachments: [healed] }), message(3)] }), person('ana'));
  assert.deepEqual(store.order, [2, 3].map(id));
  assert.deepEqual(Object.keys(store.media.get('x').transcodings), ['thumb-160', 'thumb-640']);
  assert.equal(store.media.get('x').state, 'ready');
  assert.equal(changes.at(-1), 'media x', 'its message did not change, it did');
});

test('what is read anew takes away what is there no more, and nothing that came after it was read', () => {
  store.add([message(1), message(2, { attachments: [media('x')] }), message(3), message(4), message(9)]);
  store.edit(message(4, { content: 'newer', edited: 5, edit_id: 'e2' }));
  store.reread([message(1), message(3), message(4, { content: 'older', edited: 4, previous_edit_id: 'e1' })], id(9));
  assert.deepEqual(store.order, [1, 3, 4, 9].map(id));
  assert.equal(store.media.has('x'), false);
  assert.equal(store.messages.get(id(4)).content, 'newer');
  store.reread([], id(9), '');
  assert.deepEqual(store.order, [id(9)]);
});

test('a snapshot leaves what is older than its log where that is wanted', () => {
  store.add([message(1), message(2), message(3), message(8)]);
  store.snapshot(snapshot({ log: [message(7), message(9)] }), person('ana'), id(2));
  assert.deepEqual(store.order, [2, 3, 7, 9].map(id));
  store.snapshot(snapshot({ log: [] }), person('ana'), id(2));
  assert.deepEqual(store.order, []);
});

test('a message that is deleted keeps its place and nothing else', () => {
  store.add([message(1, { attachments: [media('x')] }), message(2, { attachments: [media('y')] })]);
  changes.length = 0;
  assert.equal(store.edit(message(1, { deleted: 5, edit_id: 'e1', attachments: [media('x')] })), 'deleted');
  assert.deepEqual(changes, ['forgotten x', 'log']);
  assert.deepEqual([...store.media.keys()], ['y']);
  assert.deepEqual(store.order, [1, 2].map(id));
  const { content, attachments, deleted, sender } = store.messages.get(id(1));
  assert.deepEqual([content, attachments, deleted, sender.name], ['', [], 5, 'ben']);
});

test('a deletion that is taken back brings the message with its attachments', () => {
  store.add([message(1, { attachments: [media('x')] }), message(2)]);
  store.edit(message(1, { deleted: 5, edit_id: 'e1' }));
  const back = message(1, { edit_id: 'e2', edited: 6, attachments: [media('x', { state: 'ready' })] });
  assert.equal(store.edit(back), 'restored');
  assert.equal(store.messages.get(id(1)).content, 'm1');
  assert.equal(store.media.get('x').state, 'ready');
  assert.deepEqual(store.order, [1, 2].map(id));
});

test('a message that was deleted when the log was read comes back to its place', () => {
  store.add([message(2), message(5)]);
  assert.equal(store.edit(message(3, { deleted: 5, edit_id: 'e1' })), '', 'nobody has seen it');
  assert.equal(store.edit(message(3, { edit_id: 'e2' })), 'restored');
  assert.equal(store.edit(message(1, { edit_id: 'e2' })), 'earlier');
  assert.deepEqual(store.order, [2, 3, 5].map(id));
});

test('changes may come in any order, the newest holds', () => {
  store.add([message(1)]);
  store.edit(message(1, { content: 'second', edit_id: 'e2', edited: 5 }));
  assert.equal(store.edit(message(1, { content: 'first', edit_id: 'e1', edited: 5 })), '');
  store.add([message(1)]);
  assert.equal(store.messages.get(id(1)).content, 'second');
  store.edit(message(1, { deleted: 5, edit_id: 'e3' }));
  store.add([message(1, { content: 'second', previous_edit_id: 'e2' })]);
  assert.equal(store.messages.get(id(1)).deleted, 5);
  assert.equal(store.edit(message(1, { content: 'all of it', previous_edit_id: 'e3', deleted: null })), 'restored', 'read after the change');
});

test('an edit replaces the content and says so', () => {
  store.add([message(1)]);
  assert.equal(store.edit(message(1, { content: 'new', edited: 5, edit_id: 'e1' })), 'edited');
  assert.equal(store.messages.get(id(1)).content, 'new');
  assert.equal(store.messages.get(id(1)).edited, 5);
});

test('who is sent out keeps nothing', () => {
  store.add([message(1, { attachments: [media('x')] })]);
  store.mediaEvent(event('early'));
  changes.length = 0;
  store.clear();
  assert.deepEqual(changes, ['forgotten x', 'cleared']);
  for (const kept of [store.messages, store.media, store.early, store.people]) assert.equal(kept.size, 0);
  assert.deepEqual([store.order, store.identity, store.sessionId], [[], '', '']);
});

test('the log has a bound', () => {
  store.add(Array.from({ length: MESSAGES_MAX + 3 }, (_, at) => message(at)));
  assert.equal(store.order.length, MESSAGES_MAX);
  assert.equal(store.messages.size, MESSAGES_MAX);
  assert.equal(store.order[0], id(3));
});

test('people come, go, change their name and vanish with their server', () => {
  store.join(person('cleo', 'c', 'e2'));
  store.rename({ session_id: 'c', id: 'agent:cleo', from: 'cleo', to: 'kleo' });
  assert.deepEqual(names(), ['ben', 'ana', 'kleo']);
  store.partition({ server_id: 's', server_era: 'e2' });
  assert.deepEqual(names(), ['ben', 'ana']);
  store.part(person('ben'));
  assert.deepEqual(names(), ['ana']);
});

test('pictures are those that can be looked at, each once, in the order of the log', () => {
  const shown = (mediaId) => media(mediaId, { transcodings: { 'thumb-160': event(mediaId) } });
  store.add([message(2, { attachments: [shown('b'), media('w')] }), message(1, { attachments: [shown('a')] }), message(3, { attachments: [shown('a')] })]);
  assert.deepEqual(store.pictures(), ['a', 'b']);
  assert.equal(store.messageOf('b').id, id(2));
});

test('fresh handles are taken for media that are shown', () => {
  store.add([message(1, { attachments: [media('x')] })]);
  store.mediaObject(media('x', { state: 'ready', transcodings: { 'thumb-160': { ...event('x'), url: '/fresh' } } }));
  store.mediaObject(media('nowhere'));
  assert.equal(store.media.get('x').transcodings['thumb-160'].url, '/fresh');
  assert.equal(store.media.has('nowhere'), false);
});
