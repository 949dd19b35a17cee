//! Who still reads the source. As soon as nobody does, its snapshot is let go: vacuum on the source
//! does not wait for indexes that are built on the target.

use std::convert::Infallible;

use tokio::sync::mpsc;

/// Held by a task as long as it may read the source.
#[derive(Clone, Debug)]
pub struct Reader(mpsc::Sender<Infallible>);

impl Reader {
    /// Whether nobody else reads: a session that is given back will not be asked for again.
    pub fn is_last(&self) -> bool {
        self.0.strong_count() == 1
    }
}

/// Waits for the end of all readers.
#[derive(Debug)]
pub struct Readers(mpsc::Receiver<Infallible>);

impl Readers {
    /// The first reader, of which the others are clones.
    pub fn new() -> (Reader, Self) {
        let (sender, receiver) = mpsc::channel(1);
        (Reader(sender), Self(receiver))
    }

    /// Returns once no task holds a [`Reader`] any more.
    pub async fn all_gone(mut self) {
        // Nothing is ever sent.
        let _ = self.0.recv().await;
    }
}
