//! Runs the built program as a user does, with nothing of the tester's environment that it would
//! read, and checks that the source was left alone.

use std::future::{Future, IntoFuture};
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::pin::Pin;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use super::outcome::Outcome;
use super::pair::Pair;
use super::roles::Role;
use super::wire::Wire;

const PROGRAM: &str = env!("CARGO_BIN_EXE_pgsync");

/// One run in the making; `.await` runs it.
pub struct Sync<'a> {
    pair: Option<&'a Pair>,
    source: Option<String>,
    target: Option<String>,
    args: Vec<String>,
    env: Vec<(String, String)>,
    json: bool,
    check_source: bool,
    limit: Duration,
}

/// The program with these arguments and nothing else.
pub fn pgsync(args: &[&str]) -> Sync<'static> {
    let mut sync = Sync::new(None);
    sync.json = false;
    sync.args(args)
}

impl<'a> Sync<'a> {
    fn new(pair: Option<&'a Pair>) -> Self {
        Self {
            pair,
            source: None,
            target: None,
            args: Vec::new(),
            env: Vec::new(),
            json: true,
            check_source: pair.is_some(),
            limit: Duration::from_secs(240),
        }
    }

    pub(super) fn of(pair: &'a Pair) -> Self {
        let mut sync = Self::new(Some(pair));
        (sync.source, sync.target) = (Some(pair.source_url()), Some(pair.target_url()));
        sync
    }

    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub fn args(mut self, args: &[&str]) -> Self {
        self.args.extend(args.iter().map(ToString::to_string));
        self
    }

    fn flag(self, name: &str, value: impl ToString) -> Self {
        self.arg(name).arg(value.to_string())
    }

    pub fn batch_size(self, rows: u64) -> Self {
        self.flag("-batch-size", rows)
    }

    pub fn parallel(self, jobs: u64) -> Self {
        self.flag("-parallel", jobs)
    }

    pub fn schema(self, names: &str) -> Self {
        self.flag("-schema", names)
    }

    pub fn include(self, patterns: &str) -> Self {
        self.flag("-include", patterns)
    }

    pub fn exclude(self, patterns: &str) -> Self {
        self.flag("-exclude", patterns)
    }

    pub fn timestamp(self, column: &str) -> Self {
        self.flag("-timestamp", column)
    }

    /// Without any overlap the watermark alone has to be right.
    pub fn no_overlap(self) -> Self {
        self.flag("-overlap", "0s")
    }

    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    pub fn source_role(mut self, role: &Role) -> Self {
        self.source = Some(role.url.clone());
        self
    }

    pub fn target_role(mut self, role: &Role) -> Self {
        self.target = Some(role.url.clone());
        self
    }

    pub fn source_url(mut self, url: impl Into<String>) -> Self {
        self.source = Some(url.into());
        self
    }

    pub fn target_url(mut self, url: impl Into<String>) -> Self {
        self.target = Some(url.into());
        self
    }

    /// Names neither end: the test does so by other means.
    pub fn without_urls(mut self) -> Self {
        (self.source, self.target) = (None, None);
        self
    }

    /// For people: no `-json`.
    pub fn plain(mut self) -> Self {
        self.json = false;
        self
    }

    /// Somebody writes to the source during the run, or locks it: it cannot be checked.
    pub fn while_writing(mut self) -> Self {
        self.check_source = false;
        self
    }

    /// Starts the program and returns at once.
    pub fn start(self) -> Running {
        self.start_as(Command::new(PROGRAM))
    }

    /// The same, with no network but this one.
    pub fn start_behind(self, wire: &Wire) -> Running {
        self.start_as(wire.command(PROGRAM))
    }

    fn start_as(self, mut command: Command) -> Running {
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("PG")) {
                command.env_remove(name);
            }
        }
        // No ~/.pgpass, no ~/.pg_service.conf.
        command.env("HOME", env!("CARGO_TARGET_TMPDIR"));
        command.envs(self.env);
        let urls = [("-source", self.source), ("-target", self.target)];
        for (flag, url) in urls.into_iter().filter_map(|(flag, url)| Some((flag, url?))) {
            command.args([flag, &url]);
        }
        if self.json {
            command.arg("-json");
        }
        command.args(self.args);
        Running::new(command, self.limit)
    }

    async fn run(self) -> Outcome {
        let checked = self.pair.filter(|_| self.check_source);
        let before = match checked {
            Some(pair) => pair.source_marks().await,
            None => Vec::new(),
        };
        let outcome = self.start().end().await;
        if let Some(pair) = checked {
            assert_eq!(before, pair.source_marks().await, "the source was touched by {outcome}");
        }
        outcome
    }
}

