//! Every order in which threads can meet at the token in use and at a denial that is settled.
//!
//! The code is the crate's own; only locks and atomics are loom's (`sync.rs`).

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
    CurrentToken::new(IssuedToken { token: token(generation), generation }, None, uses)
}

#[test]
fn reader_sees_whole_tokens_of_rising_generations() {
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
        // Make before break, and break before make.
        current.replace(entry(first.next(), None));
        current.clear();
        reader.join().unwrap();
        assert_eq!(current.generation(), None);
    });
}

#[test]
fn uses_are_given_out_once_each() {
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
fn uses_are_counted_down_and_reported_as_low_once() {
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

/// C7: a client that tries again sends a token more often than it was taken.
#[test]
fn retries_are_counted_as_uses() {
    loom::model(|| {
        let entry = entry(Generation::default(), Some(6));
        let send = |times: usize| (0..times).for_each(|_| drop(entry.issued.token.header()));
        assert_eq!(entry.take_use(), Yes);
        send(3);
        // Four are used, and two are left, as after the fourth use without retries.
        assert_eq!(entry.take_use(), Low);
        send(2);
        assert!(entry.has_uses());
        assert_eq!(entry.take_use(), Last);
        send(1);
        assert_eq!((entry.take_use(), entry.has_uses()), (No, false));
    });
}

#[test]
fn token_is_usable_before_its_end() {
    loom::model(|| {
        let mut ends = entry(Generation::default(), None);
        assert!(ends.is_usable(Instant::now()));
        ends.usable_until = Some(Instant::now());
        assert!(!ends.is_usable(Instant::now()));
    });
}

/// Where the outcome of a denial is put.
type Outcome = Arc<Mutex<Option<Liveness>>>;

/// A driver without its task: whoever has a message runs it.
struct Source {
    shared: Shared<Outcome>,
    machine: Mutex<TokenMachine>,
}

impl Source {
    /// A source with its first token in use.
    fn new() -> Self {
        let source = Self { shared: Shared::new(), machine: Mutex::new(TokenMachine::default()) };
        assert!(matches!(source.apply(Event::Start)[..], [Action::LogIn]));
        source.log_in();
        source
    }

    fn apply(&self, event: Event) -> Vec<Action> {
        let mut life = self.machine.lock().unwrap();
        let at = Moment { now: Instant::now(), jitter: 0.5 };
        let settle = |outcome: Outcome, seen| *outcome.lock().unwrap() = Some(seen);
        self.shared.apply(&mut life, event, at, |_| {}, settle)
    }

    /// The login that is out succeeds.
    fn log_in(&self) {
        let next = self.machine.lock().unwrap().snapshot().generation.next();
        let mut login = Login::new(token(next));
        login.ttl = Some(Duration::from_secs(3_600));
        assert!(self.apply(Event::LoggedIn { login, sent_at: Instant::now() }).is_empty());
    }

    /// A caller whose request with this generation was denied; `None`: nothing is to be settled.
    fn denied(&self, generation: Generation, token_invalid: bool) -> Option<Outcome> {
        match self.shared.join_denial(generation, Outcome::default) {
            JoinedDenial::Replaced | JoinedDenial::Ended => None,
            JoinedDenial::Pending { outcome, first } => {
                if first {
                    for action in self.apply(Event::Denied(Denial { generation, token_invalid })) {
                        match action {
                            Action::LogIn => self.log_in(),
                            Action::LookUp(_) => {
                                let seen = Liveness::Alive;
                                self.apply(Event::LookedUp { generation, liveness: seen });
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

/// Two callers whose requests were denied at once, and what each waits for.
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
fn denial_is_settled_for_all_callers_that_wait() {
    loom::model(|| {
        let (source, outcomes) = deny_at_once(false);
        assert_eq!(outcomes.len(), 2, "no token has replaced it");
        for outcome in outcomes {
            assert!(matches!(*outcome.lock().unwrap(), Some(Liveness::Alive)));
        }
        assert_eq!(source.machine.lock().unwrap().snapshot().counts.invalidated, 0);
    });
}

#[test]
fn late_denial_does_not_touch_the_fresh_token() {
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

/// C9: a caller that opens a denial while the driver ends.
#[test]
fn denial_at_the_end_of_the_driver_is_settled_or_refused() {
    loom::model(|| {
        let source = Arc::new(Source::new());
        let generation = source.shared.current.generation().unwrap();
        let caller = {
            let source = Arc::clone(&source);
            // Its message is never received.
            thread::spawn(move || source.shared.join_denial(generation, Outcome::default))
        };
        let ended = |outcome: Outcome| *outcome.lock().unwrap() = Some(Liveness::Dead);
        source.shared.close(ended);
        match caller.join().unwrap() {
            JoinedDenial::Pending { outcome, .. } => assert!(outcome.lock().unwrap().is_some()),
            JoinedDenial::Ended => {}
            JoinedDenial::Replaced => panic!("there is no other token"),
        }
        assert_eq!(source.shared.current.generation(), None);
    });
}
