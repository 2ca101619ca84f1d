//! Reading the current token does not allocate.

use std::hint::black_box;

use allocation_counter::measure;
use vault_auth::{Auth, Credential, StaticToken};
use vault_http::{Address, Client, Plaintext};

#[tokio::test]
async fn reading_the_current_token_does_not_allocate() {
    let address = Address::parse("http://127.0.0.1:1", Plaintext::LoopbackOnly).unwrap();
    let client = Client::builder(address).build().unwrap();
    let auth = Auth::new(client, StaticToken::new(Credential::Value("token".into())));
    auth.ready().await.unwrap();
    let mut handle = auth.handle();
    // The thread-local state is allocated once.
    auth.with_current(|_| ()).unwrap();
    let allocations = measure(|| {
        for _ in 0..1_000 {
            auth.with_current(|issued| black_box(issued).generation).unwrap();
            black_box(handle.current().unwrap());
        }
    });
    assert_eq!(allocations.count_total, 0);
    // The counter works.
    assert_eq!(measure(|| drop(black_box(Box::new(1)))).count_total, 1);
}
