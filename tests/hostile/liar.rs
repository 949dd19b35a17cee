//! Stands before a server and changes what that says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::chance::{Chance, message};
use crate::recorded::Recorded;

/// What becomes of what the server says.
#[derive(Clone, Debug)]
pub enum Lie {
    /// None: what is said is passed on.
    Nothing,
    /// One text in rows becomes another.
    Text(&'static str, String),
    /// Rows with this text come twice.
    Twice(&'static str),
    /// The first row has no columns.
    NoColumns,
    /// Half of the first row comes, and then the end.
    HalfAMessage,
    /// The first row is of a kind that does not exist.
    UnknownMessage,
    /// The first row says that it has so many bytes.
    Length(i32),
    /// The first row is no text.
    NotUtf8,
    /// The first row comes again and again.
    Forever,
    /// By chance, from a seed.
    Chance(u64),
}

#[derive(Clone)]
pub struct Liar {
    address: String,
    server: String,
    lied: Arc<AtomicBool>,
    /// What the server was told.
    pub recorded: Recorded,
}

impl Liar {
    /// Lives as long as the test's runtime.
    pub async fn before(server: &str, lie: Lie) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("a bound socket has an address").to_string();
        let lied = Arc::new(AtomicBool::new(false));
        let recorded = Recorded::default();
        let liar = Self { address, server: server.to_owned(), lied, recorded };
        tokio::spawn(serve(listener, lie, liar.clone()));
        liar
    }

    /// The URL with the liar in the server's place.
    pub fn url(&self, url: &str) -> String {
        format!("{}?sslmode=disable", url.replace(&self.server, &self.address))
    }

    pub fn lied(&self) -> bool {
        self.lied.load(Ordering::SeqCst)
    }
}

async fn serve(listener: TcpListener, lie: Lie, liar: Liar) {
    for connection in 0.. {
        let Ok((client, _)) = listener.accept().await else { return };
        let (liar, lie) = (liar.clone(), lie.clone());
        tokio::spawn(async move {
            let Ok(server) = TcpStream::connect(&liar.server).await else { return };
            let (asks, answers) = client.into_split();
            let (says, hears) = server.into_split();
            let recorded = liar.recorded.clone();
            let up = tokio::spawn(async move { ask(asks, hears, &recorded).await });
            let _ = match lie {
                Lie::Chance(seed) => {
                    tell_by_chance(says, answers, Chance::new(seed, connection), &liar.lied).await
                }
                lie => tell(says, answers, &lie, &liar.lied).await,
            };
            up.abort();
        });
    }
}

/// Passes on what the client says, message by message, after the first one, which has no kind.
async fn ask(
    mut asks: OwnedReadHalf,
    mut hears: OwnedWriteHalf,
    recorded: &Recorded,
) -> std::io::Result<()> {
    let length = asks.read_i32().await?;
    let mut body = vec![0; usize::try_from(length - 4).unwrap_or_default()];
    asks.read_exact(&mut body).await?;
    hears.write_all(&[length.to_be_bytes().as_slice(), &body].concat()).await?;
    loop {
        let kind = asks.read_u8().await?;
        let length = asks.read_i32().await?;
        let mut body = vec![0; usize::try_from(length - 4).unwrap_or_default()];
        asks.read_exact(&mut body).await?;
        recorded.message(kind, &body);
        hears.write_all(&message(kind, &body)).await?;
    }
}

/// Passes on what the server says, message by message.
async fn tell(
    mut says: OwnedReadHalf,
    mut answers: OwnedWriteHalf,
    lie: &Lie,
    lied: &AtomicBool,
) -> std::io::Result<()> {
    loop {
        let kind = says.read_u8().await?;
        let length = says.read_i32().await?;
        let mut body = vec![0; usize::try_from(length - 4).unwrap_or_default()];
        says.read_exact(&mut body).await?;
        if kind != b'D' {
            answers.write_all(&message(kind, &body)).await?;
            continue;
        }
        match lie {
            Lie::Text(truth, lie) => {
                let body = match changed(&body, truth, lie) {
                    Some(body) => {
                        lied.store(true, Ordering::SeqCst);
                        body
                    }
                    None => body,
                };
                answers.write_all(&message(kind, &body)).await?;
            }
            Lie::Nothing | Lie::Chance(_) => answers.write_all(&message(kind, &body)).await?,
            Lie::Twice(text) => {
                let row = message(kind, &body);
                answers.write_all(&row).await?;
                if body.windows(text.len()).any(|bytes| bytes == text.as_bytes()) {
                    lied.store(true, Ordering::SeqCst);
                    answers.write_all(&row).await?;
                }
            }
            Lie::NoColumns => answers.write_all(&message(kind, &[0, 0])).await?,
            Lie::HalfAMessage => {
                let whole = message(kind, &body);
                answers.write_all(&whole[..whole.len() / 2]).await?;
                return Ok(());
            }
            Lie::UnknownMessage => answers.write_all(&message(0xee, &body)).await?,
            Lie::Length(length) => {
                answers.write_all(&[kind]).await?;
                answers.write_all(&length.to_be_bytes()).await?;
                answers.write_all(&body).await?;
            }
            Lie::NotUtf8 => {
                body.iter_mut().skip(6).for_each(|byte| *byte = 0xff);
                answers.write_all(&message(kind, &body)).await?;
            }
            Lie::Forever => {
                let many = message(kind, &body).repeat(1 + 65_536 / (body.len() + 5));
                loop {
                    answers.write_all(&many).await?;
                }
            }
        }
    }
}

async fn tell_by_chance(
    mut says: OwnedReadHalf,
    mut answers: OwnedWriteHalf,
    mut chance: Chance,
    lied: &AtomicBool,
) -> std::io::Result<()> {
    let mut patience = Duration::MAX;
    loop {
        // Who waits for a message that was swallowed would do so for ever.
        let Ok(kind) = timeout(patience, says.read_u8()).await else { return Ok(()) };
        let kind = kind?;
        let length = says.read_i32().await?;
        let mut body = vec![0; usize::try_from(length - 4).unwrap_or_default()];
        says.read_exact(&mut body).await?;
        let said = chance.say(kind, &body);
        if said.is_lie {
            lied.store(true, Ordering::SeqCst);
            patience = Duration::from_secs(3);
        }
        answers.write_all(&said.bytes).await?;
        if said.is_last {
            return Ok(());
        }
    }
}

/// The row with one text in place of another, where it has one column and that text.
fn changed(body: &[u8], truth: &str, lie: &str) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body.strip_prefix(&[0, 1])?.get(4..)?).ok()?;
    let text = text.contains(truth).then(|| text.replace(truth, lie))?;
    let length = i32::try_from(text.len()).ok()?;
    Some([&[0, 1], length.to_be_bytes().as_slice(), text.as_bytes()].concat())
}
