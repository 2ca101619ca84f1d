//! Pure decisions on ages, failures and outages. The caller supplies the time and the jitter.

mod age;
mod failure;
mod forced;
mod outage;

pub(crate) use age::{
    Freshness, MAX_REFRESH_WAIT, Policy, RETRY_DELAY, Tick, nanos, own_refresh_at,
};
pub(crate) use failure::FailureRecord;
pub(crate) use forced::{ForcedRecord, is_recent};
pub(crate) use outage::{Outage, PROBE_INTERVAL};
