//! Sends a signal to the process that a file names.
//!
//! Another user who could write the file would choose which process of this user receives the
//! signal, so that such a file is refused.

use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use km_proxy_adapter::ErrorKind;
use km_proxy_adapter::file::open_regular;
use rustix::process::{Pid, Signal, kill_process};

use crate::error::Failure;
use crate::trusted_path;

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 64;

/// The mode bits that let others than the owner write to a file.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Sends a signal to the process whose ID is in the file at `path`.
///
/// # Errors
///
/// `Usage` if the file cannot be read, if another user can write it, if it does not name a process,
/// or if that process may not be signalled.
pub(super) fn signal(path: &Path, signal: i32) -> Result<(), Failure> {
    let sent = read(path).and_then(|process| {
        let signal = Signal::from_named_raw(signal).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(kill_process(process, signal)?)
    });
    sent.map_err(|error| {
        let what = format!("send a signal to the process of {}: {error}", path.display());
        let hint = "the files are up to date: signal the process yourself, and check --pid-file";
        Failure::new(ErrorKind::Usage, what, hint)
    })
}

fn read(path: &Path) -> io::Result<Pid> {
    trusted_path::check(path)?;
    let file = open_regular(path).map_err(io::Error::other)?;
    let metadata = file.metadata()?;
    if metadata.mode() & WRITABLE_BY_OTHERS != 0 || !trusted_path::is_trusted(metadata.uid()) {
        return Err(io::Error::other("another user can write to the file"));
    }
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text)?;
    parse(&text).ok_or_else(|| io::Error::other("the file does not hold the ID of a process"))
}

/// Parses the ID of one process. Zero and negative numbers would be groups of processes.
fn parse(text: &str) -> Option<Pid> {
    let digits = text.trim_ascii();
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    Pid::from_raw(digits.parse().ok().filter(|number| is_number && *number > 0)?)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_the_id_of_one_process_is_accepted() {
        for (text, expected) in [
            ("1", Some(1)),
            ("123\n", Some(123)),
            (" 123 ", Some(123)),
            ("0", None),
            ("-1", None),
            ("+1", None),
            ("1 2", None),
            ("", None),
            ("\n", None),
            ("99999999999", None),
            ("1;2", None),
        ] {
            assert_eq!(parse(text).map(Pid::as_raw_pid), expected, "{text}");
        }
    }

    #[test]
    fn file_that_others_can_write_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pid");
        fs::write(&path, "1\n").unwrap();
        for (mode, expected) in [(0o644, true), (0o400, true), (0o664, false), (0o646, false)] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(read(&path).is_ok(), expected, "{mode:o}");
        }
        fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert!(read(&path).is_err());
    }
}
