//! All interleavings of threads that access the current token and pending denials.
//!
//! The tests run the code of this crate with loom's locks and atomics (`sync.rs`).

use std::sync::Arc;
use std::time::Duration;

use loom::sync::Mutex;
use loom::thread;
use tokio::time::Instant;
use vault_http::{Denial, Generation, IssuedToken, Token};

use crate::login::Login;
use crate::machine::{Action, Event, Liveness, Moment, TokenMachine};
use crate::shared::current::UseTaken::{self, Last, Low, No, Yes};
use crate::shared::current::{Current, CurrentToken};
use crate::shared::{JoinedDenial, Shared};

fn token(generation: Generation) -> Token {
    Token::new(&format!("token-{}", generation.number()).into()).unwrap()
}

fn entry(generation: Generation, uses: Option<u32>) -> CurrentToken {
    CurrentToken::new(IssuedToken::new(token(generation), generation), None, uses)
}

#[test]
fn reader_sees_whole_tokens_of_increasing_generations() {
    loom::model(|| {
        let current = Arc::new(Current::default());
        let reader = {
            let current = Arc::clone(&current);
            thread::spawn(move || {
                let read = || {
                    current.with(|entry| {
                        let generation = entry.issued.generation;
                        assert_eq!(entry.issued.token.expose(), token(generation).expose());
                        generation
                    })
                };
                let (first, second) = (read(), read());
                if let (Some(first), Some(second)) = (first, second) {
                    assert!(first <= second);
                }
            })
        };
        let first = Generation::default().next();
        current.replace(entry(first, None));
        // A replacement, and then a removal.
        current.replace(entry(first.next(), None));
        current.clear();
        reader.join().unwrap();
        assert_eq!(current.generation(), None);
    });
}

#[test]
fn each_use_is_taken_once() {
    loom::model(|| {
        let entry = Arc::new(entry(Generation::default(), Some(2)));
        let taker = {
            let entry = Arc::clone(&entry);
            thread::spawn(move || [entry.take_use(), entry.take_use()])
        };
        let here = entry.take_use();
        let [first, second] = taker.join().unwrap();
        let count = |what| [&here, &first, &second].iter().filter(|taken| **taken == &what).count();
        assert_eq!((count(UseTaken::Yes), count(UseTaken::Last), count(UseTaken::No)), (1, 1, 1));
    });
}

#[test]
fn low_uses_are_reported_once() {
    let check = |uses: u32, expected: &'static [UseTaken]| {
        loom::model(move || {
            let entry = entry(Generation::default(), Some(uses));
            let taken: Vec<_> = expected.iter().map(|_| entry.take_use()).collect();
            assert_eq!(taken, expected, "{uses}");
            assert!(!entry.is_usable(Instant::now()));
        });
    };
    check(0, &[No, No]);
    check(1, &[Last, No]);
    check(2, &[Yes, Last, No]);
    check(4, &[Yes, Yes, Yes, Last, No]);
    check(5, &[Yes, Yes, Low, Yes, Last, No, No]);
}

/// Retries send a token more often than it was taken.
#[test]
fn retries_are_counted_as_uses() {
    loom::model(|| {
        let entry = entry(Generation::default(), Some(6));
        let send = |times: usize| (0..times).for_each(|_| drop(entry.issued.token.header()));
        assert_eq!(entry.take_use(), Yes);
        send(3);
        // Two of six uses are left.
        assert_eq!(entry.take_use(), Low);
        send(2);
        assert!(entry.has_uses());
        assert_eq!(entry.take_use(), Last);
        send(1);
        assert_eq!((entry.take_use(), entry.has_uses()), (No, false));
    });
}

#[test]
fn token_is_usable_until_its_expiry() {
    loom::model(|| {
        let mut token = entry(Generation::default(), None);
        assert!(token.is_usable(Instant::now()));
        token.usable_until = Some(Instant::now());
        assert!(!token.is_usable(Instant::now()));
    });
}

/// The channel for the outcome of a denial.
type Outcome = Arc<Mutex<Option<Liveness>>>;

/// A token source whose driver runs on the threads of its callers.
struct Source {
    shared: Shared<Outcome>,
    machine: Mutex<TokenMachine>,
}

