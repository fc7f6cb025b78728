//! The unbreakable rules of the house, each by name, on the real binaries. Two of
//! them are tested where their failures are: Redis emptied in `fleet`, walls
//! between crates in `edges`.

mod announced;
mod bounded;
mod decoders;
mod failpoints;
mod payloads;
mod strangers;
mod verdicts;
