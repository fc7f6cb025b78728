//! Workers are killed, frozen, doubled and starved.
