//! Where a credential comes from: a value, or a file that is read at each login.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use vault_http::{Error, Kind};
use zeroize::Zeroizing;

/// Largest credential file that is read, in bytes. Tokens and certificates are far below it.
const MAX_FILE_BYTES: u64 = 64 * 1024;

/// A secret that a login needs.
#[derive(Debug, Clone)]
pub enum Credential {
    /// The secret itself.
    Value(SecretString),
    /// A file that holds it and may be replaced at any time: it is read at each login. One trailing
    /// line ending is dropped.
    File(PathBuf),
}

impl Credential {
    /// The secret as it is now.
    ///
    /// # Errors
    /// [`Kind::LoginRefused`] when the file can't be read, is empty, too large or not UTF-8.
    pub async fn read(&self) -> Result<SecretString, Error> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || read_file(&path)).await;
                read.unwrap_or_else(|_| Err(Error::new(Kind::LoginRefused, "read a credential")))
            }
        }
    }

    /// The same on this thread, which waits for the file system.
    ///
    /// # Errors
    /// As [`Credential::read`].
    pub fn read_blocking(&self) -> Result<SecretString, Error> {
        match self {
            Self::Value(value) => Ok(value.clone()),
            Self::File(path) => read_file(path),
        }
    }

    /// The secret without the white space around it, which is no part of a token or an id.
    ///
    /// # Errors
    /// As [`Credential::read`].
    pub async fn read_trimmed(&self) -> Result<SecretString, Error> {
        Ok(self.read().await?.expose_secret().trim().into())
    }
}

fn read_file(path: &Path) -> Result<SecretString, Error> {
    let failed = |detail| {
        Error::new(Kind::LoginRefused, format!("read {}", path.display())).with_detail(detail)
    };
    let unreadable = |error| failed("the credential file can't be read").with_source(error);
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_FILE_BYTES {
        return Err(failed("the credential file is larger than 64 KiB"));
    }
    let bytes = Zeroizing::new(std::fs::read(path).map_err(unreadable)?);
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

    async fn read(content: &[u8]) -> Result<String, Error> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(content).unwrap();
        let secret = Credential::File(file.path().to_owned()).read().await?;
        Ok(secret.expose_secret().to_owned())
    }

    #[tokio::test]
    async fn one_line_ending_is_dropped() {
        assert_eq!(read(b"pass word \r\n").await.unwrap(), "pass word ");
        assert_eq!(read(b"a\n\n").await.unwrap(), "a\n");
        assert_eq!(read(b"a").await.unwrap(), "a");
    }

    #[tokio::test]
    async fn unusable_files_say_why() {
        for content in [&b""[..], b"\n", b"\xff\xfe", &vec![b'a'; 70_000]] {
            assert_eq!(read(content).await.unwrap_err().kind(), Kind::LoginRefused);
        }
        let missing = Credential::File("/nonexistent/token".into()).read().await.unwrap_err();
        assert!(missing.to_string().contains("/nonexistent/token"), "{missing}");
    }
}
