//! Signals, shutdown and the reload of credentials.

mod interrupt;
mod shutdown;
