//! What tells that a file has changed, without reading it.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// When it was written, how long it is, and which one it is; `None` when there is none.
pub(crate) type Stamp = Option<(SystemTime, u64, u64)>;

/// Those of several files.
pub(crate) type Stamps = Vec<Stamp>;

/// The stamp of a file, wherever its links lead now.
pub(crate) fn stamp(path: &Path) -> Stamp {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), number(&metadata)))
}

/// A file that was put in another's place has another number.
#[cfg(unix)]
fn number(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn number(_: &std::fs::Metadata) -> u64 {
    0
}

/// The stamps of files, taken where waiting for the file system holds nobody up.
pub(crate) async fn stamps(paths: Vec<PathBuf>) -> Stamps {
    if paths.is_empty() {
        return Vec::new();
    }
    let look = move || paths.iter().map(|path| stamp(path)).collect();
    // It ends early only with the runtime.
    tokio::task::spawn_blocking(look).await.unwrap_or_default()
}
