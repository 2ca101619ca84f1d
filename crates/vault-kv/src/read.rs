//! Operations that read versions.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use vault_http::{Request, Response};

use crate::error::{Error, ErrorKind};
use crate::fields::Fields;
use crate::kv::Kv;
use crate::lifetime;
use crate::path::SecretPath;
use crate::secret::{Secret, VersionMetadata};

impl Kv {
    /// Reads the latest version of the secret at `path`, in one request.
    ///
    /// # Errors
    /// - [`ErrorKind::NotFound`] if there is no such secret.
    /// - [`ErrorKind::Deleted`] or [`ErrorKind::Destroyed`] if the version has no data;
    ///   [`Error::version`] returns its number.
    /// - [`ErrorKind::WrongKvVersion`] if the mount is known not to be KV version 2.
    /// - [`ErrorKind::Exchange`] if the request fails. [`Error::may_serve_stale`] returns whether an
    ///   older value may be used instead.
    pub async fn read(&self, path: &SecretPath) -> Result<Secret, Error> {
        self.fetch(Request::get(self.mount.data(path)).accept_not_found_data()).await
    }

    /// Reads one version of the secret at `path`.
    ///
    /// # Errors
    /// Like [`Kv::read`].
    pub async fn read_version(&self, path: &SecretPath, version: u64) -> Result<Secret, Error> {
        let request = Request::get(self.mount.data(path)).accept_not_found_data();
        self.fetch(request.query("version", &version.to_string())).await
    }

    /// Reads the latest version of the secret at `path` and converts its fields, as
    /// [`Fields::parse`](crate::Fields::parse) does. [`read`](Self::read) and [`Secret::parse`]
    /// also return the version.
    ///
    /// ```
    /// # async fn connect(kv: &vault_kv::Kv) -> Result<(), Box<dyn std::error::Error>> {
    /// use secrecy::SecretString;
    /// use vault_kv::SecretPath;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Database {
    ///     user: String,
    ///     password: SecretString,
    /// }
    ///
    /// let database: Database = kv.read_as(&SecretPath::new("app/database")?).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Like [`Kv::read`], and [`ErrorKind::InvalidFields`] if the fields do not fit the type. The
    /// error names the field and never contains a value.
    pub async fn read_as<T: DeserializeOwned>(&self, path: &SecretPath) -> Result<T, Error> {
        let secret = self.read(path).await?;
        let operation = || Request::get(self.mount.data(path)).to_string();
        secret.parse().map_err(|error| Error::parse(operation(), error))
    }

    async fn fetch(&self, request: Request) -> Result<Secret, Error> {
        let deadline = self.deadline();
        match self.send(request, deadline).await {
            Ok(response) => secret(&response),
            Err(miss) if miss.kind() == ErrorKind::NotFound => {
                self.check_miss(deadline).await?;
                Err(miss)
            }
            Err(error) => Err(self.explain_rejection(error, deadline).await),
        }
    }
}

/// Parses the response to a read. The status decides whether the version exists: with 200, a
/// `deletion_time` is in the future.
fn secret(response: &Response) -> Result<Secret, Error> {
    #[derive(Deserialize)]
    struct Content {
        data: Option<Fields>,
        metadata: VersionMetadata,
    }
    let Ok(Content { data, metadata }) = response.data() else {
        return Err(unexpected_shape(response));
    };
    if response.status() == 404 {
        return Err(deleted(response, metadata));
    }
    match lifetime::of(response, &metadata) {
        Some(lifetime) => {
            let age = lifetime::age(response, &metadata);
            Ok(Secret { lifetime, age, ..Secret::new(data.unwrap_or_default(), metadata) })
        }
        None => Err(deleted(response, metadata)),
    }
}

/// Returns the error of a response that is not a secret. A version 1 engine sends no metadata of a
/// version.
fn unexpected_shape(response: &Response) -> Error {
    #[derive(Deserialize)]
    struct Content<'a> {
        #[serde(borrow)]
        metadata: Option<&'a RawValue>,
    }
    // Neither does a gateway in its own responses, but their status is not 200.
    match response.data() {
        Ok(Content { metadata: None }) if response.status() == 200 => Error::response(
            ErrorKind::WrongKvVersion,
            format!(
                "GET {}: no version metadata: the mount is a KV engine of version 1",
                response.path()
            ),
        ),
        Ok(_) => Error::read(response.malformed("unexpected data or metadata")),
        Err(error) => Error::read(error),
    }
}

/// Returns the error of a version that has no data.
fn deleted(response: &Response, metadata: VersionMetadata) -> Error {
    let (path, version) = (response.path(), metadata.version);
    let (kind, state) = match metadata.deletion_time.as_deref() {
        _ if metadata.destroyed => (ErrorKind::Destroyed, "destroyed".to_owned()),
        Some(time) => (ErrorKind::Deleted, format!("deleted since {time}")),
        None => (ErrorKind::Deleted, "deleted".to_owned()),
    };
    Error::version_response(kind, format!("GET {path}: version {version} is {state}"), metadata)
}
