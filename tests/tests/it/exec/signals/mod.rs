//! Signal forwarding: a table of every signal, way of delivery and mode.

mod session;

use anyhow::{Context as _, Result};
use testkit::{Km, Running};
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::ChildStdout;

use self::session::{Delivery, Screen, Session};
use super::exit::exec_script;
use super::shell;
use crate::cli::common::{error_document, km_against};
use crate::cli::listener::{Reply, Scripted};
use crate::product::until;

/// The two modes. Without `--watch`, `km` replaces itself with the program unless it is PID 1.
const MODES: [&[&str]; 2] = [&["exec"], &["exec", "--watch"]];

const HUP: i32 = 1;
const INT: i32 = 2;
const QUIT: i32 = 3;
const TERM: i32 = 15;
const CONT: i32 = 18;
const TSTP: i32 = 20;
const WINCH: i32 = 28;

/// Signals that are not sent. KILL and STOP cannot be caught, CHLD concerns child processes, PIPE
/// and the synchronous faults (ILL, TRAP, BUS, FPE, SEGV, SYS) are caused by the process itself.
const NOT_SENT: [i32; 10] = [4, 5, 7, 8, 9, 11, 13, 17, 19, 31];

/// Returns every other signal, except those that the C library reserves and the last one, which the
/// session reserves. CONT follows TSTP, which stops `km`.
fn all_signals() -> Vec<i32> {
    let others = (1..=63).filter(|signal| !NOT_SENT.contains(signal));
    let others = others.filter(|signal| !(32..=34).contains(signal));
    let mut signals: Vec<_> = others.filter(|signal| ![CONT, TSTP].contains(signal)).collect();
    signals.extend([TSTP, CONT]);
    signals
}

