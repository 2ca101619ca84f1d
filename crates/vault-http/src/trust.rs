//! The TLS settings of new connections: made from bytes or files, and again when the files change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustls::ClientConfig;
use tracing::{info, warn};
use zeroize::Zeroizing;

use crate::builder::BuildProblem;
use crate::file::{self, FileError};
use crate::tls::{self, Identity, Roots};

/// The largest file of certificates or keys. The bundles that systems ship are a quarter of that.
const MAX_FILE_BYTES: usize = 1024 * 1024;

/// PEM text, or the file that holds it.
#[derive(Debug, Clone)]
pub(crate) enum Pem {
    Bytes(Vec<u8>),
    File(PathBuf),
}

/// The client certificate that is shown.
#[derive(Debug, Clone)]
pub(crate) enum Shown {
    Fixed(Identity),
    Files { certificate: PathBuf, key: PathBuf },
}

/// Whom to trust and what to show.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    pub(crate) ca: Option<Pem>,
    pub(crate) shown: Option<Shown>,
}

/// The current settings. A change of the files is noticed when a connection is made.
#[derive(Debug)]
pub(crate) struct Trust {
    sources: Sources,
    tls: bool,
    current: Mutex<Current>,
}

#[derive(Debug)]
struct Current {
    stamps: Vec<Stamp>,
    config: Arc<ClientConfig>,
}

/// What tells that a file has changed; `None` when there is none.
type Stamp = Option<(SystemTime, u64)>;

impl Trust {
    /// Reads everything once.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(crate) fn load(sources: Sources, tls: bool) -> Result<Self, Vec<BuildProblem>> {
        let stamps = sources.stamps();
        let config = Arc::new(sources.config(tls)?);
        Ok(Self { sources, tls, current: Mutex::new(Current { stamps, config }) })
    }

    /// The settings for a connection that is made now. Files that changed are read again, the
    /// certificate and its key as a pair; what can't be used leaves the last good ones in place.
    pub(crate) fn config(&self) -> Arc<ClientConfig> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = self.sources.stamps();
        if stamps != current.stamps {
            match self.sources.config(self.tls) {
                Ok(config) => {
                    info!("certificate files have changed and were read again");
                    *current = Current { stamps, config: Arc::new(config) };
                }
                Err(problems) => {
                    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
                    warn!(?problems, "changed certificate files can't be used; the last are kept");
                }
            }
        }
        Arc::clone(&current.config)
    }
}

impl Sources {
    fn files(&self) -> impl Iterator<Item = &Path> {
        let ca = match &self.ca {
            Some(Pem::File(path)) => Some(path.as_path()),
            _ => None,
        };
        let pair = match &self.shown {
            Some(Shown::Files { certificate, key }) => [Some(certificate), Some(key)],
            _ => [None, None],
        };
        ca.into_iter().chain(pair.into_iter().flatten().map(PathBuf::as_path))
    }

    fn stamps(&self) -> Vec<Stamp> {
        let stamp = |path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        self.files().map(stamp).collect()
    }

    fn config(&self, tls: bool) -> Result<ClientConfig, Vec<BuildProblem>> {
        let ca = self.ca.as_ref().map(Pem::read).transpose();
        let shown = self.shown.as_ref().map(Shown::read).transpose();
        let (ca, shown) = match (ca, shown) {
            (Ok(ca), Ok(shown)) => (ca, shown),
            (ca, shown) => {
                return Err([ca.err(), shown.err()].into_iter().flatten().flatten().collect());
            }
        };
        let roots = match &ca {
            Some(pem) => Roots::Pem(pem),
            None if tls => Roots::System,
            None => Roots::None,
        };
        tls::config(roots, shown.as_ref()).map_err(|error| vec![BuildProblem::Trust(error)])
    }
}

