//! Hooks come twice, late, out of order, or to what is gone.
