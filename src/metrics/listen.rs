//! Answers `GET /metrics` and `GET /healthz`, and nothing else. hyper is used in this module only.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::Utc;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;

use super::Metrics;

/// Connections that are served at once, and how long each is.
const MOST_CONNECTIONS: usize = 16;
const LONGEST: Duration = Duration::from_secs(10);

/// What is served.
#[derive(Debug)]
pub struct Served {
    pub metrics: Metrics,
    /// The interval between runs.
    pub every: Duration,
    /// When this program last brought everything in sync, on a clock that nobody sets.
    pub succeeded: Option<Instant>,
}

/// Serves until it is dropped.
#[derive(Debug)]
pub struct Listener(AbortHandle);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Begins to serve.
///
/// # Errors
/// When the address cannot be had.
pub async fn start(address: SocketAddr, served: Arc<Mutex<Served>>) -> io::Result<Listener> {
    let listener = TcpListener::bind(address).await?;
    Ok(Listener(tokio::spawn(accept(listener, served)).abort_handle()))
}

async fn accept(listener: TcpListener, served: Arc<Mutex<Served>>) {
    let slots = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let served = Arc::clone(&served);
                tokio::spawn(async move {
                    let _ = tokio::time::timeout(LONGEST, serve(stream, &served)).await;
                    drop(slot);
                });
            }
            // Too many open files, say: that passes.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

async fn serve(stream: TcpStream, served: &Mutex<Served>) {
    let service = service_fn(async |request: Request<Incoming>| {
        Ok::<_, Infallible>(answer(request.method(), request.uri().path(), served))
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

fn answer(method: &Method, path: &str, served: &Mutex<Served>) -> Response<Full<Bytes>> {
    let served = served.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Utc::now();
    let (status, kind, text) = match (method, path) {
        (&Method::GET | &Method::HEAD, "/metrics") => {
            (StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", served.metrics.text(now))
        }
        (&Method::GET | &Method::HEAD, "/healthz") => {
            let seconds = now.timestamp_millis() as f64 / 1000.0;
            let Health { is_well, text } = served.health(seconds, Instant::now());
            let status = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
            (status, "text/plain; charset=utf-8", text)
        }
        _ => (StatusCode::NOT_FOUND, "text/plain; charset=utf-8", "not found\n".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// A success is not too old before it has this age, however short the interval is.
const SHORTEST: f64 = 30.0;

/// The answer to `/healthz`.
struct Health {
    is_well: bool,
    text: String,
}

impl Served {
    /// Whether the last success is younger than three intervals. A run that takes longer than the
    /// interval counts as one. The age of a success of another program is told by the clock, `now`; that of
    /// our own by `at`, the same moment on a clock that nobody sets.
    fn health(&self, now: f64, at: Instant) -> Health {
        let Some(last) = self.metrics.last_success() else {
            let text = "no run has succeeded yet\n".to_owned();
            return Health { is_well: false, text };
        };
        let interval = self.every.as_secs_f64().max(self.metrics.last_duration());
        let age = self.succeeded.map_or(now - last, |moment| (at - moment).as_secs_f64()).max(0.0);
        let is_well = age <= (3.0 * interval).max(SHORTEST);
        Health { is_well, text: format!("the last success was {age:.0}s ago\n") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_is_a_success_within_three_intervals() {
        let text = "pgsync_last_success_timestamp_seconds 1000\npgsync_run_duration_seconds 20\n";
        let every = |seconds, text| Served {
            metrics: Metrics::from_text(text, false),
            every: Duration::from_secs(seconds),
            succeeded: None,
        };
        let at = Instant::now();
        for (seconds, now, is_well) in
            [(60, 1180.0, true), (60, 1181.0, false), (5, 1060.0, true), (5, 1061.0, false)]
        {
            assert_eq!(every(seconds, text).health(now, at).is_well, is_well, "{seconds} {now}");
        }
        let never = every(0, "").health(1.0, at);
        assert_eq!((never.is_well, never.text.as_str()), (false, "no run has succeeded yet\n"));
        let quick = "pgsync_last_success_timestamp_seconds 1000\n";
        assert!(every(0, quick).health(1030.0, at).is_well);
        assert!(!every(0, quick).health(1031.0, at).is_well);
    }

    #[test]
    fn health_is_told_by_a_clock_that_nobody_sets() {
        let text = "pgsync_last_success_timestamp_seconds 1000\n";
        let (metrics, every) = (Metrics::from_text(text, false), Duration::from_secs(60));
        let succeeded = Instant::now();
        let served = Served { metrics, every, succeeded: Some(succeeded) };
        // The clock is set an hour forward, back, and by years.
        for now in [1000.0 + 3600.0, 1000.0 - 3600.0, 1e9] {
            let is_well = |age| served.health(now, succeeded + Duration::from_secs(age)).is_well;
            assert!(is_well(180) && !is_well(181), "{now}");
        }
    }
}
