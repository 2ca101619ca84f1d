//! Output: stdout, stderr, terminals and the escaping of untrusted text.

mod escaping;
mod streams;
mod terminal;
