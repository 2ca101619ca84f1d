//! How a contender is measured: right after the reference, in the same process.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode};

use crate::fleet::{Fleet, Reader};

/// How often a pair is measured. A round is short, so that both halves of it have met the same
/// machine; `cargo xtask bench` takes the median of their ratios.
pub(crate) const ROUNDS: usize = 5;

/// Criterion as all benchmarks have it; the command line may say otherwise.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1_200))
        .without_plots()
        .configure_from_args()
}

/// A group whose samples are all of one size: a small one would be mostly beginning and end.
pub fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat);
    group
}

/// Measures the reference, then the contender `name`, and again. The machine's speed drifts; what is
/// to be compared is measured within seconds.
pub fn pair<A: Reader, B: Reader>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    reference: &mut Fleet<A>,
    contender: &mut Fleet<B>,
) {
    let (reference, contender) =
        (&mut |reads| reference.cost(reads), &mut |reads| contender.cost(reads));
    pair_of(group, name, reference, contender);
}

/// What does something so many times, and tells the CPU time that it took.
pub type Run<'r> = &'r mut dyn FnMut(u64) -> Duration;

/// The same for anything that can be done many times.
pub fn pair_of(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    reference: Run<'_>,
    contender: Run<'_>,
) {
    for round in 1..=ROUNDS {
        measure(group, BenchmarkId::new(name, format!("reference-{round}")), reference);
        measure(group, BenchmarkId::new(name, format!("contender-{round}")), contender);
    }
}

fn measure(group: &mut BenchmarkGroup<'_, WallTime>, id: BenchmarkId, run: Run<'_>) {
    group.bench_function(id, |bencher| bencher.iter_custom(&mut *run));
}
