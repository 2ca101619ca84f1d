//! The observable state of a cache, for operators. It has no values.

use std::collections::HashMap;
use std::time::Duration;

use crate::error::Error;
use crate::version::Version;

/// The status of a cache, see [`Cache::status`](crate::Cache::status).
#[derive(Debug)]
#[non_exhaustive]
pub struct Status<K, E> {
    /// The keys with a value, a cached error or a load in flight.
    pub keys: HashMap<K, KeyStatus<E>>,
    /// The number of keys that are remembered, as in [`Cache::len`](crate::Cache::len).
    pub entries: usize,
    /// The total size of the values in the unit of [`max_bytes`](crate::Builder::max_bytes). It is
    /// 0 if no unit was set.
    pub bytes: usize,
    /// The number of reads that were served from memory.
    pub hits: u64,
    /// The number of reads that were not.
    pub misses: u64,
}

/// The status of a key.
#[derive(Debug)]
#[non_exhaustive]
pub struct KeyStatus<E> {
    /// The state.
    pub state: KeyState,
    /// The version of the value; `None` if there is no value.
    pub version: Option<Version>,
    /// The time since the load of the value began; `None` if there is no value.
    pub age: Option<Duration>,
    /// The time until the key is due for a refresh or may be loaded again. A key that is not in use
    /// is only refreshed by its next reader.
    pub refresh_in: Option<Duration>,
    /// The error of the last load, if that failed.
    pub error: Option<Error<E>>,
}

/// The state of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyState {
    /// The value is within its refresh interval.
    Fresh,
    /// The value is past its refresh interval.
    Stale,
    /// There is no value, and the error of the last load is cached.
    Negative,
    /// There is no value yet, and a load is in flight.
    Loading,
}
