//! Making a connection. (Placeholder until TLS is merged.)
use super::failure::db_error;
use crate::config::conninfo::{Address, ConnInfo};
use crate::error::{Result, Side};
use tokio::task::JoinHandle;

pub struct Connected {
    pub client: tokio_postgres::Client,
    pub task: JoinHandle<()>,
}

pub async fn connect(info: &ConnInfo, side: Side) -> Result<Connected> {
    let mut config = tokio_postgres::Config::new();
    let host = &info.hosts[0];
    match &host.address {
        Address::Tcp(h) => config.host(h),
        Address::Socket(p) => config.host_path(p),
    };
    config.port(host.port).user(&info.user).dbname(&info.database).application_name("pgsync");
    if let Some(p) = info.password.as_ref().or(host.password.as_ref()) {
        config.password(p.expose());
    }
    let (client, connection) = config
        .connect(tokio_postgres::NoTls)
        .await
        .map_err(|e| db_error(side, format!("connecting to {}", info.describe()), e))?;
    let task = tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(Connected { client, task })
}

pub async fn cancel(_info: &ConnInfo, token: &tokio_postgres::CancelToken) {
    let cancelled = token.cancel_query(tokio_postgres::NoTls);
    let _ = tokio::time::timeout(std::time::Duration::from_secs(1), cancelled).await;
}
