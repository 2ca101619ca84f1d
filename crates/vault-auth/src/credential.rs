//! Where a credential comes from: a value, or a file that is read at each login.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use secrecy::{ExposeSecret, SecretString};
use tracing::warn;
use vault_http::{Error, Kind};
use zeroize::Zeroizing;

use crate::files::stamp;

/// Largest credential file that is read, in bytes. Tokens and certificates are far below it.
const MAX_FILE_BYTES: u64 = 64 * 1024;

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
    /// The secret as it is now, read on this thread, which waits for the file system.
    ///
    /// # Errors
    /// [`Kind::LoginRefused`] when the file can't be read, is empty, too large, not UTF-8, or being
    /// written.
    pub fn read_blocking(&self) -> Result<SecretString, Error> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::File(path) => read_file(path),
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

/// A credential with the last content of it that was good: what a method reads at each login.
#[derive(Debug)]
pub struct LastGood {
    credential: Credential,
    last: Mutex<Option<SecretString>>,
}

impl LastGood {
    /// Nothing is read yet.
    pub fn new(credential: Credential) -> Self {
        Self { credential, last: Mutex::default() }
    }

    /// The file, where it is one, as [`Method::files`](crate::Method::files) wants it.
    pub fn file(&self) -> Option<PathBuf> {
        self.credential.file().map(Path::to_owned)
    }

    /// The secret as it is now, if it `is_whole`; else as it was when it last was.
    ///
    /// # Errors
    /// [`Kind::LoginRefused`] when it never was.
    pub async fn read(&self, is_whole: fn(&str) -> bool) -> Result<SecretString, Error> {
        let credential = self.credential.clone();
        let read = tokio::task::spawn_blocking(move || credential.read_blocking()).await;
        let read =
            read.unwrap_or_else(|_| Err(Error::new(Kind::LoginRefused, "read a credential")));
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(secret) if is_whole(secret.expose_secret()) || last.is_none() => {
                *last = Some(secret.clone());
                Ok(secret)
            }
            Ok(_) => {
                last.clone().ok_or_else(|| Error::new(Kind::LoginRefused, "read a credential"))
            }
            Err(error) => {
                let last = last.clone().ok_or_else(|| error.clone())?;
                warn!(%error, "a credential's last good content is used");
                Ok(last)
            }
        }
    }

    /// The same without the white space around it, which is no part of a token or an id.
    ///
    /// # Errors
    /// As [`LastGood::read`].
    pub async fn read_trimmed(&self, is_whole: fn(&str) -> bool) -> Result<SecretString, Error> {
        Ok(self.read(is_whole).await?.expose_secret().trim().into())
    }
}

/// Any text: of an id or a password nobody can tell that a part is missing.
pub(crate) fn any(_: &str) -> bool {
    true
}

fn read_file(path: &Path) -> Result<SecretString, Error> {
    let failed = |detail| {
        Error::new(Kind::LoginRefused, format!("read {}", path.display())).with_detail(detail)
    };
    let unreadable = |error| failed("the credential file can't be read").with_source(error);
    let before = stamp(path);
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_FILE_BYTES {
        return Err(failed("the credential file is larger than 64 KiB"));
    }
    let bytes = Zeroizing::new(std::fs::read(path).map_err(unreadable)?);
    if stamp(path) != before {
        return Err(failed("the credential file is being written"));
    }
    let text = str::from_utf8(&bytes).map_err(|_| failed("the credential file is not UTF-8"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(failed("the credential file is empty"));
    }
    Ok(text.into())
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
            assert_eq!(read(content).unwrap_err().kind(), Kind::LoginRefused);
        }
        let missing = Credential::File("/nonexistent/token".into()).read_blocking().unwrap_err();
        assert!(missing.to_string().contains("/nonexistent/token"), "{missing}");
    }

    #[tokio::test]
    async fn a_file_that_is_no_good_leaves_the_last_good_content() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("id");
        let kept = LastGood::new(Credential::File(file.clone()));
        let whole = |text: &str| text.ends_with('.');
        let now =
            async || Ok::<_, Error>(kept.read_trimmed(whole).await?.expose_secret().to_owned());
        assert_eq!(now().await.unwrap_err().kind(), Kind::LoginRefused);
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
