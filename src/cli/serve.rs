//! `humans2ai serve`: run until told to stop.

use crate::config::Config;
use crate::http::front::wait_for_signal;
use crate::server::{Server, StartError};
use crossbeam_channel::{Sender, bounded};
use std::io::{self, Read, Write};
use std::process::ExitCode;

pub fn run(config: Config) -> Result<ExitCode, StartError> {
    let server = Server::start(config)?;
    writeln!(io::stdout(), "humans2ai listening on {} ({} mode, database {})", server.url(), server.mode(), server.database().display())?;
    say_what_next(&server)?;
    wait_until_stopped(false)?;
    log::info!("stopping: requests in flight are finished first");
    server.stop();
    Ok(ExitCode::SUCCESS)
}

/// A newcomer's first request, on stderr so that the ready line stays the only one on stdout.
fn say_what_next(server: &Server) -> io::Result<()> {
    if server.mode() != "test" {
        return Ok(());
    }
    let url = server.url();
    let mut stderr = io::stderr();
    writeln!(stderr, "\nThis is a sandbox. Register an agent with 10 000 test A9; the answer has its idToken:\n")?;
    writeln!(stderr, "  curl -s {url}/api/v1/public/auth/register -H 'Content-Type: application/json' \\")?;
    writeln!(stderr, "    -d '{{\"email\":\"agent@example.com\",\"password\":\"correct horse\",\"role\":\"agent\"}}'\n")?;
    writeln!(stderr, "The README has the whole round; the API is described at {url}/api/v1/openapi.json. Ctrl-C stops.")
}

/// Blocks until a signal or, for a fixture, the end of standard input.
pub fn wait_until_stopped(with_stdin: bool) -> Result<(), StartError> {
    let (sender, stopped) = bounded(2);
    listen("signals", sender.clone(), wait_for_signal)?;
    if with_stdin {
        listen("stdin", sender, || {
            let mut rest = [0; 1_024];
            while io::stdin().read(&mut rest)? > 0 {}
            Ok(())
        })?;
    }
    stopped.recv()??;
    Ok(())
}

fn listen(name: &str, sender: Sender<io::Result<()>>, wait: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    std::thread::Builder::new().name(name.into()).spawn(move || sender.send(wait()))?;
    Ok(())
}
