//! The login methods, one file each.

mod approle;
mod certificate;
mod jwt;
mod token;
mod userpass;
mod wrapping;

pub use approle::AppRole;
pub use certificate::Certificate;
pub use jwt::Jwt;
pub use token::StaticToken;
pub use userpass::Userpass;

use vault_http::ApiPath;

const AUTH: ApiPath = ApiPath::from_static("auth");
const LOGIN: ApiPath = ApiPath::from_static("login");

/// `auth/{mount}/login`.
fn login_path(mount: &ApiPath) -> ApiPath {
    AUTH.join(mount).join(&LOGIN)
}
