//! The file that holds the token of the sidecar.
//!
//! A new token is written to a private file, which gets its name when it is complete. An existing
//! file is used only if no other user can have written or read it. How a request carries the token
//! is defined in [`super::token`].

use std::fs::{File, TryLockError, symlink_metadata};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use km_proxy_adapter::file::{FileError, open_regular_no_follow};
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::io::input::without_line_ending;
use crate::trusted_path;

/// A token, zeroized on drop.
pub(super) type TokenBytes = Zeroizing<Vec<u8>>;

/// The number of random bytes of a new token. The file has two hexadecimal digits for each.
const RANDOM_BYTES: usize = 32;

/// The shortest token that is accepted, in bytes. As random hexadecimal digits it has 64 bits.
const MIN_TOKEN_BYTES: usize = 16;

/// The largest file that is read, in bytes.
const MAX_FILE_BYTES: usize = 4096;

/// The mode bits that a token file must not have. The group may read it, so that a gateway that
/// runs as another user can.
const FORBIDDEN_MODE: u32 = 0o037;

/// The number of attempts, and the pause between them, while another process creates the same file.
const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(10);

/// Returns the token in the file at `path`.
///
/// # Errors
///
/// The file cannot be read, is accessible to other users, or does not hold a token.
pub(super) fn load(path: &Path) -> io::Result<TokenBytes> {
    trusted_path::check(path)?;
    read(&open(path)?)
}

/// Returns the token in the file at `path`, which is created if it does not exist or is empty.
/// Processes that start at the same time get the same token.
///
/// # Errors
///
/// Those of [`load`], or the file cannot be created.
pub(super) fn load_or_create(path: &Path) -> io::Result<TokenBytes> {
    trusted_path::check(path)?;
    for _ in 0..ATTEMPTS {
        let created = match open(path) {
            Ok(file) if file.metadata()?.len() == 0 => replace_empty(path, &file)?,
            Ok(file) => return read(&file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(path)?,
            Err(error) => return Err(error),
        };
        match created {
            Some(token) => return Ok(token),
            None => sleep(PAUSE),
        }
    }
    Err(io::Error::other("another process holds a lock on the empty file"))
}

fn open(path: &Path) -> io::Result<File> {
    let file = open_regular_no_follow(path).map_err(|error| match error {
        FileError::Io(_) if symlink_metadata(path).is_ok_and(|found| found.is_symlink()) => {
            io::Error::other("is a symbolic link")
        }
        FileError::Io(error) => error,
        error => io::Error::other(error),
    })?;
    if trusted_path::is_trusted(file.metadata()?.uid()) {
        Ok(file)
    } else {
        Err(io::Error::other("belongs to another user"))
    }
}

/// Creates the file. Returns `None` if another process has created it meanwhile.
fn create(path: &Path) -> io::Result<Option<TokenBytes>> {
    let (file, token) = write_temporary(path)?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(Some(token)),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(error.error),
    }
}

/// Replaces an empty file, which a killed process may have left.
///
/// Returns `None` if another process is replacing it or has replaced it. The lock belongs to the
/// empty file, so that it protects only as long as the path leads to that file.
fn replace_empty(path: &Path, empty: &File) -> io::Result<Option<TokenBytes>> {
    match empty.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let (locked, found) = (empty.metadata()?, symlink_metadata(path)?);
    if (locked.dev(), locked.ino()) != (found.dev(), found.ino()) || locked.len() != 0 {
        return Ok(None);
    }
    let (file, token) = write_temporary(path)?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(Some(token))
}

/// Writes a new token to a temporary file with mode 0600.
fn write_temporary(path: &Path) -> io::Result<(NamedTempFile, TokenBytes)> {
    let mut file = NamedTempFile::new_in(trusted_path::parent(path))?;
    let token = random()?;
    file.write_all(&token)?;
    file.write_all(b"\n")?;
    Ok((file, token))
}

