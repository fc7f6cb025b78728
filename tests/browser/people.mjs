// What people do with the room's page in a browser, and what they see. Shared by the scripts beside it.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { chromium } from 'playwright-core';

const TIMEOUT_MS = 60_000;
const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync',
];

/** A Chromium that talks to nobody but the pages it is sent to. */
export const launch = () => chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });

/** Everything that went wrong in a page without anybody looking. */
export const complaints = [];

/** A tab of somebody with their own cookies. */
export async function open(browser, name, options) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  page.on('pageerror', (error) => complaints.push(`${name}: ${error}`));
  page.on('console', (line) => line.type() === 'error' && complaints.push(`${name}: ${line.text()}`));
  return page;
}

/** Takes a name. */
export async function introduce(page, name) {
  await page.locator('#nick').fill(name);
  await page.locator('#nick').press('Enter');
  await page.locator('#people li', { hasText: name }).waitFor({ state: 'attached' });
}

/** Opens a public room as somebody with their own cookies. */
export async function enter(browser, url, name, options) {
  const page = await open(browser, name, options);
  await page.goto(url);
  await introduce(page, name);
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
export async function drop(page, file) {
  const transfer = await held(page, file);
  for (const type of ['dragenter', 'dragover', 'drop']) {
    await page.dispatchEvent('body', type, { dataTransfer: transfer });
  }
}

/** Pastes a file from the clipboard. */
export async function paste(page, file) {
  await page.evaluate((transfer) => {
    const event = new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true });
    document.querySelector('#composer').dispatchEvent(event);
  }, await held(page, file));
}

/** Waits for a picture with all its sizes and returns what the browser decoded of it. */
export async function finished(page, index) {
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

/** Nothing is wider than the window. */
export async function noSidewaysScrolling(page) {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= window, `the page is ${content} px wide in a window of ${window} px`);
}
