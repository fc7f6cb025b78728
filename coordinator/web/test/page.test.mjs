// What the server's content security policy and its list of files ask of the page.
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

const folder = new URL('../', import.meta.url);
const read = (name) => readFileSync(new URL(name, folder), 'utf8');
const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile()).map((entry) => entry.name);
const modules = files.filter((name) => name.endsWith('.js'));
const html = read('index.html');

test('the page has no inline script or style', () => {
  assert.doesNotMatch(html, /<style|\sstyle=|\son[a-z]+=|javascript:/iu);
  for (const [tag] of html.matchAll(/<script[^>]*>/gu)) assert.match(tag, /src="\/static\//u);
});

test('everything that the page names is here', () => {
  const named = [...html.matchAll(/"\/static\/([^"]+)"/gu)].map((match) => match[1]);
  assert.deepEqual(named.filter((name) => !files.includes(name)), []);
  for (const module of modules) {
    const imported = [...read(module).matchAll(/from '\.\/([^']+)'/gu)].map((match) => match[1]);
    assert.deepEqual(imported.filter((name) => !files.includes(name)), [], module);
  }
});

test('all modules are asked for at once', () => {
  const asked = [...html.matchAll(/(?:modulepreload" href|module" src)="\/static\/([^"]+)"/gu)].map((match) => match[1]);
  assert.deepEqual(asked.sort(), [...modules].sort());
});

test('nothing comes from another host', () => {
  for (const name of files) {
    const text = read(name).replaceAll('http://www.w3.org/2000/svg', '');
    assert.doesNotMatch(text, /(?:src|href|url|import)\s*[=(]?\s*["'(]+(?:https?:)?\/\//iu, name);
  }
});

test('text only becomes text', () => {
  for (const module of modules) {
    assert.doesNotMatch(read(module), /\.(?:inner|outer)HTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|console\./u, module);
  }
});

test('every element that a module looks for is in the page', () => {
  const ids = new Set([...html.matchAll(/\sid="([^"]+)"/gu)].map((match) => match[1]));
  for (const module of modules) {
    for (const [, id] of read(module).matchAll(/byId\('([^']+)'\)/gu)) assert.ok(ids.has(id), `${module}: #${id}`);
    for (const [, name] of read(module).matchAll(/\bicon\('([^']+)'\)/gu)) assert.ok(ids.has(`i-${name}`), `${module}: #i-${name}`);
  }
});

test('password managers can keep a passcode, and everybody can find the field', () => {
  const [gate] = html.match(/<form id="gate"[^]*?<\/form>/u);
  assert.doesNotMatch(gate, /autocomplete="off"|autofocus|\sdisabled/u);
  assert.match(gate, /<input id="gate-room" type="text"[^>]* autocomplete="username"/u);
  assert.match(gate, /<label for="passcode">/u);
  assert.match(gate, /<input id="passcode" type="password"[^>]* autocomplete="current-password"[^>]* aria-describedby="gate-reason"/u);
  assert.match(gate, /id="gate-reason" role="alert"/u);
});

test('a passcode is kept nowhere but in memory', () => {
  for (const module of modules.filter((name) => name !== 'nick.js')) {
    assert.doesNotMatch(read(module), /(?:local|session)Storage\.|\.setItem|document\.cookie|indexedDB|pushState|replaceState/u, module);
  }
  assert.doesNotMatch(read('nick.js'), /passcode/iu);
});

test('files stay small and say what they are for', () => {
  for (const name of [...modules, ...files.filter((file) => file.endsWith('.css'))]) {
    assert.ok(read(name).split('\n').length <= 210, `${name} is too long`);
    assert.match(read(name), /^\/\*/u, `${name} does not say what it is for`);
  }
});
