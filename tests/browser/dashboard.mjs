// The dashboard in a real Chromium: a login, the overview that changes by itself,
// all pages wide and narrow, light and dark, by keyboard, and without a script.
// Run by tests/tests/dashboard/browser.rs:
//
//     node dashboard.mjs BASE ADMIN_TOKEN SCREENSHOT_FOLDER
//
// It exits with 0 only if all of it happened.

import assert from 'node:assert/strict';
import path from 'node:path';
import { complaints, launch, noSidewaysScrolling, open } from './people.mjs';

const [base, token, shots] = process.argv.slice(2);
assert.ok(shots, 'usage: dashboard.mjs BASE ADMIN_TOKEN SCREENSHOT_FOLDER');
const WIDE = { width: 1280, height: 900 };
// Up to 896 pixels the rows of a table are cards.
const MIDDLE = { width: 900, height: 900 };
const NARROW = { width: 360, height: 740 };
const PAGES = { overview: '/ops/', day: '/ops/?span=day', jobs: '/ops/jobs', failed: '/ops/jobs?state=failed', usage: '/ops/usage', orphans: '/ops/orphans', audit: '/ops/audit' };

const shoot = (page, name) => page.screenshot({ path: path.join(shots, `dashboard-${name}.png`), fullPage: true });
const isLive = (page) => page.locator('#live', { hasText: /^Live$/ }).waitFor();

async function login(page) {
  await page.goto(`${base}/ops/`);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'token', 'one can type at once');
  await page.keyboard.type(token);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${base}/ops/`);
}

async function wrongThenRight(page) {
  await page.goto(`${base}/ops/jobs`);
  assert.equal(page.url(), `${base}/ops/login`);
  await shoot(page, 'login');
  await page.keyboard.type('not the token');
  await page.keyboard.press('Enter');
  await page.locator('[role=alert]', { hasText: 'That is not the token' }).waitFor();
  for (const complaint of complaints.splice(0)) assert.match(complaint, /403/);
  await login(page);
  assert.deepEqual((await page.context().cookies()).map(({ httpOnly, sameSite }) => [httpOnly, sameSite]), [[true, 'Strict']]);
}

/** From the first Tab on: a way past the navigation, and everything that has the focus shows it. */
async function byKeyboard(page) {
  await page.goto(`${base}/ops/`);
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  const box = await page.locator('.skip').boundingBox();
  assert.ok(box.y >= 0, 'the skip link is seen when it has the focus');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  const seen = new Set();
  for (let tab = 0; tab < 40; tab += 1) {
    await page.keyboard.press('Tab');
    const { what, outline } = await page.evaluate(() => {
      const it = document.activeElement;
      return { what: it.textContent.trim(), outline: getComputedStyle(it).outlineStyle };
    });
    if (await page.evaluate(() => document.activeElement === document.body)) break;
    assert.notEqual(outline, 'none', `${what} does not show that it has the focus`);
    seen.add(what);
    if (what === 'Pause interactive') break;
  }
  assert.ok(seen.has('Pause interactive'), `reached by Tab: ${[...seen].join(' | ')}`);
  await page.keyboard.press('Enter');
  await page.locator('.said', { hasText: '1 lane paused.' }).waitFor();
}

/** What one does, another sees without a reload, and without losing the focus. */
async function live(one, other) {
  await other.goto(`${base}/ops/`);
  await isLive(other);
  await other.evaluate(() => { window.mark = 'the same'; });
  const pause = other.getByRole('button', { name: 'Pause bulk' });
  await pause.focus();
  await other.locator('#n-interactive-paused').waitFor();
  await one.getByRole('button', { name: 'Resume interactive' }).click();
  await other.locator('#n-interactive-paused').waitFor({ state: 'detached' });
  assert.equal(await other.evaluate(() => window.mark), 'the same', 'nothing was loaded anew');
  assert.equal(await other.evaluate(() => document.activeElement.textContent), 'Pause bulk', 'the focus stays');
}

/** Every page, at this size, in this light. */
async function look(page, name) {
  for (const [shot, address] of Object.entries(PAGES)) {
    await page.goto(`${base}${address}`);
    if (address.startsWith('/ops/?') || address === '/ops/') await isLive(page);
    await noSidewaysScrolling(page);
    await shoot(page, `${shot}-${name}`);
  }
  await page.goto(`${base}/ops/jobs?state=failed`);
  await page.locator('tbody a.id').first().click();
  await page.locator('.chain').first().waitFor();
  await noSidewaysScrolling(page);
  await shoot(page, `job-failed-${name}`);
  await page.goto(`${base}/ops/jobs?state=done&room=welcome`);
  await page.locator('tbody a.id').first().click();
  const colours = await page.locator('.placeholder canvas').evaluate((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return new Set(Array.from({ length: data.length / 4 }, (_, at) => data.slice(at * 4, at * 4 + 3).join())).size;
  });
  assert.ok(colours > 20, `only ${colours} colours: is that a placeholder?`);
  await noSidewaysScrolling(page);
  await shoot(page, `job-done-${name}`);
}

/** Where a table just fits, no word of a closed list is broken. */
async function wholeWords(page) {
  await page.setViewportSize(MIDDLE);
  await page.goto(`${base}/ops/jobs?state=failed`);
  const job = await page.locator('tbody a.id').first().getAttribute('href');
  for (const address of ['/ops/', '/ops/jobs?state=failed', job]) {
    await page.goto(`${base}${address}`);
    await noSidewaysScrolling(page);
    const broken = await page.locator('td .badge').evaluateAll((badges) => {
      const lines = (badge) => badge.getBoundingClientRect().height / parseFloat(getComputedStyle(badge).lineHeight);
      return badges.filter((badge) => lines(badge) > 1.5).map((badge) => badge.textContent);
    });
    assert.deepEqual(broken, [], address);
  }
  await page.setViewportSize(WIDE);
}

/** All of it is forms and links: retry, with the question before it. */
async function withoutScript(page) {
  await page.goto(`${base}/ops/`);
  await page.locator('#token').fill(token);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('link', { name: /failed$/ }).click();
  await page.getByRole('button', { name: 'Retry all that match…' }).click();
  await page.getByRole('heading', { name: /^Try \d+ jobs? again\?$/ }).waitFor();
  await noSidewaysScrolling(page);
  await shoot(page, 'question');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('.said', { hasText: /jobs? tried again\.$/ }).waitFor();
  await page.getByRole('button', { name: 'Log out' }).click();
  assert.equal(page.url(), `${base}/ops/login`);
}

const browser = await launch();
try {
  const light = await open(browser, 'light', { colorScheme: 'light', viewport: WIDE });
  const dark = await open(browser, 'dark', { colorScheme: 'dark', viewport: NARROW });
  await wrongThenRight(light);
  await byKeyboard(light);
  await login(dark);
  await live(light, dark);
  await look(light, 'wide-light');
  await wholeWords(light);
  await look(dark, 'narrow-dark');
  for (const [page, viewport, name] of [[light, NARROW, 'narrow-light'], [dark, WIDE, 'wide-dark']]) {
    await page.setViewportSize(viewport);
    await page.goto(`${base}/ops/`);
    await isLive(page);
    await noSidewaysScrolling(page);
    await shoot(page, `overview-${name}`);
  }
  assert.deepEqual(complaints, []);
  await withoutScript(await open(browser, 'plain', { javaScriptEnabled: false, viewport: NARROW }));
} finally {
  await browser.close();
}