impl Pem {
    fn read(&self) -> Result<Zeroizing<Vec<u8>>, Vec<BuildProblem>> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone().into()),
            Self::File(path) => read(path).map_err(|problem| vec![problem]),
        }
    }
}

impl Shown {
    /// Both files are looked at, even when the first is bad.
    fn read(&self) -> Result<Identity, Vec<BuildProblem>> {
        let (certificate, key) = match self {
            Self::Fixed(identity) => return Ok(identity.clone()),
            Self::Files { certificate, key } => (certificate, key),
        };
        match (read(certificate), read(key)) {
            (Ok(certificate), Ok(key)) => Identity::from_pem(&certificate, &key)
                .map_err(|error| vec![BuildProblem::Identity(error)]),
            (certificate, key) => {
                Err([certificate.err(), key.err()].into_iter().flatten().collect())
            }
        }
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, BuildProblem> {
    let problem = |error| {
        let why = match error {
            FileError::Io(error) => error.to_string(),
            other => other.to_string(),
        };
        BuildProblem::File { path: path.to_owned(), why }
    };
    Ok(file::read_blocking(path, MAX_FILE_BYTES).map_err(problem)?.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::TlsError;

    struct Files(tempfile::TempDir);

    impl Files {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn sources(&self) -> Sources {
            let shown = Shown::Files { certificate: self.path("cert"), key: self.path("key") };
            Sources { ca: Some(Pem::File(self.path("ca"))), shown: Some(shown) }
        }

        fn write(&self, name: &str, content: &str) {
            std::fs::write(self.path(name), content).unwrap();
        }
    }

    fn pair(name: &str) -> (String, String) {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    #[test]
    fn all_files_that_are_wrong_are_told_together() {
        let files = Files::new();
        let problems = Trust::load(files.sources(), true).unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
        let (certificate, _) = pair("a");
        let (_, key) = pair("another");
        for (name, content) in [("ca", &certificate), ("cert", &certificate), ("key", &key)] {
            files.write(name, content);
        }
        let problems = Trust::load(files.sources(), true).unwrap_err();
        assert_eq!(problems, [BuildProblem::Identity(TlsError::Mismatch)]);
    }

    #[cfg(unix)]
    #[test]
    fn certificate_file_that_is_a_device_is_refused() {
        for path in ["/dev/zero", "/dev/null"] {
            let sources = Sources { ca: Some(Pem::File(path.into())), shown: None };
            let problems = Trust::load(sources, true).unwrap_err();
            let why = "not a regular file".to_owned();
            assert_eq!(problems, [BuildProblem::File { path: path.into(), why }]);
        }
    }

    #[test]
    fn certificate_file_that_is_too_large_is_refused() {
        let files = Files::new();
        files.write("ca", &" ".repeat(MAX_FILE_BYTES + 1));
        let sources = Sources { ca: Some(Pem::File(files.path("ca"))), shown: None };
        let problems = Trust::load(sources, true).unwrap_err();
        assert!(
            matches!(&problems[..], [BuildProblem::File { why, .. }] if why.contains("larger"))
        );
    }

    #[test]
    fn changed_files_are_read_again_as_a_matching_pair() {
        let files = Files::new();
        let (certificate, key) = pair("first");
        for (name, content) in [("ca", &certificate), ("cert", &certificate), ("key", &key)] {
            files.write(name, content);
        }
        let trust = Trust::load(files.sources(), true).unwrap();
        let first = trust.config();
        assert!(Arc::ptr_eq(&first, &trust.config()), "unchanged files are not read again");

        let (certificate, key) = pair("the second, whose length is another");
        files.write("cert", &certificate);
        assert!(Arc::ptr_eq(&first, &trust.config()), "half a pair is not used");
        files.write("key", &format!("{key}\n"));
        let second = trust.config();
        assert!(!Arc::ptr_eq(&first, &second));

        files.write("key", "");
        assert!(Arc::ptr_eq(&second, &trust.config()), "an empty file leaves the last pair");
    }
}
