// A page whose server goes away, in a real Chromium, and that nobody reloads: it
// finds its way back by itself. Run by tests/tests/page/away.rs:
//
//     node away.mjs PAGE_URL PICTURE|none SCREENSHOT_FOLDER
//
// It comes in as cleo, says that it sees what ben says first, drops the picture if
// there is one, and says something more when its connection is lost. When ben's
// last words are there it prints what the page shows, and what it shows together
// with what is earlier, as JSON.

import assert from 'node:assert/strict';
import path from 'node:path';
import { complaints, drop, introduce, launch, open } from './people.mjs';

const [url, picture, shots] = process.argv.slice(2);
assert.ok(shots, 'usage: away.mjs PAGE_URL PICTURE|none SCREENSHOT_FOLDER');
/** What browsers say by themselves of a server that is away. */
const AWAY = /net::ERR_|WebSocket connection to|Failed to load resource/u;

/** When each of the page's sockets was made, and when and how it was lost. */
function watchSockets() {
  window.lives = [];
  const Native = window.WebSocket;
  window.WebSocket = class extends Native {
    constructor(...address) {
      super(...address);
      const life = { begun: performance.now() };
      window.lives.push(life);
      this.addEventListener('close', ({ code }) => Object.assign(life, { ended: performance.now(), code }));
    }
  };
}

async function say(page, words) {
  await page.locator('#composer').fill(words);
  await page.locator('#composer').press('Enter');
}

const heard = (page, words) => page.locator('#messages .text', { hasText: words }).first().waitFor({ state: 'attached' });

/** What a person finds who goes through the log from its begin. */
async function shown(page) {
  const tiles = page.locator('#messages .tile');
  for (let at = 0; at < await tiles.count(); at += 1) {
    await tiles.nth(at).scrollIntoViewIfNeeded();
    const ready = tiles.nth(at).locator('xpath=self::*[@data-state="ready"]').locator('img.picture');
    // What does not come is told by what is printed.
    await ready.waitFor({ timeout: 15_000 }).catch(() => {});
  }
  return page.evaluate(() => [...document.querySelectorAll('#messages > .message')].map((node) => ({
    id: node.dataset.id,
    text: node.querySelector('.text').textContent,
    pictures: [...node.querySelectorAll('.tile')].map((tile) => {
      const img = tile.querySelector('img.picture');
      const isThumbnail = /\/media\/[0-9a-z]{13}\/(?:thumb|preview)-\d+\?/u.test(img?.currentSrc ?? '');
      const isThere = tile.dataset.state === 'ready' && img?.complete && img.naturalWidth > 0 && isThumbnail;
      return isThere ? tile.dataset.mediaId : `${tile.dataset.mediaId} ${tile.dataset.state}: ${tile.innerText}`;
    }),
  })));
}

const browser = await launch();
try {
  const page = await open(browser, 'cleo', {});
  await page.addInitScript(watchSockets);
  await page.goto(url);
  await introduce(page, 'cleo');
  await page.evaluate(() => { window.isTheSame = true; });

  await heard(page, 'do you see this?');
  await say(page, 'I see it');
  await heard(page, 'I see it');
  if (picture !== 'none') await drop(page, picture);

  await page.waitForFunction(() => window.lives[0].ended > 0);
  await say(page, 'are you still there?');
  await heard(page, 'that is all');
  const missed = await shown(page);
  const earlier = page.locator('#earlier');
  while (await earlier.isVisible()) {
    const before = await page.locator('#messages > .message').count();
    await earlier.click();
    await page.waitForFunction((count) => document.querySelectorAll('#messages > .message').length > count
      || document.querySelector('#earlier').hidden, before);
  }
  const all = await shown(page);
  const { lives, isTheSame } = await page.evaluate(() => ({ lives: window.lives, isTheSame: window.isTheSame === true }));
  await page.screenshot({ path: path.join(shots, 'away.png') });
  assert.deepEqual(complaints.filter((words) => !AWAY.test(words)), []);
  console.log(JSON.stringify({ missed, all, lives, isTheSame }));
} finally {
  await browser.close();
}
