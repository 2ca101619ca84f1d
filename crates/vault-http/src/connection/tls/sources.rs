//! Where the TLS settings come from: PEM text or PEM files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::ClientConfig;
use rustls::crypto::CryptoProvider;
use zeroize::Zeroizing;

use super::client_config::{Roots, client_config};
use super::identity::ClientIdentity;
use super::provider::default_provider;
use crate::error::build::BuildErrorKind;
use crate::file::{self, FileError};

/// The largest file of certificates or keys that is read, in bytes: about four times the size of
/// the CA bundles that systems ship.
pub(super) const MAX_FILE_BYTES: usize = 1024 * 1024;

/// The largest number of files in a directory of certificates, and their size together, in bytes:
/// several times those that systems ship.
const MAX_DIRECTORY_FILES: usize = 1_024;
const MAX_DIRECTORY_BYTES: usize = 4 * MAX_FILE_BYTES;

/// The source of the trusted certificates.
#[derive(Debug, Clone)]
pub(crate) enum PemSource {
    Bytes(Vec<u8>),
    File(PathBuf),
    /// All regular files of a directory.
    Directory(PathBuf),
}

/// The source of the client certificate.
#[derive(Debug, Clone)]
pub(crate) enum IdentitySource {
    Fixed(ClientIdentity),
    Files { certificate: PathBuf, key: PathBuf },
}

/// The sources of all TLS settings. Without a CA bundle, the system's roots are trusted.
#[derive(Debug, Clone)]
pub(crate) struct TlsSources {
    pub(crate) ca: Option<PemSource>,
    pub(crate) identity: Option<IdentitySource>,
    pub(crate) provider: Option<Arc<CryptoProvider>>,
}

impl Default for TlsSources {
    fn default() -> Self {
        Self { ca: None, identity: None, provider: default_provider() }
    }
}

/// The modification time and the size of a file, which reveal that it has changed. `None` if the
/// file does not exist.
pub(super) type FileStamp = Option<(SystemTime, u64)>;

impl TlsSources {
    /// Returns the paths of all files.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let ca = match &self.ca {
            Some(PemSource::File(path) | PemSource::Directory(path)) => Some(path.as_path()),
            _ => None,
        };
        let pair = match &self.identity {
            Some(IdentitySource::Files { certificate, key }) => [Some(certificate), Some(key)],
            _ => [None, None],
        };
        ca.into_iter().chain(pair.into_iter().flatten().map(PathBuf::as_path))
    }

    /// Returns the stamps of all files, in the order of [`files`](Self::files).
    pub(super) fn stamps(&self) -> Vec<FileStamp> {
        let stamp = |path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        };
        self.files().map(stamp).collect()
    }

    /// Reads all sources and builds the configuration of a server with or without TLS.
    ///
    /// # Errors
    /// All problems with the sources.
    pub(super) fn client_config(&self, is_tls: bool) -> Result<ClientConfig, Vec<BuildErrorKind>> {
        let Some(provider) = &self.provider else {
            return Err(vec![BuildErrorKind::NoCryptoProvider]);
        };
        let ca = self.ca.as_ref().map(PemSource::read).transpose();
        let identity = self.identity.as_ref().map(|source| source.read(provider)).transpose();
        let (ca, identity) = match (ca, identity) {
            (Ok(ca), Ok(identity)) => (ca, identity),
            (ca, identity) => {
                return Err([ca.err(), identity.err()].into_iter().flatten().flatten().collect());
            }
        };
        let roots = match &ca {
            Some(pem) => Roots::Pem(pem),
            None if is_tls => Roots::System,
            None => Roots::None,
        };
        client_config(roots, identity.as_ref(), Arc::clone(provider))
            .map_err(|error| vec![BuildErrorKind::Trust(error)])
    }
}

impl PemSource {
    fn read(&self) -> Result<Zeroizing<Vec<u8>>, Vec<BuildErrorKind>> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone().into()),
            Self::File(path) => read(path).map_err(|problem| vec![problem]),
            Self::Directory(path) => read_directory(path).map_err(|problem| vec![problem]),
        }
    }
}

impl IdentitySource {
    /// Reads both files, even if the first one cannot be read, so that all problems are reported.
    fn read(&self, provider: &CryptoProvider) -> Result<ClientIdentity, Vec<BuildErrorKind>> {
        let (certificate, key) = match self {
            Self::Fixed(identity) => return Ok(identity.clone()),
            Self::Files { certificate, key } => (certificate, key),
        };
        match (read(certificate), read(key)) {
            (Ok(certificate), Ok(key)) => {
                ClientIdentity::from_pem_with_provider(&certificate, &key, provider)
                    .map_err(|error| vec![BuildErrorKind::Identity(error)])
            }
            (certificate, key) => {
                Err([certificate.err(), key.err()].into_iter().flatten().collect())
            }
        }
    }
}

/// Reads the regular files of a directory, sorted by name, as one bundle.
fn read_directory(directory: &Path) -> Result<Zeroizing<Vec<u8>>, BuildErrorKind> {
    let problem = |reason: String| BuildErrorKind::File { path: directory.to_owned(), reason };
    let entries = std::fs::read_dir(directory).map_err(|error| problem(error.to_string()))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let paths = paths.take(MAX_DIRECTORY_FILES + 1).collect::<Result<Vec<_>, _>>();
    let mut paths = paths.map_err(|error| problem(error.to_string()))?;
    if paths.len() > MAX_DIRECTORY_FILES {
        return Err(problem(format!("more than {MAX_DIRECTORY_FILES} files")));
    }
    paths.sort();
    let mut bundle = Zeroizing::new(Vec::new());
    for path in paths.iter().filter(|path| path.is_file()) {
        bundle.extend_from_slice(&read(path)?);
        bundle.push(b'\n');
        if bundle.len() > MAX_DIRECTORY_BYTES {
            return Err(problem(format!("more than {MAX_DIRECTORY_BYTES} bytes")));
        }
    }
    Ok(bundle)
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, BuildErrorKind> {
    let problem = |error| {
        let reason = match error {
            FileError::Io(error) => error.to_string(),
            other => other.to_string(),
        };
        BuildErrorKind::File { path: path.to_owned(), reason }
    };
    Ok(file::read_blocking(path, MAX_FILE_BYTES).map_err(problem)?.bytes)
}
