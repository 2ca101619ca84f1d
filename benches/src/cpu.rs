//! The CPU time of this process: what is spent here counts, what others do on the machine counts
//! less than on any clock.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time that all threads have spent so far, in user space and in the kernel.
pub fn spent() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    // Neither is ever negative.
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or_default())
}
