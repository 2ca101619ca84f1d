//! A per-task cache of the current token, for code in which nanoseconds matter.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use arc_swap::cache::Cache;
use vault_http::IssuedToken;

use crate::auth::Auth;
use crate::driver::Outcome;
use crate::shared::Shared;
use crate::shared::current::CurrentToken;

/// Access to the current token of an [`Auth`] for a single task.
///
/// It caches the token and only checks whether it was replaced. This takes a few nanoseconds on any
/// number of threads and does not allocate. The cached token stays in memory until the next call of
/// [`Handle::current`].
pub struct Handle {
    auth: Auth,
    cache: Cache<CurrentCell, Option<Arc<CurrentToken>>>,
}

/// The cell of the current token, kept alive by the shared state.
#[derive(Clone)]
struct CurrentCell(Arc<Shared<Outcome>>);

impl Deref for CurrentCell {
    type Target = ArcSwapOption<CurrentToken>;

    fn deref(&self) -> &ArcSwapOption<CurrentToken> {
        self.0.current.cell()
    }
}

impl Auth {
    /// Returns a handle to the current token for one task or thread.
    pub fn handle(&self) -> Handle {
        let cache = Cache::new(CurrentCell(Arc::clone(self.shared())));
        Handle { auth: self.clone(), cache }
    }
}

impl Handle {
    /// Returns the current token, or `None` if there is none. [`Auth::ready`] waits for one.
    ///
    /// Like [`Auth::with_current`], this does not read a clock.
    pub fn current(&mut self) -> Option<&IssuedToken> {
        let token = self.cache.load().as_deref()?;
        self.auth.take_use(token).then_some(&token.issued)
    }

    /// Returns the token source.
    pub fn auth(&self) -> &Auth {
        &self.auth
    }
}

impl Clone for Handle {
    fn clone(&self) -> Self {
        Self { auth: self.auth.clone(), cache: self.cache.clone() }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("auth", &self.auth).finish_non_exhaustive()
    }
}
