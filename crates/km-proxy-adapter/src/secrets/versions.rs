//! Changes of the versions of a secret.

use vault_http::ApiPath;

use crate::access::check_write;
use crate::error::{Error, convert};
use crate::key_manager::KeyManager;
use crate::stored;

impl KeyManager {
    /// Deletes the latest version of a global secret and returns the path of the request. The
    /// version can be undeleted.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] if there is no live version. Otherwise like
    /// [`write`](Self::write).
    ///
    /// [`ErrorKind::NotFound`]: crate::ErrorKind::NotFound
    pub async fn delete(&self, name: &str) -> Result<ApiPath, Error> {
        let operation = || format!("delete {name}");
        let inner = self.inner();
        let path = inner.path(name)?;
        check_write(&inner.settings, operation)?;
        let kv = inner.kv_with_deadline();
        let _guard = inner.invalidate_on_drop(&kv, &path);
        stored::delete(&kv, &path).await.map_err(|error| convert::kv(operation(), error))?;
        Ok(kv.mount().data(&path))
    }
}
