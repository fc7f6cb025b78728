//! The worker from outside its crate: children that are real, children that
//! misbehave, and whole jobs against a coordinator and a store.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and says where")]

mod binary;
mod corpus;
mod fake_coordinator;
mod files;
mod jobs;
mod misbehaving_child;
mod misbehaviour;
mod parent_death;
mod private_rooms;
mod real_children;
mod releases;
mod scene;
mod verdicts;
