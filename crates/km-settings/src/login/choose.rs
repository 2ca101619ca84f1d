//! Which method logs in: the one that is named, or the first that is complete.

use secrecy::SecretString;

use super::Method;
use super::candidate::{Candidate, Name};
use super::methods;
use crate::problem::SettingSource;
use crate::reader::Reader;
use crate::values::credential::Credential;

const NOTHING_COMPLETE: &str = "no login method is complete: AppRole needs \
    HCP_VAULT_APPROLE_ROLE_ID and HCP_VAULT_APPROLE_SECRET_ID, a TLS certificate \
    HCP_VAULT_CLIENT_CERT and HCP_VAULT_CLIENT_KEY, a token HCP_VAULT_TOKEN";

/// The method. Where there is none, that is a problem, and what comes back is not used.
pub(super) fn choose(reader: &mut Reader<'_>) -> Method {
    let named = reader.own("KM_AUTH_METHOD");
    let candidates = methods::all(reader);
    let chosen = match &named {
        None => by_priority(candidates, reader),
        Some(found) => match found.word(&Name::WORDS, &mut reader.notes) {
            Some(name) => by_name(candidates, name, &found.source, reader),
            None => None,
        },
    };
    chosen.unwrap_or_else(none)
}

/// A method that cannot log in, where none is needed or none is complete.
pub(super) fn none() -> Method {
    Method::Token(Credential::Value(SecretString::default()))
}

fn by_name(
    candidates: [Candidate; 6],
    name: Name,
    source: &SettingSource,
    reader: &mut Reader<'_>,
) -> Option<Method> {
    let candidate = candidates.into_iter().find(|candidate| candidate.name == name)?;
    if !candidate.suffices_when_named() {
        let missing = candidate.missing_when_named();
        let what = format!("`{}` is not complete: {missing} missing", name.word());
        let hint = "set what is missing, or name another method";
        reader.notes.problem(source.clone(), what, hint);
    }
    candidate.method
}

fn by_priority(candidates: [Candidate; 6], reader: &mut Reader<'_>) -> Option<Method> {
    let (three, others): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|candidate| candidate.name.by_priority());
    if three.iter().any(Candidate::is_whole) {
        warn_of_unused(&three, &others, reader);
    } else {
        nothing_complete(&three, &others, reader);
    }
    three.into_iter().filter(Candidate::is_whole).find_map(|candidate| candidate.method)
}

/// What was set and changes nothing.
fn warn_of_unused(three: &[Candidate], others: &[Candidate], reader: &mut Reader<'_>) {
    for half in three.iter().filter(|candidate| candidate.is_half()) {
        let (present, missing) = (half.present(), half.missing());
        let what = format!("{present} is set without {missing}, and is ignored");
        reader.notes.warning(SettingSource::Environment, what, "set both or none");
    }
    for other in others.iter().filter(|other| !other.parts.present.is_empty()) {
        let what = format!("{} is set, but the login is another one", other.present());
        let hint = format!("set KM_AUTH_METHOD={} to log in with it", other.name.word());
        reader.notes.warning(SettingSource::Environment, what, hint);
    }
}

fn nothing_complete(three: &[Candidate], others: &[Candidate], reader: &mut Reader<'_>) {
    let mut what = vec![NOTHING_COMPLETE.to_owned()];
    let mut hint = "set the variables of one method".to_owned();
    if let Some(other) = others.iter().find(|other| !other.parts.present.is_empty()) {
        hint = format!("set KM_AUTH_METHOD={} to log in with that method", other.name.word());
    }
    for half in three.iter().filter(|candidate| candidate.is_half()) {
        what.push(format!("{} is set, {} is missing", half.present(), half.missing()));
        hint = format!("set {} too", half.missing());
    }
    reader.notes.problem(SettingSource::Environment, what.join("; "), hint);
}
