//! Measures a step of a few nanoseconds by repetition, on one or several threads.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId};

use crate::cpu;
use crate::pair::ROUNDS;

/// Measures the step of `reference` and then that of `contender`, in several rounds, each on
/// `threads` threads at once. Each thread creates its own step. A step receives its number. The
/// cost is the CPU time of one step on one thread.
pub fn pair_of_steps<A: FnMut(u64), B: FnMut(u64)>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    threads: u32,
    reference: impl Fn() -> A + Sync,
    contender: impl Fn() -> B + Sync,
) {
    for round in 1..=ROUNDS {
        measure(group, BenchmarkId::new(name, format!("reference-{round}")), threads, &reference);
        measure(group, BenchmarkId::new(name, format!("contender-{round}")), threads, &contender);
    }
}

fn measure<S: FnMut(u64)>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: BenchmarkId,
    threads: u32,
    make: &(impl Fn() -> S + Sync),
) {
    group.bench_function(id, |bencher| {
        bencher.iter_custom(|steps| cost(threads, steps, make) / threads);
    });
}

/// Returns the CPU time of `steps` steps on each thread. The threads start together.
fn cost<S: FnMut(u64)>(threads: u32, steps: u64, make: &(impl Fn() -> S + Sync)) -> Duration {
    let begin = Barrier::new(threads as usize);
    let before = cpu::spent();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut step = make();
                begin.wait();
                for number in 0..steps {
                    step(number);
                }
            });
        }
    });
    cpu::spent().saturating_sub(before)
}
