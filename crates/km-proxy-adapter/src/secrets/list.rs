//! The names of the secrets in a folder.

use vault_kv::SecretPath;

use crate::access::check_read;
use crate::error::{Error, convert};
use crate::key_manager::KeyManager;
use crate::listing::{self, ListProgress, Listing};

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
        let folder = folder.map(|name| name.trim_matches('/')).filter(|name| !name.is_empty());
        let operation = || format!("list {}", folder.unwrap_or("secrets"));
        let inner = self.inner();
        let path = inner.folder(folder)?;
        check_read(&inner.settings, operation)?;
        let kv = &inner.kv;
        let failed = |error| convert::kv(operation(), error);
        let names = kv.list(path.as_ref()).await.map_err(failed)?;
        let names = names.into_iter().map(|name| {
            // A name that is not a valid path is listed without its state.
            let secret = (!name.ends_with('/')).then(|| match &path {
                Some(folder) => folder.join(&name).ok(),
                None => SecretPath::new(&name).ok(),
            });
            (name, secret.flatten())
        });
        listing::states(kv, names.collect(), on_progress).await.map_err(failed)
    }
}
