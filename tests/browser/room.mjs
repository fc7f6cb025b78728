// Two people in a room, in a real Chromium: one drops photos, both see them
// arrive. Run by tests/tests/page/main.rs:
//
//     node room.mjs PAGE_URL PHOTO SMALL_PHOTO DAMAGED_PHOTO SCREENSHOT_FOLDER
//
// It exits with 0 only if all of it happened.

import assert from 'node:assert/strict';
import path from 'node:path';
import { complaints, drop, enter, finished, launch, noSidewaysScrolling, paste } from './people.mjs';

const [url, photo, small, damaged, shots] = process.argv.slice(2);
assert.ok(shots, 'usage: room.mjs PAGE_URL PHOTO SMALL_PHOTO DAMAGED_PHOTO SCREENSHOT_FOLDER');

const browser = await launch();
try {
  const ana = await enter(browser, url, 'ana', { colorScheme: 'light' });
  const bob = await enter(browser, url, 'bob', { colorScheme: 'dark', viewport: { width: 360, height: 740 } });
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
  const eve = await enter(browser, url, 'eve', {});
  assert.ok((await finished(eve, 0)).colours > 50);
  assert.deepEqual(complaints, []);
} finally {
  await browser.close();
}
