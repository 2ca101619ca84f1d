//! The implementation of km-settings' [`Includes`] on the file system.
//!
//! Only regular files within a size limit are read.

use std::io;
use std::path::Path;

use km_settings::{IncludeError, Includes};
use vault_http::file::{self, FileContent, FileError};
use zeroize::Zeroizing;

/// Reads the files of a configuration from the file system.
///
/// Blocks the calling thread. An async program calls
/// [`Settings::from_sources`](km_settings::Settings::from_sources) on a blocking thread.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConfigFiles;

impl Includes for ConfigFiles {
    fn read(&self, path: &Path, limit: usize) -> Result<Zeroizing<String>, IncludeError> {
        match file::read_blocking(path, limit) {
            Ok(content) => text(&content),
            Err(FileError::Io(why)) if why.kind() == io::ErrorKind::NotFound => {
                Err(IncludeError::NotFound)
            }
            Err(FileError::Io(why)) => Err(IncludeError::Unreadable(why.to_string())),
            Err(FileError::TooLarge { .. }) => Err(IncludeError::TooLarge),
            Err(other) => Err(IncludeError::Unreadable(other.to_string())),
        }
    }
}

fn text(content: &FileContent) -> Result<Zeroizing<String>, IncludeError> {
    let text = str::from_utf8(&content.bytes);
    let text = text.map_err(|_| IncludeError::Unreadable("not UTF-8".to_owned()))?;
    Ok(Zeroizing::new(text.to_owned()))
}
