//! A loader that is a closure. Its type can be named, so that a cache with it can be a field.

use std::fmt;
use std::pin::Pin;

use crate::cache::Cache;
use crate::load::Load;
use crate::load_error::LoadError;
use crate::loaded::Loaded;

/// A [`Cache`] whose loader is a closure, see [`load_fn`].
pub type FnCache<K, V, E> = Cache<K, LoadFn<K, V, E>>;

/// A loader that calls a closure, from [`load_fn`].
pub struct LoadFn<K, V, E> {
    load: Box<dyn Fn(K) -> LoadFuture<V, E> + Send + Sync>,
}

type LoadFuture<V, E> = Pin<Box<dyn Future<Output = Result<Loaded<V>, E>> + Send>>;

/// Returns a loader that calls `load` with a clone of the key.
///
/// [`LoadFailure`](crate::LoadFailure) gives an error of another crate its meaning for the cache.
/// Implement [`Load`] if refreshes differ from other loads.
///
/// ```
/// use std::convert::Infallible;
///
/// use secret_cache::{Cache, FnCache, Loaded, load_fn};
///
/// struct App {
///     lengths: FnCache<String, usize, Infallible>,
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let loader = load_fn(|text: String| async move { Ok(Loaded::new(text.len())) });
/// let app = App { lengths: Cache::builder(loader).build()? };
/// assert_eq!(*app.lengths.get("four").await?, 4);
/// # Ok(())
/// # }
/// ```
pub fn load_fn<K, V, E, F>(load: impl Fn(K) -> F + Send + Sync + 'static) -> LoadFn<K, V, E>
where
    F: Future<Output = Result<Loaded<V>, E>> + Send + 'static,
{
    LoadFn { load: Box::new(move |key| Box::pin(load(key))) }
}

impl<K, V, E> Load<K> for LoadFn<K, V, E>
where
    K: Clone + 'static,
    V: Send + Sync + 'static,
    E: LoadError,
{
    type Value = V;
    type Error = E;

    fn load(&self, key: &K) -> impl Future<Output = Result<Loaded<V>, E>> + Send {
        (self.load)(key.clone())
    }
}

impl<K, V, E> fmt::Debug for LoadFn<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadFn").finish_non_exhaustive()
    }
}
