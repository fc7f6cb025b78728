//! The worker from outside its crate: children that are real, children that
//! misbehave, and whole jobs against a coordinator and a store.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and says where")]

mod binary;
mod bounds;
mod corpus;
mod fake_coordinator;
mod files;
mod jobs;
mod metadata;
mod misbehaving_child;
mod misbehaviour;
mod missing_walls;
mod parent_death;
mod private_rooms;
#[expect(dead_code, reason = "the other test binary uses all of it")]
mod processes;
mod real_children;
mod releases;
mod scene;
mod verdicts;
mod walled_child;
mod walls;
