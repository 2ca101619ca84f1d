//! Keys in their borrowed forms.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;

use secret_cache::{Cache, FnCache, LoadErrorKind, LoadFailure, Loaded, Origin, Version, load_fn};

use crate::source::settle;

fn lengths() -> FnCache<String, usize, Infallible> {
    let loader = load_fn(|key: String| ready(Ok(Loaded::versioned(key.len(), Version::new(1)))));
    Cache::builder(loader).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn string_key_is_found_by_a_str_in_all_methods() {
    let cache = lengths();
    assert_eq!(cache.get("one").await.unwrap().origin(), Origin::Loaded);
    assert_eq!(cache.get(&"one".to_owned()).await.unwrap().origin(), Origin::Memory);
    assert_eq!(*cache.load("one").await.unwrap(), 3);
    assert_eq!(*cache.handle("one").peek().unwrap(), 3);
    assert!(cache.peek("one").is_some() && cache.try_get("one").is_some());
    assert!(cache.get_if_fresh("two", |_| true).is_none());
    assert!(cache.replace("one", Loaded::versioned(7, Version::new(2))));
    assert_eq!(cache.refresh_if_version("one", 1).await.after, Some(Version::new(2)));
    assert_eq!(cache.refresh("four").await.after, Some(Version::new(1)));
    cache.invalidate("one");
    assert_eq!((cache.keys(), cache.len()), (vec!["four".to_owned()], 1));
}

#[tokio::test(start_paused = true)]
async fn key_without_a_borrowed_form_to_convert_is_passed_as_it_is() {
    let loader = load_fn(|key: Arc<str>| ready(Ok::<_, Infallible>(Loaded::new(key.len()))));
    let cache = Cache::builder(loader).build().unwrap();
    let key: Arc<str> = "one".into();
    assert_eq!(*cache.get(&key).await.unwrap(), 3);
    assert!(cache.peek("one").is_some());
    cache.invalidate("one");
    assert!(cache.peek("one").is_none());
}

#[tokio::test(start_paused = true)]
async fn watched_key_that_is_invalidated_by_a_str_is_loaded_again() {
    let cache = lengths();
    let mut handle = cache.handle("one");
    handle.changed().await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { drop(handle.changed().await) });
    settle().await;
    cache.invalidate("one");
    settle().await;
    assert_eq!(cache.peek("one").as_deref(), Some(&3));
}

#[tokio::test(start_paused = true)]
async fn clones_share_the_entries() {
    let cache = lengths();
    let clone = cache.clone();
    drop(cache.get("one").await);
    drop(cache);
    assert_eq!(clone.get("one").await.unwrap().origin(), Origin::Memory);
}

#[tokio::test(start_paused = true)]
async fn failure_of_a_closure_has_its_kind_and_the_original_error_as_its_source() {
    let loader = load_fn(|key: String| async move {
        let number: u8 = match key.parse() {
            Err(error) if key.is_empty() => return Err(LoadFailure::not_found(error)),
            number => number?,
        };
        Ok(Loaded::new(number))
    });
    let cache = Cache::builder(loader).build().unwrap();
    for (key, kind, text) in [
        ("", LoadErrorKind::NotFound, "not found"),
        ("x", LoadErrorKind::Unavailable, "source unavailable"),
    ] {
        let error = cache.get(key).await.unwrap_err();
        assert_eq!(error.kind(), kind);
        let failure = error.load_error().unwrap();
        assert_eq!(
            (failure.to_string(), Err(failure.error().clone())),
            (text.to_owned(), key.parse::<u8>())
        );
        let source = std::error::Error::source(failure).unwrap();
        assert!(source.is::<std::num::ParseIntError>());
    }
}

#[test]
fn loaded_value_shows_its_parts_but_debug_hides_the_value() {
    let lifetime = std::time::Duration::from_secs(60);
    let loaded = Loaded::versioned("planted", Version::new(3)).expires_in(lifetime);
    assert!(!format!("{loaded:?}").contains("planted"));
    let length = loaded.map(str::len);
    assert_eq!((length.version(), length.lifetime()), (Version::new(3), Some(lifetime)));
    assert_eq!((*length.value(), length.into_value()), (7, 7));
}
