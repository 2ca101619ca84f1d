//! Pure decisions on ages, failures and outages: the caller supplies the time and the jitter.

mod age;
mod failure;
mod outage;

pub use age::MAX_NEGATIVE_TTL;
pub(crate) use age::{Freshness, PATIENCE, Policy, RETRY_AFTER, Tick, nanos};
pub(crate) use failure::Memo;
pub(crate) use outage::{Outage, PROBE_INTERVAL};
