//! `vault-http` alone: requests to any engine, with a fixed token.

mod content;
mod environment;
mod pki;
mod rejected;
mod transit;
mod wrapping;

use anyhow::Result;
use serde_json::{Value, json};
use testkit::leaks::{self, Watch};
use testkit::{Server, unique};
use vault_http::{ApiPath, Error, FixedToken, Method, Request, Response, Session, Token};

use crate::product::client;

/// An engine at a mount, and a session with the root token.
struct Engine {
    session: Session,
    mount: String,
    watch: Watch,
}

impl Engine {
    /// Mounts an engine, by the client under test.
    async fn mount(kind: &str) -> Result<Self> {
        let server = Server::shared().await?;
        let token = Token::new(&server.root_token().into())?;
        let session = Session::new(client(server.address())?, FixedToken::new(token));
        let mount = format!("{kind}-{}", unique());
        let engine = Self { session, mount, watch: leaks::watch() };
        let mounted = Request::post(engine.at_mounts()?, &json!({ "type": kind }))?;
        engine.send(mounted).await?.expect_status(&[204])?;
        Ok(engine)
    }

    /// Removes the engine, which a server that continues to run would keep.
    async fn unmount(self) -> Result<()> {
        self.send(Request::delete(self.at_mounts()?)).await?.expect_status(&[204])?;
        Ok(())
    }

    async fn send(&self, request: Request) -> Result<Response, Error> {
        // Some requests generate keys.
        let request = request.first_byte_limit(None);
        let outcome = self.session.send(&request, self.session.deadline()).await;
        if let Err(error) = &outcome {
            self.watch.error(error);
        }
        outcome
    }

    fn at(&self, path: &str) -> Result<ApiPath> {
        Ok(format!("{}/{path}", self.mount).parse()?)
    }

    fn at_mounts(&self) -> Result<ApiPath> {
        Ok(format!("sys/mounts/{}", self.mount).parse()?)
    }

    /// Sends a `PUT` to a path of the engine and returns the response.
    async fn put(&self, path: &str, body: &Value) -> Result<Response> {
        Ok(self.send(Request::put(self.at(path)?, body)?).await?)
    }

    /// Lists a path of the engine with the method `LIST`.
    async fn list(&self, path: &str) -> Result<Value> {
        let list = Method::from_bytes(b"LIST")?;
        Ok(self.send(Request::new(list, self.at(path)?)).await?.data()?)
    }
}
