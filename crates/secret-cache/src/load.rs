//! The port to whatever the values come from: a [`Load`] is implemented by the cache's user.
//!
//! How a load is run belongs to `flight`, what its answer does to `landing`.

use std::convert::Infallible;
use std::time::Duration;

use crate::version::Version;

/// Loads the value of a key from where it is at home.
///
/// The cache runs at most one load per key at a time, as a task of its own, however many callers
/// wait for it and whether or not they go on waiting. A load has no deadline but its own, and
/// callers may wait for it: it should have one. The future is dropped at an await point when the
/// cache is dropped or the key is written meanwhile.
///
/// # Panics
///
/// A load that panics is an answer like [`LoadErrorKind::Unavailable`] with
/// [`Error::Panicked`](crate::Error::Panicked); the cache goes on working.
pub trait Load<K>: Send + Sync + 'static {
    /// What is cached. It is lent, never cloned, and dropped with its last [`Ref`](crate::Ref).
    type Value: Send + Sync + 'static;

    /// Why there is no value. Shared by all that waited for the load.
    type Error: LoadError;

    /// Loads the value of `key`, which has none.
    ///
    /// The future is made when the load is asked for, and polled when it is its turn: a deadline
    /// that is set before the future is returned covers the wait for
    /// [`max_loads`](crate::Builder::max_loads) too.
    ///
    /// # Errors
    ///
    /// Whatever the source answers; [`LoadError::kind`] tells the cache what follows from it.
    fn load(
        &self,
        key: &K,
    ) -> impl Future<Output = Result<Loaded<Self::Value>, Self::Error>> + Send;

    /// Loads the value of `key` again; like [`load`](Self::load) unless it is implemented.
    ///
    /// Callers don't wait for it, or for a second at most, because there is an older value. The cache
    /// itself retries after a failure, and sends one refresh a second for all keys while the source
    /// can't be asked. So an implementation should try once, where `load` retries.
    ///
    /// # Errors
    ///
    /// As [`load`](Self::load).
    fn refresh(
        &self,
        key: &K,
    ) -> impl Future<Output = Result<Loaded<Self::Value>, Self::Error>> + Send {
        self.load(key)
    }
}

/// An error of a [`Load`], which says what it means for the cache.
pub trait LoadError: std::error::Error + Send + Sync + 'static {
    /// What this error means for the value that may be held already.
    fn kind(&self) -> LoadErrorKind;
}

/// The error of a source that always has a value.
impl LoadError for Infallible {
    fn kind(&self) -> LoadErrorKind {
        match *self {}
    }
}

/// What a failed load means for the value that may be held already.
///
/// These cases are all there are: a `match` on them needs no wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoadErrorKind {
    /// The source could not be asked: the old value may be served for a while. A key without one is
    /// asked for again after a second.
    Unavailable,
    /// The source could not be asked because the loader isn't logged in to it. Like
    /// [`Unavailable`](Self::Unavailable) for the old value. It says nothing about the key, so it is
    /// not remembered: each caller without a value causes a load, and the loader paces its logins.
    Unauthenticated,
    /// There is no value: serving ends, and the answer is remembered for the negative lifetime.
    NotFound,
    /// The source refuses the value: serving ends, and the answer is remembered for the negative
    /// lifetime.
    Denied,
}

/// A value as it was loaded, and its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded<V> {
    pub(crate) value: V,
    pub(crate) version: Version,
    pub(crate) lifetime: Option<Duration>,
}

impl<V> Loaded<V> {
    /// A value of a source that counts no versions: what is loaded later counts as newer.
    pub fn new(value: V) -> Self {
        Self::versioned(value, Version::default())
    }

    /// A value of this version: it never replaces one that [`Version::replaces`] says is newer.
    pub fn versioned(value: V, version: Version) -> Self {
        Self { value, version, lifetime: None }
    }

    /// Ends the value this long after its load began (or after it was written), whatever its age:
    /// then the next caller waits for a load, and gets [`Error::Expired`](crate::Error::Expired) if
    /// the source can't be asked.
    ///
    /// With a lifetime of zero the value is given to the callers that wait for it, and not kept.
    #[must_use]
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }
}
