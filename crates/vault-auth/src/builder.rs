//! Configuration of a token source.

use std::sync::Arc;

use vault_http::{ApiPath, Client};

use crate::auth::Auth;
use crate::credential::watch::FileTask;
use crate::driver::{Driver, Requests};
use crate::machine::Config;
use crate::method::Method;
use crate::metrics::Reporter;

impl Auth {
    /// Creates a token source with the default settings. It sends nothing until it is first used.
    pub fn new(client: Client, method: impl Method) -> Self {
        Self::builder(client, method).build()
    }

    /// Like [`Auth::new`], with a name that distinguishes this source from others of the process in
    /// metrics and logs ([`AuthBuilder::name`]).
    pub fn named(name: impl Into<Arc<str>>, client: Client, method: impl Method) -> Self {
        Self::builder(client, method).name(name).build()
    }

    /// Like [`Auth::new`], with a namespace for the login.
    pub fn in_namespace(client: Client, namespace: Option<ApiPath>, method: impl Method) -> Self {
        Self::builder(client, method).namespace(namespace).build()
    }

    /// Returns a builder for a token source that logs in with `method`.
    pub fn builder(client: Client, method: impl Method) -> AuthBuilder {
        AuthBuilder::new(client, method)
    }
}

/// A builder for an [`Auth`].
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
    name: Arc<str>,
    revoke_replaced: bool,
}

impl AuthBuilder {
    fn new(client: Client, method: impl Method) -> Self {
        let (method, name) = (Arc::new(method), Arc::from("default"));
        Self { client, method, namespace: None, name, revoke_replaced: false }
    }

    /// Sets the namespace of the login and of requests about the token. Defaults to the root
    /// namespace.
    pub fn namespace(mut self, namespace: Option<ApiPath>) -> Self {
        self.namespace = namespace;
        self
    }

    /// Sets the label `source` of this source's metrics, which must be unique in the process.
    /// Defaults to `default`.
    pub fn name(mut self, name: impl Into<Arc<str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets whether a token is revoked one minute after it was replaced. Defaults to `false`.
    ///
    /// Vault revokes all leases and child tokens of a token together with it. Do not enable this in
    /// a program that uses dynamic secrets, such as database credentials: they would be revoked
    /// too.
    pub fn revoke_replaced(mut self, revoke: bool) -> Self {
        self.revoke_replaced = revoke;
        self
    }

    /// Creates the token source. It sends nothing until it is first used.
    pub fn build(self) -> Auth {
        let Self { client, method, namespace, name, revoke_replaced } = self;
        let config = Config {
            revoke_replaced,
            repeatable: method.is_repeatable(),
            locks_out: method.locks_out(),
        };
        let requests = Requests {
            // Logins and renewals must not queue behind other requests.
            client: client.control(),
            namespace,
            method: Arc::clone(&method),
            fingerprint_task: FileTask::default(),
            reporter: Reporter::new(name),
        };
        let (driver, handle) = Driver::new(requests, config);
        Auth::from_parts(method, driver, handle)
    }
}
