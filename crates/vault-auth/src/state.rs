//! What all clones of a token source share: the current token, and the login that is under way.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use vault_http::{Error, Generation, Kind, Lease, Token};

/// What a login gave, for all that waited for it.
pub(crate) type Outcome = Result<Lease, Error>;

/// Where the outcome of a login will be.
pub(crate) type Pending = watch::Receiver<Option<Outcome>>;

/// The answer to "which token now?".
pub(crate) enum Next {
    /// This one, or this error.
    Ready(Outcome),
    /// The outcome of a login that is under way.
    Wait(Pending),
    /// The outcome of a login that the one who is told this has to make.
    Begin(watch::Sender<Option<Outcome>>, Pending),
}

#[derive(Default)]
pub(crate) struct Shared(Mutex<State>);

#[derive(Default)]
struct State {
    generation: Generation,
    current: Option<Current>,
    pending: Option<Pending>,
    /// The credential was refused; nobody asks again before then.
    refused: Option<(Error, Instant)>,
    /// The last token that was found dead: a "login" that gives it again gives nothing.
    dead: Option<Token>,
    /// When a generation was last seen alive by a look-up.
    confirmed: Option<(Generation, Instant)>,
}

struct Current {
    lease: Lease,
    end: Option<Instant>,
}

impl Shared {
    /// The current token, or what is to be done for one.
    pub(crate) fn next(&self) -> Next {
        let mut state = self.lock();
        let now = Instant::now();
        if let Some(current) = &state.current
            && current.end.is_none_or(|end| now < end)
        {
            return Next::Ready(Ok(current.lease.clone()));
        }
        if let Some((error, until)) = &state.refused
            && now < *until
        {
            return Next::Ready(Err(error.clone()));
        }
        // A login whose task ended without an outcome is none to wait for.
        if let Some(pending) = state.pending.clone()
            && pending.has_changed().is_ok()
        {
            return Next::Wait(pending);
        }
        let (sender, pending) = watch::channel(None);
        state.pending = Some(pending.clone());
        Next::Begin(sender, pending)
    }

    /// Takes in a login's token.
    pub(crate) fn logged_in(&self, token: Token, end: Option<Instant>) -> Outcome {
        let mut state = self.lock();
        state.pending = None;
        if state.dead.as_ref().is_some_and(|dead| dead.expose() == token.expose()) {
            return Err(Error::new(Kind::TokenInvalid, "log in")
                .with_detail("there is no other credential"));
        }
        state.generation = state.generation.next();
        state.refused = None;
        let lease = Lease { token, generation: state.generation };
        state.current = Some(Current { lease: lease.clone(), end });
        Ok(lease)
    }

    /// Takes in a login's failure; with `retry`, the next try is that far away.
    pub(crate) fn login_failed(&self, error: Error, retry: Option<Duration>) -> Outcome {
        let mut state = self.lock();
        state.pending = None;
        state.refused = retry.map(|after| (error.clone(), Instant::now() + after));
        Err(error)
    }

    /// The current lease, if it is of this generation.
    pub(crate) fn current(&self, generation: Generation) -> Option<Lease> {
        let state = self.lock();
        let current = state.current.as_ref()?;
        (current.lease.generation == generation).then(|| current.lease.clone())
    }

    /// Notes that the token of this generation was just seen alive.
    pub(crate) fn confirm(&self, generation: Generation) {
        self.lock().confirmed = Some((generation, Instant::now()));
    }

    /// Whether it was seen alive no longer ago than `age`.
    pub(crate) fn confirmed_within(&self, generation: Generation, age: Duration) -> bool {
        let confirmed = self.lock().confirmed;
        confirmed.is_some_and(|(known, at)| known == generation && at.elapsed() < age)
    }

    /// Drops the token of this generation, and no newer one.
    pub(crate) fn discard(&self, generation: Generation) {
        let mut state = self.lock();
        if let Some(dead) = state.current.take_if(|c| c.lease.generation == generation) {
            state.dead = Some(dead.lease.token);
        }
    }

    /// Forgets the token and every refusal: the credentials may be others now.
    pub(crate) fn reload(&self) {
        let mut state = self.lock();
        (state.current, state.refused, state.dead) = (None, None, None);
    }

    /// Nothing panics while it holds the lock, and the state is whole between any two lines.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
