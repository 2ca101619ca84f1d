//! Standard input, output and error.

pub(crate) mod escape;
pub(crate) mod input;
pub(crate) mod log;
pub(crate) mod output;
pub(crate) mod progress;
pub(crate) mod prompt;
pub(crate) mod secret_text;
pub(crate) mod stderr;
