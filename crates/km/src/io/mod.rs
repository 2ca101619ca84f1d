//! Standard input, output and error.

pub(crate) mod escape;
pub(crate) mod input;
pub(crate) mod log;
pub(crate) mod output;
pub(crate) mod screen;
pub(crate) mod stderr;
pub(crate) mod styled;
pub(crate) mod table;
pub(crate) mod time_span;
