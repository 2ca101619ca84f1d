//! Fingerprints of files, which show a change without reading the file, and access to a file system
//! that may hang.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

/// The time that a caller waits for the file system. A local one takes microseconds.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The modification time, length and inode of a file. `None` if there is no file.
pub(crate) type Fingerprint = Option<(SystemTime, u64, u64)>;

/// The fingerprints of several files.
pub(crate) type Fingerprints = Vec<Fingerprint>;

/// Returns the fingerprint of a file, and follows symlinks. Blocks the thread on the file system.
pub(crate) fn fingerprint(path: &Path) -> Fingerprint {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), inode(&metadata)))
}

/// Returns the fingerprints of several files. Blocks the thread on the file system.
pub(crate) fn fingerprints(paths: &[PathBuf]) -> Fingerprints {
    paths.iter().map(|path| fingerprint(path)).collect()
}

/// Returns the inode, which differs if another file was moved to the path.
#[cfg(unix)]
fn inode(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &std::fs::Metadata) -> u64 {
    0
}

/// A blocking operation on a file system that may hang.
///
/// It runs on a blocking thread, and callers wait at most two seconds for it. A caller joins an
/// operation that is still running instead of starting another one, so that a hung file system
/// occupies one thread at most.
#[derive(Debug)]
pub(crate) struct FileTask<T>(Mutex<Option<JoinHandle<T>>>);

impl<T: Send + 'static> FileTask<T> {
    /// Returns the result of `work`, or `None` if the file system did not respond in time.
    pub(crate) async fn run(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let finished = async {
            let mut running = self.0.lock().await;
            let result = running.get_or_insert_with(|| spawn_blocking(work)).await;
            *running = None;
            // An error means that `work` panicked or that the runtime is shutting down.
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
        // The next caller joins the hung operation. Its own operation would return `false`.
        release.send(()).unwrap();
        assert_eq!(task.run(|| false).await, Some(true));
        assert_eq!(task.run(|| false).await, Some(false));
    }
}
