//! A tool's figures of all rounds.

use benches::Range;

use crate::figures::Figures;

/// A row of the table. Rounds of all rows with the same index were measured close in time.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) label: &'static str,
    pub(crate) rounds: Vec<Figures>,
}

/// Selects one of the figures of a round.
pub(crate) type Figure = fn(&Figures) -> Option<f64>;

/// Reads a second, many at a time, or else one at a time.
pub(crate) const RATE: Figure = |figures| figures.many.or(Some(figures.one));
/// CPU time per read.
pub(crate) const CPU: Figure = |figures| Some(figures.cpu);
/// The 99th percentile of the latency.
pub(crate) const P99: Figure = |figures| figures.p99;

impl Row {
    pub(crate) fn new(label: &'static str) -> Self {
        Self { label, rounds: Vec::new() }
    }

    /// Returns the range of a figure, if every round has it.
    pub(crate) fn range(&self, figure: Figure) -> Option<Range> {
        let figures: Option<Vec<_>> = self.rounds.iter().map(figure).collect();
        figures.filter(|figures| !figures.is_empty()).map(Range::of)
    }

    /// Returns the median of a figure.
    pub(crate) fn median(&self, figure: Figure) -> Option<f64> {
        self.range(figure).map(|Range(_, median, _)| median)
    }

    /// Returns the range of the ratios of a figure to the reference's in the same round.
    pub(crate) fn ratio(&self, reference: &Self, figure: Figure) -> Option<Range> {
        let rounds = self.rounds.iter().zip(&reference.rounds);
        let ratios = rounds.map(|(ours, theirs)| Some(figure(ours)? / figure(theirs)?));
        let ratios: Option<Vec<_>> = ratios.collect();
        ratios.filter(|ratios| !ratios.is_empty()).map(Range::of)
    }
}
