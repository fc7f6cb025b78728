//! The object store fails, hangs, cuts bodies or is full.