impl Source {
    /// Returns a source with an active token.
    fn new() -> Self {
        let source = Self { shared: Shared::new(), machine: Mutex::new(TokenMachine::default()) };
        assert!(matches!(source.apply(Event::Start)[..], [Action::LogIn]));
        source.log_in();
        source
    }

    fn apply(&self, event: Event) -> Vec<Action> {
        let mut machine = self.machine.lock().unwrap();
        let at = Moment { now: Instant::now(), jitter: 0.5 };
        let resolve = |outcome: Outcome, liveness| *outcome.lock().unwrap() = Some(liveness);
        self.shared.apply(&mut machine, event, at, |_| {}, resolve)
    }

    /// Completes the login in flight.
    fn log_in(&self) {
        let next = self.machine.lock().unwrap().snapshot().generation.next();
        let mut login = Login::new(token(next));
        login.ttl = Some(Duration::from_secs(3_600));
        assert!(self.apply(Event::LoggedIn { login, sent_at: Instant::now() }).is_empty());
    }

    /// Reports a denied request with this generation. Returns `None` if there is nothing to wait
    /// for.
    fn denied(&self, generation: Generation, token_invalid: bool) -> Option<Outcome> {
        match self.shared.join_denial(generation, Outcome::default) {
            JoinedDenial::Replaced | JoinedDenial::Ended => None,
            JoinedDenial::Pending { outcome, first } => {
                if first {
                    for action in self.apply(Event::Denied(Denial::new(generation, token_invalid)))
                    {
                        match action {
                            Action::LogIn => self.log_in(),
                            Action::LookUp(_) => {
                                let liveness = Liveness::Alive;
                                self.apply(Event::LookedUp { generation, liveness });
                            }
                            other => panic!("{other:?}"),
                        }
                    }
                }
                Some(outcome)
            }
        }
    }
}

/// Reports two denied requests at once, and returns the outcomes that their callers wait for.
fn deny_at_once(token_invalid: bool) -> (Arc<Source>, Vec<Outcome>) {
    let source = Arc::new(Source::new());
    let old = source.shared.current.generation().unwrap();
    let callers = [(); 2].map(|()| {
        let source = Arc::clone(&source);
        thread::spawn(move || source.denied(old, token_invalid))
    });
    let outcomes = callers.into_iter().filter_map(|caller| caller.join().unwrap()).collect();
    (source, outcomes)
}

#[test]
fn denial_is_resolved_for_all_callers_that_wait() {
    loom::model(|| {
        let (source, outcomes) = deny_at_once(false);
        assert_eq!(outcomes.len(), 2, "the token was not replaced");
        for outcome in outcomes {
            assert!(matches!(*outcome.lock().unwrap(), Some(Liveness::Alive)));
        }
        assert_eq!(source.machine.lock().unwrap().snapshot().counts.invalidated, 0);
    });
}

#[test]
fn late_denial_does_not_affect_the_new_token() {
    loom::model(|| {
        let (source, outcomes) = deny_at_once(true);
        for outcome in outcomes {
            assert!(matches!(*outcome.lock().unwrap(), Some(Liveness::Dead)));
        }
        let snapshot = source.machine.lock().unwrap().snapshot();
        assert_eq!((snapshot.counts.invalidated, snapshot.counts.logins), (1, 2));
        assert_eq!(source.shared.current.generation(), Some(snapshot.generation));
    });
}

/// A denial that is opened while the driver ends.
#[test]
fn denial_at_the_end_of_the_driver_is_resolved_or_refused() {
    loom::model(|| {
        let source = Arc::new(Source::new());
        let generation = source.shared.current.generation().unwrap();
        let caller = {
            let source = Arc::clone(&source);
            // The driver does not receive the message.
            thread::spawn(move || source.shared.join_denial(generation, Outcome::default))
        };
        let ended = |outcome: Outcome| *outcome.lock().unwrap() = Some(Liveness::Dead);
        source.shared.close(ended);
        match caller.join().unwrap() {
            JoinedDenial::Pending { outcome, .. } => assert!(outcome.lock().unwrap().is_some()),
            JoinedDenial::Ended => {}
            JoinedDenial::Replaced => panic!("no other token exists"),
        }
        assert_eq!(source.shared.current.generation(), None);
    });
}
