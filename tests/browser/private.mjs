// A private room, in a real Chromium: its passcode wrong, right, lost with the
// connection and changed; a photo that those inside see and nobody else; a
// manager who deletes; the end of the room. Run by tests/tests/page/main.rs:
//
//     node private.mjs BASE ADMIN_TOKEN PHOTO SCREENSHOT_FOLDER
//
// It exits with 0 only if all of it happened.

import assert from 'node:assert/strict';
import path from 'node:path';
import { complaints, drop, finished, introduce, launch, noSidewaysScrolling, open } from './people.mjs';

const [base, token, photo, shots] = process.argv.slice(2);
assert.ok(shots, 'usage: private.mjs BASE ADMIN_TOKEN PHOTO SCREENSHOT_FOLDER');
const ROOM = 'vault';
const WRONG = 'That passcode is not right';
const CHANGED = 'The passcode of this room was changed';

/** Calls the operator's API. */
async function api(method, address, body) {
  const headers = { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) };
  const answer = await fetch(`${base}/api/v1/rooms/${address}`, { method, headers, body: body && JSON.stringify(body) });
  return answer.status;
}

/** Opens the room's page, up to its passcode form, and listens to what its sockets say. */
async function visit(browser, name, options) {
  const page = await open(browser, name, options);
  const person = { name, page, hello: null, entries: 0, asked: [], refused: '', addresses: [], lose: null };
  page.on('request', (request) => person.addresses.push(request.url()));
  await page.routeWebSocket(/\/ws\?/, (socket) => {
    const server = socket.connectToServer();
    person.addresses.push(socket.url());
    person.lose = () => Promise.all([server.close(), socket.close({ code: 1012, reason: 'restarting' })]);
    socket.onMessage((text) => {
      const { id, type } = JSON.parse(text);
      person.asked.push(type);
      if (type === person.refused) socket.send(JSON.stringify({ id, type: `${type}-reply`, data: null, error: 'media not found' }));
      else server.send(text);
    });
    server.onMessage((text) => {
      const { type, data } = JSON.parse(text);
      if (type === 'hello-event') person.hello = data;
      if (type === 'snapshot-event') person.entries += 1;
      socket.send(text);
    });
  });
  await page.goto(`${base}/room/${ROOM}/`);
  await page.locator('#passcode').waitFor();
  return person;
}

/** Types a passcode as people do, where the focus is. */
async function say(page, passcode) {
  assert.equal(await page.evaluate(() => document.activeElement.id), 'passcode', 'the focus is in the field');
  await page.keyboard.type(passcode);
  await page.keyboard.press('Enter');
}

async function enterWith({ page, name }, passcode) {
  await say(page, passcode);
  await page.locator('#gate').waitFor({ state: 'hidden' });
  await introduce(page, name);
}

/** The address that the picture on the page came from. */
const addressOf = (page) => page.locator('.tile img.picture').evaluate((img) => img.currentSrc);

/** What an address answers to somebody's cookies, redirects followed. */
const statusOf = async (page, address) => (await page.context().request.get(address)).status();

/** Nothing of the room is left on the page. */
async function isEmpty(page) {
  const left = await page.evaluate(() => ({
    nodes: document.querySelectorAll('.message, .tile, img, #people li').length, text: document.body.textContent,
  }));
  assert.equal(left.nodes, 0);
  assert.doesNotMatch(left.text, /between us/);
}

async function wrongThenRight(ana) {
  const { page } = ana;
  await page.locator('#private', { hasText: 'private' }).waitFor();
  await say(page, 'open');
  await page.locator('#gate-reason', { hasText: WRONG }).waitFor();
  await page.screenshot({ path: path.join(shots, 'private-gate.png') });
  await page.keyboard.type('sesame');
  await page.keyboard.press('Enter');
  // The server takes its time now, and the page says so.
  await page.locator('#gate-progress', { hasText: 'One moment' }).waitFor();
  await page.locator('#gate').waitFor({ state: 'hidden' });
  assert.equal(await page.evaluate(() => document.activeElement.id), 'nick', 'the focus goes on');
  await introduce(page, 'ana');
}

