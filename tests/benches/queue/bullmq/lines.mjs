// What both scripts are driven by.

import { createInterface } from "node:readline";

// One clock for all processes, in milliseconds.
export const clock = () => Number(process.hrtime.bigint()) / 1e6;

export const lines = () => createInterface({ input: process.stdin });
