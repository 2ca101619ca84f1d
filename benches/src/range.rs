//! The spread of a figure over several rounds.

/// The smallest figure, the median and the largest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range(pub f64, pub f64, pub f64);

impl Range {
    /// Returns the range of some figures; of none, it is not a number.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut figures: Vec<_> = figures.into_iter().collect();
        figures.sort_by(f64::total_cmp);
        let at = |index: usize| figures.get(index).copied().unwrap_or(f64::NAN);
        Self(at(0), at(figures.len() / 2), at(figures.len().saturating_sub(1)))
    }
}