/// Fails unless every signal that is delivered in this way reaches the program exactly once in both
/// modes.
async fn each_signal_arrives_once(delivery: Delivery, signals: &[i32]) -> Result<()> {
    let mut failures = Vec::new();
    for mode in MODES {
        let mut session = Session::start(delivery, mode, &[]).await?;
        for signal in signals {
            session.send(delivery, *signal).await?;
            if let Err(error) = session.wait_for_signal(*signal).await {
                failures
                    .push(format!("{}: signal {signal} {delivery:?}: {error:#}", mode.join(" ")));
            }
        }
        for (signal, count) in session.end().await? {
            // The kernel sends SIGCONT to a session whose terminal hangs up.
            let is_expected =
                signals.contains(&signal) || (delivery == Delivery::Hangup && signal == CONT);
            if !is_expected || count != 1 {
                let cell = format!("{}: signal {signal} {delivery:?}", mode.join(" "));
                failures.push(format!("{cell}: received {count} times"));
            }
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
    Ok(())
}

#[tokio::test]
async fn signal_to_the_process_reaches_the_program_once() -> Result<()> {
    each_signal_arrives_once(Delivery::Process, &all_signals()).await
}

#[tokio::test]
async fn signal_to_the_process_group_reaches_the_program_once() -> Result<()> {
    each_signal_arrives_once(Delivery::Group, &all_signals()).await
}

#[tokio::test]
async fn signal_of_the_terminal_reaches_the_program_once() -> Result<()> {
    each_signal_arrives_once(Delivery::Terminal, &[INT, QUIT, TSTP, WINCH]).await
}

#[tokio::test]
async fn hangup_of_the_session_leader_reaches_the_program_once() -> Result<()> {
    each_signal_arrives_once(Delivery::Hangup, &[HUP]).await
}

#[tokio::test]
async fn signal_to_pid_1_reaches_the_program_once() -> Result<()> {
    each_signal_arrives_once(Delivery::Init, &all_signals()).await
}

#[tokio::test]
async fn signal_that_was_ignored_at_the_start_stays_ignored() -> Result<()> {
    let ignoring = ["--ignore-signal=HUP,TERM"];
    for mode in MODES {
        let ignored = session::ignored(mode, &ignoring).await?;
        assert_eq!(ignored, (1 << (HUP - 1)) | (1 << (TERM - 1)), "{mode:?}");
    }
    let mut session = Session::start(Delivery::Process, MODES[1], &ignoring).await?;
    for signal in [HUP, TERM, INT] {
        session.send(Delivery::Process, signal).await?;
    }
    assert_eq!(session.end().await?, [(INT, 1)], "an ignored signal reached the program");
    Ok(())
}

#[tokio::test]
async fn sigpipe_has_its_default_disposition_in_the_program() -> Result<()> {
    for mode in MODES {
        assert_eq!(session::ignored(mode, &[]).await?, 0, "{mode:?}");
    }
    Ok(())
}

/// Runs a shell with job control, and sends the keys that a user presses.
#[tokio::test]
async fn ctrl_z_stops_the_job_and_fg_continues_it() -> Result<()> {
    // `km` stops itself with STOP, because TSTP is forwarded.
    for (mode, stopped) in MODES.into_iter().zip(["148", "147"]) {
        // The script starts no other process, because a stop could interrupt its start.
        let script = "stty -echo; set -m; \"$@\" sh -c 'trap \"exit 7\" INT; echo \"up $$\"; \
            while :; do read line; done'; echo \"stopped $?\"; fg > /dev/null; echo \"ended $?\"";
        let mut screen = Screen::run(script, mode).await?;
        let program = screen.wait_for_line("up").await?;
        until("the program in the foreground", async || session::is_in_foreground(&program))
            .await?;
        screen.press(TSTP)?;
        assert_eq!(screen.wait_for_line("stopped").await?, stopped, "{mode:?}");
        until("the program in the foreground", async || session::is_in_foreground(&program))
            .await?;
        screen.press(INT)?;
        assert_eq!(screen.wait_for_line("ended").await?, "7", "{mode:?}");
    }
    Ok(())
}

/// A script without job control reads from the terminal after the program has exited.
#[tokio::test]
async fn terminal_is_usable_again_after_the_program() -> Result<()> {
    for mode in MODES {
        let script = "stty -echo; \"$@\" sh -c 'echo up; read line; echo \"got $line\"'; \
            echo down; read line; echo \"then $line\"";
        let mut screen = Screen::run(script, mode).await?;
        for (prompt, text, reply) in [("up", "first", "got"), ("down", "second", "then")] {
            screen.wait_for_line(prompt).await?;
            screen.type_text(&format!("{text}\n"))?;
            assert_eq!(screen.wait_for_line(reply).await?, text, "{mode:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn pid_1_reaps_orphans() -> Result<()> {
    for mode in MODES {
        let orphans = "for i in 1 2 3 4 5; do ( (exec sleep 0.01) & ); done; \
            while cat /proc/[0-9]*/stat | grep -q '(sleep)'; do sleep 0.05; done; echo reaped";
        let (code, stdout) = session::as_pid_1(mode, orphans).await?;
        assert_eq!((code, stdout.as_str()), (0, "reaped\n"), "{mode:?}");
    }
    Ok(())
}

#[tokio::test]
async fn pid_1_reports_a_death_by_signal_as_a_shell_does() -> Result<()> {
    for mode in MODES {
        let (code, _) = session::as_pid_1(mode, "kill -s KILL $$").await?;
        assert_eq!(code, 137, "{mode:?}");
    }
    Ok(())
}

async fn lines(running: &mut Running) -> Result<Lines<BufReader<ChildStdout>>> {
    let stdout = running.child().stdout.take().context("no stdout")?;
    let mut lines = BufReader::new(stdout).lines();
    assert_eq!(lines.next_line().await?.as_deref(), Some("ready"));
    Ok(lines)
}

#[tokio::test]
async fn death_by_a_forwarded_signal_exits_with_128_plus_its_number() -> Result<()> {
    for (name, code) in [("TERM", 143), ("INT", 130), ("HUP", 129), ("QUIT", 131)] {
        for watch in [None, Some("--watch")] {
            let km = Km::new().env("HCP_VAULT_TOKEN", "t").args(["exec"]).args(watch);
            let mut running = km.args(shell("echo ready; exec sleep 60")).start().await?;
            let _lines = lines(&mut running).await?;
            running.signal(name)?;
            running.finish().await?.expect(code)?;
        }
    }
    Ok(())
}

/// TSTP stops both processes, and CONT continues both.
#[tokio::test]
async fn stop_and_continue_apply_to_km_and_the_program() -> Result<()> {
    let km = Km::new().env("HCP_VAULT_TOKEN", "t").args(["exec", "--watch"]);
    let mut running = km.args(shell("echo $$; exec sleep 60")).start().await?;
    let stdout = running.child().stdout.take().context("no stdout")?;
    let program = BufReader::new(stdout).lines().next_line().await?.context("no line")?;
    let km = running.child().id().context("the process has exited")?.to_string();
    for (signal, state) in [("TSTP", 'T'), ("CONT", 'S')] {
        running.signal(signal)?;
        for process in [&km, &program] {
            let what = format!("{state} of {process} after {signal}");
            until(&what, async || Ok(session::state(process)? == state)).await?;
        }
    }
    running.signal("TERM")?;
    running.finish().await?.expect(143).map(drop)
}

#[tokio::test]
async fn signal_before_the_program_starts_prevents_the_start() -> Result<()> {
    for name in ["INT", "TERM", "HUP", "QUIT"] {
        let server = Scripted::new(|_| Reply::Hang)?;
        let km = km_against(&server.address()).env("KM_DEADLINE", "60s");
        let km = km.args(["exec", "--json", "--only", "A"]).args(shell("echo started"));
        let running = km.start().await?;
        server.wait_for_request("GET /v1/").await?;
        running.signal(name)?;
        let output = running.finish().await?.expect(4)?;
        assert!(output.stdout.is_empty());
        error_document(&output.stderr, "unavailable")?;
    }
    Ok(())
}

/// Without `--watch` the process of `km` becomes the program.
#[tokio::test]
async fn program_replaces_the_process_of_km() -> Result<()> {
    let mut running = exec_script("echo ready; cat /proc/$$/comm; echo $$").start().await?;
    let id = running.child().id().context("the process has exited")?;
    let mut lines = lines(&mut running).await?;
    assert_eq!(lines.next_line().await?.as_deref(), Some("sh"));
    assert_eq!(lines.next_line().await?, Some(id.to_string()));
    Ok(())
}
