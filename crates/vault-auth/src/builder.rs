//! The choices that a program makes for a token source.

use std::sync::Arc;

use metrics::SharedString;
use vault_http::{ApiPath, Client};

use crate::auth::Auth;
use crate::credential::watch::FileTask;
use crate::driver::{Driver, Requests};
use crate::machine::Config;
use crate::method::Method;
use crate::metrics::Reporter;

impl Auth {
    /// A source of tokens that logs in by `method` when first asked. Nothing is sent yet.
    pub fn new(client: Client, method: impl Method) -> Self {
        Self::builder(client, method).build()
    }

    /// Like [`Auth::new`], with a login namespace.
    pub fn in_namespace(client: Client, namespace: Option<ApiPath>, method: impl Method) -> Self {
        Self::builder(client, method).namespace(namespace).build()
    }

    /// Begins a source of tokens that logs in by `method`.
    pub fn builder(client: Client, method: impl Method) -> AuthBuilder {
        AuthBuilder::new(client, method)
    }
}

/// The settings of an [`Auth`].
///
/// ```
/// use vault_auth::{AppRole, Auth, Credential};
/// # use vault_http::{Address, Client, Plaintext};
///
/// # fn example(client: Client) {
/// let method = AppRole::new(Credential::Value("7f0c…".into()), Credential::File("id".into()));
/// let auth = Auth::builder(client, method).name("billing").revoke_replaced(true).build();
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct AuthBuilder {
    client: Client,
    method: Arc<dyn Method>,
    namespace: Option<ApiPath>,
    name: SharedString,
    revoke_replaced: bool,
}

impl AuthBuilder {
    pub(crate) fn new(client: Client, method: impl Method) -> Self {
        let (method, name) = (Arc::new(method), SharedString::const_str("default"));
        Self { client, method, namespace: None, name, revoke_replaced: false }
    }

    /// Sends the login, and the requests about its token, to this namespace. The root namespace if
    /// not set.
    pub fn namespace(mut self, namespace: Option<ApiPath>) -> Self {
        self.namespace = namespace;
        self
    }

    /// Names this source in the label `source` of its metrics, so that two sources in one process do
    /// not overwrite each other's. `default` if not set.
    pub fn name(mut self, name: impl Into<SharedString>) -> Self {
        self.name = name.into();
        self
    }

    /// Revokes a token one minute after another one has replaced it. `false` if not set, because
    /// Vault revokes all leases and child tokens of a token with it: fatal for a program that uses
    /// dynamic secrets, such as database credentials, which it obtained with a token since replaced.
    pub fn revoke_replaced(mut self, revoke: bool) -> Self {
        self.revoke_replaced = revoke;
        self
    }

    /// Makes the source. Nothing is sent yet.
    pub fn build(self) -> Auth {
        let Self { client, method, namespace, name, revoke_replaced } = self;
        let config = Config {
            revoke_replaced,
            repeatable: method.is_repeatable(),
            locks_out: method.locks_out(),
        };
        let work = Requests {
            // Logins and renewals do not wait behind a program's other requests.
            client: client.control(),
            namespace,
            method: Arc::clone(&method),
            fingerprinting: FileTask::default(),
            reporter: Reporter::new(name),
        };
        let (driver, reins) = Driver::new(work, config);
        Auth::from_parts(method, driver, reins)
    }
}
