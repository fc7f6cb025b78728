// sharp as a side of the bench: it reads orders, a line of JSON each, does the
// work in memory as often as it is told to, and answers with what that took.
//
// "naive" is how sharp is used: one pipeline for each size. "smart" is the best
// that can be made of it: decoded once to the largest size, and the others made
// of those pixels. (`clone()` would decode anew for each.)

import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import sharp from "sharp";

const [mode] = process.argv.slice(2);
sharp.concurrency(1);
sharp.cache(false);

const box = ({ params: { width, height } }) => ({ width, height, fit: "inside", withoutEnlargement: true });

const encoded = (pipeline, { content_type: type, params: { quality } }) => {
  switch (type) {
    case "image/webp":
      return pipeline.webp({ quality, effort: 4 });
    case "image/jpeg":
      return pipeline.jpeg({ quality, optimiseCoding: true });
    case "image/png":
      return pipeline.png();
    default:
      throw new Error(`${type}: not a type of this bench`);
  }
};

const finished = async (pipeline) => {
  const { data, info } = await pipeline.toBuffer({ resolveWithObject: true });
  // Of an animation libvips says the height of all frames together.
  return { data, width: info.width, height: info.pageHeight ?? info.height };
};

const input = { limitInputPixels: false };

const naive = async (file, set, { animated }) => {
  const made = [];
  for (const spec of set) {
    const pipeline = sharp(file, { ...input, animated }).autoOrient().resize(box(spec));
    made.push(await finished(encoded(pipeline, spec)));
  }
  return made;
};

const smart = async (file, set) => {
  const side = ({ params: { width, height } }) => Math.max(width, height);
  const largest = set.reduce((a, b) => (side(b) > side(a) ? b : a));
  const { data, info } = await sharp(file, input)
    .autoOrient()
    .resize(box(largest))
    .raw()
    .toBuffer({ resolveWithObject: true });
  const raw = { width: info.width, height: info.height, channels: info.channels };
  const made = [];
  for (const spec of set) {
    const pipeline = sharp(data, { raw });
    made.push(await finished(encoded(spec === largest ? pipeline : pipeline.resize(box(spec)), spec)));
  }
  return made;
};

// User and system time of all threads, in milliseconds.
const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e3;
};

const peakKib = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]);

const work = async ({ file, set, iterations, out, switches }) => {
  const bytes = readFileSync(file);
  const took = [];
  let made;
  for (let left = iterations; left > 0; left -= 1) {
    const [before, begun] = [cpu(), performance.now()];
    made = await (mode === "smart" ? smart : naive)(bytes, set, switches);
    took.push([cpu() - before, performance.now() - begun]);
  }
  const outputs = made.map(({ data, width, height }, index) => ({ index, bytes: data.length, width, height }));
  const peak_kib = peakKib();
  if (out) {
    made.forEach(({ data }, index) => writeFileSync(`${out}.${index}`, data));
  }
  return { took, peak_kib, outputs };
};

console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = await work(JSON.parse(line));
  } catch (error) {
    answer = { error: String(error.message ?? error) };
  }
  console.log(JSON.stringify(answer));
}
process.exit(0);
