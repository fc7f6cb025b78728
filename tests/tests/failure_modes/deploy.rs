//! Processes are stopped, replaced and mixed with those of another release.
