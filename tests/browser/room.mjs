// Two people in a room, in a real Chromium: one drops photos, both see them
// arrive. Run by tests/tests/page.rs:
//
//     node room.mjs PAGE_URL PHOTO SMALL_PHOTO DAMAGED_PHOTO SCREENSHOT_FOLDER
//
// It exits with 0 only if all of it happened.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { chromium } from 'playwright-core';

const [url, photo, small, damaged, shots] = process.argv.slice(2);
assert.ok(shots, 'usage: room.mjs PAGE_URL PHOTO SMALL_PHOTO DAMAGED_PHOTO SCREENSHOT_FOLDER');
const TIMEOUT_MS = 60_000;
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

/** Everything that went wrong in a page without anybody looking. */
const complaints = [];

/** Opens the room as somebody with their own cookies. */
async function enter(browser, name, options) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  page.on('pageerror', (error) => complaints.push(`${name}: ${error}`));
  page.on('console', (line) => line.type() === 'error' && complaints.push(`${name}: ${line.text()}`));
  await page.goto(url);
  await page.locator('#nick').fill(name);
  await page.locator('#nick').press('Enter');
  await page.locator('#people li', { hasText: name }).waitFor({ state: 'attached' });
  return page;
}

/** A file as it hangs on the pointer or lies in the clipboard. */
async function held(page, file) {
  const content = (await readFile(file)).toString('base64');
  return page.evaluateHandle(({ content, name }) => {
    const bytes = Uint8Array.from(atob(content), (character) => character.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { type: 'image/jpeg' }));
    return transfer;
  }, { content, name: path.basename(file) });
}

/** Drops a file on the page, as a file manager would. */
async function drop(page, file) {
  const transfer = await held(page, file);
  for (const type of ['dragenter', 'dragover', 'drop']) {
    await page.dispatchEvent('body', type, { dataTransfer: transfer });
  }
}

/** Pastes a file from the clipboard. */
async function paste(page, file) {
  await page.evaluate((transfer) => {
    const event = new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true });
    document.querySelector('#composer').dispatchEvent(event);
  }, await held(page, file));
}

/** Waits for a picture with all its sizes and returns what the browser decoded of it. */
async function finished(page, index) {
  const picture = page.locator('.tile[data-state="ready"] img.picture[srcset*=" 640w"]').nth(index);
  await picture.waitFor();
  return picture.evaluate(async (img) => {
    await img.decode();
    const canvas = Object.assign(document.createElement('canvas'), { width: 32, height: 32 });
    const paper = canvas.getContext('2d');
    paper.drawImage(img, 0, 0, 32, 32);
    const { data } = paper.getImageData(0, 0, 32, 32);
    const box = img.getBoundingClientRect();
    return {
      colours: new Set(Array.from({ length: 1024 }, (_, at) => data.slice(at * 4, at * 4 + 3).join())).size,
      source: img.currentSrc,
      srcset: img.srcset,
      shape: box.width / box.height,
    };
  });
}

async function noSidewaysScrolling(page) {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= window, `the page is ${content} px wide in a window of ${window} px`);
}

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
try {
  const ana = await enter(browser, 'ana', { colorScheme: 'light' });
  const bob = await enter(browser, 'bob', { colorScheme: 'dark', viewport: { width: 360, height: 740 } });
  await ana.locator('#people li', { hasText: 'bob' }).waitFor();

  // A photo that one drops arrives at both, decoded, in its own shape.
  await ana.locator('#composer').fill('look at this');
  await drop(ana, photo);
  await ana.locator('#composer').press('Enter').catch(() => {});
  for (const page of [ana, bob]) {
    const seen = await finished(page, 0);
    assert.ok(seen.colours > 50, `only ${seen.colours} colours: is that a photo?`);
    assert.match(seen.source, /\/media\/[0-9a-z]{13}\/(thumb|preview)-\d+\?/);
    assert.match(seen.srcset, / 160w,.* 320w,.* 640w/s);
    assert.ok(Math.abs(seen.shape - 4 / 3) < 0.05, `shape ${seen.shape}`);
  }
  assert.equal(await bob.locator('.message .text', { hasText: 'look at this' }).count(), 1);

  // What cannot be shown says why, in words, at both.
  await drop(ana, damaged);
  for (const page of [ana, bob]) {
    const failed = page.locator('.tile[data-state="failed"]');
    await failed.waitFor();
    assert.match(await failed.locator('.words').innerText(), /damaged or incomplete/);
  }

  // Several at once by the button, and one from the clipboard.
  await ana.locator('#file-input').setInputFiles([small, small]);
  await bob.locator('.tile[data-state="ready"]').nth(2).waitFor();
  await paste(bob, small);
  for (const page of [ana, bob]) {
    await page.locator('.tile[data-state="ready"]').nth(3).waitFor();
    assert.ok((await finished(page, 3)).colours > 50);
  }

  // By keyboard alone: open, look at the larger one, close.
  const open = ana.locator('.tile[data-state="ready"] .open').first();
  await open.focus();
  await ana.keyboard.press('Enter');
  await ana.locator('dialog#viewer[open]').waitFor();
  await ana.waitForFunction(() => {
    const pictures = [...document.querySelectorAll('#viewer-stage img')];
    return pictures.some((img) => img.complete && img.naturalWidth > 0 && img.currentSrc.includes('/preview-1280?'));
  });
  await ana.screenshot({ path: path.join(shots, 'viewer.png') });
  await ana.keyboard.press('Escape');
  await ana.locator('dialog#viewer[open]').waitFor({ state: 'detached' });

  for (const page of [ana, bob]) await noSidewaysScrolling(page);
  await ana.screenshot({ path: path.join(shots, 'wide-light.png') });
  await bob.screenshot({ path: path.join(shots, 'narrow-dark.png') });

  // Who comes later finds it all in the log.
  const eve = await enter(browser, 'eve', {});
  assert.ok((await finished(eve, 0)).colours > 50);
  assert.deepEqual(complaints, []);
} finally {
  await browser.close();
}
