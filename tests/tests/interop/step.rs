//! Operations on a key by either program, and the check that their effect is the same.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::world::{Gateway, Stored};

/// Values that may not be in any output. Runs of `km` fail on the mark that they contain.
pub(crate) const ONE: &str = "PLANTED-one";
pub(crate) const TWO: &str = "PLANTED-two";
pub(crate) const THREE: &str = "PLANTED-three";

/// A key of a gateway.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key<'a> {
    Alias(&'a str),
    /// A key without an alias.
    Token(&'a str),
}

/// One operation on a key.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Step<'a> {
    Store(Key<'a>, &'a str),
    /// The new value, and the new alias if there is one.
    Rotate(Key<'a>, &'a str, Option<&'a str>),
    Rename(Key<'a>, &'a str),
    Delete(Key<'a>),
}

/// The program that runs an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    LiteLlm,
    Km,
}

use Who::{Km, LiteLlm};

/// The program of the odd steps and the program of the even ones. The first row is the reference.
const CASTS: [[Who; 2]; 4] = [[LiteLlm, LiteLlm], [Km, Km], [LiteLlm, Km], [Km, LiteLlm]];

/// Runs the steps by each program alone and by both in turn. After each step the server has the
/// same data, and the other program reads the key. Returns the data after each step.
pub(crate) async fn same(gateway: &Gateway<'_>, steps: &[Step<'_>]) -> Result<Vec<Stored>> {
    let mut measure: Option<Vec<Stored>> = None;
    for cast in CASTS {
        gateway.world().wipe().await?;
        let mut after = Vec::new();
        let mut value = None;
        for (step, who) in steps.iter().zip(cast.iter().cycle()) {
            step.done_by(*who, gateway).await?;
            after.push(gateway.world().stored().await?);
            let key;
            (key, value) = step.result(value);
            let read = key.read_by(who.other(), gateway).await?;
            let what = format!("{cast:?}: after {step:?} {:?} reads", who.other());
            ensure!(read.as_deref() == value, "{what} {read:?}: {:?}", after.last());
        }
        let measure = measure.get_or_insert_with(|| after.clone());
        ensure!(after == *measure, "{cast:?} {steps:?}: {after:#?} instead of {measure:#?}");
    }
    measure.context("no cast")
}

impl Who {
    fn other(self) -> Self {
        match self {
            LiteLlm => Km,
            Km => LiteLlm,
        }
    }
}

impl<'a> Key<'a> {
    /// The name below the prefix.
    fn alias(self) -> String {
        match self {
            Self::Alias(alias) => alias.to_owned(),
            Self::Token(id) => format!("virtual-key-{id}"),
        }
    }

    fn arguments(self) -> Vec<&'a str> {
        match self {
            Self::Alias(alias) => vec!["--", alias],
            Self::Token(id) => vec!["--token-id", id],
        }
    }

    fn request(self, more: Value) -> Value {
        let mut request = more;
        match self {
            Self::Alias(alias) => request["alias"] = alias.into(),
            Self::Token(id) => request["token_id"] = id.into(),
        }
        request
    }

    /// The value, or `None` if the key does not exist.
    async fn read_by(self, who: Who, gateway: &Gateway<'_>) -> Result<Option<String>> {
        if who == LiteLlm {
            let read = gateway.litellm("read", json!({ "alias": self.alias() })).await?;
            return Ok(read.as_str().map(str::to_owned));
        }
        let read = gateway.km().args(["key", "read"]).args(self.arguments()).run().await?;
        if read.code == 6 {
            return Ok(None);
        }
        Ok(Some(read.expect(0)?.text()?.to_owned()))
    }
}

impl<'a> Step<'a> {
    /// The key after the step, and its value.
    fn result(&self, before: Option<&'a str>) -> (Key<'a>, Option<&'a str>) {
        match *self {
            Self::Store(key, value) | Self::Rotate(key, value, None) => (key, Some(value)),
            Self::Rotate(_, value, Some(to)) => (Key::Alias(to), Some(value)),
            Self::Rename(_, to) => (Key::Alias(to), before),
            Self::Delete(key) => (key, None),
        }
    }

    /// Runs the operation. Fails if the program fails, which LiteLLM's hooks never do.
    pub(crate) async fn done_by(&self, who: Who, gateway: &Gateway<'_>) -> Result<()> {
        match who {
            LiteLlm => self.by_litellm(gateway).await,
            Km => {
                let ended = self.km(gateway).run().await?.expect(0);
                ended.map(drop).with_context(|| format!("{self:?}"))
            }
        }
    }

    async fn by_litellm(&self, gateway: &Gateway<'_>) -> Result<()> {
        let (operation, request) = match *self {
            Self::Store(key, value) => ("store", key.request(json!({ "value": value }))),
            Self::Rotate(key, value, to) => {
                ("rotate", key.request(json!({ "value": value, "to": to })))
            }
            Self::Rename(key, to) => ("rename", key.request(json!({ "to": to }))),
            Self::Delete(key) => ("delete", key.request(json!({}))),
        };
        gateway.litellm(operation, request).await.map(drop)
    }

    /// The program with the arguments of the operation.
    pub(crate) fn km(&self, gateway: &Gateway<'_>) -> testkit::Km {
        let km = gateway.km();
        // stdin is the whole value.
        let all = ["--raw", "--allow-empty"];
        match *self {
            Self::Store(key, value) => {
                km.args(["key", "store"]).args(all).args(key.arguments()).stdin(value)
            }
            Self::Rotate(key, value, to) => {
                let to: Vec<_> = to.into_iter().flat_map(|to| ["--to", to]).collect();
                km.args(["key", "rotate"]).args(all).args(to).args(key.arguments()).stdin(value)
            }
            Self::Rename(key, to) => {
                km.args(["key", "rename", "--"]).args([key.alias(), to.to_owned()])
            }
            Self::Delete(key) => km.args(["key", "delete"]).args(key.arguments()),
        }
    }
}
