//! Every order in which threads can meet at the token in use and at a 403 that is settled. The two
//! files are taken in as they are, with loom's parts in the place of the standard library's.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../src/current.rs"]
#[expect(dead_code, reason = "taken in as it is")]
mod current;
#[path = "../src/denials.rs"]
#[expect(dead_code, reason = "taken in as it is")]
mod denials;

/// What `src/sync.rs` is to the crate.
mod sync {
    pub(crate) use loom::sync::atomic::AtomicU32;
    pub(crate) use loom::sync::{Arc, Mutex};

    /// The promise of the real one: what is read was put there as a whole. A lock keeps it here.
    #[derive(Debug)]
    pub(crate) struct Slot<T>(Mutex<Option<Arc<T>>>);

    impl<T> Default for Slot<T> {
        fn default() -> Self {
            Self(Mutex::new(None))
        }
    }

    impl<T> Slot<T> {
        pub(crate) fn load(&self) -> Option<Arc<T>> {
            self.0.lock().unwrap().clone()
        }

        pub(crate) fn store(&self, value: Option<Arc<T>>) {
            *self.0.lock().unwrap() = value;
        }
    }
}

use loom::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use loom::sync::{Arc, Mutex};
use loom::thread;
use tokio::time::Instant;
use vault_http::{Generation, Lease, Token};

use current::Taken::{self, Last, Low, No, Yes};
use current::{Current, Entry};
use denials::PendingDenials;

fn entry(generation: Generation, uses: Option<u32>) -> Entry {
    let token = Token::new(&format!("token-{}", generation.number()).into()).unwrap();
    Entry::new(Lease { token, generation }, None, uses)
}

#[test]
fn a_reader_sees_whole_tokens_of_rising_generations() {
    loom::model(|| {
        let current = Arc::new(Current::default());
        let reader = {
            let current = Arc::clone(&current);
            thread::spawn(move || {
                let read = || {
                    current.with(|entry| {
                        let generation = entry.lease.generation;
                        let whole = format!("token-{}", generation.number());
                        assert_eq!(entry.lease.token.expose(), whole);
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
        current.serve(entry(first, None));
        // Make before break, and break before make.
        current.serve(entry(first.next(), None));
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
            thread::spawn(move || [entry.take(), entry.take()])
        };
        let here = entry.take();
        let [first, second] = taker.join().unwrap();
        let count = |what| [&here, &first, &second].iter().filter(|taken| **taken == &what).count();
        assert_eq!((count(Taken::Yes), count(Taken::Last), count(Taken::No)), (1, 1, 1));
    });
}

#[test]
fn uses_are_counted_down_and_said_to_be_low_once() {
    let check = |uses: u32, expected: &'static [Taken]| {
        loom::model(move || {
            let entry = entry(Generation::default(), Some(uses));
            let taken: Vec<_> = expected.iter().map(|_| entry.take()).collect();
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

#[test]
fn a_token_is_usable_before_its_end() {
    let mut ends = entry(Generation::default(), None);
    assert!(ends.is_usable(Instant::now()));
    ends.end = Some(Instant::now());
    assert!(!ends.is_usable(Instant::now()));
}

/// What a case comes to: one place for all who joined it.
type Outcome = Arc<Mutex<Option<usize>>>;

#[test]
fn a_403_is_settled_once_for_all_who_ask_at_once() {
    loom::model(|| {
        let generation = Generation::default().next();
        let denials = Arc::new(PendingDenials::<Outcome>::new());
        let settled = Arc::new(AtomicUsize::new(0));
        let callers = [(); 2].map(|()| {
            let (denials, settled) = (Arc::clone(&denials), Arc::clone(&settled));
            thread::spawn(move || {
                let (case, opened) = denials.join(generation, Outcome::default).unwrap();
                if opened {
                    // The driver, which is told of a case once.
                    let number = settled.fetch_add(1, SeqCst) + 1;
                    let case = denials.take(generation).unwrap();
                    *case.lock().unwrap() = Some(number);
                }
                (case, opened)
            })
        });
        let cases = callers.map(|caller| caller.join().unwrap());
        let opened = cases.iter().filter(|(_, opened)| *opened).count();
        // Who came after the case was closed opened another; nobody settled in vain, and nobody is
        // left without an outcome.
        assert_eq!(opened, settled.load(SeqCst));
        assert!(opened >= 1);
        for (case, _) in &cases {
            assert!(case.lock().unwrap().is_some());
        }
        assert!(denials.take(generation).is_none());
    });
}

#[test]
fn a_late_403_does_not_touch_the_fresh_token() {
    loom::model(|| {
        let old = Generation::default().next();
        let current = Arc::new(Current::default());
        current.serve(entry(old, None));
        let denials = Arc::new(PendingDenials::<Outcome>::new());
        // What the driver holds, and how many tokens it has found dead.
        let driver = Arc::new(Mutex::new((old, 0)));
        let deny = {
            let (current, driver) = (Arc::clone(&current), Arc::clone(&driver));
            move || {
                if current.generation().is_some_and(|now| now > old) {
                    return;
                }
                let (_, opened) = denials.join(old, Outcome::default).unwrap();
                if opened {
                    let mut driver = driver.lock().unwrap();
                    if driver.0 == old {
                        current.clear();
                        *driver = (old.next(), driver.1 + 1);
                        current.serve(entry(old.next(), None));
                    }
                    denials.take(old);
                }
            }
        };
        let other = thread::spawn(deny.clone());
        deny();
        other.join().unwrap();
        assert_eq!(*driver.lock().unwrap(), (old.next(), 1));
        assert_eq!(current.generation(), Some(old.next()));
    });
}