/** The passcode is in the page's memory and nowhere else. */
async function keepsItToItself({ page, addresses }) {
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href, history.state, document.documentElement.outerHTML]));
  const cookies = JSON.stringify(await page.context().cookies());
  for (const text of [kept, cookies, ...addresses]) assert.doesNotMatch(text, /sesame/);
  assert.equal(await page.locator('#passcode').inputValue(), '');
}

async function share(ana, bob) {
  await ana.page.locator('#composer').fill('this stays between us');
  await drop(ana.page, photo);
  for (const { page } of [ana, bob]) {
    const seen = await finished(page, 0);
    assert.ok(seen.colours > 50, `only ${seen.colours} colours: is that a photo?`);
  }
  assert.equal(await bob.page.locator('.message .text', { hasText: 'between us' }).count(), 1);
}

/** A copied link leads those in the room to the picture, and nobody else. */
async function copyLink(ana, bob, stranger) {
  const { page } = ana;
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.locator('.tile .open').click();
  await page.locator('#viewer-copy').click();
  await page.locator('#viewer-copied', { hasText: 'Link copied' }).waitFor();
  const link = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(link, new RegExp(`^${base}/room/${ROOM}/media/[0-9a-z]{13}/original$`));
  await page.keyboard.press('Escape');
  assert.equal(await statusOf(bob.page, link), 200);
  assert.equal(await statusOf(stranger.page, link), 404);
}

/** The connection goes away and comes back; whoever looks at the page sees nothing of it. */
async function loseConnection(bob) {
  const { page, entries } = bob;
  await page.locator('.tile img.picture').evaluate((img) => { img.dataset.mark = 'the same'; });
  await bob.lose();
  await until(() => bob.entries > entries);
  assert.equal(await page.locator('#gate').isVisible(), false);
  assert.equal(await page.locator('.tile img.picture').getAttribute('data-mark'), 'the same');
}

/** Pictures whose handles are refused: fresh ones are asked for once, then words take their place. */
async function breakPictures(bob) {
  const { page } = bob;
  const before = complaints.length;
  const pictures = /\/media\/[0-9a-z]{13}\/[a-z0-9-]+\?/;
  const comeAnew = async () => {
    await page.reload();
    await page.locator('#passcode').waitFor();
    bob.asked = [];
    await enterWith(bob, 'sesame');
  };
  const tile = page.locator('.tile[data-state="failed"]');
  const asked = () => bob.asked.filter((type) => type === 'get-media').length;
  await page.route(pictures, (route) => route.abort());
  await comeAnew();
  await tile.locator('.words', { hasText: 'The picture could not be loaded' }).waitFor();
  assert.equal(asked(), 1);
  await page.unroute(pictures);
  await tile.getByRole('button', { name: 'Try again' }).click();
  await finished(page, 0);

  await page.route(pictures, (route) => route.abort());
  bob.refused = 'get-media';
  await comeAnew();
  await tile.locator('.words', { hasText: 'This picture can’t be shown any more' }).waitFor();
  assert.equal(asked(), 1);
  assert.equal(await tile.getByRole('button', { name: 'Try again' }).isVisible(), false);
  await page.unroute(pictures);
  bob.refused = '';
  await comeAnew();
  await finished(page, 0);
  for (const complaint of complaints.splice(before)) assert.match(complaint, /^bob: Failed to load resource: net::ERR_FAILED/);
}

/** Waits for what no element shows. */
async function until(isSo) {
  for (const deadline = Date.now() + 30_000; !isSo();) {
    assert.ok(Date.now() < deadline, `never came true: ${isSo}`);
    await new Promise((done) => { setTimeout(done, 20); });
  }
}

