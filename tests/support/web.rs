//! A web server that answers as it is told, or does not, and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

#[derive(Clone, Copy, PartialEq)]
pub enum Web {
    /// Answers with this status.
    Status(u16),
    /// Answers after this many milliseconds.
    Slow(u64),
    /// Reads the request and says nothing more.
    Hangs,
    /// Closes the connection in the middle of a request, so that the client sees a reset.
    Resets,
    /// Leads to a path of its own that would answer with 200.
    Redirects,
    /// Begins an answer, and goes on for ever, byte by byte.
    Drips,
}

#[derive(Clone, Debug)]
pub struct Asked {
    /// `POST /path?query`.
    pub line: String,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

pub struct WebServer {
    address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    how: Arc<Mutex<Web>>,
}

impl WebServer {
    pub fn start(how: Web) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("a bound socket has one").to_string();
        let (asked, how) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(how)));
        let server = (Arc::clone(&asked), Arc::clone(&how));
        // Ends with the test's process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asked, how) = (Arc::clone(&server.0), *server.1.lock().expect("no panic"));
                thread::spawn(move || serve(stream, how, &asked));
            }
        });
        Self { address, asked, how }
    }

    /// A URL of this server.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers like this from now on.
    pub fn now(&self, how: Web) {
        *self.how.lock().expect("no panic") = how;
    }

    /// Everything that was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic").clone()
    }

    /// Waits for so many requests.
    pub async fn until_asked(&self, times: usize) -> Vec<Asked> {
        loop {
            let asked = self.asked();
            if asked.len() >= times {
                return asked;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

fn serve(mut stream: TcpStream, how: Web, asked: &Mutex<Vec<Asked>>) {
    if how == Web::Resets {
        // What was sent and not read makes a reset of the close.
        let _ = stream.peek(&mut [0]);
        return;
    }
    let Some(request) = read(&stream) else { return };
    asked.lock().expect("no panic").push(request);
    let answer = |status: u16, more: &str| {
        format!("HTTP/1.1 {status} Told\r\n{more}content-length: 2\r\nconnection: close\r\n\r\nok")
    };
    let text = match how {
        Web::Status(status) => answer(status, ""),
        Web::Redirects => answer(302, "location: /elsewhere\r\n"),
        Web::Slow(milliseconds) => {
            thread::sleep(Duration::from_millis(milliseconds));
            answer(200, "")
        }
        Web::Hangs => return thread::sleep(Duration::from_secs(120)),
        Web::Drips => {
            while stream.write_all(b"H").is_ok() {
                thread::sleep(Duration::from_millis(200));
            }
            return;
        }
        Web::Resets => return,
    };
    let _ = stream.write_all(text.as_bytes());
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let headers: Vec<(String, String)> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, value)| value.parse().expect("a length"))];
    reader.read_exact(&mut body).ok()?;
    let line = lines[0].trim_end_matches(" HTTP/1.1").to_owned();
    Some(Asked { line, headers, body: String::from_utf8(body).expect("text") })
}
