//! Loads that can't be aborted because they are being polled on another thread. Gates force each
//! interleaving.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secret_cache::{Cache, Load, Loaded};
use tokio::task::JoinSet;

use crate::source::Failure;

/// The timeout of a test that would hang otherwise.
const TEST_TIMEOUT: Duration = Duration::from_secs(10);

/// A value with a callback on drop.
struct Value {
    serial: u32,
    on_drop: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Value {
    fn new(serial: u32, on_drop: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self { serial, on_drop: Some(Box::new(on_drop)) }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        if let Some(on_drop) = self.on_drop.take() {
            on_drop();
        }
    }
}

/// Each load takes the next gate, reports its arrival, and blocks its thread until the gate opens.
struct Gated(Mutex<Vec<Gate>>);

struct Gate {
    serial: u32,
    entered: Sender<()>,
    go: Receiver<()>,
    dropped: Sender<()>,
}

/// The test's side of a gate.
struct Keeper {
    entered: Receiver<()>,
    go: Sender<()>,
    dropped: Receiver<()>,
}

fn gate(serial: u32) -> (Gate, Keeper) {
    let (entered, has_entered) = channel();
    let (open, go) = channel();
    let (dropped, was_dropped) = channel();
    let gate = Gate { serial, entered, go, dropped };
    (gate, Keeper { entered: has_entered, go: open, dropped: was_dropped })
}

impl Load<u32> for Gated {
    type Value = Value;
    type Error = Failure;

    async fn load(&self, _: &u32) -> Result<Loaded<Value>, Failure> {
        let Gate { serial, entered, go, dropped } = self.0.lock().unwrap().remove(0);
        entered.send(()).unwrap();
        go.recv_timeout(TEST_TIMEOUT).unwrap();
        // The test may have ended.
        let on_drop = move || dropped.send(()).unwrap_or_default();
        Ok(Loaded::new(Value::new(serial, on_drop)))
    }
}

fn cache(gates: Vec<Gate>) -> Arc<Cache<u32, Gated>> {
    Arc::new(Cache::builder(Gated(Mutex::new(gates))).build().unwrap())
}

fn ask(callers: &mut JoinSet<u32>, cache: &Arc<Cache<u32, Gated>>) {
    let cache = Arc::clone(cache);
    callers.spawn(async move { cache.get(&1).await.unwrap().serial });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn load_that_ends_after_the_next_one_began_is_not_applied() {
    let ((first, keep_first), (second, keep_second)) = (gate(1), gate(2));
    let cache = cache(vec![first, second]);
    let mut callers = JoinSet::new();
    ask(&mut callers, &cache);
    keep_first.entered.recv_timeout(TEST_TIMEOUT).unwrap();
    cache.invalidate(&1);
    ask(&mut callers, &cache);
    keep_second.entered.recv_timeout(TEST_TIMEOUT).unwrap();

    keep_first.go.send(()).unwrap();
    keep_first.dropped.recv_timeout(TEST_TIMEOUT).expect("the first value is dropped");
    assert!(cache.is_empty());
    keep_second.go.send(()).unwrap();
    assert_eq!(callers.join_all().await, [2, 2]);
    assert_eq!(cache.get(&1).await.unwrap().serial, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn load_that_ends_during_a_write_makes_its_waiters_retry() {
    let ((first, keep_first), (second, keep_second)) = (gate(1), gate(2));
    let cache = cache(vec![first, second]);
    let mut callers = JoinSet::new();
    ask(&mut callers, &cache);
    keep_first.entered.recv_timeout(TEST_TIMEOUT).unwrap();

    // `clear` drops this value when it has removed the load and hasn't ended it yet.
    let metrics = tokio::runtime::Handle::current().metrics();
    // The refresher of the cache is still alive.
    keep_second.go.send(()).unwrap();
    let go = keep_first.go;
    let until_all_is_over = move || {
        go.send(()).unwrap();
        while metrics.num_alive_tasks() > 1 {
            std::thread::yield_now();
        }
    };
    cache.replace(&2, Loaded::new(Value::new(0, until_all_is_over)));
    cache.clear();
    assert_eq!(callers.join_all().await, [2]);
}
