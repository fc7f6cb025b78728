import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  bestSource, dimensionsOf, failureOf, foldEvent, linkedName, mergeMedia, ratioOf, sourcesOf, srcsetOf, stableLink, tileOf,
  unknownMedia,
} from '../media.js';

const event = (name, width, more = {}) => ({
  media_id: 'm1', name, content_type: 'image/webp', size: width * 10, width, height: width / 2,
  url: `/media/m1/${name}?s=1`, headers: {}, expires: 2000, state: 'uploaded', ...more,
});
const fold = (...events) => events.reduce(foldEvent, unknownMedia('m1'));
const nothing = { shown: false, trouble: '', now: 1000 };

test('an event adds its transcoding, state and placeholder', () => {
  const media = fold(event('original', 4000, { content_type: 'image/jpeg' }), event('thumb-160', 160, { placeholder: 'abc' }));
  assert.deepEqual(Object.keys(media.transcodings), ['original', 'thumb-160']);
  assert.equal(media.placeholder, 'abc');
  assert.equal(media.state, 'uploaded');
  assert.deepEqual([media.width, media.height, media.content_type], [4000, 2000, 'image/jpeg']);
  assert.equal('state' in media.transcodings['thumb-160'], false);
});

test('folding leaves what it was given alone', () => {
  const before = unknownMedia('m1');
  foldEvent(before, event('thumb-160', 160));
  assert.deepEqual(before, unknownMedia('m1'));
});

test('a state never goes back', () => {
  const media = fold(event('preview-1280', 1280, { state: 'ready' }), event('thumb-160', 160));
  assert.equal(media.state, 'ready');
  assert.equal(mergeMedia(media, { id: 'm1', state: 'created', transcodings: {} }).state, 'ready');
});

test('merging takes fresh handles and keeps what an event told before', () => {
  const media = fold(event('thumb-160', 160), event('thumb-320', 320, { placeholder: 'abc' }));
  const merged = mergeMedia(media, { id: 'm1', state: 'uploaded', transcodings: { 'thumb-160': event('thumb-160', 160, { url: '/fresh' }) } });
  assert.equal(merged.transcodings['thumb-160'].url, '/fresh');
  assert.equal(merged.transcodings['thumb-320'].width, 320);
  assert.equal(merged.placeholder, 'abc');
});

test('srcset is narrowest first, without the original, one file for each width', () => {
  const media = fold(
    event('original', 500, { content_type: 'image/jpeg' }), event('preview-1280', 500, { size: 9 }),
    event('thumb-640', 500), event('thumb-160', 160), event('thumb-320', 320), event('clip', 640, { content_type: 'video/mp4' }),
  );
  assert.equal(srcsetOf(sourcesOf(media)), '/media/m1/thumb-160?s=1 160w, /media/m1/thumb-320?s=1 320w, /media/m1/preview-1280?s=1 500w');
});

test('the original stands in only where nothing else will come, and only if it can be shown', () => {
  const original = (type, state) => sourcesOf(fold(event('original', 500, { content_type: type, state }))).map((it) => it.name);
  assert.deepEqual(original('image/png', 'ready'), ['original']);
  assert.deepEqual(original('image/png', 'uploaded'), []);
  assert.deepEqual(original('image/heic', 'ready'), []);
});

test('of what moves the one that moves is shown, and a still until it is there', () => {
  const description = { animated: true, frames: 44 };
  const small = event('thumb-160', 160, { description });
  const still = event('thumb-640', 400, { size: 9000, description });
  const moving = event('preview-1280', 400, { size: 90000, description, state: 'ready' });
  const names = (media, asStill) => sourcesOf(media, asStill).map((it) => it.name);
  assert.deepEqual(names(fold(small, still)), ['thumb-640']);
  const media = fold(small, still, moving);
  assert.deepEqual(media.description, description);
  assert.ok(!('description' in media.transcodings['thumb-160']), 'it is none of the transcoding');
  assert.deepEqual(names(media), ['preview-1280']);
  assert.deepEqual(names(fold(moving, still, small)), ['preview-1280'], 'in whatever order they come');
  assert.deepEqual(names(media, true), ['thumb-160', 'thumb-640'], 'who wants nothing to move sees stills');
});

