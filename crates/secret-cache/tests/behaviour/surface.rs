//! The public API: settings, errors, `Send` and `Sync`, and what `Debug` never shows.

use std::error::Error as _;
use std::time::Duration;

use secret_cache::{BuildErrorKind, Cache, Error, Handle, LoadErrorKind, Ref};

use crate::source::{Failure, Got, Key, Mode, Source, Value, get, pass};

#[test]
fn build_error_contains_all_problems() {
    let builder = Source::new().builder().max_bytes(0, |_, _| 1).max_loads(0).max_entries(0);
    let error = builder.build().unwrap_err();
    assert_eq!(
        error.problems(),
        [BuildErrorKind::NoLoads, BuildErrorKind::NoBytes, BuildErrorKind::NoEntries]
    );
    assert_eq!(
        error.to_string(),
        "invalid cache settings: max_loads is 0, must be at least 1; max_bytes is 0, must be at \
         least 1; max_entries is 0, must be at least 1"
    );
}

#[tokio::test(start_paused = true)]
async fn longest_time_spans_do_not_overflow() {
    let (source, max) = (Source::new(), Duration::MAX);
    let builder = source.builder().refresh_interval(max).max_stale(max).negative_ttl(max);
    let cache = builder.build().unwrap();
    source.set(Mode::NotFound);
    let year = Duration::from_secs(365 * 86_400);
    for loads in [1, 1] {
        assert_eq!(get(&cache, 1).await, Got::Failed(LoadErrorKind::NotFound));
        assert_eq!(source.loads(), loads);
        pass(year).await;
    }
}

#[tokio::test(start_paused = true)]
async fn errors_have_a_kind_and_a_source() {
    for (mode, outcome) in [
        (Mode::Down, LoadErrorKind::Unavailable),
        (Mode::Panics, LoadErrorKind::Unavailable),
        (Mode::Denied, LoadErrorKind::Denied),
    ] {
        let source = Source::new();
        let cache = source.cache();
        source.set(mode);
        let error = cache.get(&1).await.unwrap_err();
        assert_eq!(error.kind(), outcome);
        let cause = error.source().map(ToString::to_string);
        assert_eq!(cause, error.load_error().map(ToString::to_string));
        assert!(cause.is_none_or(|cause| !error.to_string().contains(&cause)));
    }
}

#[tokio::test(start_paused = true)]
async fn debug_shows_neither_keys_nor_values() {
    struct Planted;
    impl secret_cache::Load<String> for Planted {
        type Value = String;
        type Error = Failure;
        async fn load(&self, key: &String) -> Result<secret_cache::Loaded<String>, Failure> {
            Ok(secret_cache::Loaded::new(key.clone()))
        }
    }
    let builder = Cache::builder(Planted);
    let builder_text = format!("{builder:?}");
    let cache = builder.build().unwrap();
    let value = cache.get(&"planted-secret".to_owned()).await.unwrap();
    assert_eq!(*value, "planted-secret");
    let handle = cache.handle(&"planted-secret".to_owned());
    for text in [builder_text, format!("{cache:?}"), format!("{value:?}"), format!("{handle:?}")] {
        assert!(!text.contains("planted"), "{text}");
    }
}

#[test]
fn public_types_are_send_and_sync() {
    fn check<T: Send + Sync + 'static>() {}
    fn check_future<F: Future + Send>(_: F) {}
    check::<Cache<Key, Source>>();
    check::<Ref<Key, Value>>();
    check::<Handle<Key, Source>>();
    check::<Error<Failure>>();
    let cache = Source::new().cache();
    check_future(cache.get(&1));
}
