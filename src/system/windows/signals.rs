//! Ctrl-C, Ctrl-Break, and the end of the console, the session or the system.

use std::io;

use tokio::signal::windows::{
    CtrlBreak, CtrlC, CtrlClose, CtrlShutdown, ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown,
};

use crate::system::StopRequest;

/// Receives requests to end.
pub(crate) struct Signals {
    interrupts: CtrlC,
    breaks: CtrlBreak,
    closings: CtrlClose,
    shutdowns: CtrlShutdown,
}

impl Signals {
    /// Receives requests from now on; they no longer end the process, but for what the system does after some seconds.
    pub(crate) fn listen(_: &[StopRequest]) -> io::Result<Signals> {
        Ok(Signals {
            interrupts: ctrl_c()?,
            breaks: ctrl_break()?,
            closings: ctrl_close()?,
            shutdowns: ctrl_shutdown()?,
        })
    }

    /// Waits for the next request.
    pub(crate) async fn recv(&mut self) {
        tokio::select! {
            _ = self.interrupts.recv() => {}
            _ = self.breaks.recv() => {}
            _ = self.closings.recv() => {}
            _ = self.shutdowns.recv() => {}
        }
    }
}
