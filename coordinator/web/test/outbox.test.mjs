import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outbox, isPicture } from '../outbox.js';
import { ConnectionLost } from '../socket.js';

const own = (id, content, attachments = []) => ({ id, content, attachments, sender: { id: 'ana' } });

/** In a room with these messages. */
function outbox(answers, there = []) {
  const asked = [];
  const started = [];
  const notices = [];
  const added = [];
  const discarded = [];
  const session = {
    whenJoined: async () => {},
    request: async (type, data) => {
      asked.push([type, data]);
      return answers(type, data, asked.length);
    },
  };
  const store = {
    identity: 'ana', order: [], messages: new Map(),
    add: (messages) => {
      added.push(...messages);
      for (const message of messages) store.come(message);
    },
    come: (message) => store.order.push(message.id) && store.messages.set(message.id, message),
  };
  for (const message of there) store.come(message);
  const uploads = {
    measure: async () => ({ width: 40, height: 30 }),
    start: (handle) => started.push(handle.id),
    discard: (id) => discarded.push(id),
  };
  return { store, box: new Outbox({ session, store, uploads, notify: (words) => notices.push(words) }), asked, started, notices, added, discarded };
}
const file = (name, type = 'image/png') => ({ name, type, size: 5 });
const handles = (type, data) => (type === 'media-upload' ? { id: `m-${data.name}` } : { id: 'sent' });

test('pictures of one drop go out in one message, before they are uploaded', async () => {
  const { box, asked, started, added } = outbox(handles);
  assert.equal(await box.sendPictures([file('a'), file('b')], { content: 'look' }), true);
  assert.deepEqual(asked.map(([type]) => type), ['media-upload', 'media-upload', 'send']);
  assert.deepEqual(asked[0][1], { content_type: 'image/png', size: 5, name: 'a', width: 40, height: 30 });
  assert.deepEqual(asked[2][1], { content: 'look', attachments: ['m-a', 'm-b'] });
  assert.deepEqual(started, ['m-a', 'm-b']);
  assert.deepEqual(added, [{ id: 'sent' }]);
});

test('a picture that is refused does not hold the others back', async () => {
  const { box, asked, notices } = outbox((type, data) => {
    if (data.name === 'huge') throw new Error('media too large');
    return handles(type, data);
  });
  assert.equal(await box.sendPictures([file('huge'), file('b'), file('notes.pdf', 'application/pdf')], { content: '' }), true);
  assert.deepEqual(asked.at(-1)[1].attachments, ['m-b']);
  assert.deepEqual(notices, ['notes.pdf: only pictures can be shared here', 'huge: This picture is too large']);
});

test('nothing is sent where no picture was taken', async () => {
  const { box, asked } = outbox(() => { throw new Error('media type not allowed'); });
  assert.equal(await box.sendPictures([file('a')], { content: 'kept' }), false);
  assert.equal(asked.some(([type]) => type === 'send'), false);
});

test('more than fit one message go into a second one, the text into the first', async () => {
  const { box, asked } = outbox(handles);
  await box.sendPictures(Array.from({ length: 17 }, (_, at) => file(`f${at}`)), { content: 'all' });
  const sent = asked.filter(([type]) => type === 'send').map(([, data]) => [data.content, data.attachments.length]);
  assert.deepEqual(sent, [['all', 16], ['', 1]]);
});

/** Loses the connection with the first reply; what the room has then is up to `meanwhile`. */
const losing = (meanwhile) => {
  const room = outbox((type, data, count) => {
    if (count > 1) return { id: 's', sender: { id: 'ana' }, attachments: [], ...data };
    meanwhile(room.store);
    throw new ConnectionLost();
  }, [own('d', 'hi'), own('e', 'hi')]);
  return room;
};

test('a lost connection sends again, unless the message had arrived', async () => {
  const sendings = async (draft, ...meanwhile) => {
    const { box, asked } = losing((store) => meanwhile.forEach(store.come));
    await box.sendText(draft);
    return asked.length;
  };
  const hi = { content: 'hi' };
  assert.equal(await sendings(hi), 2, 'what was said before is another message');
  assert.equal(await sendings(hi, own('f', 'hi')), 1);
  assert.equal(await sendings(hi, own('d5', 'hi')), 1, 'its id is by another clock');
  assert.equal(await sendings(hi, own('c', 'hi')), 2, 'older than all that was here');
  assert.equal(await sendings(hi, { ...own('f', 'hi'), sender: { id: 'ben' } }), 2);
  assert.equal(await sendings({ content: '', attachments: ['x'] }, own('f', '', ['x'])), 1);
  assert.equal(await sendings({ content: '', attachments: ['y'] }, own('f', '', ['x'])), 2);
});

test('of two messages that are alike each is sent once', async () => {
  /** Says it twice; of the first replies come these, or the connection is lost. */
  const sendings = async (...first) => {
    const room = outbox((type, data, count) => {
      const { reply = `late${count}`, arrives } = first[count - 1] ?? {};
      if (arrives) room.store.come(own(arrives, data.content));
      if (!reply) throw new ConnectionLost();
      return own(reply, data.content);
    });
    await Promise.all([room.box.sendText({ content: 'hi' }), room.box.sendText({ content: 'hi' })]);
    return room.asked.length;
  };
  const lost = { reply: '' };
  assert.equal(await sendings({ reply: '', arrives: 'f' }, { reply: 'g' }), 2);
  assert.equal(await sendings({ reply: '', arrives: 'f' }, { reply: '', arrives: 'g' }), 2);
  assert.equal(await sendings({ reply: '', arrives: 'f' }, lost), 3);
  assert.equal(await sendings({ reply: 'f' }, lost), 3);
  assert.equal(await sendings(lost, lost), 4);
});

test('uploads of a message that is refused are given up', async () => {
  const { box, discarded } = outbox((type, data) => {
    if (type === 'send') throw new Error('too many attachments');
    return handles(type, data);
  });
  await assert.rejects(box.sendPictures([file('a')], { content: '' }), { message: 'too many attachments' });
  assert.deepEqual(discarded, ['m-a']);
});

test('pictures are known by type, or by name where there is no type', () => {
  assert.equal(isPicture(file('x', 'image/heic')), true);
  assert.equal(isPicture(file('x.HEIC', '')), true);
  assert.equal(isPicture(file('x', '')), false);
  assert.equal(isPicture(file('x.png', 'text/plain')), false);
});
