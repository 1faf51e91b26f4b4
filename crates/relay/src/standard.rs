//! Standard input and output, and signals.

use std::fs::File;
use std::io;
use std::sync::mpsc::Sender;

use anyhow::{Context, Result};

use crate::session::{Ends, Event};

/// Standard input and output, neither of them buffered here.
pub fn ends() -> Result<Ends> {
    let (input, output) = files().context("failed to use standard input and output")?;
    #[cfg(unix)]
    return crate::watched::ends(input, output).context("failed to use standard output twice");
    #[cfg(not(unix))]
    Ok(Ends { input: Box::new(input), output: Box::new(output), unread: None })
}

#[cfg(unix)]
pub fn files() -> io::Result<(File, File)> {
    use std::os::fd::AsFd;
    Ok((io::stdin().as_fd().try_clone_to_owned()?.into(), io::stdout().as_fd().try_clone_to_owned()?.into()))
}

#[cfg(windows)]
pub fn files() -> io::Result<(File, File)> {
    use std::os::windows::io::AsHandle;
    Ok((
        io::stdin().as_handle().try_clone_to_owned()?.into(),
        io::stdout().as_handle().try_clone_to_owned()?.into(),
    ))
}

/// Has SIGTERM tell the session that it is to end.
#[cfg(unix)]
pub fn tell_of_signals(events: Sender<Event>) -> Result<()> {
    use signal_hook::consts::SIGTERM;
    use signal_hook::iterator::Signals;

    let mut signals = Signals::new([SIGTERM]).context("failed to wait for signals")?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for _ in signals.forever() {
                // The session may be over already.
                let _ = events.send(Event::Terminate);
            }
        })
        .context("failed to start a thread")?;
    Ok(())
}

#[cfg(not(unix))]
pub fn tell_of_signals(_: Sender<Event>) -> Result<()> {
    Ok(())
}
