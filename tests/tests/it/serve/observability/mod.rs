//! Probes, metrics, the log and the audit log.

mod audit;
mod log;
mod probes;
