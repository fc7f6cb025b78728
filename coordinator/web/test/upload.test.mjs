import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Uploads, outcomeOf } from '../upload.js';

class FakeRequest {
  upload = {};
  headers = [];
  status = 0;
  responseText = '';
  open(method, url) { this.line = `${method} ${url}`; }
  setRequestHeader(name, value) { this.headers.push(`${name}: ${value}`); }
  send(body) { this.body = body; }
  abort() { this.onloadend(); }
  end(status, problem) {
    Object.assign(this, { status, responseText: problem ? JSON.stringify(problem) : '' });
    this.onloadend();
  }
}

function uploads() {
  const requests = [];
  const createRequest = () => {
    requests.push(new FakeRequest());
    return requests.at(-1);
  };
  const all = new Uploads({ changed: () => {}, createRequest, measure: async () => ({ width: 4, height: 3 }) });
  const start = (id) => all.start({ id, method: 'PUT', url: `/up/${id}`, headers: { Authorization: ['Bearer t'], 'X-Two': ['a', 'b'] } }, new Blob(['x']));
  return { all, requests, start };
}

test('sends every header of the handle and follows the progress', async () => {
  const { all, requests, start } = uploads();
  start('m');
  const [request] = requests;
  assert.equal(request.line, 'PUT /up/m');
  assert.deepEqual(request.headers, ['Authorization: Bearer t', 'X-Two: a', 'X-Two: b']);
  request.upload.onprogress({ loaded: 1, total: 4 });
  assert.equal(all.get('m').done, 0.25);
  await Promise.resolve();
  assert.deepEqual([all.get('m').width, all.get('m').height], [4, 3]);
  request.end(201);
  assert.equal(all.get('m').state, 'sent');
  all.release('m');
  assert.equal(all.get('m'), undefined);
});

test('three at a time, the others wait for their turn', () => {
  const { all, requests, start } = uploads();
  for (const id of ['a', 'b', 'c', 'd']) start(id);
  assert.equal(requests.length, 3);
  assert.equal(all.get('d').state, 'queued');
  assert.equal(all.active, 4);
  requests[1].end(201);
  assert.equal(all.get('d').state, 'sending');
});

test('cancelling aborts, makes room, and can be taken back', () => {
  const { all, requests, start } = uploads();
  for (const id of ['a', 'b', 'c', 'd']) start(id);
  all.cancel('a');
  assert.equal(all.get('a').state, 'cancelled');
  assert.equal(all.get('d').state, 'sending');
  all.retry('a');
  assert.equal(all.get('a').state, 'queued');
  requests[1].end(201);
  assert.equal(all.get('a').state, 'sending');
});

test('what nobody may see any more gives its local file back and arrives all the same', (context) => {
  const revoked = context.mock.method(URL, 'revokeObjectURL');
  const { all, requests, start } = uploads();
  start('m');
  all.hide('m');
  assert.equal(revoked.mock.callCount(), 1);
  assert.equal(all.get('m').preview, '');
  requests[0].end(201);
  assert.equal(all.get('m'), undefined);
  start('n');
  requests[1].end(500);
  all.hideAll();
  assert.equal(all.get('n'), undefined, 'one that is over is forgotten');
});

test('a refusal is told in the words of the problem', () => {
  const { all, requests, start } = uploads();
  start('m');
  requests[0].end(413, { title: 'The body is larger than allowed.', status: 413, code: 'too-large' });
  assert.equal(all.get('m').error, 'The body is larger than allowed');
  assert.equal(all.get('m').again, false);
  all.retry('m');
  assert.equal(requests.length, 1);
});

test('an upload that broke off goes on by itself, and learns that it is in', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  const { all, requests, start } = uploads();
  start('m');
  requests[0].end(0);
  assert.deepEqual([all.get('m').state, all.active], ['pausing', 1]);
  context.mock.timers.tick(500);
  requests[1].end(409, { title: 'This media object has its content already.', status: 409, code: 'already-uploaded', id: 'm' });
  assert.deepEqual([all.get('m').state, all.get('m').error], ['sent', '']);
  assert.equal(outcomeOf(409, { code: 'already-uploaded', title: 'x', id: 'n' }, 'm').state, 'failed', 'another one is in');
});

test('one that breaks off again and again waits longer, then for a person', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  context.mock.method(Math, 'random', () => 1);
  const { all, requests, start } = uploads();
  start('m');
  for (const [at, wait] of [500, 1000, 2000, 4000, 8000, 16_000].entries()) {
    requests[at].end([0, 503][at % 2]);
    context.mock.timers.tick(wait - 1);
    assert.equal(requests.length, at + 1);
    context.mock.timers.tick(1);
  }
  requests[6].end(0);
  assert.deepEqual([all.get('m').state, all.get('m').error, all.get('m').again], ['failed', 'The connection broke off', true]);
  context.mock.timers.tick(60_000);
  assert.equal(requests.length, 7);
  all.retry('m');
  requests[7].end(0);
  all.cancel('m');
  context.mock.timers.tick(60_000);
  assert.deepEqual([requests.length, all.get('m').state], [8, 'cancelled']);
});

test('what a server refuses is not tried again by itself', (context) => {
  context.mock.timers.enable({ apis: ['setTimeout'] });
  for (const status of [400, 403, 429, 500, 507]) {
    const { all, requests, start } = uploads();
    start('m');
    requests[0].end(status);
    assert.equal(all.get('m').state, 'failed', String(status));
  }
});

test('what an answer means', () => {
  assert.equal(outcomeOf(201).state, 'sent');
  assert.equal(outcomeOf(409, { code: 'already-uploaded', title: 'x' }).state, 'sent');
  assert.deepEqual(outcomeOf(0), { state: 'failed', error: 'The connection broke off', again: true });
  assert.deepEqual(outcomeOf(503), { state: 'failed', error: 'The server refused the upload (503)', again: true });
  assert.equal(outcomeOf(400, { code: 'incomplete-upload', title: 'x' }).again, true);
  assert.equal(outcomeOf(400, { code: 'empty-upload', title: 'x' }).again, false);
  assert.equal(outcomeOf(403, { code: 'handle-expired', title: 'x' }).again, false);
});
