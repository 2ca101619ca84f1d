//! The port to whatever the values come from: a [`Load`] is implemented by the cache's user.
//!
//! How a load is run belongs to `flight`, what its answer does to `landing`.

use std::convert::Infallible;

use crate::Version;

/// Loads the value of a key from where it is at home.
///
/// The cache runs at most one load per key at a time, as a task of its own, however many callers
/// wait for it and whether or not they go on waiting. A load has no deadline but its own, and
/// callers may wait for it: it should have one. The future is dropped at an await point when the
/// cache is dropped or the key is written meanwhile.
///
/// # Panics
///
/// A load that panics is an answer like [`Outcome::Unreachable`] with
/// [`Error::Panicked`](crate::Error::Panicked); the cache goes on working.
pub trait Load<K>: Send + Sync + 'static {
    /// What is cached. It is lent, never cloned, and dropped with its last [`Lent`](crate::Lent).
    type Value: Send + Sync + 'static;

    /// Why there is no value. Shared by all that waited for the load.
    type Error: LoadError;

    /// Loads the value of `key`.
    ///
    /// # Errors
    ///
    /// Whatever the source answers; [`LoadError::outcome`] tells the cache what follows from it.
    fn load(
        &self,
        key: &K,
    ) -> impl Future<Output = Result<Loaded<Self::Value>, Self::Error>> + Send;

    /// Loads the value of `key` again behind the readers' backs; as [`load`](Self::load) unless it is
    /// given.
    ///
    /// Nobody waits for it as a rule, and the cache itself comes back after a failure, or sends one
    /// refresh a second for all keys while the source can't be asked. So it should try once only,
    /// where `load` tries again: each of its tries would count as one of those.
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

/// An error of a [`Load`]: it tells the cache which of three things it means.
pub trait LoadError: std::error::Error + Send + Sync + 'static {
    /// What this error means for the value that may be held already.
    fn outcome(&self) -> Outcome;
}

/// The error of a source that always has a value.
impl LoadError for Infallible {
    fn outcome(&self) -> Outcome {
        match *self {}
    }
}

/// What a failed load means for the value that may be held already.
///
/// The three cases are all there are: a `match` on them needs no wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The source could not be asked: the old value may be served for a while. Never remembered.
    Unreachable,
    /// There is no value: serving ends, and the answer is remembered for the negative lifetime.
    Absent,
    /// The source refuses the value: serving ends, and the answer is remembered for the negative
    /// lifetime.
    Refused,
}

/// A value as it was loaded, and its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded<V> {
    pub(crate) value: V,
    pub(crate) version: Version,
}

impl<V> Loaded<V> {
    /// A value of a source that counts no versions: what is loaded later counts as newer.
    pub fn new(value: V) -> Self {
        Self { value, version: Version::default() }
    }

    /// A value of this version: it never replaces one that [`Version::replaces`] says is newer.
    pub fn versioned(value: V, version: Version) -> Self {
        Self { value, version }
    }
}
