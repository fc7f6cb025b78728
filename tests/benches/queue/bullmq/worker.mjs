// A worker of BullMQ whose jobs do nothing. It says `ready`, begins when it is
// told to, and tells every now and then, a line of JSON each, when jobs were
// handed in and when they began, in milliseconds of the machine's clock.

import { Worker } from "bullmq";
import { clock, lines } from "./lines.mjs";

const [port] = process.argv.slice(2);
const TELL_MS = 25;

const took = [];
const worker = new Worker(
  "bench",
  async (job) => {
    job.begun = clock();
  },
  { connection: { host: "127.0.0.1", port: Number(port) }, autorun: false },
);
// Told only when it has ended, like the other side's.
worker.on("completed", (job) => took.push([job.data.handed, job.begun]));
worker.on("error", (error) => console.error(error));
await worker.waitUntilReady();

setInterval(() => {
  if (took.length > 0) {
    console.log(JSON.stringify(took.splice(0)));
  }
}, TELL_MS);

console.log("ready");
for await (const line of lines()) {
  if (line === "go") {
    worker.run();
  }
}
process.exit(0);
