//! Measures a contender right after the reference, in the same process.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode};

use crate::fleet::{Fleet, Reader};

/// Rounds per pair. A round is short, so that both halves run under the same conditions; the report
/// takes the median of their ratios.
pub(crate) const ROUNDS: usize = 5;

/// Returns the configuration of all benchmarks, which the command line can override.
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1_200))
        .without_plots()
        .configure_from_args()
}

/// Returns a group whose samples have one size, because small samples would measure mostly their
/// setup.
pub fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sampling_mode(SamplingMode::Flat);
    group
}

/// Measures the reference and then the contender `name`, in several rounds. The machine's speed
/// drifts, so that the two halves of a round must be close in time.
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

/// Runs a number of times and returns the cost.
pub type Run<'r> = &'r mut dyn FnMut(u64) -> Duration;

/// Like [`pair`], for any function that runs a number of times.
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
