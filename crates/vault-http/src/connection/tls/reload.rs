//! TLS settings that are reloaded when certificate files change.
//!
//! The files are checked on a thread for blocking work, one check at a time and with a timeout, so
//! that a file system that hangs delays connections but never blocks the runtime.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ClientConfig;

use super::sources::{FileStamp, TlsSources};
use crate::error::build::BuildErrorKind;
use crate::log::{info, warn};

/// The time for which a new connection waits for a check of the files. A check of local files takes
/// microseconds.
const CHECK_TIMEOUT: Duration = Duration::from_millis(500);

/// The current TLS settings of a client.
#[derive(Debug)]
pub(crate) struct TlsReloader {
    sources: TlsSources,
    is_tls: bool,
    current: Mutex<Current>,
    /// Locked by the check in progress.
    check: Arc<tokio::sync::Mutex<()>>,
}

#[derive(Debug)]
struct Current {
    stamps: Vec<FileStamp>,
    generation: u64,
    config: Arc<ClientConfig>,
}

impl TlsReloader {
    /// Reads all sources for the first time.
    ///
    /// # Errors
    /// All problems with the sources.
    pub(crate) fn load(sources: TlsSources, is_tls: bool) -> Result<Self, Vec<BuildErrorKind>> {
        let stamps = sources.stamps();
        let config = Arc::new(sources.client_config(is_tls)?);
        let current = Mutex::new(Current { stamps, generation: 0, config });
        Ok(Self { sources, is_tls, current, check: Arc::default() })
    }

    /// Returns whether any of the settings come from files.
    pub(crate) fn has_files(&self) -> bool {
        self.sources.files().next().is_some()
    }

    /// Returns the settings and their generation, which increases with each reload.
    pub(crate) fn current(&self) -> (u64, Arc<ClientConfig>) {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        (current.generation, Arc::clone(&current.config))
    }

    /// Reloads the settings if files have changed, and returns their generation. The settings are
    /// kept if the check times out.
    pub(crate) async fn refresh(self: Arc<Self>) -> u64 {
        let check = async {
            let permit = Arc::clone(&self.check).lock_owned().await;
            let reloader = Arc::clone(&self);
            let check = move || {
                reloader.reload_if_changed();
                drop(permit);
            };
            tokio::task::spawn_blocking(check).await
        };
        if tokio::time::timeout(CHECK_TIMEOUT, check).await.is_err() {
            warn!("timed out checking certificate files; keeping the current TLS settings");
        }
        self.current().0
    }

    /// Reloads the settings if files have changed, the client certificate and its key as a pair.
    /// The settings are kept if a file cannot be used.
    fn reload_if_changed(&self) {
        let stamps = self.sources.stamps();
        if self.current.lock().unwrap_or_else(PoisonError::into_inner).stamps == stamps {
            return;
        }
        match self.sources.client_config(self.is_tls) {
            Ok(config) => {
                info!("certificate files changed; reloaded the TLS settings");
                let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
                let generation = current.generation + 1;
                *current = Current { stamps, generation, config: Arc::new(config) };
            }
            Err(problems) => {
                let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
                warn!(
                    ?problems,
                    "cannot use the changed certificate files; keeping the current TLS settings"
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::connection::tls::error::TlsError;
    use crate::connection::tls::sources::{IdentitySource, MAX_FILE_BYTES, PemSource};

    struct Files(tempfile::TempDir);

    impl Files {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn sources(&self) -> TlsSources {
            let (certificate, key) = (self.path("cert"), self.path("key"));
            let identity = Some(IdentitySource::Files { certificate, key });
            TlsSources { identity, ..self.ca_source() }
        }

        fn ca_source(&self) -> TlsSources {
            ca_source(self.path("ca"))
        }

        fn write(&self, name: &str, content: &str) {
            std::fs::write(self.path(name), content).unwrap();
        }
    }

    fn ca_source(path: PathBuf) -> TlsSources {
        TlsSources { ca: Some(PemSource::File(path)), ..TlsSources::default() }
    }

    fn pair(name: &str) -> (String, String) {
        let generated = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        (generated.cert.pem(), generated.signing_key.serialize_pem())
    }

    #[test]
    fn all_unusable_files_are_reported_together() {
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
            let problems = TlsReloader::load(ca_source(path.into()), true).unwrap_err();
            let reason = "not a regular file".to_owned();
            assert_eq!(problems, [BuildErrorKind::File { path: path.into(), reason }]);
        }
    }

    #[test]
    fn certificate_file_that_is_too_large_is_refused() {
        let files = Files::new();
        files.write("ca", &" ".repeat(MAX_FILE_BYTES + 1));
        let problems = TlsReloader::load(files.ca_source(), true).unwrap_err();
        let [BuildErrorKind::File { reason, .. }] = &problems[..] else {
            panic!("{problems:?}");
        };
        assert!(reason.contains("larger"), "{reason}");
    }

    #[tokio::test(start_paused = true)]
    async fn check_that_hangs_keeps_the_settings() {
        let files = Files::new();
        files.write("ca", &pair("a").0);
        let reloader = Arc::new(TlsReloader::load(files.ca_source(), true).unwrap());
        files.write("ca", &format!("{}\n", pair("another").0));
        let hung = reloader.check.lock().await;
        assert_eq!(Arc::clone(&reloader).refresh().await, 0);
        drop(hung);
        assert_eq!(Arc::clone(&reloader).refresh().await, 1);
    }

    #[test]
    fn changed_files_are_reloaded_as_a_matching_pair() {
        let files = Files::new();
        let (certificate, key) = pair("first");
        for (name, content) in [("ca", &certificate), ("cert", &certificate), ("key", &key)] {
            files.write(name, content);
        }
        let reloader = TlsReloader::load(files.sources(), true).unwrap();
        let generation = || {
            reloader.reload_if_changed();
            reloader.current().0
        };
        assert_eq!(generation(), 0, "unchanged files are not reloaded");

        let (certificate, key) = pair("second with another length");
        files.write("cert", &certificate);
        assert_eq!(generation(), 0, "a certificate without its key is not used");
        files.write("key", &format!("{key}\n"));
        assert_eq!(generation(), 1);

        files.write("key", "");
        assert_eq!(generation(), 1, "an empty file is not used");
    }
}
