//! The variables of a command, and the secrets that they are bound to.

use km_proxy_adapter::{ErrorKind, KeyManager, is_resolved_by_gateway, parse_reference};
use tracing::warn;

use super::environment::is_credential;
use crate::cli::ResolveArgs;
use crate::commands::list::warn_unchecked;
use crate::commands::values::Binding;
use crate::dotenv::is_variable;
use crate::error::Failure;

/// What to do with variables that hold credentials for Vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Credentials {
    /// Bind them like others.
    Keep,
    /// Skip them with a warning.
    Skip,
}

/// Returns the bindings of the names that the configuration references, or of those that the
/// options select instead, in their order and without duplicates.
///
/// Nothing is sent, except for the listings of `--all-under` after everything else was verified.
///
/// # Errors
///
/// `Usage` with every variable that is invalid or bound to several secrets; the errors of
/// [`KeyManager::locate`] and of a listing.
pub(crate) async fn to_bindings(
    keys: &KeyManager,
    args: &ResolveArgs,
    credentials: Credentials,
) -> Result<Vec<Binding>, Failure> {
    let mut bindings = Vec::new();
    for reference in selected_names(keys, args) {
        let name = parse_reference(reference)?;
        bindings.push(Binding::of_name(name, args.allow_missing));
    }
    for env in &args.env {
        let (variable, field) = (&env.variable, env.field.as_deref());
        let name = parse_reference(&env.name)?;
        bindings.push(Binding::new(variable, name, field, args.allow_missing));
    }
    let mut bindings = verified(bindings, credentials)?;
    for binding in &bindings {
        keys.locate(&binding.name)?;
    }
    if !args.all_under.is_empty() {
        for folder in &args.all_under {
            bindings.extend(listed(keys, folder).await?);
        }
        bindings = verified(bindings, credentials)?;
    }
    Ok(bindings)
}

/// Returns the names whose variables are called like them.
fn selected_names<'a>(
    keys: &'a KeyManager,
    args: &'a ResolveArgs,
) -> impl Iterator<Item = &'a str> {
    let is_replaced = !(args.only.is_empty() && args.env.is_empty() && args.all_under.is_empty());
    let references: &[String] =
        if is_replaced && args.also.is_empty() { &[] } else { &keys.settings().references };
    let references = references.iter().filter(|name| !is_resolved_by_gateway(name));
    references.chain(&args.only).chain(&args.also).map(String::as_str)
}

/// Returns the bindings of the secrets in a folder, each to the variable of its last segment.
async fn listed(keys: &KeyManager, folder: &str) -> Result<Vec<Binding>, Failure> {
    let listing = keys.list_provider_keys(Some(folder)).await?;
    warn_unchecked(&listing);
    let (mut bindings, mut refused) = (Vec::new(), Vec::new());
    for name in listing.live() {
        let variable = name.rsplit_once('/').map_or(name.as_str(), |(_, last)| last);
        if is_variable(variable) {
            bindings.push(Binding::of_listed(variable, name));
        } else {
            let what = format!("set {variable}: not the name of a variable ({name})");
            let hint = "store it under another name, or name the others with --env VAR=NAME";
            refused.push(Failure::new(ErrorKind::Usage, what, hint));
        }
    }
    if bindings.is_empty() && refused.is_empty() {
        warn!(folder, "no live secret under this prefix");
    }
    none_refused(refused).map(|()| bindings)
}

/// Returns the bindings without credentials and repetitions.
///
/// # Errors
///
/// Every variable that is invalid or bound to two secrets.
fn verified(bindings: Vec<Binding>, credentials: Credentials) -> Result<Vec<Binding>, Failure> {
    let (mut verified, mut refused) = (Vec::<Binding>::new(), Vec::new());
    for binding in bindings {
        let (name, same) = (&binding.target, |other: &&Binding| other.target == binding.target);
        if credentials == Credentials::Skip && is_credential(name.as_ref()) {
            warn!(name, "skipped: credentials are not passed to a program");
        } else if name.contains('=') {
            let what = format!("set {name}: a variable's name cannot contain `=`");
            let hint = "set another variable with --env VAR=NAME";
            refused.push(Failure::new(ErrorKind::Usage, what, hint));
        } else if let Some(other) = verified.iter().find(same) {
            if !other.has_value_of(&binding) {
                refused.push(bound_twice(other, &binding));
            }
        } else {
            verified.push(binding);
        }
    }
    none_refused(refused).map(|()| verified)
}

fn bound_twice(first: &Binding, second: &Binding) -> Failure {
    let (first_secret, second_secret) = (first.secret(), second.secret());
    let what = format!("set {}: from both {first_secret} and {second_secret}", first.target);
    let hint = "set another variable with --env VAR=NAME, or remove one of them";
    Failure::new(ErrorKind::Usage, what, hint)
}

fn none_refused(refused: Vec<Failure>) -> Result<(), Failure> {
    refused.into_iter().reduce(Failure::and).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bindings(variables: &[(&str, &str)]) -> Vec<Binding> {
        let binding = |(variable, secret): &(&str, &str)| match secret.split_once('#') {
            Some((name, field)) => Binding::new(variable, name, Some(field), false),
            None => Binding::new(variable, secret, None, false),
        };
        variables.iter().map(binding).collect()
    }

    #[test]
    fn repeated_variable_of_the_same_secret_is_bound_once() {
        let check = |input: &[(&str, &str)], expected: &[(&str, &str)]| {
            let actual = verified(bindings(input), Credentials::Skip).unwrap();
            assert_eq!(actual, bindings(expected), "{input:?}");
        };
        check(&[], &[]);
        check(&[("A", "A"), ("B", "A"), ("A", "A")], &[("A", "A"), ("B", "A")]);
        check(&[("A", "B#user"), ("C", "B"), ("A", "B#user")], &[("A", "B#user"), ("C", "B")]);
        check(&[("VAULT_TOKEN", "A"), ("VAULT_TOKEN", "B"), ("C", "D")], &[("C", "D")]);
    }

    #[test]
    fn every_invalid_or_ambiguous_variable_is_reported() {
        let check = |input: &[(&str, &str)], expected: &[&str]| {
            let failure = verified(bindings(input), Credentials::Keep).unwrap_err();
            let messages: Vec<_> = failure.problems().map(|(message, _)| message).collect();
            assert_eq!(messages, expected, "{input:?}");
            assert_eq!(failure.kind(), ErrorKind::Usage);
        };
        check(
            &[("A", "B"), ("A=B", "A=B"), ("A", "B#user"), ("A", "C")],
            &[
                "set A=B: a variable's name cannot contain `=`",
                "set A: from both B and B#user",
                "set A: from both B and C",
            ],
        );
        check(
            &[("VAULT_TOKEN", "A"), ("VAULT_TOKEN", "B")],
            &["set VAULT_TOKEN: from both A and B"],
        );
    }
}
