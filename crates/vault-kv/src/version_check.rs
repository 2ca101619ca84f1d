//! The check that a mount is a KV engine of the version that the client expects.
//!
//! A version 1 engine takes `data/` for a part of a secret's name. It accepts a write to
//! `data/{name}`, and a read of it is an ordinary miss. So the mount is looked up before the first
//! write and after a miss, until it is known to be the expected version.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use serde::Deserialize;
use vault_http::{ApiPath, Deadline, Error as HttpError, ErrorKind as Http, Request, Response};

use crate::error::{Error, ErrorKind};
use crate::kv::Kv;
use crate::log::debug;
use crate::mount_version::MountVersion;

const MOUNTS: ApiPath = ApiPath::from_static("sys/internal/ui/mounts");

impl Kv {
    /// Looks up the engine at the mount. A token with any capability below the mount may do so.
    ///
    /// # Errors
    /// [`ErrorKind::Exchange`] if the request fails. A request that is denied is
    /// [`MountVersion::Unknown`].
    pub async fn mount_version(&self) -> Result<MountVersion, Error> {
        self.look_up_version(self.deadline()).await
    }

    /// Converts the engine at the mount into an error if it is certainly not KV version 2.
    ///
    /// # Errors
    /// [`ErrorKind::WrongKvVersion`] for another engine or version, or [`ErrorKind::Exchange`] with
    /// [`Http::NoMount`] if there is none.
    pub fn require_v2(&self, version: MountVersion) -> Result<(), Error> {
        self.require(MountVersion::V2, version)
    }

    /// Converts the engine at the mount into an error if it is certainly not the expected one.
    pub(crate) fn require_expected(&self, version: MountVersion) -> Result<(), Error> {
        self.require(self.expected, version)
    }

    fn require(&self, expected: MountVersion, found: MountVersion) -> Result<(), Error> {
        let (kind, what) = match found {
            _ if found == expected => return Ok(()),
            MountVersion::Unknown => return Ok(()),
            MountVersion::V1 => (ErrorKind::WrongKvVersion, "is a KV engine of version 1"),
            MountVersion::V2 => (ErrorKind::WrongKvVersion, "is a KV engine of version 2"),
            MountVersion::NotKv => (ErrorKind::WrongKvVersion, "is not a KV engine"),
            MountVersion::NoMount => {
                let what = "no secrets engine is mounted at exactly this path";
                let kind = ErrorKind::Exchange(Http::NoMount);
                return Err(Error::response(kind, format!("{}: {what}", self.mount)));
            }
        };
        Err(Error::response(kind, format!("{}: the mount {what}", self.mount)))
    }

    /// Verifies before a write that the mount is not known to be anything but the expected engine.
    /// If the lookup is denied, so is the write, whose error is then reported.
    pub(crate) async fn check_version(&self, deadline: Deadline) -> Result<(), Error> {
        let version = self.known_version(deadline).await?;
        self.require_expected(version)
    }

    /// Verifies that a miss is not that of another engine. If the mount cannot be looked up, the
    /// miss is taken for one.
    pub(crate) async fn check_miss(&self, deadline: Deadline) -> Result<(), Error> {
        match self.known_version(deadline).await {
            Ok(version) => self.require_expected(version),
            Err(error) => {
                debug!(%error, "looking up the mount failed; the miss is reported");
                Ok(())
            }
        }
    }

    /// Returns the error of the mount in place of a rejected request, if that is its cause: another
    /// engine may not support the operation.
    pub(crate) async fn explain_rejection(&self, error: Error, deadline: Deadline) -> Error {
        if error.kind() != ErrorKind::Exchange(Http::Rejected) {
            return error;
        }
        self.check_miss(deadline).await.err().unwrap_or(error)
    }

    /// Returns the engine at the mount, from memory if it is the expected one. Concurrent callers share
    /// one request; each waits for it until its own deadline.
    async fn known_version(&self, deadline: Deadline) -> Result<MountVersion, Error> {
        let check = &*self.check;
        if check.is_expected.load(Relaxed) {
            return Ok(self.expected);
        }
        let before = check.completed.load(Acquire);
        let Some(mut last) = deadline.bound(check.last.lock()).await else {
            let error = HttpError::new(Http::Timeout, format!("GET {MOUNTS}/{}", self.mount));
            return Err(Error::read(error.mark_not_executed()));
        };
        // Another caller has completed a request in the meantime.
        if let Some(version) = *last
            && check.completed.load(Acquire) != before
        {
            return Ok(version);
        }
        let version = self.look_up_version(deadline).await?;
        *last = Some(version);
        check.completed.fetch_add(1, AcqRel);
        Ok(version)
    }

    async fn look_up_version(&self, deadline: Deadline) -> Result<MountVersion, Error> {
        if let Some(namespace) = self.mount.namespace() {
            // An edition with namespaces expects the request in the namespace of the mount.
            let path = namespace.join(&MOUNTS).join(self.mount.path());
            let version = self.look_up_version_at(path, self.mount.path(), deadline).await?;
            if version != MountVersion::Unknown {
                return Ok(version);
            }
        }
        let path = MOUNTS.join(self.mount.full());
        self.look_up_version_at(path, self.mount.full(), deadline).await
    }

    async fn look_up_version_at(
        &self,
        path: ApiPath,
        mount: &ApiPath,
        deadline: Deadline,
    ) -> Result<MountVersion, Error> {
        let request = self.with_retry_policy(Request::get(path));
        let response = match self.session.send(&request, deadline).await {
            Ok(response) => response,
            Err(error) => match error.kind() {
                Http::Denied
                | Http::NotFound
                | Http::NoMount
                | Http::NoNamespace
                | Http::Rejected => return Ok(MountVersion::Unknown),
                _ => return Err(Error::read(error)),
            },
        };
        let version = parse(&response, mount).map_err(Error::read)?;
        debug!(%mount, ?version, "looked up the mount");
        if version == self.expected {
            self.check.is_expected.store(true, Relaxed);
        }
        Ok(version)
    }
}

/// Parses the response about the engine at `mount`. Vault describes the mount that contains the
/// requested path.
fn parse(response: &Response, mount: &ApiPath) -> Result<MountVersion, HttpError> {
    #[derive(Deserialize)]
    struct MountedEngine {
        path: String,
        #[serde(rename = "type")]
        kind: String,
        options: Option<Options>,
    }
    #[derive(Deserialize)]
    struct Options {
        version: Option<String>,
    }
    response.expect_status(&[200])?;
    let MountedEngine { path, kind, options } = response.data()?;
    let version = options.and_then(|options| options.version);
    Ok(match (kind.as_str(), version.as_deref()) {
        _ if path.trim_end_matches('/') != mount.decoded() => MountVersion::NoMount,
        ("kv", Some("2")) => MountVersion::V2,
        ("kv" | "generic", _) => MountVersion::V1,
        _ => MountVersion::NotKv,
    })
}
