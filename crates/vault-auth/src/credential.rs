//! Where a credential comes from: a value, or a file that is read at each login.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use tracing::warn;
use vault_http::file::{self, FileError};
use vault_http::{Error, ErrorKind};

use crate::files::{FileTask, stamp};

/// Largest credential file that is read, in bytes. Tokens and certificates are far below it.
pub(crate) const MAX_FILE_BYTES: usize = 64 * 1024;

/// A secret that a login needs.
#[derive(Debug, Clone)]
pub enum Credential {
    /// The secret itself.
    Value(SecretString),
    /// A file that holds it and may be replaced at any time: it is read at each login. One trailing
    /// line ending is dropped. While the file is empty, half written or gone, the last good content
    /// is used.
    File(PathBuf),
}

impl Credential {
    /// Reads the secret as it is now, on this thread, which waits for the file system.
    ///
    /// # Errors
    /// [`ErrorKind::LoginRefused`] if the file can't be read, or is not a regular file, empty, too large,
    /// not UTF-8, or being written.
    pub fn read_blocking(&self) -> Result<SecretString, Error> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::File(path) => Ok(read_file(path)?.secret),
        }
    }

    /// The file, where it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Value(_) => None,
            Self::File(path) => Some(path),
        }
    }
}

/// A credential and its last good content, which a method reads at each login.
#[derive(Debug)]
pub struct CredentialReader {
    credential: Credential,
    last: Mutex<Option<SecretString>>,
    reading: FileTask<Result<Content, Error>>,
    /// Whether the warning about the file's mode was logged.
    warned: AtomicBool,
}

impl CredentialReader {
    /// A credential that is not read yet.
    pub fn new(credential: Credential) -> Self {
        let (last, reading, warned) = <_>::default();
        Self { credential, last, reading, warned }
    }

    /// The file, if it is one, in the form that [`Method::files`](crate::Method::files) returns.
    pub fn file(&self) -> Option<PathBuf> {
        self.credential.file().map(Path::to_owned)
    }

    /// Returns the secret as it is now, if it `is_whole`; otherwise as it was when it last was. Waits
    /// two seconds for the file system at most.
    ///
    /// # Errors
    /// [`ErrorKind::LoginRefused`] if there is no good content yet.
    pub async fn read(&self, is_whole: fn(&str) -> bool) -> Result<SecretString, Error> {
        let read = self.read_now().await;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(secret) if is_whole(secret.expose_secret()) || last.is_none() => {
                *last = Some(secret.clone());
                Ok(secret)
            }
            Ok(_) => {
                last.clone().ok_or_else(|| Error::new(ErrorKind::LoginRefused, "read a credential"))
            }
            Err(error) => {
                let last = last.clone().ok_or_else(|| error.clone())?;
                warn!(%error, "using the last good content of a credential");
                Ok(last)
            }
        }
    }

    /// Like [`read`](Self::read), without the white space around the secret, which is not part of a
    /// token or an ID.
    ///
    /// # Errors
    /// As [`CredentialReader::read`].
    pub async fn read_trimmed(&self, is_whole: fn(&str) -> bool) -> Result<SecretString, Error> {
        Ok(self.read(is_whole).await?.expose_secret().trim().into())
    }

    async fn read_now(&self) -> Result<SecretString, Error> {
        let path = match &self.credential {
            Credential::Value(value) => return Ok(value.clone()),
            Credential::File(path) => path,
        };
        let file = path.clone();
        let content = self.reading.run(move || read_file(&file)).await;
        let content = content.unwrap_or_else(|| {
            Err(failed(path, "timed out: the credential's file system does not respond"))
        })?;
        if content.readable_by_others && !self.warned.swap(true, Relaxed) {
            warn_readable_by_others(path);
        }
        Ok(content.secret)
    }
}

/// Logs that every user can read a credential.
pub(crate) fn warn_readable_by_others(path: &Path) {
    warn!(path = %path.display(), "every user can read a credential file; set its mode to 0600 or 0640");
}

/// Any text: of an id or a password nobody can tell that a part is missing.
pub(crate) fn any(_: &str) -> bool {
    true
}

/// What a credential file holds, and who can read it.
#[derive(Debug)]
struct Content {
    secret: SecretString,
    readable_by_others: bool,
}

