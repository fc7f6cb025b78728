//! Redis is restarted, emptied, full, slow or away.
