//! Uploads are cut, doubled, slow, or hostile.
