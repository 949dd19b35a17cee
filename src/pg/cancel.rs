//! Cancelling what a connection is doing, while somebody else waits for it.
//!
//! The driver closes a cancel request's connection as soon as it has written it. Like libpq, this waits
//! until the server closes it: then the cancel has been dealt with and cannot hit the next statement.
//! (PgBouncer 1.18 even dies of a request whose sender has left.)

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{CancelToken, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::{Result, Side};

use super::failure::{Reason, db_error, io_reason};

/// A cancel request that takes longer than this is given up.
const CANCEL_TIME: Duration = Duration::from_secs(1);
const DEED: &str = "cancelling a statement";

/// Cancels the statement that one connection is running, from any task. A cancel request opens its own
/// connection, the same way as the one it is for.
#[derive(Clone)]
pub struct Canceller {
    pub(super) token: CancelToken,
    pub(super) tls: Option<MakeRustlsConnect>,
    pub(super) place: ServerAddress,
    pub(super) side: Side,
}

/// The server that a connection reached: of a name's addresses the one that answered.
#[derive(Clone)]
pub(super) enum ServerAddress {
    Tcp { address: IpAddr, port: u16, name: String },
    Socket(PathBuf),
}

impl Canceller {
    /// Asks the server to cancel and waits until it has; whether anything was running it does not say.
    /// Takes a second at most, and is better not dropped before.
    pub async fn cancel(&self) -> Result<()> {
        match tokio::time::timeout(CANCEL_TIME, self.request()).await {
            Ok(done) => done,
            Err(_) => Err(Reason::connection("no answer within 1 s").error(self.side, DEED)),
        }
    }

    async fn request(&self) -> Result<()> {
        let unreached = |fault: io::Error| io_reason(&fault, &fault).error(self.side, DEED);
        match &self.place {
            ServerAddress::Tcp { address, port, name } => {
                let stream = TcpStream::connect((*address, *port)).await.map_err(unreached)?;
                self.send(stream, name).await
            }
            ServerAddress::Socket(path) => {
                self.send(UnixStream::connect(path).await.map_err(unreached)?, "").await
            }
        }
    }

    async fn send<S>(&self, stream: S, name: &str) -> Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let stream = UntilEnd(stream);
        let sent = match self.tls.clone() {
            Some(mut tls) => {
                let Ok(tls) = MakeTlsConnect::<UntilEnd<S>>::make_tls_connect(&mut tls, name);
                self.token.cancel_query_raw(stream, ConnectUntilEnd(tls)).await
            }
            None => self.token.cancel_query_raw(stream, NoTls).await,
        };
        sent.map_err(|err| db_error(self.side, DEED, err))
    }
}

/// A stream that is shut down by the other end: shutting it down waits for that.
struct UntilEnd<S>(S);

/// Makes TLS streams that are shut down by the other end.
struct ConnectUntilEnd<T>(T);

impl<S, T> TlsConnect<S> for ConnectUntilEnd<T>
where
    T: TlsConnect<S>,
    T::Future: Send + 'static,
{
    type Stream = UntilEnd<T::Stream>;
    type Error = T::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Stream, Self::Error>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        let connecting = self.0.connect(stream);
        Box::pin(async { connecting.await.map(UntilEnd) })
    }
}

impl<S: TlsStream + Unpin> TlsStream for UntilEnd<S> {
    fn channel_binding(&self) -> ChannelBinding {
        self.0.channel_binding()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for UntilEnd<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for UntilEnd<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    /// The end is the end, however rude: a reset counts as well.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scrap = [0; 64];
        loop {
            let mut buf = ReadBuf::new(&mut scrap);
            match ready!(Pin::new(&mut self.0).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => {}
                Ok(()) | Err(_) => return Poll::Ready(Ok(())),
            }
        }
    }
}
