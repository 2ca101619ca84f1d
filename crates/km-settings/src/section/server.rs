//! The server and the connection to it.

use std::path::PathBuf;
use std::time::Duration;

use crate::problem::SettingSource;
use crate::reader::Reader;
use crate::table::server::{
    ADDRESS, CA_CERT, DANGER_PLAINTEXT, DEADLINE, SSL_CERT_FILE, TLS_SERVER_NAME, VAULT_CACERT,
};
use crate::text::has_control;
use crate::values::server::Server;

pub(crate) fn read(reader: &mut Reader<'_>) -> Server {
    let found = reader.find_or_default(&DANGER_PLAINTEXT);
    let danger_plaintext = found.and_then(|found| found.boolean(&mut reader.diagnostics));
    Server {
        // An invalid switch is one problem. The address is not rejected because of it as well.
        address: address(reader, danger_plaintext.unwrap_or(true)),
        ca_cert: ca_cert(reader),
        tls_server_name: tls_server_name(reader),
        danger_plaintext: danger_plaintext.unwrap_or(false),
        deadline: deadline(reader),
    }
}

fn address(reader: &mut Reader<'_>, danger_plaintext: bool) -> String {
    let found = reader.find_or_default(&ADDRESS);
    let text = found.as_ref().and_then(|found| found.text(&mut reader.diagnostics));
    let address = text.unwrap_or_default().trim().trim_matches('/').to_owned();
    // The message does not quote the address, whose user info may contain a password.
    if let Err(reason) = reader.validator.address(&address, danger_plaintext) {
        let hint = "set it to `https://host:port`; KM_DANGER_PLAINTEXT=true allows `http` anywhere";
        let source = SettingSource::Variable(ADDRESS.name.to_owned());
        reader.diagnostics.problem(source, reason, hint);
    }
    address
}

fn ca_cert(reader: &mut Reader<'_>) -> Option<PathBuf> {
    [CA_CERT, VAULT_CACERT, SSL_CERT_FILE].iter().find_map(|setting| {
        let file = reader.file(setting)?;
        reader.record.inherit(&CA_CERT, setting);
        Some(file)
    })
}

fn tls_server_name(reader: &mut Reader<'_>) -> Option<String> {
    let found = reader.find(&TLS_SERVER_NAME)?;
    let name = found.text(&mut reader.diagnostics)?.trim();
    if has_control(name) || name.contains(char::is_whitespace) {
        let message = format!("{} is not a host name", found.quoted(name));
        let hint = "set it to a name such as `vault.example.com`";
        reader.diagnostics.problem(found.source.clone(), message, hint);
    }
    (!name.is_empty()).then(|| name.to_owned())
}

fn deadline(reader: &mut Reader<'_>) -> Duration {
    let deadline = reader.parse_or_default(&DEADLINE, |reader, found| {
        let deadline = found.duration(&mut reader.diagnostics)?;
        if deadline.is_zero() {
            let hint = "set it to a duration such as `5s`";
            reader.diagnostics.problem(found.source, "must be longer than zero", hint);
            return None;
        }
        Some(deadline)
    });
    deadline.unwrap_or_default()
}
