//! Records metrics through the [`metrics`](https://docs.rs/metrics) facade, or nothing without the
//! feature `metrics`.

#[cfg(feature = "metrics")]
mod facade {
    use std::sync::Arc;

    use metrics::{Label, SharedString, counter, gauge};

    /// A further label of a metric, and its value.
    type Further = Option<(&'static str, &'static str)>;

    /// Adds 1 to a counter.
    pub(crate) fn count(name: &'static str, source: &Arc<str>, further: Further) {
        counter!(name, labels(source, further)).increment(1);
    }

    /// Sets a gauge.
    pub(crate) fn set(name: &'static str, source: &Arc<str>, further: Further, value: f64) {
        gauge!(name, labels(source, further)).set(value);
    }

    fn labels(source: &Arc<str>, further: Further) -> Vec<Label> {
        let source = Label::new("source", SharedString::from(Arc::clone(source)));
        let further = further.map(|(name, value)| Label::from_static_parts(name, value));
        [Some(source), further].into_iter().flatten().collect()
    }
}

#[cfg(not(feature = "metrics"))]
mod facade {
    use std::sync::Arc;

    type Further = Option<(&'static str, &'static str)>;

    pub(crate) fn count(_: &'static str, _: &Arc<str>, _: Further) {}

    pub(crate) fn set(_: &'static str, _: &Arc<str>, _: Further, _: f64) {}
}

pub(crate) use facade::{count, set};
