// History and Redis on the dashboard in a real Chromium, wide and narrow, light and dark,
// and by keyboard. Run by tests/tests/dashboard/looked_at.rs:
//
//     node history.mjs BASE ADMIN_TOKEN SCREENSHOT_FOLDER there|away
//
// With `away`, Redis is. It exits with 0 only if all of it happened.

import assert from 'node:assert/strict';
import path from 'node:path';
import { complaints, launch, noSidewaysScrolling, open } from './people.mjs';

const [base, token, shots, redis] = process.argv.slice(2);
assert.ok(['there', 'away'].includes(redis), 'usage: history.mjs BASE ADMIN_TOKEN SCREENSHOT_FOLDER there|away');
const WIDE = { width: 1280, height: 900 };
const NARROW = { width: 360, height: 740 };

const shoot = (page, name) => page.screenshot({ path: path.join(shots, `dashboard-${name}.png`), fullPage: true });

async function login(page) {
  await page.goto(`${base}/ops/login`);
  await page.locator('#token').fill(token);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${base}/ops/`);
}

/** The panel of the overview says how Redis is, by itself. */
async function queue(page, name) {
  await page.goto(`${base}/ops/`);
  await page.locator('#live', { hasText: /^Live$/ }).waitFor();
  const panel = page.getByRole('region', { name: 'Queue' });
  await panel.locator('#n-queue-state', { hasText: redis === 'away' ? 'Redis is away' : 'answers' }).waitFor();
  const numbers = await panel.locator('dt').allInnerTexts();
  assert.equal(numbers.includes('memory'), redis === 'there', numbers.join());
  if (redis === 'away') await panel.getByText('wait in the database').waitFor();
  await page.getByRole('heading', { name: 'Lanes' }).waitFor();
  await noSidewaysScrolling(page);
  await shoot(page, `redis-${redis}-${name}`);
}

/** By Tab alone to what is called so. */
async function tabTo(page, goal) {
  for (let tab = 0; tab < 40; tab += 1) {
    await page.keyboard.press('Tab');
    const [what, outline] = await page.evaluate(() => {
      const it = document.activeElement;
      return [it.textContent.trim(), getComputedStyle(it).outlineStyle];
    });
    if (what === goal) return assert.notEqual(outline, 'none', `${goal} does not show that it has the focus`);
  }
  return assert.fail(`${goal} is not reached by Tab`);
}

/** Charts of 7, 30 and 90 days, and the table behind them, with the keyboard alone. */
async function history(page, name) {
  await page.goto(`${base}/ops/`);
  await tabTo(page, 'History');
  await page.keyboard.press('Enter');
  await page.waitForURL(`${base}/ops/history`);
  for (const [days, rows] of [[7, 7], [90, 41], [30, 30]]) {
    await tabTo(page, `${days} days`);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${base}/ops/history?days=${days}`);
    const chart = page.getByRole('img', { name: /^Jobs: \d+ done and \d+ failed in \d+ days; highest 40 in a day$/ });
    assert.equal(await chart.count(), 3, 'one for each lane, with its scale in words');
    assert.deepEqual(await page.locator('.legend').first().locator('span').evaluateAll((all) => all.map((one) => one.textContent.trim())), ['done', 'failed', 'highest 40 in a day']);
    const [first, last] = await page.locator('.ends').first().locator('time').allInnerTexts();
    assert.equal((Date.parse(last) - Date.parse(first)) / 86_400_000, days - 1);
    const table = page.getByRole('table', { name: 'Jobs that ended, by day' });
    assert.ok(!await table.isVisible());
    await noSidewaysScrolling(page);
    await shoot(page, `history-${days}-${name}`);
    await tabTo(page, 'The same as a table');
    await page.keyboard.press('Enter');
    await table.waitFor();
    assert.equal(await table.locator('tbody tr').count(), rows);
    await noSidewaysScrolling(page);
    if (days === 7) await shoot(page, `history-table-${name}`);
  }
}

const browser = await launch();
try {
  for (const colorScheme of ['light', 'dark']) {
    const page = await open(browser, colorScheme, { colorScheme, viewport: WIDE });
    await login(page);
    for (const [viewport, size] of [[WIDE, 'wide'], [NARROW, 'narrow']]) {
      await page.setViewportSize(viewport);
      await queue(page, `${size}-${colorScheme}`);
      if (redis === 'there') await history(page, `${size}-${colorScheme}`);
    }
  }
  assert.deepEqual(complaints, []);
} finally {
  await browser.close();
}
