//! A bounded set of sessions of one side. A session that was dropped in the middle of something is
//! closed, never handed out again.

use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;

use deadpool::managed::{self, Object, PoolError};
use futures_util::future::join_all;
use tokio::sync::OwnedSemaphorePermit;

use super::cancel::Canceller;
use super::manager::Opener;
use super::session::{Backend, Session, Settings};
use crate::config::conninfo::ConnInfo;
use crate::error::{Error, Result, Side};

/// A session on loan. Dropping it returns it if it is clean, and closes it at once if it is not: an
/// open transaction must not hold its locks until somebody asks for a session again.
pub struct PooledSession {
    session: Option<Object<Opener>>,
    /// Where sessions take turns; let go after the session is given back.
    turn: Option<OwnedSemaphorePermit>,
}

impl PooledSession {
    /// Closes the session and gives its place back, for a lease that is about to be replaced: who held
    /// both would wait for himself when places are short. One that is the run's snapshot is given back.
    pub fn close(&mut self) {
        if let Some(object) = self.session.take().filter(|session| !session.is_kept()) {
            drop(Object::take(object));
        }
        self.turn = None;
    }

    /// The session, which its holder needs no longer: what is left is a lease without one.
    pub fn take(&mut self) -> PooledSession {
        PooledSession { session: self.session.take(), turn: self.turn.take() }
    }

    /// For work that needs no session of this side.
    pub fn none() -> PooledSession {
        PooledSession { session: None, turn: None }
    }

    /// Nobody else has a turn before this session is given back.
    pub fn in_turn(self, turn: OwnedSemaphorePermit) -> PooledSession {
        let mut lease = self;
        lease.turn = Some(turn);
        lease
    }

    fn into_session(mut self) -> Option<Session> {
        self.session.take().map(Object::take)
    }
}

impl Deref for PooledSession {
    type Target = Session;

    fn deref(&self) -> &Session {
        match &self.session {
            Some(object) => object,
            None => unreachable!("a closed lease is replaced before use"),
        }
    }
}

impl DerefMut for PooledSession {
    fn deref_mut(&mut self) -> &mut Session {
        match &mut self.session {
            Some(object) => object,
            None => unreachable!("a closed lease is replaced before use"),
        }
    }
}

impl Drop for PooledSession {
    fn drop(&mut self) {
        if self.session.as_ref().is_some_and(|session| !session.is_clean()) {
            self.close();
        }
    }
}

/// Sessions of one side, opened when first needed.
#[derive(Clone)]
pub struct Pool {
    inner: managed::Pool<Opener>,
}

impl Pool {
    /// At most `size` sessions.
    ///
    /// # Errors
    /// TLS files that cannot be used.
    pub fn new(info: &ConnInfo, side: Side, size: usize, settings: Settings) -> Result<Self> {
        let opener = Opener::new(info, side, settings)?;
        let inner = managed::Pool::builder(opener).max_size(size).build();
        let inner = inner.map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self { inner })
    }

    /// Waits for a free place, then gives a session that is clean, or kept.
    pub async fn get(&self) -> Result<PooledSession> {
        // Boxed: connecting is deep, and the compiler lays out in one piece whatever awaits it.
        match Box::pin(self.inner.get()).await {
            Ok(mut object) => {
                object.set_clean(false);
                Ok(PooledSession { session: Some(object), turn: None })
            }
            Err(PoolError::Backend(error)) => Err(error),
            Err(other) => Err(Error::Internal(format!("connection pool: {other}"))),
        }
    }

    /// Ends all idle sessions and `control`, so that the server hears of it from us: else it would
    /// note a lost client in its log.
    pub async fn close(&self, control: Option<PooledSession>) {
        let control = control.and_then(PooledSession::into_session);
        let idle = self.inner.retain(|_, _| false).removed;
        join_all(idle.into_iter().chain(control).map(Session::end)).await;
    }

    /// Whether a server has ever let us in.
    pub fn was_reached(&self) -> bool {
        self.inner.manager().was_reached()
    }

    /// Server processes of sessions that were left in the middle of something.
    pub fn left(&self) -> Vec<Backend> {
        self.inner.manager().left().lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Strikes processes that have ended off that list.
    pub fn forget(&self, ended: &[Backend]) {
        let left = self.inner.manager().left();
        let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
        left.retain(|backend| !ended.contains(backend));
    }

    /// Cancels whatever statement any session of this pool is running.
    pub async fn cancel_all(&self) {
        join_all(self.inner.manager().cancellers().iter().map(Canceller::cancel)).await;
    }
}
