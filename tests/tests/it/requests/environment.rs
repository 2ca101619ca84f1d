//! A client with the variables of the programs `vault` and `bao`.

use std::collections::BTreeMap;
use std::ffi::OsString;

use anyhow::Result;
use testkit::{Flavor, Server, leaks};
use vault_http::{ApiPath, Client, ErrorKind, FixedToken, Request, Session, env};

use crate::product::{Files, variables};

#[tokio::test]
async fn variables_of_the_programs_configure_the_client_and_its_token() -> Result<()> {
    let server = Server::tls().await?;
    let (watch, files) = (leaks::watch(), Files::new()?);
    let ca = files.write("ca.pem", &server.certs()?.ca())?;
    let directory = ca.parent().map(|directory| directory.display().to_string());
    let mut set = variables(&[
        ("VAULT_ADDR", "https://127.0.0.1:1"),
        ("BAO_ADDR", server.address()),
        ("VAULT_CAPATH", &directory.unwrap_or_default()),
        ("VAULT_CLIENT_TIMEOUT", "30s"),
        ("VAULT_TOKEN", server.root_token()),
    ]);
    let session = |set: &BTreeMap<String, String>| -> Result<Session> {
        let lookup = |name: &str| set.get(name).map(OsString::from);
        let token = FixedToken::new(env::token(lookup)?);
        Ok(Session::new(Client::from_variables(lookup)?, token))
    };
    let request = Request::get(ApiPath::from_static("sys/mounts"));
    let configured = session(&set)?;
    configured.send(&request, configured.deadline()).await?;

    set.insert("VAULT_NAMESPACE".to_owned(), "missing".to_owned());
    let namespaced = session(&set)?;
    let outcome = namespaced.send(&request, namespaced.deadline()).await;
    match server.flavor() {
        // The community edition ignores the header.
        Flavor::Vault => drop(outcome?),
        Flavor::OpenBao => {
            let error = outcome.expect_err("a namespace that does not exist");
            watch.error(&error);
            assert_eq!(error.kind(), ErrorKind::NoNamespace, "{error}");
        }
    }
    assert!(namespaced.client().check_health(namespaced.deadline()).await.version.is_some());

    set.remove("VAULT_CAPATH");
    let untrusting = session(&set)?;
    let error = untrusting.send(&request, untrusting.deadline()).await;
    assert_eq!(error.expect_err("an unknown authority").kind(), ErrorKind::Tls);
    Ok(())
}
