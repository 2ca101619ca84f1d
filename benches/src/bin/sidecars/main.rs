//! Measures `km serve` beside other tools that read secrets from Vault.
//!
//! `sidecars [--quick] [PAGE README]`: starts a Vault with secrets, and in several rounds one tool after
//! the other in front of it. Prints a table. With the paths of the page and of the README, their marked
//! parts are written. A wrong value or a failed read ends the run.
#![expect(clippy::print_stdout, reason = "the table is the output")]

mod command;
mod contender;
mod figures;
mod litellm;
mod load;
mod page;
mod process;
mod row;
mod served;
mod setup;
mod tools;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use benches::marked;

use figures::Plan;
use row::Row;
use setup::Setup;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    if let Some((program, arguments)) = command::wanted(&words) {
        return command::run_once(program, arguments);
    }
    let (plan, files) = match words.split_first() {
        Some((first, files)) if first == "--quick" => (Plan::QUICK, files),
        _ => (Plan::FULL, words.as_slice()),
    };
    ensure!(matches!(files.len(), 0 | 2), "usage: sidecars [--quick] [PAGE README]");
    let rows = measured(&plan).await?;
    println!("{}", page::table(&rows));
    if let [page, readme] = files {
        write(Path::new(page), &page::part(&rows, &plan))?;
        write(Path::new(readme), &page::summary(&rows))?;
    }
    Ok(())
}

/// Measures all tools in each round, one after the other.
async fn measured(plan: &Plan) -> Result<Vec<Row>> {
    let setup = Setup::new().await?;
    let contenders = tools::all(&setup)?;
    let mut rows: Vec<Row> = contenders.iter().map(|one| Row::new(one.label())).collect();
    for round in 1..=plan.rounds {
        for (contender, row) in contenders.iter().zip(&mut rows) {
            println!("round {round} of {}: {}", plan.rounds, contender.label());
            let figures = contender.measured(plan).await;
            row.rounds.push(figures.with_context(|| contender.label().to_owned())?);
        }
    }
    Ok(rows)
}

fn write(page: &Path, part: &str) -> Result<()> {
    let shown = page.display();
    let text = fs::read_to_string(page).with_context(|| format!("reading {shown}"))?;
    let text = marked::replaced(&text, part).with_context(|| shown.to_string())?;
    fs::write(page, text).with_context(|| format!("writing {shown}"))?;
    println!("wrote {shown}");
    Ok(())
}
