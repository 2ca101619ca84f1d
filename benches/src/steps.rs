//! How a step of some nanoseconds is measured: over and over, on one thread or on several at once.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId};

use crate::cpu;
use crate::pair::ROUNDS;

/// Measures the step of `reference`, then that of `contender`, and again; each on so many threads at
/// once, which make their own. A step is told its number. What counts is its CPU time on one of
/// them.
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

/// The CPU time of so many steps on each of the threads, which begin together.
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