test('the best source is the narrowest that is wide enough', () => {
  const sources = [{ width: 160 }, { width: 320 }, { width: 640 }];
  assert.equal(bestSource(sources, 161).width, 320);
  assert.equal(bestSource(sources, 320).width, 320);
  assert.equal(bestSource(sources, 5000).width, 640);
});

test('a link names the original where browsers can show it, else the largest that they can', () => {
  const linked = (...events) => linkedName(fold(...events));
  assert.equal(linked(event('original', 4000, { content_type: 'image/jpeg' }), event('thumb-160', 160)), 'original');
  assert.equal(linked(event('original', 4000, { content_type: 'image/heic' }), event('preview-1280', 1280), event('thumb-160', 160)), 'preview-1280');
  assert.equal(linked(event('original', 4000, { content_type: 'image/heic' })), 'original');
  assert.equal(stableLink('https://chat.example', 'vault', { id: 'm1' }, 'original'), 'https://chat.example/room/vault/media/m1/original');
});

test('dimensions come from whoever knows them first', () => {
  assert.equal(dimensionsOf(unknownMedia('m1')), undefined);
  assert.deepEqual(dimensionsOf(unknownMedia('m1'), { width: 30, height: 40 }), { width: 30, height: 40 });
  assert.deepEqual(dimensionsOf(fold(event('thumb-160', 160)), { width: 9, height: 9 }), { width: 160, height: 80 });
  assert.equal(ratioOf(undefined), 4 / 3);
  assert.equal(ratioOf({ width: 9000, height: 100 }), 2.6);
  assert.equal(ratioOf({ width: 100, height: 9000 }), 0.6);
});

test('a failure is told in words, but never over a picture that is there', () => {
  const failed = fold(event('original', 400, { content_type: 'text/plain' }), { media_id: 'm1', name: 'thumb-160', error: 'not a picture', state: 'failed' });
  assert.equal(failureOf(failed, 1000), 'not a picture');
  assert.deepEqual(tileOf(failed, undefined, nothing), { state: 'failed', words: 'not a picture' });
  const partly = fold(event('thumb-160', 160), { media_id: 'm1', name: 'thumb-320', error: 'no memory', state: 'failed' });
  assert.equal(tileOf(partly, undefined, nothing).state, 'waiting');
  assert.equal(tileOf(partly, undefined, { ...nothing, shown: true }).state, 'ready');
});

test('an upload that nobody finished is not waited for', () => {
  const media = { ...unknownMedia('m1'), created: 1000 };
  assert.equal(tileOf(media, undefined, nothing).state, 'waiting');
  assert.equal(tileOf(media, undefined, { ...nothing, now: 1000 + 3 * 3600 }).state, 'failed');
});

test('the own upload speaks for the tile until the picture is there', () => {
  const media = fold(event('thumb-160', 160, { placeholder: 'abc' }));
  const state = (upload, more = {}) => tileOf(media, upload, { ...nothing, ...more }).state;
  assert.equal(state({ state: 'queued' }), 'uploading');
  assert.equal(state({ state: 'pausing' }), 'uploading');
  assert.equal(state({ state: 'sending', done: 0.5 }), 'uploading');
  assert.equal(state({ state: 'sent' }), 'placeholder');
  assert.equal(state({ state: 'cancelled' }), 'failed');
  assert.equal(state({ state: 'failed', error: 'too large' }), 'failed');
  assert.equal(state({ state: 'sending' }, { shown: true }), 'ready');
  assert.equal(state(undefined, { trouble: 'unreachable' }), 'failed');
  assert.match(tileOf(media, undefined, { ...nothing, trouble: 'gone' }).words, /can’t be shown any more/u);
});
