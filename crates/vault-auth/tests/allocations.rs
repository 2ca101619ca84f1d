//! Taking the current token allocates nothing.

use std::hint::black_box;

use allocation_counter::measure;
use vault_auth::{Auth, Credential, StaticToken};
use vault_http::{Address, Client, Plaintext};

#[tokio::test]
async fn taking_the_current_token_allocates_nothing() {
    let address = Address::parse("http://127.0.0.1:1", Plaintext::LoopbackOnly).unwrap();
    let client = Client::builder(address).build().unwrap();
    let auth = Auth::new(client, StaticToken::new(Credential::Value("token".into())));
    auth.ready().await.unwrap();
    let mut handle = auth.handle();
    // What a thread allocates once for itself.
    auth.with_current(|_| ()).unwrap();
    let taken = measure(|| {
        for _ in 0..1_000 {
            auth.with_current(|lease| black_box(lease).generation).unwrap();
            black_box(handle.current().unwrap());
        }
    });
    assert_eq!(taken.count_total, 0);
    // It does count.
    assert_eq!(measure(|| drop(black_box(Box::new(1)))).count_total, 1);
}