fn random() -> io::Result<TokenBytes> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut bytes = Zeroizing::new([0; RANDOM_BYTES]);
    getrandom::fill(bytes.as_mut()).map_err(io::Error::other)?;
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let text = digits.filter_map(|digit| DIGITS.get(usize::from(digit)).copied());
    let mut token = Zeroizing::new(Vec::with_capacity(2 * RANDOM_BYTES));
    token.extend(text);
    Ok(token)
}

fn read(file: &File) -> io::Result<TokenBytes> {
    if file.metadata()?.mode() & FORBIDDEN_MODE != 0 {
        return Err(io::Error::other("is accessible to others: set its mode to 0600"));
    }
    let capacity = MAX_FILE_BYTES + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    file.take(u64::try_from(capacity).unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
    let token = without_line_ending(&bytes);
    if bytes.len() > MAX_FILE_BYTES || !token.iter().all(u8::is_ascii_graphic) {
        return Err(io::Error::other("does not hold a token: one line of printable ASCII"));
    }
    if token.len() < MIN_TOKEN_BYTES {
        let why = format!("holds a token of fewer than {MIN_TOKEN_BYTES} bytes");
        return Err(io::Error::other(why));
    }
    Ok(Zeroizing::new(token.to_vec()))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn created_token_is_long_private_and_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let (one, two) = (directory.path().join("one"), directory.path().join("two"));
        let token = load_or_create(&one).unwrap();
        assert_eq!(token.len(), 64);
        assert_eq!(symlink_metadata(&one).unwrap().mode() & 0o777, 0o600);
        assert_eq!(*load(&one).unwrap(), *token);
        assert_ne!(*load_or_create(&two).unwrap(), *token);
        // No temporary file is left.
        assert_eq!(directory.path().read_dir().unwrap().count(), 2);
    }

    #[test]
    fn processes_that_start_together_agree_on_one_token() {
        const STARTS: usize = 8;
        for with_empty_leftover in [false, true] {
            for _ in 0..20 {
                let directory = tempfile::tempdir().unwrap();
                let path = directory.path().join("token");
                if with_empty_leftover {
                    File::create(&path).unwrap();
                }
                let barrier = Barrier::new(STARTS);
                let tokens: Vec<_> = std::thread::scope(|scope| {
                    let start = || {
                        barrier.wait();
                        load_or_create(&path).unwrap()
                    };
                    let threads: Vec<_> = (0..STARTS).map(|_| scope.spawn(start)).collect();
                    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
                });
                let stored = load(&path).unwrap();
                assert!(tokens.iter().all(|token| **token == *stored), "{with_empty_leftover}");
            }
        }
    }

    #[test]
    fn lock_of_another_process_on_the_empty_file_ends_in_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let held = File::create(&path).unwrap();
        held.lock().unwrap();
        assert!(load_or_create(&path).unwrap_err().to_string().contains("lock"));
    }

    #[test]
    fn file_that_others_can_read_or_write_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        std::fs::write(&path, "0123456789abcdef").unwrap();
        for (mode, expected) in
            [(0o600, true), (0o400, true), (0o640, true), (0o660, false), (0o604, false)]
        {
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert_eq!(load(&path).is_ok(), expected, "{mode:o}");
        }
    }

    #[test]
    fn text_that_is_not_a_token_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        let enough = "0123456789abcdef";
        for (text, expected) in [
            (enough.to_owned(), true),
            (format!("{enough}\n"), true),
            (format!("{enough}\r\n"), true),
            (enough[1..].to_owned(), false),
            (format!("{}\n", &enough[1..]), false),
            (format!("{enough}\n\n"), false),
            (format!("{enough} {enough}"), false),
            (format!("{enough}\0"), false),
            ("x".repeat(MAX_FILE_BYTES), true),
            ("x".repeat(MAX_FILE_BYTES + 1), false),
            ("\n".to_owned(), false),
        ] {
            let mut file = NamedTempFile::new_in(directory.path()).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file.persist(&path).unwrap();
            assert_eq!(load(&path).is_ok(), expected, "{} bytes", text.len());
        }
    }
}
