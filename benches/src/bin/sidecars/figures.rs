//! How to measure, and the figures of one round.

use std::time::Duration;

/// The reads in flight where there is more than one.
pub(crate) const IN_FLIGHT: u16 = 16;

/// The reads a second at which the latency is measured.
pub(crate) const RATE: u32 = 1_000;

/// How long to measure.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Rounds of all tools.
    pub(crate) rounds: u32,
    /// The time of reading as fast as possible: once one at a time, and once many at a time.
    pub(crate) fast: Duration,
    /// The time of reading at the fixed rate.
    pub(crate) paced: Duration,
    /// The runs of a program that reads one secret.
    pub(crate) runs: usize,
}

impl Plan {
    pub(crate) const FULL: Self = Self {
        rounds: 5,
        fast: Duration::from_millis(1_500),
        paced: Duration::from_secs(3),
        runs: 10,
    };

    /// Shows that everything works. Its figures mean little.
    pub(crate) const QUICK: Self = Self {
        rounds: 1,
        fast: Duration::from_millis(300),
        paced: Duration::from_millis(500),
        runs: 2,
    };
}

/// The figures of one round.
#[derive(Debug)]
pub(crate) struct Figures {
    /// Reads a second, one at a time.
    pub(crate) one: f64,
    /// Reads a second, [`IN_FLIGHT`] at a time.
    pub(crate) many: Option<f64>,
    /// Nanoseconds of CPU time per read, many at a time where that was measured.
    pub(crate) cpu: f64,
    /// The 99th percentile of the latency at [`RATE`] in nanoseconds, if that many can be read.
    pub(crate) p99: Option<f64>,
    /// Resident bytes at the end.
    pub(crate) resident: f64,
    /// Nanoseconds from the start to the first value.
    pub(crate) start: Option<f64>,
}

/// Returns whether a tool with this many reads a second can serve [`RATE`].
pub(crate) fn sustains(reads: f64) -> bool {
    reads > f64::from(RATE)
}

/// Returns a duration in nanoseconds.
pub(crate) fn nanos(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}
