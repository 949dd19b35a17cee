//! Makes and checks the sessions of a pool. The connections are deadpool-postgres's, opened by our own
//! [`Connect`]; around each of them is a [`Session`], which knows what a bare client does not: how to
//! cancel it, which server process works for it, whether anything is under way.

use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use deadpool_postgres::{Connect, Manager, ManagerConfig, RecyclingMethod};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config};

use super::cancel::Canceller;
use super::connect::{Connected, Connector};
use super::failure::{carried, db_error};
use super::pooler;
use super::session::{AbandonedBackends, Connection, Session, Settings};
use super::warnings::Warnings;
use crate::config::conninfo::ConnInfo;
use crate::error::{Error, Result, Side};

tokio::task_local! {
    /// What the connection that this task is opening has besides its client: a [`Connect`] cannot return it.
    static BESIDE: Cell<Option<(JoinHandle<bool>, Canceller, Warnings)>>;
}

/// Opens the sessions of one side.
pub struct Opener {
    connector: Arc<Connector>,
    /// Opens connections by `connector`, and checks them.
    connections: Manager,
    settings: Settings,
    opened: Mutex<Vec<Canceller>>,
    left: AbandonedBackends,
    /// Set once it is known what a pooler does, if there is one.
    looked: OnceCell<()>,
}

impl Opener {
    /// # Errors
    /// As [`Connector::new`]: TLS files that cannot be used.
    pub fn new(info: &ConnInfo, side: Side, settings: Settings) -> Result<Self> {
        let connector = Connector::new(info.clone(), side)?.waiting(settings.lock_timeout);
        let connector = Arc::new(connector);
        let check = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        // The connector has a configuration for each host and way; this one is not looked at.
        let connect = ByConnector(connector.clone());
        let connections = Manager::from_connect(Config::new(), connect, check);
        let (opened, left, looked) =
            (Mutex::default(), AbandonedBackends::default(), OnceCell::new());
        Ok(Self { connector, connections, settings, opened, left, looked })
    }

    /// Whether a server has ever let us in.
    pub fn was_reached(&self) -> bool {
        self.connector.was_reached()
    }

    /// Server processes of sessions that were left in the middle of something.
    pub fn left(&self) -> &AbandonedBackends {
        &self.left
    }

    /// The ways to cancel whatever any session is running.
    pub fn cancellers(&self) -> Vec<Canceller> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn open(&self) -> Result<Session> {
        let connection = BESIDE.scope(Cell::new(None), self.connection()).await?;
        Session::open(connection, &self.connector, &self.settings, self.left.clone()).await
    }

    async fn connection(&self) -> Result<Connection> {
        let client = managed::Manager::create(&self.connections).await;
        let client = client.map_err(|error| self.error("connecting", error))?;
        let Some((driver, canceller, warnings)) = BESIDE.with(Cell::take) else {
            return Err(Error::Internal("a connection came without its driver".into()));
        };
        Ok(Connection { client, driver, canceller, warnings })
    }

    fn error(&self, doing: &str, error: tokio_postgres::Error) -> Error {
        db_error(self.connector.side(), doing, error)
    }

    async fn look(&self, first: &Session) -> Result<()> {
        pooler::require_whole_sessions(first, &self.open().await?).await
    }
}

impl managed::Manager for Opener {
    type Type = Session;
    type Error = Error;

    async fn create(&self) -> Result<Session> {
        let session = self.open().await?;
        if session.backend().pooled {
            self.looked.get_or_try_init(|| self.look(&session)).await?;
        }
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.push(session.canceller());
        Ok(session)
    }

    async fn recycle(&self, session: &mut Session, metrics: &Metrics) -> RecycleResult<Error> {
        if !session.is_clean() && !session.is_kept() {
            return Err(RecycleError::message("left in the middle of something"));
        }
        let checked = self.connections.recycle(session.client_mut(), metrics).await;
        checked.map_err(|error| match error {
            RecycleError::Message(message) => RecycleError::Message(message),
            RecycleError::Backend(error) => self.error("checking a session", error).into(),
        })
    }

    fn detach(&self, session: &mut Session) {
        self.connections.detach(session.client_mut());
    }
}

/// Opens a connection as [`Connector`] does.
struct ByConnector(Arc<Connector>);

impl Connect for ByConnector {
    /// An error holds ours. The task is one that is over: the wrapper around a client aborts it, and the
    /// driver has to live until it has taken leave of the server.
    fn connect(
        &self,
        _: &Config,
    ) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), tokio_postgres::Error>> {
        let opened = async {
            match self.0.connect().await {
                Ok(Connected { client, task, canceller, warnings }) => {
                    BESIDE.with(|beside| beside.set(Some((task, canceller, warnings))));
                    Ok((client, tokio::spawn(async {})))
                }
                Err(error) => Err(carried(error).await),
            }
        };
        opened.boxed()
    }
}
