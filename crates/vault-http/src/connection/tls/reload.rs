//! The TLS settings of new connections, which are made again when certificate files change.
//!
//! Files are read on a thread for blocking work, one check at a time and within a bound, so that a
//! file system that hangs delays connections instead of stopping the process.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::ClientConfig;
use tracing::{info, warn};
use zeroize::Zeroizing;

use super::{self as tls, ClientIdentity, Roots};
use crate::client::builder::BuildErrorKind;
use crate::file::{self, FileError};

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
    Fixed(ClientIdentity),
    Files { certificate: PathBuf, key: PathBuf },
}

/// Whom to trust and what to show.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sources {
    pub(crate) ca: Option<Pem>,
    pub(crate) shown: Option<Shown>,
}

/// The time that a connection waits for a check of the files. A local file takes microseconds.
const CHECK_TIMEOUT: Duration = Duration::from_millis(500);

/// The current settings.
#[derive(Debug)]
pub(crate) struct TlsReloader {
    sources: Sources,
    tls: bool,
    current: Mutex<Current>,
    /// Held by the check in progress.
    check: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Current {
    stamps: Vec<Stamp>,
    generation: u64,
    config: Arc<ClientConfig>,
}

/// What tells that a file has changed; `None` when there is none.
type Stamp = Option<(SystemTime, u64)>;

impl TlsReloader {
    /// Reads everything once.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub(crate) fn load(sources: Sources, tls: bool) -> Result<Self, Vec<BuildErrorKind>> {
        let stamps = sources.stamps();
        let config = Arc::new(sources.config(tls)?);
        let current = Mutex::new(Current { stamps, generation: 0, config });
        Ok(Self { sources, tls, current, check: Arc::default() })
    }

    /// Whether any of it is in files.
    pub(crate) fn has_files(&self) -> bool {
        self.sources.files().next().is_some()
    }

    /// The settings, and how often they have changed.
    pub(crate) fn current(&self) -> (u64, Arc<ClientConfig>) {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        (current.generation, Arc::clone(&current.config))
    }

    /// Reads files that have changed, and returns how often the settings have changed by then. If
    /// the file system hangs, the settings stay as they are.
    pub(crate) async fn refresh(self: Arc<Self>) -> u64 {
        let check = async {
            let permit = Arc::clone(&self.check).lock_owned().await;
            let reloader = Arc::clone(&self);
            let check = move || {
                reloader.reload();
                drop(permit);
            };
            tokio::task::spawn_blocking(check).await
        };
        if tokio::time::timeout(CHECK_TIMEOUT, check).await.is_err() {
            warn!("certificate files cannot be checked in time; the last are kept");
        }
        self.current().0
    }

    /// Reads files that have changed, the certificate and its key as a pair. Files that cannot be
    /// used leave the last good ones in place.
    fn reload(&self) {
        let stamps = self.sources.stamps();
        let known = |current: &Current| current.stamps == stamps;
        if known(&self.current.lock().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        match self.sources.config(self.tls) {
            Ok(config) => {
                info!("certificate files have changed and were read again");
                let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
                let generation = current.generation + 1;
                *current = Current { stamps, generation, config: Arc::new(config) };
            }
            Err(problems) => {
                let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
                warn!(?problems, "changed certificate files can't be used; the last are kept");
            }
        }
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

    fn config(&self, tls: bool) -> Result<ClientConfig, Vec<BuildErrorKind>> {
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
        tls::config(roots, shown.as_ref()).map_err(|error| vec![BuildErrorKind::Trust(error)])
    }
}

impl Pem {
    fn read(&self) -> Result<Zeroizing<Vec<u8>>, Vec<BuildErrorKind>> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone().into()),
            Self::File(path) => read(path).map_err(|problem| vec![problem]),
        }
    }
}

impl Shown {
    /// Both files are looked at, even when the first is bad.
    fn read(&self) -> Result<ClientIdentity, Vec<BuildErrorKind>> {
        let (certificate, key) = match self {
            Self::Fixed(identity) => return Ok(identity.clone()),
            Self::Files { certificate, key } => (certificate, key),
        };
        match (read(certificate), read(key)) {
            (Ok(certificate), Ok(key)) => ClientIdentity::from_pem(&certificate, &key)
                .map_err(|error| vec![BuildErrorKind::Identity(error)]),
            (certificate, key) => {
                Err([certificate.err(), key.err()].into_iter().flatten().collect())
            }
        }
    }
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, BuildErrorKind> {
    let problem = |error| {
        let why = match error {
            FileError::Io(error) => error.to_string(),
            other => other.to_string(),
        };
        BuildErrorKind::File { path: path.to_owned(), why }
    };
    Ok(file::read_blocking(path, MAX_FILE_BYTES).map_err(problem)?.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::tls::TlsError;

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
        let problems = TlsReloader::load(files.sources(), true).unwrap_err();
        assert_eq!(problems.len(), 3, "{problems:?}");
        let (certificate, _) = pair("a");
        let (_, key) = pair("another");
        for (name, content) in [("ca", &certificate), ("cert", &certificate), ("key", &key)] {
            files.write(name, content);
        }
        let problems = TlsReloader::load(files.sources(), true).unwrap_err();
        assert_eq!(problems, [BuildErrorKind::Identity(TlsError::Mismatch)]);
    }

    #[cfg(unix)]
    #[test]
    fn certificate_file_that_is_a_device_is_refused() {
        for path in ["/dev/zero", "/dev/null"] {
            let sources = Sources { ca: Some(Pem::File(path.into())), shown: None };
            let problems = TlsReloader::load(sources, true).unwrap_err();
            let why = "not a regular file".to_owned();
            assert_eq!(problems, [BuildErrorKind::File { path: path.into(), why }]);
        }
    }

    #[test]
    fn certificate_file_that_is_too_large_is_refused() {
        let files = Files::new();
        files.write("ca", &" ".repeat(MAX_FILE_BYTES + 1));
        let sources = Sources { ca: Some(Pem::File(files.path("ca"))), shown: None };
        let problems = TlsReloader::load(sources, true).unwrap_err();
        assert!(
            matches!(&problems[..], [BuildErrorKind::File { why, .. }] if why.contains("larger"))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn check_that_hangs_leaves_the_last_settings() {
        let files = Files::new();
        files.write("ca", &pair("a").0);
        let sources = Sources { ca: Some(Pem::File(files.path("ca"))), shown: None };
        let trust = Arc::new(TlsReloader::load(sources, true).unwrap());
        files.write("ca", &format!("{}\n", pair("another").0));
        let hung = trust.check.lock().await;
        assert_eq!(Arc::clone(&trust).refresh().await, 0);
        drop(hung);
        assert_eq!(Arc::clone(&trust).refresh().await, 1);
    }

    #[test]
    fn changed_files_are_read_again_as_a_matching_pair() {
        let files = Files::new();
        let (certificate, key) = pair("first");
        for (name, content) in [("ca", &certificate), ("cert", &certificate), ("key", &key)] {
            files.write(name, content);
        }
        let trust = TlsReloader::load(files.sources(), true).unwrap();
        let reloaded = || {
            trust.reload();
            trust.current().0
        };
        assert_eq!(reloaded(), 0, "unchanged files are not read again");

        let (certificate, key) = pair("the second, whose length is another");
        files.write("cert", &certificate);
        assert_eq!(reloaded(), 0, "half a pair is not used");
        files.write("key", &format!("{key}\n"));
        assert_eq!(reloaded(), 1);

        files.write("key", "");
        assert_eq!(reloaded(), 1, "an empty file leaves the last pair");
    }
}
