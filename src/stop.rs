//! Stopping on request as a normal result. The shell owns the signal and requests the stop; the
//! engine asks at safe points, or waits beside long statements and cancels them.

use tokio::sync::watch;

/// Who asked the run to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT, Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Signal {
    /// The exit status that a shell expects of a program ended by this signal.
    pub fn exit_status(self) -> u8 {
        match self {
            Signal::Interrupt => 130,
            Signal::Terminate => 143,
        }
    }

    /// The name that `kill` knows.
    pub fn name(self) -> &'static str {
        match self {
            Signal::Interrupt => "SIGINT",
            Signal::Terminate => "SIGTERM",
        }
    }
}

/// The side that requests a stop.
#[derive(Clone, Debug)]
pub struct Stopper(watch::Sender<Option<Signal>>);

/// The side that honours it. Clones observe the same request.
#[derive(Clone, Debug)]
pub struct Stop(watch::Receiver<Option<Signal>>);

/// A connected pair.
pub fn channel() -> (Stopper, Stop) {
    let (sender, receiver) = watch::channel(None);
    (Stopper(sender), Stop(receiver))
}

impl Stopper {
    /// The first request wins; later ones change nothing.
    pub fn request(&self, signal: Signal) {
        self.0.send_if_modified(|now| {
            let first = now.is_none();
            if first {
                *now = Some(signal);
            }
            first
        });
    }
}

impl Stop {
    /// The signal that asked for a stop, if one did.
    pub fn requested(&self) -> Option<Signal> {
        *self.0.borrow()
    }

    /// Returns once a stop is requested; never, if the [`Stopper`] is gone without a request.
    pub async fn wait(&mut self) -> Signal {
        let signal = self.0.wait_for(Option::is_some).await.ok().and_then(|signal| *signal);
        match signal {
            Some(signal) => signal,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_request_wins() {
        let (stopper, mut stop) = channel();
        assert_eq!(stop.requested(), None);
        stopper.request(Signal::Terminate);
        stopper.request(Signal::Interrupt);
        assert_eq!(stop.wait().await, Signal::Terminate);
    }
}
