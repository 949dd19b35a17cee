//! Whether a pooler such as pgbouncer stands between us and the server, and whether it leaves a session
//! in one piece. Settings, locks and snapshots belong to a session; a pooler in transaction mode
//! changes the session behind a connection between any two statements, unseen.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::CancelToken;
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

use super::failure::Reason;
use super::session::Session;
use crate::error::Result;
use crate::sql::{Sql, sql};

const DEED: &str = "looking what the pooler does";

/// The process that cancel requests of a connection name. A server names the one that works for it,
/// a pooler makes a number up. The driver keeps it to itself, except when it writes such a request.
pub(super) fn announced_pid(token: &CancelToken) -> Option<u32> {
    let tape = CapturedBytes::default();
    token.cancel_query_raw(tape.clone(), CapturedStream).now_or_never()?.ok()?;
    let bytes = tape.0.lock().unwrap_or_else(PoisonError::into_inner);
    let pid = bytes.len().checked_sub(8).and_then(|at| bytes.get(at..at + 4))?;
    Some(u32::from_be_bytes(pid.try_into().ok()?))
}

/// Refuses a pooler that may give each transaction another server session. `first` has done nothing
/// yet, `second` is there for this alone.
///
/// While `second` holds a transaction, `first` is served by a session that is not idle in the pool;
/// the statements after it meet both of the ways in which poolers choose: the last one returned, or
/// the one that has rested longest.
pub(super) async fn require_whole_sessions(first: &Session, second: &Session) -> Result<()> {
    let refused = || {
        Reason::refused(
            "the connection leads to a pooler that changes the server session between transactions \
         (pgbouncer: pool_mode = transaction), where settings, locks and snapshots do not last",
        )
        .hint("connect to the server itself, or to a pool with pool_mode = session")
        .error(first.side(), DEED)
    };
    let pid = sql!("select pg_catalog.pg_backend_pid()");
    let own = first.row(DEED, &pid).await?.count(0)?;
    second.run(DEED, &Sql::trusted("begin")).await?;
    let other = second.row(DEED, &pid).await?.count(0)?;
    let during = first.row(DEED, &pid).await?.count(0)?;
    second.run(DEED, &Sql::trusted("commit")).await?;
    let after = [first.row(DEED, &pid).await?.count(0)?, first.row(DEED, &pid).await?.count(0)?];
    if other != own && during == own && after == [own, own] { Ok(()) } else { Err(refused()) }
}

/// A stream that agrees to TLS and keeps what is written.
#[derive(Clone, Default)]
struct CapturedBytes(Arc<Mutex<Vec<u8>>>);

/// TLS in name only.
struct CapturedStream;

impl TlsConnect<CapturedBytes> for CapturedStream {
    type Stream = CapturedBytes;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<CapturedBytes>>;

    fn connect(self, tape: CapturedBytes) -> Self::Future {
        std::future::ready(Ok(tape))
    }
}

impl TlsStream for CapturedBytes {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for CapturedBytes {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        buf.put_slice(b"S");
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for CapturedBytes {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
