//! When and where a page was measured.

use std::time::SystemTime;

/// Returns the date.
#[expect(clippy::disallowed_methods, reason = "the date on the page")]
pub fn today() -> String {
    let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    now.split('T').next().unwrap_or_default().to_owned()
}

/// Describes the size of this machine.
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| gibibytes(&text));
    let memory = memory.map_or_else(String::new, |size| format!(" and {size:.0} GiB of memory"));
    format!("{cores} cores{memory}")
}

fn gibibytes(meminfo: &str) -> Option<f64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes / 1_048_576.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_size_is_read_from_meminfo() {
        let text = "MemFree: 1 kB\nMemTotal:        8388608 kB\n";
        assert_eq!(gibibytes(text), Some(8.0));
        assert_eq!(gibibytes("MemTotal: lots"), None);
    }
}
