//! The JWT method, with tokens that the server verifies against a public key.

use anyhow::Result;
use rcgen::{KeyPair, PKCS_ED25519, SigningKey as _};
use serde_json::{Value, json};
use testkit::{Server, unique};
use vault_auth::{Credential, Jwt};
use vault_http::{ApiPath, ErrorKind};

use super::{logs_in, refused};
use crate::product::{Files, auth, value};

/// Encodes in base64url without padding ([RFC 4648](https://www.rfc-editor.org/rfc/rfc4648),
/// section 5).
fn base64url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0; 4];
        group[1..=chunk.len()].copy_from_slice(chunk);
        let group = u32::from_be_bytes(group);
        for place in 0..=chunk.len() {
            let index = (group >> (18 - 6 * place)) & 63;
            text.push(ALPHABET[index as usize].into());
        }
    }
    text
}

/// Returns a signed token with these claims.
pub(super) fn jwt(key: &KeyPair, claims: &Value) -> Result<String> {
    let header = json!({ "alg": "EdDSA", "typ": "JWT" });
    let part = |json: &Value| base64url(json.to_string().as_bytes());
    let signed = format!("{}.{}", part(&header), part(claims));
    let signature = key.sign(signed.as_bytes())?;
    Ok(format!("{signed}.{}", base64url(&signature)))
}

/// Returns valid claims, for a test to change.
pub(super) fn claims(audience: &str, expires: u64) -> Value {
    json!({ "sub": "gateway", "aud": audience, "iat": 1_600_000_000_u64, "exp": expires })
}

#[tokio::test]
async fn valid_jwt_logs_in_and_any_other_is_refused() -> Result<()> {
    let server = Server::shared().await?;
    let fixture = server.fixture().await?;
    let mount = format!("jwt-{}", unique());
    server.must("POST", &format!("sys/auth/{mount}"), json!({ "type": "jwt" })).await?;
    let (key, other) =
        (KeyPair::generate_for(&PKCS_ED25519)?, KeyPair::generate_for(&PKCS_ED25519)?);
    let config = json!({
        "jwt_validation_pubkeys": [key.public_key_pem()],
        "jwt_supported_algs": ["EdDSA"],
    });
    server.must("POST", &format!("auth/{mount}/config"), config.clone()).await?;
    let role = json!({
        "role_type": "jwt",
        "user_claim": "sub",
        "bound_audiences": ["vault"],
        "token_policies": [fixture.policy],
    });
    server.must("POST", &format!("auth/{mount}/role/gateway"), role).await?;

    // The year 2100, and 2020.
    let (later, past) = (4_102_444_800, 1_600_000_100);
    let good = jwt(&key, &claims("vault", later))?;
    let login = |role: &str, token: Credential| -> Result<_> {
        auth(&fixture, Jwt::new(role, token).mount(ApiPath::parse(&mount)?))
    };
    let files = Files::new()?;
    let file = Credential::File(files.write("jwt", &format!("{good}\n"))?);
    for token in [value(&good), file] {
        logs_in(&fixture, &login("gateway", token)?).await?;
    }
    // C5: the mount has a default role.
    let mut config = config;
    config["default_role"] = json!("gateway");
    server.must("POST", &format!("auth/{mount}/config"), config).await?;
    let jwt_alone = Jwt::with_default_role(value(&good)).mount(ApiPath::parse(&mount)?);
    logs_in(&fixture, &auth(&fixture, jwt_alone)?).await?;
    for (role, token) in [
        ("gateway", jwt(&other, &claims("vault", later))?),
        ("gateway", jwt(&key, &claims("somebody-else", later))?),
        ("gateway", jwt(&key, &claims("vault", past))?),
        ("no-such-role", good),
    ] {
        refused(&fixture, &login(role, value(&token))?, ErrorKind::LoginRefused).await;
    }
    server.must("DELETE", &format!("sys/auth/{mount}"), None).await.map(drop)
}
