// Hands jobs to BullMQ: `hand N` adds as many, one command each, and is
// answered when all are in Redis.

import { Queue } from "bullmq";
import { clock, lines } from "./lines.mjs";

const [port] = process.argv.slice(2);
// As many at a time as the other side has clients.
const AT_ONCE = 48;

const queue = new Queue("bench", { connection: { host: "127.0.0.1", port: Number(port) } });
await queue.waitUntilReady();

const hand = () => queue.add("noop", { handed: clock() });

console.log("ready");
for await (const line of lines()) {
  const [, count] = line.split(" ");
  for (let left = Number(count); left > 0; left -= AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(left, AT_ONCE) }, hand));
  }
  console.log("handed");
}
process.exit(0);
