//! What is mounted there? A version 1 engine takes `data/` for a part of the name, writes included.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use serde::Deserialize;
use tracing::debug;
use vault_http::{ApiPath, Deadline, Error as HttpError, ErrorKind as Http, Request};

use crate::error::{Error, ErrorKind};
use crate::kv::Kv;
use crate::mount_version::MountVersion;

const MOUNTS: ApiPath = ApiPath::from_static("sys/internal/ui/mounts");

#[derive(Deserialize)]
struct Answer {
    path: String,
    #[serde(rename = "type")]
    engine: String,
    options: Option<Options>,
}

#[derive(Deserialize)]
struct Options {
    version: Option<String>,
}

impl Kv {
    /// Asks what is mounted here. Any token with a right below the mount may ask.
    ///
    /// # Errors
    /// [`ErrorKind::Exchange`] when the server can't be asked.
    pub async fn mount_version(&self) -> Result<MountVersion, Error> {
        self.version(self.deadline()).await
    }

    async fn version(&self, by: Deadline) -> Result<MountVersion, Error> {
        if let Some(namespace) = self.mount.namespace() {
            // Where there are namespaces, the question belongs into the mount's own.
            let asked = namespace.join(&MOUNTS).join(self.mount.path());
            let version = self.version_at(asked, self.mount.path(), by).await?;
            if version != MountVersion::Unknown {
                return Ok(version);
            }
        }
        self.version_at(MOUNTS.join(self.mount.full()), self.mount.full(), by).await
    }

    async fn version_at(
        &self,
        question: ApiPath,
        mount: &ApiPath,
        by: Deadline,
    ) -> Result<MountVersion, Error> {
        let answer = match self.session.send(&self.planned(Request::get(question)), by).await {
            Ok(answer) => answer,
            Err(error) => match error.kind() {
                Http::Denied
                | Http::NotFound
                | Http::NoMount
                | Http::NoNamespace
                | Http::Rejected => return Ok(MountVersion::Unknown),
                _ => return Err(Error::read(error)),
            },
        };
        answer.expect_status(&[200]).map_err(Error::read)?;
        let Answer { path, engine, options } = answer.data().map_err(Error::read)?;
        let version = options.and_then(|options| options.version);
        let version = match (engine.as_str(), version.as_deref()) {
            _ if path.trim_end_matches('/') != mount.decoded() => MountVersion::NoMount,
            ("kv", Some("2")) => MountVersion::V2,
            ("kv" | "generic", _) => MountVersion::V1,
            _ => MountVersion::NotKv,
        };
        debug!(%mount, ?version, "asked what is mounted");
        if version == MountVersion::V2 {
            self.check.version_two.store(true, Relaxed);
        }
        Ok(version)
    }

    /// Refuses a mount that is known to be something else than KV version 2. One that can't be
    /// asked about has no right to write either, so its own answer will tell.
    pub(crate) async fn check_version(&self, by: Deadline) -> Result<(), Error> {
        let version = self.known_version(by).await?;
        self.require_v2(version)
    }

    /// Checks after a miss that it is one: a version 1 engine answers in the same way. Costs nothing
    /// once the mount is known to be version 2.
    pub(crate) async fn check_miss(&self, by: Deadline) -> Result<(), Error> {
        match self.known_version(by).await {
            Ok(version) => self.require_v2(version),
            Err(error) => {
                debug!(%error, "a miss stays a miss: what is mounted can't be asked");
                Ok(())
            }
        }
    }

    /// Returns what is mounted here, from memory if that is definite. Concurrent callers share one
    /// question; each waits until its own deadline.
    async fn known_version(&self, by: Deadline) -> Result<MountVersion, Error> {
        let check = &*self.check;
        if check.version_two.load(Relaxed) {
            return Ok(MountVersion::V2);
        }
        let before = check.answers.load(Acquire);
        let Some(mut last) = by.bound(check.last.lock()).await else {
            let error = HttpError::new(Http::Timeout, format!("GET {MOUNTS}/{}", self.mount));
            return Err(Error::read(error.mark_not_executed()));
        };
        // Somebody has asked meanwhile.
        if let Some(version) = *last
            && check.answers.load(Acquire) != before
        {
            return Ok(version);
        }
        let version = self.version(by).await?;
        *last = Some(version);
        check.answers.fetch_add(1, AcqRel);
        Ok(version)
    }

    /// Takes what is mounted here for an error when it is certainly not KV version 2.
    ///
    /// # Errors
    /// [`ErrorKind::WrongKvVersion`], or [`ErrorKind::Exchange`] of a missing mount.
    pub fn require_v2(&self, version: MountVersion) -> Result<(), Error> {
        let mount = &self.mount;
        match version {
            MountVersion::V2 | MountVersion::Unknown => Ok(()),
            MountVersion::V1 => Err(Error::answer(
                ErrorKind::WrongKvVersion,
                format!("{mount}: the mount is a KV engine of version 1"),
            )),
            MountVersion::NotKv => Err(Error::answer(
                ErrorKind::WrongKvVersion,
                format!("{mount}: the mount is not a KV engine"),
            )),
            MountVersion::NoMount => Err(Error::answer(
                ErrorKind::Exchange(Http::NoMount),
                format!("{mount}: no secrets engine is mounted at exactly this path"),
            )),
        }
    }
}
