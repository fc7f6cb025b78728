//! Processes run beside those of another release.

mod releases;
