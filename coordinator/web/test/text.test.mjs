import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  dayOf, editInWords, hueOf, initialOf, linkRuns, normaliseNick, problemInWords, reasonInWords, roomOf, sizeInWords, typeInWords,
} from '../text.js';
import { groupPeople } from '../view-people.js';
import { tileWidth } from '../view-tile.js';

test('links are http and https only, without the sentence around them', () => {
  const hrefs = (content) => linkRuns(content).filter((run) => run.href).map((run) => run.href);
  assert.deepEqual(hrefs('see http://a.example/x, and (https://b.example/y_(z)).'), ['http://a.example/x', 'https://b.example/y_(z)']);
  assert.deepEqual(hrefs('javascript:alert(1) data:text/html,x ftp://x.example http://'), []);
});

test('runs put together are the message again', () => {
  for (const content of ['', 'plain\ntext', 'http://a.example', 'a http://a.example! b', '<b>http://x.example</b>', 'http:// https://ok.example.']) {
    assert.equal(linkRuns(content).map((run) => run.text).join(''), content);
  }
});

test('nicks follow heim’s rule', () => {
  assert.equal(normaliseNick('  alice \n smith '), 'alice smith');
  assert.equal(normaliseNick('   '), null);
  assert.equal(normaliseNick('🦊'.repeat(36)), '🦊'.repeat(36));
  assert.equal(normaliseNick('x'.repeat(37)), null);
});

test('rooms come from the path', () => {
  assert.equal(roomOf('/room/welcome/'), 'welcome');
  assert.equal(roomOf('/room/pm:0c1oft7ew7ojk/'), 'pm:0c1oft7ew7ojk');
  assert.equal(roomOf('/room/../x/'), null);
});

test('sizes, types, initials and hues', () => {
  assert.deepEqual([999, 1000, 4_200_000, 26_214_400].map(sizeInWords), ['999 bytes', '1.0 KB', '4.2 MB', '26 MB']);
  assert.deepEqual(['image/jpeg', 'image/x-ms-bmp', 'text/plain', undefined].map(typeInWords), ['JPEG', 'BMP', 'text/plain', '']);
  assert.deepEqual([initialOf('ana'), initialOf('🦊 fox'), initialOf('')], ['A', '🦊', '·']);
  assert.equal(hueOf('agent:x'), hueOf('agent:x'));
  assert.ok(hueOf('agent:y') >= 0 && hueOf('agent:y') < 360);
});

test('reasons and problems become sentences', () => {
  assert.equal(reasonInWords('media too large'), 'This picture is too large');
  assert.equal(reasonInWords('something odd.'), 'Something odd');
  assert.equal(problemInWords({ title: 'The upload has no content.' }, 'x'), 'The upload has no content');
  assert.equal(problemInWords({ title: 'media not found', detail: 'it expired.' }, 'x'), 'The picture is gone: it expired');
  assert.equal(problemInWords(undefined, 'fallback'), 'fallback');
});

test('what became of a message is told to those who do not see it', () => {
  assert.equal(editInWords('deleted', { sender: { name: 'ben' } }), 'A message from ben was deleted');
  assert.equal(editInWords('restored', { sender: { name: '' } }), 'A message is back');
});

test('days have names while they are near', () => {
  const now = new Date(2026, 4, 20, 12).getTime();
  const at = (day) => dayOf(new Date(2026, 4, day, 9).getTime() / 1000, now);
  assert.deepEqual([at(20), at(19)], ['Today', 'Yesterday']);
  assert.match(at(12), /12/u);
});

test('one line for each person, oneself first, the nameless last', () => {
  const person = (id, name, session_id) => ({ id, name, session_id });
  const people = [person('b', 'ben', 's1'), person('a', 'ana', 's2'), person('c', '', 's3'), person('b', 'ben', 's4'), person('z', 'zoe', 'me'), person('d', '', 's5')];
  const lines = groupPeople(people, 'me').map(({ name, sessions, isSelf }) => [name, sessions, isSelf]);
  const managers = groupPeople([person('b', 'ben', 's1'), { ...person('b', 'ben', 's2'), is_manager: true }], 'me');
  assert.deepEqual(managers.map(({ isManager }) => isManager), [true]);
  assert.deepEqual(lines, [['zoe', 1, true], ['ana', 1, false], ['ben', 2, false], ['', 2, false]]);
});

test('a tile is never wider than the screen', () => {
  assert.equal(tileWidth(4 / 3, 1, 1280), 480);
  assert.equal(tileWidth(0.6, 1, 1280), 231);
  assert.ok(tileWidth(2.6, 1, 360) <= 360);
  assert.ok(tileWidth(2.6, 2, 360) <= 360);
});
