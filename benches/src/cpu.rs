//! The CPU time of a process, which other load on the machine affects less than elapsed time; and
//! the clock, for benchmarks of waiting.

use std::time::Duration;

use anyhow::{Context, Result};
use nix::time::ClockId as OtherClock;
use nix::unistd::Pid;
use rustix::time::{ClockId, clock_gettime};

/// Returns the CPU time of all threads of this process so far, in user space and in the kernel.
pub fn spent() -> Duration {
    read(ClockId::ProcessCPUTime)
}

fn read(clock: ClockId) -> Duration {
    let now = clock_gettime(clock);
    // Neither is negative.
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or_default())
}

/// What a benchmark measures.
#[derive(Debug, Clone, Copy)]
pub enum Meter {
    /// The CPU time of this process.
    Own,
    /// The CPU time of another process.
    Of(OtherClock),
    /// Elapsed time.
    Clock,
}

impl Meter {
    /// A meter of another process.
    ///
    /// # Errors
    /// There is no such process, or the system does not report the CPU time of others.
    pub fn of(process: u32) -> Result<Self> {
        let process = Pid::from_raw(process.try_into()?);
        let clock = clock_of(process);
        clock.map(Self::Of).with_context(|| format!("the CPU time of process {process}"))
    }

    /// Returns the reading: for CPU time that of all threads, in user space and in the kernel.
    ///
    /// # Errors
    /// The process has ended.
    pub fn spent(self) -> Result<Duration> {
        match self {
            Self::Own => Ok(spent()),
            Self::Clock => Ok(read(ClockId::Monotonic)),
            Self::Of(clock) => Ok(clock.now().context("the measured process has ended")?.into()),
        }
    }
}

#[cfg(target_os = "linux")]
fn clock_of(process: Pid) -> nix::Result<OtherClock> {
    OtherClock::pid_cpu_clock_id(process)
}

/// Other systems have no such clock.
#[cfg(not(target_os = "linux"))]
fn clock_of(_: Pid) -> nix::Result<OtherClock> {
    Err(nix::Error::ENOTSUP)
}
