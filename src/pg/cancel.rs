//! Cancelling what a connection is doing, while somebody else waits for it.

use std::time::Duration;

use tokio_postgres::{CancelToken, Client, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::{Result, Side};

use super::failure::{Reason, db_error};

/// A cancel request that takes longer than this is given up.
const CANCEL_TIME: Duration = Duration::from_secs(1);

/// Cancels the statement that one connection is running, from any task. A cancel request opens its own
/// connection, the same way as the one it is for.
#[derive(Clone)]
pub struct Canceller {
    token: CancelToken,
    tls: Option<MakeRustlsConnect>,
    side: Side,
}

impl Canceller {
    pub(super) fn new(client: &Client, tls: Option<MakeRustlsConnect>, side: Side) -> Self {
        Self { token: client.cancel_token(), tls, side }
    }

    /// Asks the server to cancel; whether anything was running it does not say. Takes a second at most.
    pub async fn cancel(&self) -> Result<()> {
        let request = async {
            match self.tls.clone() {
                Some(tls) => self.token.cancel_query(tls).await,
                None => self.token.cancel_query(NoTls).await,
            }
        };
        const DEED: &str = "cancelling a statement";
        match tokio::time::timeout(CANCEL_TIME, request).await {
            Ok(done) => done.map_err(|err| db_error(self.side, DEED, err)),
            Err(_) => Err(Reason::connection("no answer within 1 s").error(self.side, DEED)),
        }
    }
}
