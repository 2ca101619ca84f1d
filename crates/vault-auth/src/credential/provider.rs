//! Credentials that the program obtains by itself at each login.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use vault_http::{Error, ErrorKind};

/// The time that a provider has. The login needs the rest of its ten seconds.
const TIMEOUT: Duration = Duration::from_secs(5);

type BoxError = Box<dyn StdError + Send + Sync>;
type Obtained<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// An async function that obtains a credential at each login, for at most five seconds.
///
/// If it fails or takes longer, the last credential that it returned is used. Without one, the
/// login fails with the function's error as the source, and is retried with backoff.
///
/// The error is logged with its sources, so that it must not contain the credential. The function
/// must not block the thread: use `tokio::task::spawn_blocking` for that.
pub struct Provider<T>(Arc<dyn Fn() -> Obtained<T> + Send + Sync>);

impl<T> Provider<T> {
    /// Creates a provider. Nothing is obtained yet.
    pub fn new<F, R, E>(obtain: F) -> Self
    where
        F: Fn() -> R + Send + Sync + 'static,
        R: Future<Output = Result<T, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        Self(Arc::new(move || {
            let obtained = obtain();
            Box::pin(async move { obtained.await.map_err(Into::into) })
        }))
    }

    /// Obtains the credential.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] if it takes longer than five seconds, and
    /// [`ErrorKind::LoginRefused`] if it fails.
    pub(crate) async fn obtain(&self) -> Result<T, Error> {
        let obtained = timeout(TIMEOUT, (self.0)()).await;
        let obtained = obtained.map_err(|_| {
            let error = failed(ErrorKind::Timeout).mark_not_executed();
            error.with_detail("the credential provider does not respond")
        })?;
        obtained.map_err(|error| {
            let error = failed(ErrorKind::LoginRefused).with_source(ProviderError(error));
            error.with_detail("the credential provider failed")
        })
    }
}

pub(super) fn failed(kind: ErrorKind) -> Error {
    Error::new(kind, "obtain the credential")
}

impl<T> Clone for Provider<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> fmt::Debug for Provider<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Provider")
    }
}

/// The error of a provider. A boxed error is not an error by itself.
#[derive(Debug)]
struct ProviderError(BoxError);

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl StdError for ProviderError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}
