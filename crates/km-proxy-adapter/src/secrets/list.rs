//! The names of the secrets in a folder.

use vault_kv::SecretPath;

use crate::access::check_read;
use crate::error::{Error, convert};
use crate::inner::Inner;
use crate::key_manager::KeyManager;
use crate::listing::{self, ListProgress, Listing};
use crate::ownership::is_virtual_key;
use crate::route::is_provider_key;

impl KeyManager {
    /// Lists the names in a folder of the global secrets, or those at the top, with the state of
    /// their latest versions.
    ///
    /// The names of folders end in `/`. A folder that does not exist is empty.
    ///
    /// # Errors
    /// - [`ErrorKind::Denied`] if the access mode or a policy forbids it.
    /// - [`ErrorKind::NotFound`] if the mount or the namespace does not exist.
    /// - [`ErrorKind::Auth`] and [`ErrorKind::Unavailable`] if Vault can't be read now; retry
    ///   later.
    ///
    /// [`ErrorKind::Denied`]: crate::ErrorKind::Denied
    /// [`ErrorKind::NotFound`]: crate::ErrorKind::NotFound
    /// [`ErrorKind::Auth`]: crate::ErrorKind::Auth
    /// [`ErrorKind::Unavailable`]: crate::ErrorKind::Unavailable
    pub async fn list(&self, folder: Option<&str>) -> Result<Listing<String>, Error> {
        self.list_with_progress(folder, |_| {}).await
    }

    /// Like [`list`](Self::list), and reports to `on_progress` how many states are known.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn list_with_progress(
        &self,
        folder: Option<&str>,
        on_progress: impl FnMut(ListProgress),
    ) -> Result<Listing<String>, Error> {
        let folder = parse_folder(folder);
        let inner = self.inner();
        let path = inner.folder(folder)?;
        check_read(&inner.settings, || operation(folder))?;
        let kv = &inner.kv;
        let failed = |error| convert::kv(operation(folder), error);
        let names = kv.list(path.as_ref()).await.map_err(failed)?;
        let names = names.into_iter().map(|entry| {
            // A name that is not a valid path is listed without its state.
            let secret = if entry.is_folder() { None } else { entry.path(path.as_ref()).ok() };
            (entry.to_string(), secret)
        });
        listing::states(kv, names.collect(), on_progress).await.map_err(failed)
    }

    /// Lists the full names of the provider keys in a folder of the global secrets and in its
    /// subfolders, sorted, with the state of their latest versions.
    ///
    /// A provider key is a name that [`secret`](Self::secret) reads from Vault. Folders of virtual
    /// keys are not listed.
    ///
    /// # Errors
    /// As [`list`](Self::list).
    pub async fn list_provider_keys(&self, folder: Option<&str>) -> Result<Listing<String>, Error> {
        let folder = parse_folder(folder);
        let inner = self.inner();
        check_read(&inner.settings, || operation(folder))?;
        let failed = |error| convert::kv(operation(folder), error);
        let mut found = Vec::new();
        let mut folders = vec![(folder.map(str::to_owned), inner.folder(folder)?)];
        while let Some((parent, path)) = folders.pop() {
            for listed in inner.kv.list(path.as_ref()).await.map_err(failed)? {
                let name = match &parent {
                    Some(parent) => format!("{parent}/{}", listed.name()),
                    None => listed.name().to_owned(),
                };
                if listed.is_folder() {
                    folders.extend(readable_folder(inner, &name));
                } else if is_provider_key(&inner.settings, &name) {
                    let path = inner.path(&name).ok();
                    found.push((name, path));
                }
            }
        }
        found.sort_unstable_by(|(left, _), (right, _)| left.cmp(right));
        listing::states(&inner.kv, found, |_| {}).await.map_err(failed)
    }
}

/// Returns the folder without surrounding slashes, or `None` for the top.
fn parse_folder(folder: Option<&str>) -> Option<&str> {
    folder.map(|name| name.trim_matches('/')).filter(|name| !name.is_empty())
}

fn operation(folder: Option<&str>) -> String {
    format!("list {}", folder.unwrap_or("secrets"))
}

/// Returns a subfolder and its path, unless virtual keys are stored in it or its name is not a valid
/// path, so that nothing in it can be read.
fn readable_folder(inner: &Inner, name: &str) -> Option<(Option<String>, Option<SecretPath>)> {
    if is_virtual_key(&inner.settings, &format!("{name}/key")) {
        return None;
    }
    let path = inner.path(name).ok()?;
    Some((Some(name.to_owned()), Some(path)))
}
