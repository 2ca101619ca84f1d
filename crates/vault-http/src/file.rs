//! Reading of small files that an operator configures: credentials, certificates, settings.
//!
//! Opening never blocks, only regular files are read, and never more bytes than the caller's limit.
//! A FIFO, a device or an endless file is therefore an error, not a hang or memory exhaustion. The
//! caller parses and validates the content.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

/// The time for which [`read`] waits for the file system. Reading a local file takes microseconds.
/// A network file system may hang, which must not block the process.
const READ_TIMEOUT: Duration = Duration::from_secs(2);

/// The content of a file, and whether other users can read it.
#[derive(Debug)]
#[non_exhaustive]
pub struct FileContent {
    /// The content, zeroized on drop.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Whether the file's mode allows every user to read it. Always `false` except on Unix.
    pub readable_by_others: bool,
}

/// The reasons why a file cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file system reported an error.
    #[error("cannot read the file")]
    Io(#[from] io::Error),
    /// The path names a directory, FIFO, socket or device.
    #[error("not a regular file")]
    NotRegular,
    /// The file is larger than the caller's limit.
    #[error("file is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// The file system did not respond in time.
    #[error("timed out after {}s", READ_TIMEOUT.as_secs())]
    TimedOut,
}

/// Opens `path` for reading without blocking. Symbolic links are followed.
///
/// # Errors
/// [`FileError::NotRegular`] if `path` does not name a regular file, [`FileError::Io`] if it cannot
/// be opened.
pub fn open_regular(path: &Path) -> Result<File, FileError> {
    open(path, 0)
}

/// Like [`open_regular`], but fails if the last component of `path` is a symbolic link. Only on
/// Unix, because other systems have no such flag.
///
/// # Errors
/// [`FileError::Io`] for a symbolic link; otherwise as for [`open_regular`].
#[cfg(unix)]
pub fn open_regular_no_follow(path: &Path) -> Result<File, FileError> {
    open(path, libc::O_NOFOLLOW)
}

#[cfg_attr(not(unix), expect(unused_variables, reason = "the flags are specific to Unix"))]
fn open(path: &Path, flags: i32) -> Result<File, FileError> {
    let mut options = OpenOptions::new();
    options.read(true);
    // Without these flags, opening a FIFO would block until it has a writer, and a terminal could
    // become the controlling terminal. Neither flag affects regular files.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        libc::O_NONBLOCK | libc::O_NOCTTY | flags,
    );
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(FileError::NotRegular);
    }
    Ok(file)
}

/// Reads the file at `path` on the current thread.
///
/// # Errors
/// [`FileError::TooLarge`] if the file is larger than `limit` bytes; otherwise as for
/// [`open_regular`].
pub fn read_blocking(path: &Path, limit: usize) -> Result<FileContent, FileError> {
    let file = open_regular(path)?;
    let readable_by_others = is_readable_by_others(&file.metadata()?);
    // One byte beyond the limit shows that the file is too large. The buffer is never reallocated,
    // which would leave a copy of a secret in freed memory.
    let capacity = limit.saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    file.take(u64::try_from(capacity).unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        return Err(FileError::TooLarge { limit });
    }
    Ok(FileContent { bytes, readable_by_others })
}

/// Like [`read_blocking`], but on a thread for blocking work and with a timeout of 2 seconds.
///
/// # Errors
/// [`FileError::TimedOut`] if the file system hangs; otherwise as for [`read_blocking`].
pub async fn read(path: PathBuf, limit: usize) -> Result<FileContent, FileError> {
    let task = tokio::task::spawn_blocking(move || read_blocking(&path, limit));
    match tokio::time::timeout(READ_TIMEOUT, task).await {
        Ok(Ok(content)) => content,
        // The runtime is shutting down.
        Ok(Err(cancelled)) => Err(FileError::Io(io::Error::other(cancelled))),
        Err(_) => Err(FileError::TimedOut),
    }
}

#[cfg(unix)]
fn is_readable_by_others(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o004 != 0
}

#[cfg(not(unix))]
fn is_readable_by_others(_: &std::fs::Metadata) -> bool {
    false
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file(content: &[u8], mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        std::fs::set_permissions(file.path(), PermissionsExt::from_mode(mode)).unwrap();
        file
    }

    #[test]
    fn regular_file_up_to_the_limit_is_read() {
        for (content, limit, expected) in
            [(&b""[..], 0, true), (b"abc", 3, true), (b"abcd", 3, false)]
        {
            let file = file(content, 0o600);
            let read = read_blocking(file.path(), limit);
            match read {
                Ok(read) => assert!(expected && *read.bytes == content, "{content:?}"),
                Err(error) => {
                    assert!(!expected && matches!(error, FileError::TooLarge { limit: 3 }));
                }
            }
        }
    }

    #[test]
    fn file_readable_by_every_user_is_reported() {
        for (mode, expected) in [(0o600, false), (0o640, false), (0o644, true), (0o604, true)] {
            let file = file(b"secret", mode);
            let read = read_blocking(file.path(), 10).unwrap();
            assert_eq!(read.readable_by_others, expected, "{mode:o}");
        }
    }

    #[test]
    fn symbolic_link_to_a_regular_file_is_followed() {
        let directory = tempfile::tempdir().unwrap();
        let target = file(b"secret", 0o600);
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(target.path(), &link).unwrap();
        assert_eq!(*read_blocking(&link, 10).unwrap().bytes, b"secret");
    }

    #[test]
    fn symbolic_link_is_refused_if_it_must_not_be_followed() {
        let directory = tempfile::tempdir().unwrap();
        let target = file(b"secret", 0o600);
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(target.path(), &link).unwrap();
        assert!(matches!(open_regular_no_follow(&link), Err(FileError::Io(_))));
        open_regular_no_follow(target.path()).unwrap();
    }

    #[test]
    fn device_directory_and_fifo_are_refused_without_blocking() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        let status = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(status.success());
        for path in [Path::new("/dev/zero"), Path::new("/dev/null"), directory.path(), &fifo] {
            let error = read_blocking(path, 10).unwrap_err();
            assert!(matches!(error, FileError::NotRegular), "{}: {error:?}", path.display());
        }
    }

    #[test]
    fn missing_file_is_an_io_error() {
        let error = read_blocking(Path::new("/nonexistent/file"), 10).unwrap_err();
        assert!(matches!(&error, FileError::Io(why) if why.kind() == io::ErrorKind::NotFound));
    }
}
