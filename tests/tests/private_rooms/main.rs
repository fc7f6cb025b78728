//! Private rooms are private: what others get to see of them, on the wire and on
//! every disk, when they ask for it in all the ways there are.

mod altered;
mod base64;
mod crossing;
mod guessing;
mod headers;
mod operator;
mod pictures;
mod planted;
mod shut_out;
mod tampered;
mod wire;
