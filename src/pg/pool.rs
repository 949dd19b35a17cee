//! A bounded set of sessions of one side. A session that was dropped in the middle of something is
//! closed, never handed out again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool::managed::{self, Manager, Metrics, Object, PoolError, RecycleError, RecycleResult};
use tokio_postgres::CancelToken;

use super::session::Session;
use crate::config::conninfo::ConnInfo;
use crate::error::{Error, Result, Side};

/// A session on loan. Dropping it returns it, if it is clean.
pub type Lease = Object<Opener>;

/// Sessions of one side, opened when first needed.
#[derive(Clone)]
pub struct Pool {
    inner: managed::Pool<Opener>,
    running: Arc<Mutex<Vec<CancelToken>>>,
    info: Arc<ConnInfo>,
}

/// Makes and checks the pool's sessions.
pub struct Opener {
    info: Arc<ConnInfo>,
    side: Side,
    lock_timeout_ms: u64,
    opened: Arc<Mutex<Vec<CancelToken>>>,
}

impl Manager for Opener {
    type Type = Session;
    type Error = Error;

    async fn create(&self) -> Result<Session> {
        let session = Session::open(&self.info, self.side, self.lock_timeout_ms).await?;
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.push(session.cancel_token());
        Ok(session)
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<Error> {
        match session.is_clean() {
            true => Ok(()),
            false => Err(RecycleError::message("left in the middle of something")),
        }
    }
}

impl Pool {
    pub fn new(info: &ConnInfo, side: Side, size: usize, lock_timeout: Duration) -> Result<Self> {
        let info = Arc::new(info.clone());
        let running = Arc::new(Mutex::new(Vec::new()));
        let opener = Opener {
            info: info.clone(),
            side,
            lock_timeout_ms: u64::try_from(lock_timeout.as_millis()).unwrap_or(u64::MAX),
            opened: running.clone(),
        };
        let inner = managed::Pool::builder(opener).max_size(size).build();
        let inner = inner.map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self { inner, running, info })
    }

    /// Waits for a free place, then gives a clean session.
    pub async fn get(&self) -> Result<Lease> {
        match self.inner.get().await {
            Ok(mut lease) => {
                lease.set_clean(false);
                Ok(lease)
            }
            Err(PoolError::Backend(error)) => Err(error),
            Err(other) => Err(Error::Internal(format!("connection pool: {other}"))),
        }
    }

    /// Cancels whatever statement any session of this pool is running.
    pub async fn cancel_all(&self) {
        let tokens: Vec<CancelToken> = {
            let running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            running.clone()
        };
        let cancels = tokens.iter().map(|token| super::connect::cancel(&self.info, token));
        futures_util::future::join_all(cancels).await;
    }
}
