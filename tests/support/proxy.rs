//! A TCP proxy that does harm on request: it cuts or stalls a connection after so many
//! bytes or when a text passes, refuses new ones, and delays all. Faults are used up one by one.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// No text that is waited for is longer.
const TAIL: usize = 64;

/// Seen from the program under test.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Up,
    Down,
}

#[derive(Clone)]
pub enum When {
    /// So many bytes of one connection have passed this way.
    Bytes(u64),
    /// This text passes.
    Text(&'static str),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// What was read last does not arrive.
    Cut,
    /// It arrives, but no answer to it does.
    Pass,
    /// Nothing passes any more, and nobody is told.
    Stall,
}

#[derive(Clone)]
struct Fault {
    way: Way,
    when: When,
    then: Then,
}

pub struct Proxy {
    address: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    server: String,
    faults: Mutex<Vec<Fault>>,
    cuts: AtomicU32,
    /// How many more connections are closed as soon as they come.
    refused: AtomicU32,
    /// How long each piece takes, in milliseconds.
    delay: AtomicU32,
    /// What came down each connection since it was asked for.
    records: Mutex<Option<Vec<Vec<u8>>>>,
}

impl Proxy {
    /// In front of `host:port`. Lives as long as the test's runtime.
    pub async fn to(server: &str) -> Self {
        Self::at("127.0.0.1", server).await
    }

    /// The same on an address of this machine.
    pub async fn at(address: &str, server: &str) -> Self {
        let listener = TcpListener::bind((address, 0)).await.expect("a port is free");
        let address = listener.local_addr().expect("a bound socket has an address").to_string();
        let state = Arc::new(State { server: server.into(), ..State::default() });
        tokio::spawn(serve(listener, state.clone()));
        Self { address, state }
    }

    /// The URL with the proxy in the server's place.
    pub fn url(&self, url: &str) -> String {
        url.replace(&self.state.server, &self.address)
    }

    /// Adds a fault for whichever connection meets it first.
    pub fn fault(&self, way: Way, when: When, then: Then) {
        self.state.faults.lock().expect("no panic under the lock").push(Fault { way, when, then });
    }

    /// Keeps what servers send from now on.
    pub fn record(&self) {
        *self.state.records.lock().expect("no panic under the lock") = Some(Vec::new());
    }

    /// Whether servers have sent these bytes since then, and how many in all.
    pub fn has_sent(&self, bytes: &[u8]) -> (bool, usize) {
        let records = self.state.records.lock().expect("no panic under the lock");
        let records: Vec<&Vec<u8>> = records.iter().flatten().collect();
        let sent = |record: &&Vec<u8>| record.windows(bytes.len()).any(|window| window == bytes);
        (records.iter().any(sent), records.iter().map(|record| record.len()).sum())
    }

    /// Everything that passes from now on takes so long.
    pub fn delay(&self, milliseconds: u32) {
        self.state.delay.store(milliseconds, Ordering::SeqCst);
    }

    pub fn refuse(&self, connections: u32) {
        self.state.refused.store(connections, Ordering::SeqCst);
    }

    /// How many connections were cut or stalled so far.
    pub fn harm(&self) -> u32 {
        self.state.cuts.load(Ordering::SeqCst)
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let less = |left: u32| left.checked_sub(1);
        if state.refused.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less).is_ok() {
            continue;
        }
        connections.spawn(connection(client, state.clone()));
    }
}

/// Ends, and closes both sides, as soon as one way ends.
async fn connection(client: TcpStream, state: Arc<State>) {
    let Ok(server) = TcpStream::connect(&state.server).await else { return };
    let ((from_client, to_client), (from_server, to_server)) =
        (client.into_split(), server.into_split());
    tokio::select! {
        () = pump(from_client, to_server, Way::Up, &state) => {}
        () = pump(from_server, to_client, Way::Down, &state) => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, way: Way, state: &State) {
    let (mut bytes, mut passed) = (vec![0; 16 * 1024], 0);
    let mut place = None;
    loop {
        let Ok(read @ 1..) = from.read(&mut bytes).await else { return };
        passed += read as u64;
        if way == Way::Down {
            place = state.record(place, &bytes[..read]);
        }
        let delay = state.delay.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(delay.into())).await;
        let then = state.harm(way, passed, &bytes[..read]);
        if then == Some(Then::Stall) {
            return std::future::pending().await;
        }
        if then == Some(Then::Cut) || to.write_all(&bytes[..read]).await.is_err() || then.is_some()
        {
            return;
        }
    }
}

impl State {
    /// Adds to the record of one connection.
    fn record(&self, place: Option<usize>, bytes: &[u8]) -> Option<usize> {
        let mut records = self.records.lock().expect("no panic under the lock");
        let records = records.as_mut()?;
        let place = place.filter(|place| *place < records.len()).unwrap_or_else(|| {
            records.push(Vec::new());
            records.len() - 1
        });
        records[place].extend_from_slice(bytes);
        Some(place)
    }

    /// What to do now; that fault is used up.
    fn harm(&self, way: Way, passed: u64, bytes: &[u8]) -> Option<Then> {
        let mut faults = self.faults.lock().expect("no panic under the lock");
        let met = |fault: &Fault| match &fault.when {
            _ if fault.way != way => false,
            When::Bytes(limit) => passed >= *limit,
            When::Text(text) => bytes.windows(text.len()).any(|window| window == text.as_bytes()),
        };
        let fault = faults.iter().position(met).map(|at| faults.remove(at))?;
        self.cuts.fetch_add(1, Ordering::SeqCst);
        Some(fault.then)
    }
}