/** Makes ana a manager: she deletes the picture while bob looks at it, and takes that back. */
async function moderate(ana, bob) {
  assert.equal(await api('PUT', `${ROOM}/managers/${encodeURIComponent(ana.hello.session.id)}`), 204);
  await ana.page.reload();
  await ana.page.locator('#passcode').waitFor();
  await enterWith(ana, 'sesame');
  await finished(ana.page, 0);
  const address = await addressOf(bob.page);
  assert.equal(await statusOf(bob.page, address), 200);
  await bob.page.locator('.tile .open').click();
  await bob.page.locator('dialog#viewer[open]').waitFor();
  const control = ana.page.getByRole('button', { name: 'Delete the message from ana' });
  assert.equal(await bob.page.getByRole('button', { name: 'Delete the message from ana' }).count(), 0);
  await control.focus();
  await ana.page.keyboard.press('Enter');
  for (const { page } of [ana, bob]) {
    await page.locator('.gone', { hasText: 'This message was deleted' }).waitFor();
    assert.equal(await page.locator('.tile, dialog[open]').count(), 0);
  }
  await bob.page.locator('#spoken', { hasText: 'A message from ana was deleted' }).waitFor({ state: 'attached' });
  assert.equal(await statusOf(bob.page, address), 404);
  await ana.page.screenshot({ path: path.join(shots, 'private-deleted.png') });
  assert.equal(await ana.page.evaluate(() => document.activeElement.textContent), 'Undo');
  await ana.page.keyboard.press('Enter');
  for (const { page } of [ana, bob]) await finished(page, 0);
}

/** The passcode is changed while both look on: they see nothing any more until they know the new one. */
async function changePasscode(ana, bob) {
  const address = await addressOf(bob.page);
  assert.equal(await api('PUT', ROOM, { private: true, passcode: 'tahini' }), 200);
  for (const { page } of [ana, bob]) {
    await page.locator('#gate-reason', { hasText: CHANGED }).waitFor();
    await isEmpty(page);
  }
  await bob.page.screenshot({ path: path.join(shots, 'private-changed.png') });
  assert.equal(await statusOf(bob.page, address), 403);
  await say(bob.page, 'tahini');
  await finished(bob.page, 0);
  assert.equal(await statusOf(bob.page, address), 403, 'a handle of before stays shut');
}

/** Ana only knows the old passcode, and guesses. */
async function guess({ page }) {
  for (let wrong = 1; wrong < 5; wrong += 1) {
    await page.locator('#passcode').fill(`sesame ${wrong}`);
    await page.locator('#passcode').press('Enter');
    await page.locator('#gate-reason', { hasText: WRONG }).waitFor();
  }
  assert.match(await page.locator('#gate-reason').innerText(), /1 try left/);
  await page.locator('#passcode').fill('open sesame');
  await page.locator('#passcode').press('Enter');
  await page.locator('#gate-reason', { hasText: 'Too many wrong passcodes: reload the page to try again' }).waitFor();
  await page.getByRole('button', { name: 'Reload' }).press('Enter');
  await page.locator('#passcode').waitFor();
}

const browser = await launch();
try {
  assert.equal(await api('PUT', ROOM, { private: true, passcode: 'sesame' }), 201);
  const ana = await visit(browser, 'ana', { colorScheme: 'light' });
  await wrongThenRight(ana);
  await keepsItToItself(ana);
  const bob = await visit(browser, 'bob', { colorScheme: 'dark', viewport: { width: 360, height: 740 } });
  await enterWith(bob, 'sesame');
  const stranger = await visit(browser, 'eve', {});

  await share(ana, bob);
  await copyLink(ana, bob, stranger);
  await loseConnection(bob);
  await breakPictures(bob);
  await moderate(ana, bob);
  for (const { page } of [ana, bob]) await noSidewaysScrolling(page);
  await ana.page.screenshot({ path: path.join(shots, 'private-wide.png') });
  await bob.page.screenshot({ path: path.join(shots, 'private-narrow.png') });

  await changePasscode(ana, bob);
  await guess(ana);
  assert.equal(await api('DELETE', ROOM), 204);
  await bob.page.locator('#gate', { hasText: 'This room was deleted' }).waitFor();
  await isEmpty(bob.page);
  await noSidewaysScrolling(bob.page);
  assert.deepEqual(complaints, []);
} finally {
  await browser.close();
}
