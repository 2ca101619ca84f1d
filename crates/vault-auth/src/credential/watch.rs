//! Files of credentials: fingerprints that show a change without reading, and access to a file
//! system that may hang.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

/// The time that a caller waits for the file system. A local file takes microseconds.
const TIMEOUT: Duration = Duration::from_secs(2);

/// When a file was written, its length and its number; `None` if there is no file.
pub(crate) type Fingerprint = Option<(SystemTime, u64, u64)>;

/// The fingerprints of several files.
pub(crate) type Fingerprints = Vec<Fingerprint>;

/// Returns the fingerprint of the file that the path's links lead to. Blocks on the file system.
pub(crate) fn fingerprint(path: &Path) -> Fingerprint {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), inode(&metadata)))
}

/// Returns the fingerprints of several files. Blocks on the file system.
pub(crate) fn fingerprints(paths: &[PathBuf]) -> Fingerprints {
    paths.iter().map(|path| fingerprint(path)).collect()
}

/// A file that replaced another one has another number.
#[cfg(unix)]
fn inode(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn number(_: &std::fs::Metadata) -> u64 {
    0
}

/// Work on a file system that may hang.
///
/// It runs on a thread for blocking work, and a caller waits two seconds for it at most. Work that
/// is still running is joined, not started again, so that a hung file system holds a single thread.
#[derive(Debug)]
pub(crate) struct FileTask<T>(Mutex<Option<JoinHandle<T>>>);

impl<T: Send + 'static> FileTask<T> {
    /// Returns the result of `work`, or `None` if the file system did not answer in time.
    pub(crate) async fn run(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let finished = async {
            let mut running = self.0.lock().await;
            let result = running.get_or_insert_with(|| spawn_blocking(work)).await;
            *running = None;
            // The work panicked, or the runtime is shutting down.
            result.ok()
        };
        timeout(TIMEOUT, finished).await.ok().flatten()
    }
}

impl<T> Default for FileTask<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn hung_file_system_times_out_and_holds_one_thread() {
        let task = FileTask::default();
        let (release, hangs) = mpsc::channel::<()>();
        let first = task.run(move || hangs.recv().is_ok());
        let (timed_out, ()) = tokio::join!(first, advance(TIMEOUT));
        assert_eq!(timed_out, None);
        // A later caller joins the work that hangs. Work of its own would return `false`.
        release.send(()).unwrap();
        assert_eq!(task.run(|| false).await, Some(true));
        assert_eq!(task.run(|| false).await, Some(false));
    }
}
