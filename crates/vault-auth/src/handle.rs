//! A task's own way to the token in use, for where nanoseconds count.

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

/// A way to the token of an [`Auth`] that one task has to itself: it keeps what it saw last, and
/// looks only whether that was replaced. That costs a nanosecond or two, on any number of threads at
/// once, and no allocation.
///
/// The last token that it saw stays in memory until it looks again.
pub struct Handle {
    auth: Auth,
    cache: Cache<CurrentCell, Option<Arc<CurrentToken>>>,
}

/// Where the token is found.
#[derive(Clone)]
struct CurrentCell(Arc<Shared<Outcome>>);

impl Deref for CurrentCell {
    type Target = ArcSwapOption<CurrentToken>;

    fn deref(&self) -> &ArcSwapOption<CurrentToken> {
        self.0.current.cell()
    }
}

impl Auth {
    /// A way to the token for one task or thread to keep: the cheapest there is.
    pub fn handle(&self) -> Handle {
        Handle::new(self.clone(), Arc::clone(self.shared()))
    }
}

impl Handle {
    pub(crate) fn new(auth: Auth, shared: Arc<Shared<Outcome>>) -> Self {
        Self { auth, cache: Cache::new(CurrentCell(shared)) }
    }

    /// The token that is in use; `None` when there is none, and a login is due or under way: then
    /// [`Auth::ready`] waits for one. As [`Auth::with_current`], it looks at no clock.
    pub fn current(&mut self) -> Option<&IssuedToken> {
        let entry = self.cache.load().as_deref()?;
        self.auth.take_use(entry).then_some(&entry.issued)
    }

    /// The source of its tokens.
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
