//! Records metrics through the [`metrics`](https://docs.rs/metrics) facade, or nothing without the
//! feature `metrics`.

#[cfg(feature = "metrics")]
mod facade {
    use std::sync::Arc;

    use metrics::{Key, Label, Level, Metadata, counter, with_recorder};

    static METADATA: Metadata<'_> =
        Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

    /// A counter whose key is created once, because [`count`] allocates it each time.
    pub(crate) struct Counter(Key);

    impl Counter {
        pub(crate) fn new(name: &'static str, cache: &Arc<str>) -> Self {
            Self(Key::from_parts(name, vec![Label::new("cache", Arc::clone(cache))]))
        }

        pub(crate) fn increment(&self, count: u64) {
            with_recorder(|recorder| {
                recorder.register_counter(&self.0, &METADATA).increment(count);
            });
        }
    }

    /// Adds `count` to a counter.
    pub(crate) fn count(name: &'static str, cache: &Arc<str>, count: u64) {
        counter!(name, "cache" => Arc::clone(cache)).increment(count);
    }

    /// Adds 1 to a counter with the label `kind`.
    pub(crate) fn count_kind(name: &'static str, cache: &Arc<str>, kind: &'static str) {
        counter!(name, "cache" => Arc::clone(cache), "kind" => kind).increment(1);
    }
}

#[cfg(not(feature = "metrics"))]
mod facade {
    use std::sync::Arc;

    /// A counter that counts nothing.
    pub(crate) struct Counter;

    impl Counter {
        pub(crate) fn new(_: &'static str, _: &Arc<str>) -> Self {
            Self
        }

        #[expect(clippy::unused_self, reason = "like the counter of the facade")]
        pub(crate) fn increment(&self, _: u64) {}
    }

    pub(crate) fn count(_: &'static str, _: &Arc<str>, _: u64) {}

    pub(crate) fn count_kind(_: &'static str, _: &Arc<str>, _: &'static str) {}
}

pub(super) use facade::{Counter, count, count_kind};
