// A photo that comes from the store's own server, in a real Chromium: the page's
// policy lets it in. Run by tests/tests/page/main.rs:
//
//     node redirected.mjs PAGE_URL PHOTO SCREENSHOT_FOLDER
//
// It exits with 0 only if two people saw it.

import assert from 'node:assert/strict';
import path from 'node:path';
import { complaints, drop, enter, launch } from './people.mjs';

const [url, photo, shots] = process.argv.slice(2);
assert.ok(shots, 'usage: redirected.mjs PAGE_URL PHOTO SCREENSHOT_FOLDER');

const browser = await launch();
try {
  const ana = await enter(browser, url, 'ana', {});
  const bob = await enter(browser, url, 'bob', {});
  await ana.locator('#people li', { hasText: 'bob' }).waitFor();
  await drop(ana, photo);
  for (const page of [ana, bob]) {
    const picture = page.locator('.tile[data-state="ready"] img.picture[srcset*=" 640w"]').first();
    await picture.waitFor();
    const width = await picture.evaluate(async (img) => {
      await img.decode();
      return img.naturalWidth;
    });
    assert.ok(width > 0, 'it is decoded');
  }
  await bob.screenshot({ path: path.join(shots, 'redirected.png') });
  assert.deepEqual(complaints, []);
} finally {
  await browser.close();
}
