//! The check that the namespace of a mount exists.
//!
//! The namespace is the beginning of the path, so that a server reports a missing one as a missing
//! mount or as a denied path. It reports the namespace itself only if a header names it. The check
//! sends no token: a server looks for the namespace before it looks for a token.

use std::sync::atomic::Ordering::Relaxed;

use vault_http::{ApiPath, Deadline, Error as HttpError, ErrorKind as Http, Request};

use crate::error::Error;
use crate::kv::Kv;
use crate::log::debug;

/// The mounts that a server lists for anyone.
const MOUNTS: ApiPath = ApiPath::from_static("sys/internal/ui/mounts");

impl Kv {
    /// Verifies that the namespace of the mount is not known to be missing. An edition without
    /// namespaces never reports a missing one.
    ///
    /// # Errors
    /// [`ErrorKind::Exchange`](crate::ErrorKind::Exchange) with [`Http::NoNamespace`] if it does
    /// not exist, or with another kind if the request fails.
    pub async fn check_namespace(&self) -> Result<(), Error> {
        self.look_up_namespace(self.deadline()).await.map_err(Error::read)
    }

    /// Returns the error of a missing namespace in place of `error` if that is its cause.
    pub(crate) async fn explain(&self, error: HttpError, deadline: Deadline) -> HttpError {
        let may_be_missing = match error.kind() {
            Http::NoMount => true,
            // Denials are ordinary responses of an existing namespace.
            Http::Denied | Http::Forbidden => !self.is_namespace_known(),
            _ => false,
        };
        if !may_be_missing {
            return error;
        }
        match self.look_up_namespace(deadline).await {
            Err(missing) if missing.kind() == Http::NoNamespace => missing,
            Ok(()) => error,
            Err(failure) => {
                debug!(error = %failure, "looking up the namespace failed");
                error
            }
        }
    }

    async fn look_up_namespace(&self, deadline: Deadline) -> Result<(), HttpError> {
        let Some(namespace) = self.mount.namespace() else { return Ok(()) };
        let request = self.with_retry_policy(Request::get(MOUNTS).namespace(Some(namespace)));
        match self.session.client().send(&request, None, deadline).await {
            Err(error) if error.kind() == Http::NoNamespace => Err(error),
            Err(error) if error.kind().semantics().may_serve_stale => Err(error),
            // Any other response about the list of mounts comes from within the namespace.
            Ok(_) | Err(_) => {
                self.check.namespace_exists.store(true, Relaxed);
                Ok(())
            }
        }
    }

    /// Returns whether the namespace was seen to exist, which need not be true any longer.
    fn is_namespace_known(&self) -> bool {
        self.check.namespace_exists.load(Relaxed) || self.check.is_expected.load(Relaxed)
    }
}