fn failed(path: &Path, detail: &'static str) -> Error {
    Error::new(ErrorKind::LoginRefused, format!("read {}", path.display())).with_detail(detail)
}

/// Reads a credential file on this thread.
fn read_file(path: &Path) -> Result<Content, Error> {
    let failed = |detail| failed(path, detail);
    let before = stamp(path);
    let content = file::read_blocking(path, MAX_FILE_BYTES).map_err(|error| match error {
        FileError::NotRegular => failed("the credential file is not a regular file"),
        FileError::TooLarge { .. } => failed("the credential file is larger than 64 KiB"),
        FileError::Io(error) => failed("the credential file can't be read").with_source(error),
        other => failed("the credential file can't be read").with_source(other),
    })?;
    if stamp(path) != before {
        return Err(failed("the credential file is being written"));
    }
    let text = str::from_utf8(&content.bytes);
    let text = text.map_err(|_| failed("the credential file is not UTF-8"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(failed("the credential file is empty"));
    }
    Ok(Content { secret: text.into(), readable_by_others: content.readable_by_others })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(content: &[u8]) -> Result<String, Error> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        let secret = Credential::File(file.path().to_owned()).read_blocking()?;
        Ok(secret.expose_secret().to_owned())
    }

    #[test]
    fn one_line_ending_is_dropped() {
        assert_eq!(read(b"pass word \r\n").unwrap(), "pass word ");
        assert_eq!(read(b"a\n\n").unwrap(), "a\n");
        assert_eq!(read(b"a").unwrap(), "a");
    }

    #[test]
    fn unusable_files_say_why() {
        for content in [&b""[..], b"\n", b"\xff\xfe", &vec![b'a'; 70_000]] {
            assert_eq!(read(content).unwrap_err().kind(), ErrorKind::LoginRefused);
        }
        let missing = Credential::File("/nonexistent/token".into()).read_blocking().unwrap_err();
        assert!(missing.to_string().contains("/nonexistent/token"), "{missing}");
    }

    #[cfg(unix)]
    #[test]
    fn device_directory_and_fifo_are_refused_without_blocking() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        for path in [Path::new("/dev/zero"), directory.path(), &fifo] {
            let error = Credential::File(path.to_owned()).read_blocking().unwrap_err();
            assert_eq!(error.detail(), "the credential file is not a regular file", "{error}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn file_readable_by_others_is_warned_of_once_by_path_alone() {
        let check = async |mode: u32, warnings: usize| {
            let log = Log::default();
            let writer = log.clone();
            let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
            let _guard = tracing::subscriber::set_default(subscriber);
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), "PLANTED-x").unwrap();
            let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
            std::fs::set_permissions(file.path(), mode).unwrap();
            let credential = CredentialReader::new(Credential::File(file.path().to_owned()));
            for _ in 0..3 {
                credential.read(any).await.unwrap();
            }
            let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
            let path = file.path().display().to_string();
            assert_eq!(logged.matches(&path).count(), warnings, "{logged}");
            assert!(!logged.contains("PLANTED"));
        };
        check(0o600, 0).await;
        check(0o640, 0).await;
        check(0o644, 1).await;
    }

    #[derive(Clone, Default)]
    struct Log(std::sync::Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_file_that_is_no_good_leaves_the_last_good_content() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("id");
        let kept = CredentialReader::new(Credential::File(file.clone()));
        let whole = |text: &str| text.ends_with('.');
        let now =
            async || Ok::<_, Error>(kept.read_trimmed(whole).await?.expose_secret().to_owned());
        assert_eq!(now().await.unwrap_err().kind(), ErrorKind::LoginRefused);
        std::fs::write(&file, " first. \n").unwrap();
        assert_eq!(now().await.unwrap(), "first.");
        for bad in [&b""[..], b" \n", b"\xff", b"seco"] {
            std::fs::write(&file, bad).unwrap();
            assert_eq!(now().await.unwrap(), "first.", "{bad:?}");
        }
        std::fs::write(&file, "second.").unwrap();
        assert_eq!(now().await.unwrap(), "second.");
        std::fs::remove_file(&file).unwrap();
        assert_eq!(now().await.unwrap(), "second.");
    }
}