impl<'a> IntoFuture for Sync<'a> {
    type Output = Outcome;
    type IntoFuture = Pin<Box<dyn Future<Output = Outcome> + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

/// A program under way. Killed when dropped unfinished: a failing test leaves none behind.
pub struct Running {
    words: String,
    child: Child,
    stdout: Pipe,
    stderr: Pipe,
    limit: Duration,
}

impl Running {
    fn new(mut command: Command, limit: Duration) -> Self {
        let words = format!("{command:?}");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program was built");
        let stdout = Pipe::read(child.stdout.take().expect("stdout is a pipe"));
        let stderr = Pipe::read(child.stderr.take().expect("stderr is a pipe"));
        Self { words, child, stdout, stderr, limit }
    }

    /// Sends a signal by name: `TERM`, `INT`, `KILL`, `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "signal {name} can be sent");
    }

    /// Waits for the end without blocking the test's other tasks.
    pub async fn end(self) -> Outcome {
        let waited = tokio::task::spawn_blocking(|| self.finish());
        waited.await.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
    }

    /// Waits until this text stands on stderr so many times.
    pub async fn until_said(&self, text: &str, times: usize) {
        self.until(&self.stderr, |said| said.matches(text).count() >= times, text).await;
    }

    /// Waits until stdout has so many lines, and gives them.
    pub async fn until_lines(&self, lines: usize) -> Vec<String> {
        let enough = |said: &str| said.matches('\n').count() >= lines;
        let said = self.until(&self.stdout, enough, "lines on stdout").await;
        said.lines().take(lines).map(str::to_owned).collect()
    }

    /// How many lines stand on stdout.
    pub fn lines_so_far(&self) -> usize {
        self.stdout.so_far().matches('\n').count()
    }

    async fn until(&self, pipe: &Pipe, enough: impl Fn(&str) -> bool, what: &str) -> String {
        let begun = std::time::Instant::now();
        loop {
            let said = pipe.so_far();
            if enough(&said) {
                return said;
            }
            let is_in_time = begun.elapsed() < self.limit;
            assert!(is_in_time, "{what:?} expected of {}; it said:\n{said}", self.words);
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the end. Blocks: inside a test `.await` the builder, or use `spawn_blocking`.
    pub fn finish(mut self) -> Outcome {
        let Ok(stdout) = self.stdout.whole.recv_timeout(self.limit) else {
            let _ = self.child.kill();
            let said = self.stderr.whole.recv().unwrap_or_default();
            panic!("{} did not end within {:?}; stderr:\n{said}", self.words, self.limit);
        };
        let stderr = self.stderr.whole.recv().expect("stderr is read to its end");
        let status = exit_status(self.child.wait().expect("a child can be waited for"));
        let json = serde_json::from_str(&stdout).unwrap_or(Value::Null);
        Outcome { command: std::mem::take(&mut self.words), status, stdout, stderr, json }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What comes out of a program.
struct Pipe {
    bytes: Arc<Mutex<Vec<u8>>>,
    whole: mpsc::Receiver<String>,
}

impl Pipe {
    fn read(mut pipe: impl Read + Send + 'static) -> Self {
        let (sender, whole) = mpsc::channel();
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let read = Arc::clone(&bytes);
        thread::spawn(move || {
            let mut part = [0; 8192];
            while let Ok(length @ 1..) = pipe.read(&mut part) {
                read.lock().expect("no reader panics").extend_from_slice(&part[..length]);
            }
            sender.send(text(&read))
        });
        Self { bytes, whole }
    }

    fn so_far(&self) -> String {
        text(&self.bytes)
    }
}

fn text(bytes: &Mutex<Vec<u8>>) -> String {
    String::from_utf8_lossy(&bytes.lock().expect("no reader panics")).into_owned()
}

fn exit_status(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}
