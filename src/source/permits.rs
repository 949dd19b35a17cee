//! Who still reads the source. As soon as nobody does, its snapshot is let go: vacuum on the source
//! does not wait for indexes that are built on the target.

use std::convert::Infallible;

use tokio::sync::mpsc;

/// Held by a task as long as it may read the source.
#[derive(Clone, Debug)]
pub struct ReadPermit(mpsc::Sender<Infallible>);

impl ReadPermit {
    /// Whether nobody else reads: a session that is given back will not be asked for again.
    pub fn is_last(&self) -> bool {
        self.0.strong_count() == 1
    }
}

/// Waits until all permits are given back.
#[derive(Debug)]
pub struct ReadPermits(mpsc::Receiver<Infallible>);

impl ReadPermits {
    /// The first permit, of which the others are clones.
    pub fn new() -> (ReadPermit, Self) {
        let (sender, receiver) = mpsc::channel(1);
        (ReadPermit(sender), Self(receiver))
    }

    /// Returns once no task holds a [`ReadPermit`] any more.
    pub async fn all_returned(mut self) {
        // Nothing is ever sent.
        let _ = self.0.recv().await;
    }
}
