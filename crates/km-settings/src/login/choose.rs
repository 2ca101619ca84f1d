//! The choice of the login method: the one that is named, or the first that is complete.

use secrecy::SecretString;

use super::candidate::Candidate;
use super::method::{Login, Method};
use super::methods;
use super::name::MethodName;
use crate::problem::SettingSource;
use crate::reader::Reader;
use crate::section::location::namespace;
use crate::table::login::{AUTH_METHOD, NAMESPACE};
use crate::values::credential::Credential;

const NONE_COMPLETE: &str = "no login method is complete: AppRole requires \
    HCP_VAULT_APPROLE_ROLE_ID and HCP_VAULT_APPROLE_SECRET_ID, a TLS certificate requires \
    HCP_VAULT_CLIENT_CERT and HCP_VAULT_CLIENT_KEY, a token requires HCP_VAULT_TOKEN";

/// Reads the namespace and the method. It is a problem if no method is complete.
pub(crate) fn read(reader: &mut Reader<'_>) -> Login {
    let namespace = namespace(reader, &NAMESPACE);
    Login { namespace, method: choose(reader) }
}

/// Reads the namespace alone. The method is a placeholder that cannot log in.
pub(crate) fn without_method(reader: &mut Reader<'_>) -> Login {
    Login { namespace: namespace(reader, &NAMESPACE), method: placeholder() }
}

fn choose(reader: &mut Reader<'_>) -> Method {
    let named = reader.find(&AUTH_METHOD);
    let candidates = methods::read_all(reader);
    let chosen = match &named {
        None => by_priority(candidates, reader),
        Some(found) => found
            .choice(&AUTH_METHOD, MethodName::parse, &mut reader.diagnostics)
            .and_then(|name| by_name(candidates, name, &found.source, reader)),
    };
    // If there is none, that has been reported.
    chosen.unwrap_or_else(placeholder)
}

fn placeholder() -> Method {
    Method::Token(Credential::Value(SecretString::default()))
}

fn by_name(
    candidates: [Candidate; 6],
    name: MethodName,
    source: &SettingSource,
    reader: &mut Reader<'_>,
) -> Option<Method> {
    let candidate = candidates.into_iter().find(|candidate| candidate.name == name)?;
    if !candidate.is_complete_when_named() {
        let missing = candidate.missing_when_named();
        let message = format!("`{}` is incomplete: {missing} not set", name.as_str());
        let hint = format!("set {missing}, or name another method");
        reader.diagnostics.problem(source.clone(), message, hint);
    }
    candidate.method
}

fn by_priority(candidates: [Candidate; 6], reader: &mut Reader<'_>) -> Option<Method> {
    let (eligible, others): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|candidate| candidate.name.is_chosen_by_priority());
    if eligible.iter().any(Candidate::is_complete) {
        warn_of_unused(&eligible, &others, reader);
    } else {
        report_incomplete(&eligible, &others, reader);
    }
    let chosen = eligible.into_iter().find(|candidate| {
        // A complete method with an invalid part has been reported.
        candidate.is_complete() && candidate.method.is_some()
    })?;
    reader.record.derived(&AUTH_METHOD, chosen.name.as_str());
    chosen.method
}

/// Warns about settings of methods that are not chosen.
fn warn_of_unused(eligible: &[Candidate], others: &[Candidate], reader: &mut Reader<'_>) {
    for partial in eligible.iter().filter(|candidate| candidate.is_partial()) {
        let (present, missing) = (partial.present(), partial.missing());
        let message = format!("{present} is ignored, because {missing} is not set");
        let hint = "set both or neither";
        reader.diagnostics.warning(SettingSource::Environment, message, hint);
    }
    for other in others.iter().filter(|other| !other.parts.present.is_empty()) {
        let message = format!("{} is ignored, because another method is used", other.present());
        let hint = format!("set KM_AUTH_METHOD={} to use it", other.name.as_str());
        reader.diagnostics.warning(SettingSource::Environment, message, hint);
    }
}

fn report_incomplete(eligible: &[Candidate], others: &[Candidate], reader: &mut Reader<'_>) {
    let mut message = vec![NONE_COMPLETE.to_owned()];
    let mut hint = "set the variables of one method".to_owned();
    if let Some(other) = others.iter().find(|other| !other.parts.present.is_empty()) {
        hint = format!("set KM_AUTH_METHOD={} to use that method", other.name.as_str());
    }
    for partial in eligible.iter().filter(|candidate| candidate.is_partial()) {
        let (present, missing) = (partial.present(), partial.missing());
        message.push(format!("{present} is set, but {missing} is not"));
        hint = format!("set {missing} too");
    }
    reader.diagnostics.problem(SettingSource::Environment, message.join("; "), hint);
}
