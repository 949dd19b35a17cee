//! COPY text in motion, undecoded. Rows are bundled on the way in, and a row larger than a bundle
//! goes in slices, so memory stays at one row of the source whatever its size.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, Stream, StreamExt, TryStreamExt};
use tokio_postgres::{CopyInSink, CopyOutStream};

use super::failure::{db_error, to_role, without_values};
use crate::digest::buckets::{Arrival, Bucket, BucketStream};
use crate::error::{Error, Result, Side};
use crate::ident::Ident;

/// Bytes that are sent as one message. Larger ones gain nothing.
const BUNDLE: usize = 64 * 1024;

/// Rows as a server sends them: COPY text, one row a message with its line feed.
pub struct RowStream {
    side: Side,
    doing: &'static str,
    /// Whether errors may quote no value.
    discreet: bool,
    stream: Pin<Box<CopyOutStream>>,
}

impl RowStream {
    pub(super) fn new(side: Side, doing: &'static str, stream: CopyOutStream) -> Self {
        Self { side, doing, discreet: false, stream: Box::pin(stream) }
    }

    /// Says whether errors may quote no value.
    pub(super) fn discreet(self, discreet: bool) -> Self {
        Self { discreet, ..self }
    }

    /// Its rows as the digests of buckets, which they are.
    pub fn into_buckets(self) -> BucketStream {
        let arrival =
            |line: Bytes| Ok(Arrival { bucket: Bucket::parse(&line)?, bytes: line.len() as u64 });
        self.map(move |line| line.and_then(arrival)).boxed()
    }

    /// The next row, or `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        self.try_next().await
    }
}

impl Stream for RowStream {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let this = self.get_mut();
        let next = ready!(this.stream.as_mut().poll_next(context));
        let told = |error| {
            let error = db_error(this.side, this.doing, error);
            if this.discreet { without_values(error) } else { error }
        };
        Poll::Ready(next.map(|row| row.map_err(told)))
    }
}

/// Where rows go: `copy … from stdin` of a server.
pub struct RowSink {
    side: Side,
    doing: &'static str,
    sink: Pin<Box<CopyInSink<Bytes>>>,
    bundle: BytesMut,
    /// Whose rights count.
    role: Option<Ident>,
}

impl RowSink {
    pub(super) fn new(
        side: Side,
        doing: &'static str,
        sink: CopyInSink<Bytes>,
        role: Option<Ident>,
    ) -> Self {
        let bundle = BytesMut::with_capacity(BUNDLE);
        Self { side, doing, sink: Box::pin(sink), bundle, role }
    }

    fn error(&self, error: tokio_postgres::Error) -> Error {
        to_role(db_error(self.side, self.doing, error), self.role.as_ref())
    }

    /// Adds one row of COPY text, which is sent once enough rows have come together.
    pub async fn push(&mut self, row: Bytes) -> Result<()> {
        if row.len() >= BUNDLE {
            return self.push_large(row).await;
        }
        if self.bundle.len() + row.len() > BUNDLE {
            self.flush().await?;
        }
        self.bundle.extend_from_slice(&row);
        Ok(())
    }

    async fn push_large(&mut self, mut row: Bytes) -> Result<()> {
        self.flush().await?;
        while !row.is_empty() {
            let slice = row.split_to(row.len().min(BUNDLE));
            self.send(slice).await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        if self.bundle.is_empty() {
            return Ok(());
        }
        let bundle = std::mem::replace(&mut self.bundle, BytesMut::with_capacity(BUNDLE));
        self.send(bundle.freeze()).await
    }

    async fn send(&mut self, bytes: Bytes) -> Result<()> {
        match self.sink.feed(bytes).await {
            Ok(()) => Ok(()),
            // The reason stands in the server's answer, which only `finish` reads.
            Err(closed) => {
                let said = self.sink.as_mut().finish().await.err();
                Err(self.error(said.unwrap_or(closed)))
            }
        }
    }

    /// Ends the COPY; gives the number of rows that the server took.
    pub async fn finish(mut self) -> Result<u64> {
        self.flush().await?;
        let done = self.sink.as_mut().finish().await;
        done.map_err(|error| self.error(error))
    }
}
