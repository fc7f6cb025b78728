//! What crashes leave behind in the store is found and removed.
