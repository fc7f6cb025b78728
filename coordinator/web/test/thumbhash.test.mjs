// Vectors: hashes and some of the decoded pixels as the reference implementation (npm `thumbhash` 0.1.1) makes them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decodeThumbHash } from '../thumbhash.js';

const vectors = JSON.parse(readFileSync(new URL('thumbhash-vectors.json', import.meta.url), 'utf8'));
const bytesOf = (base64) => Uint8Array.from(Buffer.from(base64, 'base64'));

for (const { name, hash, width, height, samples } of vectors) {
  test(`decodes ${name}`, () => {
    const image = decodeThumbHash(bytesOf(hash));
    assert.deepEqual([image.width, image.height], [width, height]);
    assert.equal(image.rgba.length, width * height * 4);
    for (const [at, ...expected] of samples) {
      const pixel = image.rgba.subarray(at * 4, at * 4 + 4);
      // The reference cuts fractions off where this rounds.
      expected.forEach((value, channel) => assert.ok(Math.abs(pixel[channel] - value) <= 1, `pixel ${at}: ${pixel} is not ${expected}`));
    }
  });
}

test('refuses what is no ThumbHash', () => {
  assert.throws(() => decodeThumbHash(new Uint8Array(4)), RangeError);
  assert.throws(() => decodeThumbHash(new Uint8Array(26)), RangeError);
  assert.throws(() => decodeThumbHash(new Uint8Array(5)), RangeError);
});

test('a hash that was cut short still decodes', () => {
  const { width, height } = vectors[0];
  const image = decodeThumbHash(bytesOf(vectors[0].hash).subarray(0, 9));
  assert.deepEqual([image.width, image.height], [width, height]);
});
