//! One-time setup by an operator: a policy, a role, a key. Each command is printed and then run
//! with the server's command line.

use anyhow::Result;
use testkit::{Flavor, Server, unique};

use crate::show::{command, heading, text};

pub(crate) const NAME: &str = "OPENAI_API_KEY";

/// A gateway only needs to read. The demo also deletes, so that it can show a miss.
const POLICY: &str = r#"path "secret/data/*" { capabilities = ["read", "delete"] }"#;

/// What the operator passes to the gateway.
pub(crate) struct Gateway {
    pub(crate) role_id: String,
    pub(crate) secret_id: String,
    /// The provider key.
    pub(crate) value: String,
    /// `NAME=value` lines, as in an `.env` file.
    pub(crate) env_block: String,
}

pub(crate) async fn set_up(server: &Server) -> Result<Gateway> {
    heading(&format!("Set up {} as an operator", server.flavor()));
    let vault = async |why: &str, arguments: &[&str], input: &str| {
        text(why);
        command(&format!("{} {}", server.flavor().program(), arguments.join(" ")));
        text(&if input.starts_with("path") { format!("< {input}") } else { String::new() });
        server.cli_with_input(arguments, input).await.map(|stdout| stdout.trim().to_owned())
    };
    let value = format!("sk-demo-{}", unique());
    let field = ["kv", "put", "-mount=secret", NAME, "key=-"];
    vault("store the provider key, read from stdin so that it is not an argument:", &field, &value)
        .await?;
    vault("write a policy for the gateway:", &["policy", "write", "gateway", "-"], POLICY).await?;
    vault("enable logins by AppRole:", &["auth", "enable", "approle"], "").await?;
    let role = ["write", "auth/approle/role/gateway", "token_policies=gateway", "token_ttl=10m"];
    vault("create a role with that policy and a token TTL of 10 minutes:", &role, "").await?;
    let role_id = ["read", "-field=role_id", "auth/approle/role/gateway/role-id"];
    let role_id = vault("read the role ID:", &role_id, "").await?;
    let secret_id = ["write", "-f", "-field=secret_id", "auth/approle/role/gateway/secret-id"];
    let secret_id = vault("generate a secret ID:", &secret_id, "").await?;

    heading("Environment of the gateway (.env)");
    let env_block = format!(
        "HCP_VAULT_ADDR={}\nHCP_VAULT_MOUNT_NAME=secret\n\
         HCP_VAULT_APPROLE_ROLE_ID={role_id}\nHCP_VAULT_APPROLE_SECRET_ID={secret_id}",
        server.address()
    );
    text(&env_block);
    Ok(Gateway { role_id, secret_id, value, env_block })
}

pub(crate) fn next_steps(flavor: Flavor) {
    let (program, word) = (flavor.program(), flavor.word());
    heading("Next steps");
    text(&format!(
        "1. Start {flavor}: `{program} server -dev`. If the demo obtained it, it is
   target/{word}-server/*/{program}.
2. In another terminal, export VAULT_ADDR and VAULT_TOKEN as it prints, and run the operator's
   commands above.
3. Put the four HCP_VAULT_… lines, with your address and ids, into .env; then
   $ set -a; . ./.env; set +a
   $ target/debug/km check
   $ target/debug/km read OPENAI_API_KEY
   `km --help` lists all commands and settings."
    ));
}
