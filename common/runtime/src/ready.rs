//! Standard output, which belongs to whoever started the process: the ready line
//! and the answers of one-shot commands. Logs go to standard error.

use std::io::Write;

/// Prints `text` at once. A closed standard output is nobody's fault.
pub fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints `text` on standard error: the last words of a process that could not
/// start, before or after there is a log.
pub fn complain(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
