// The dashboard in a real Chromium: a login, pages that change by themselves, all of
// them wide and narrow, light and dark, by keyboard, and without a script.
// Run by tests/tests/dashboard/browser.rs:
//
//     node dashboard.mjs BASE ADMIN_TOKEN SCREENSHOT_FOLDER SERVICE HOOKS_KEY:HOOKS_SECRET
//
// It exits with 0 only if all of it happened.

import assert from 'node:assert/strict';
import path from 'node:path';
import { complaints, launch, noSidewaysScrolling, open } from './people.mjs';

const [base, token, shots, service, hooks] = process.argv.slice(2);
assert.ok(hooks, 'usage: dashboard.mjs BASE ADMIN_TOKEN SCREENSHOT_FOLDER SERVICE HOOKS_KEY:HOOKS_SECRET');
const WIDE = { width: 1280, height: 900 };
// Up to 896 pixels the rows of a table are cards.
const MIDDLE = { width: 900, height: 900 };
const NARROW = { width: 360, height: 740 };
const PAGES = { overview: '/ops/', day: '/ops/?span=day', history: '/ops/history', jobs: '/ops/jobs', failed: '/ops/jobs?state=failed', poison: '/ops/jobs?state=failed&reason=poison', usage: '/ops/usage', orphans: '/ops/orphans', audit: '/ops/audit' };

const shoot = (page, name) => page.screenshot({ path: path.join(shots, `dashboard-${name}.png`), fullPage: true });
const isLive = (page) => page.locator('#live', { hasText: /^Live$/ }).waitFor();
const focused = (page) => page.evaluate(() => document.activeElement.textContent.trim());
/** A page that is not loaded anew keeps the mark. */
const mark = (page) => page.evaluate(() => { window.mark = 'the same'; });
const isMarked = async (page) => assert.equal(await page.evaluate(() => window.mark), 'the same', 'nothing was loaded anew');
/** The address of the newest job that this list has. */
async function newest(page, list) {
  await page.goto(`${base}${list}`);
  return `${base}${await page.locator('tbody a.id').first().getAttribute('href')}`;
}

/** Without a click: the field has the focus by itself, which it is given with the first frame. */
async function typeAtOnce(page, words) {
  await page.waitForFunction(() => document.activeElement.id === 'token');
  await page.keyboard.type(words);
}

async function login(page) {
  await page.goto(`${base}/ops/`);
  await typeAtOnce(page, token);
  await page.keyboard.press('Enter');
  await page.waitForURL(`${base}/ops/`);
}

async function wrongThenRight(page) {
  await page.goto(`${base}/ops/jobs`);
  assert.equal(page.url(), `${base}/ops/login`);
  await shoot(page, 'login');
  await typeAtOnce(page, 'not the token');
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

  // A list: the filter, a row, and what is done to it.
  await page.goto(`${base}/ops/jobs`);
  await tabTo(page, 'State');
  await page.keyboard.press('f');
  await tabTo(page, 'Search');
  await page.keyboard.press('Enter');
  await page.waitForURL(/state=failed/);
  const job = await page.locator('tbody a.id').first().getAttribute('href');
  await tabTo(page, /^Choose /);
  await page.keyboard.press('Space');
  await tabTo(page, 'Retry chosen');
  await page.keyboard.press('Enter');
  await page.locator('.said', { hasText: '1 job tried again.' }).waitFor();

  // A job: all that can be done with it.
  await page.goto(`${base}${job}`);
  await page.locator('tr[data-key="2"] .badge.bad').waitFor();
  const passed = await tabTo(page, 'Retry now');
  assert.ok(passed.includes('Poison') && passed.includes('Log out'), `on the way: ${passed.join(' | ')}`);
  await page.keyboard.press('Enter');
  await page.locator('.said', { hasText: '1 job tried again.' }).waitFor();
  await page.locator('tr[data-key="3"] .badge.bad').waitFor();

  await page.goto(`${base}/ops/`);
  await tabTo(page, 'Pause interactive');
  await page.keyboard.press('Enter');
  await page.locator('.said', { hasText: '1 lane paused.' }).waitFor();
}

/** By Tab alone to what is called so; whatever has the focus shows it. Returns what was passed. */
async function tabTo(page, goal) {
  const passed = [];
  for (let tab = 0; tab < 80; tab += 1) {
    await page.keyboard.press('Tab');
    const { what, outline, isNone } = await page.evaluate(() => {
      const it = document.activeElement;
      const label = it.labels?.[0]?.firstChild.textContent ?? it.getAttribute('aria-label');
      return { what: (label ?? it.textContent).trim(), outline: getComputedStyle(it).outlineStyle, isNone: it === document.body };
    });
    if (isNone && passed.length > 0) break;
    if (isNone) continue;
    assert.notEqual(outline, 'none', `${what} does not show that it has the focus`);
    if (goal instanceof RegExp ? goal.test(what) : goal === what) return passed;
    passed.push(what);
  }
  assert.fail(`${goal} is not reached by Tab: ${passed.join(' | ')}`);
}

/** What one does, another sees without a reload, and without losing the focus. */
async function live(one, other) {
  await other.goto(`${base}/ops/`);
  await isLive(other);
  await mark(other);
  const pause = other.getByRole('button', { name: 'Pause bulk' });
  await pause.focus();
  await other.locator('#n-interactive-paused').waitFor();
  await one.getByRole('button', { name: 'Resume interactive' }).click();
  await other.locator('#n-interactive-paused').waitFor({ state: 'detached' });
  await isMarked(other);
  assert.equal(await focused(other), 'Pause bulk', 'the focus stays');
}

