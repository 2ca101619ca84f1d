//! The CPU time of a process: what is spent there counts, what others do on the machine counts less
//! than on any clock. And the clock, where waiting is what is asked about.

use std::time::Duration;

use anyhow::{Context, Result};
use nix::time::ClockId as OtherClock;
use nix::unistd::Pid;
use rustix::time::{ClockId, clock_gettime};

/// CPU time that all threads have spent so far, in user space and in the kernel.
pub fn spent() -> Duration {
    read(ClockId::ProcessCPUTime)
}

fn read(clock: ClockId) -> Duration {
    let now = clock_gettime(clock);
    // Neither is ever negative.
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or_default())
}

/// Whose CPU time it is.
#[derive(Debug, Clone, Copy)]
pub enum Meter {
    /// This process's.
    Own,
    /// That of another one.
    Of(OtherClock),
    /// Nobody's: the time that passes.
    Clock,
}

impl Meter {
    /// For another process.
    ///
    /// # Errors
    /// There is none, or the system does not tell of other processes.
    pub fn of(process: u32) -> Result<Self> {
        let process = Pid::from_raw(process.try_into()?);
        let clock = clock_of(process);
        clock.map(Self::Of).with_context(|| format!("the CPU time of process {process}"))
    }

    /// What it shows: all threads, user space and kernel.
    ///
    /// # Errors
    /// The process is gone.
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

/// There is no such clock elsewhere.
#[cfg(not(target_os = "linux"))]
fn clock_of(_: Pid) -> nix::Result<OtherClock> {
    Err(nix::Error::ENOTSUP)
}
