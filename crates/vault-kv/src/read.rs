//! Reading versions, and listing names.

use serde::Deserialize;
use serde_json::value::RawValue;
use vault_http::{Request, Response};

use crate::error::{Error, ErrorKind};
use crate::fields::Fields;
use crate::kv::Kv;
use crate::lifetime;
use crate::path::SecretPath;
use crate::secret::{Secret, VersionMetadata};

impl Kv {
    /// The latest version of the secret at `path`. One request.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`], [`ErrorKind::Deleted`], [`ErrorKind::Destroyed`], [`ErrorKind::WrongKvVersion`], and
    /// the failures of the exchange.
    pub async fn read(&self, path: &SecretPath) -> Result<Secret, Error> {
        self.fetch(Request::get(self.mount.data(path)).accept_not_found_data()).await
    }

    /// One version of the secret at `path`.
    ///
    /// # Errors
    /// As [`Kv::read`].
    pub async fn read_version(&self, path: &SecretPath, version: u64) -> Result<Secret, Error> {
        let request = Request::get(self.mount.data(path)).accept_not_found_data();
        self.fetch(request.query("version", &version.to_string())).await
    }

    async fn fetch(&self, request: Request) -> Result<Secret, Error> {
        let by = self.deadline();
        match self.ask(request, by).await {
            Ok(answer) => secret(&answer),
            Err(miss) if miss.kind() == ErrorKind::NotFound => {
                self.check_miss(by).await?;
                Err(miss)
            }
            Err(error) => Err(error),
        }
    }

    /// The names in the folder at `path`, or at the top of the mount: folders end in `/`. An empty
    /// folder and none at all are the same.
    ///
    /// # Errors
    /// The failures of the exchange.
    pub async fn list(&self, path: Option<&SecretPath>) -> Result<Vec<String>, Error> {
        #[derive(Deserialize)]
        struct Names {
            keys: Vec<String>,
        }
        let folder = self.mount.folder(path);
        let by = self.deadline();
        match self.ask(Request::list(folder), by).await {
            Ok(answer) => {
                answer.expect_status(&[200]).map_err(Error::read)?;
                Ok(answer.data::<Names>().map_err(Error::read)?.keys)
            }
            Err(miss) if miss.kind() == ErrorKind::NotFound => {
                self.check_miss(by).await?;
                Ok(Vec::new())
            }
            Err(error) => Err(error),
        }
    }
}

/// Goes by the status: 200 is alive even with a `deletion_time`, which is in the future then.
fn secret(answer: &Response) -> Result<Secret, Error> {
    #[derive(Deserialize)]
    struct Content {
        data: Option<Fields>,
        metadata: VersionMetadata,
    }
    let Ok(Content { data, metadata }) = answer.data() else {
        return Err(misfit(answer));
    };
    if answer.status() == 404 {
        return Err(gone(answer, metadata));
    }
    match lifetime::of(answer, &metadata) {
        Some(lifetime) => Ok(Secret { fields: data.unwrap_or_default(), metadata, lifetime }),
        None => Err(gone(answer, metadata)),
    }
}

/// Why an answer is no secret: of a version 1 engine it has no version metadata.
fn misfit(answer: &Response) -> Error {
    #[derive(Deserialize)]
    struct Content<'a> {
        #[serde(borrow)]
        metadata: Option<&'a RawValue>,
    }
    // Nor has a gateway's own answer, but that is not a 200.
    match answer.data() {
        Ok(Content { metadata: None }) if answer.status() == 200 => Error::answer(
            ErrorKind::WrongKvVersion,
            format!(
                "GET {}: no version metadata: the mount is a KV engine of version 1",
                answer.path()
            ),
        ),
        Ok(_) => Error::read(answer.malformed("the data or its metadata has another shape")),
        Err(error) => Error::read(error),
    }
}

fn gone(answer: &Response, metadata: VersionMetadata) -> Error {
    let (path, version) = (answer.path(), metadata.version);
    let (kind, became) = match metadata.deletion_time.as_deref() {
        _ if metadata.destroyed => (ErrorKind::Destroyed, "destroyed".to_owned()),
        Some(time) => (ErrorKind::Deleted, format!("deleted since {time}")),
        None => (ErrorKind::Deleted, "deleted".to_owned()),
    };
    Error::version_answer(kind, format!("GET {path}: version {version} is {became}"), metadata)
}