/** A job that is tried again shows its next attempt, and the list its new counts, under what somebody is doing there. */
async function liveJob(one, other) {
  const job = await newest(one, '/ops/jobs?state=done&room=welcome');
  await one.goto(job);
  await isLive(one);
  assert.equal(await one.locator('.placeholder canvas').count(), 1, 'what is live is drawn, too');
  const failed = await newest(one, '/ops/jobs?state=failed&reason=damaged');
  await one.goto(failed);
  await isLive(one);
  const before = await one.locator('[aria-labelledby="attempts"] tbody tr').count();
  await other.goto(failed);
  await isLive(other);
  await mark(other);
  await one.getByRole('button', { name: 'Retry now' }).click();
  const next = other.locator(`tr[data-key="${before + 1}"]`, { has: other.locator('.badge.bad', { hasText: 'discard' }) });
  await next.waitFor();
  await other.getByRole('heading', { name: `What went wrong at claim ${before + 1}` }).waitFor();
  await isMarked(other);
  await other.getByRole('button', { name: 'Retry now' }).waitFor();
  await one.locator(`tr[data-key="${before + 1}"] .badge.bad`).waitFor();

  await other.goto(`${base}/ops/jobs`);
  await isLive(other);
  await mark(other);
  await other.locator('tbody input').first().check();
  await other.locator('[name=room]').fill('half a wo');
  await one.goto(`${base}/ops/`);
  await one.getByRole('button', { name: 'Pause all lanes' }).click();
  await one.goto(failed);
  await one.getByRole('button', { name: 'Retry now' }).click();
  await other.locator('.tabs a', { hasText: 'pending 1' }).waitFor();
  await isMarked(other);
  assert.ok(await other.locator('tbody input').first().isChecked(), 'what is chosen stays chosen');
  assert.equal(await other.locator('[name=room]').inputValue(), 'half a wo');
  await one.goto(`${base}/ops/`);
  await one.getByRole('button', { name: 'Resume all lanes' }).click();
  for (const count of ['pending 0', 'running 0', 'failed 2']) await other.locator('.tabs a', { hasText: count }).waitFor();
}

/** Says that there is a worker of this name, which holds a job. */
async function report(worker, job) {
  const headers = { authorization: `Basic ${Buffer.from(hooks).toString('base64')}`, 'content-type': 'application/json' };
  const body = { worker, version: '1.2.3', host: 'elsewhere', concurrency: 2, jobs: [job], walls: { seccomp: 'up' } };
  const answer = await fetch(`${service}/store/workers`, { method: 'POST', headers, body: JSON.stringify(body) });
  assert.equal(answer.status, 200);
  return answer.json();
}

/** A worker that appears above another pushes nobody's button under somebody's finger. */
async function otherWorkers(page) {
  const job = (await newest(page, '/ops/jobs')).split('/').at(-1);
  const reporting = new Set(['0b']);
  const wishes = new Map();
  const tell = async () => {
    for (const name of reporting) wishes.set(name, (await report(name, job)).wish);
  };
  await tell();
  const beat = setInterval(() => tell().catch((error) => complaints.push(`report: ${error}`)), 1_000);
  const row = (name) => page.locator(`tr[data-key="${name}"]`);
  try {
    await page.goto(`${base}/ops/`);
    await isLive(page);
    await row('0b').locator('summary').click();
    await page.getByRole('button', { name: 'Pause 0b' }).focus();
    reporting.add('0a');
    await row('0a').waitFor();
    const names = await page.locator('tbody tr').evaluateAll((rows) => rows.map((one) => one.dataset.key));
    assert.ok(names.indexOf('0a') < names.indexOf('0b'), names.join());
    assert.equal(await focused(page), 'Pause 0b', 'the focus stays with whom it was');
    assert.ok(await row('0b').locator('details').evaluate((walls) => walls.open), 'so do open walls');
    assert.ok(!await row('0a').locator('details').evaluate((walls) => walls.open));
    assert.match(await row('0a').innerText(), /1 of 2/);
    await page.keyboard.press('Enter');
    await page.locator('.said', { hasText: '1 worker to be paused' }).waitFor();
    await row('0b').locator('.badge', { hasText: 'to be paused' }).waitFor();
    await tell();
    assert.deepEqual([wishes.get('0a'), wishes.get('0b')], ['running', 'paused']);
  } finally {
    clearInterval(beat);
  }
  // From now on nobody hears of them.
  await row('0a').locator('.badge', { hasText: 'silent' }).waitFor();
  assert.match(await row('0a').innerText(), /had 1 when last heard/);
  await page.setViewportSize(MIDDLE);
  await noSidewaysScrolling(page);
  await shoot(page, 'silent-middle-light');
  await page.setViewportSize(WIDE);
}

/** Every page, at this size, in this light. */
async function look(page, name) {
  for (const [shot, address] of Object.entries(PAGES)) {
    await page.goto(`${base}${address}`);
    if (/^\/ops\/(jobs|\?|$)/.test(address)) await isLive(page);
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
  for (const address of ['/ops/', PAGES.failed, PAGES.poison, job]) {
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
  await page.getByRole('link', { name: /\d+ failed/ }).click();
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
  await liveJob(light, dark);
  await otherWorkers(light);
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
