//! A network between the program and its servers that can lose every packet, so that neither end is
//! told that the other is gone. Needs root.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A network name space with one way out.
pub struct Wire {
    name: String,
    /// The tests' end.
    pub address: String,
}

impl Wire {
    pub fn laid() -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let (pid, number) = (std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        let name = format!("pgs{pid}x{number}"); // an interface's name has 15 bytes at most
        // 198.18/15 is for tests of networks; four addresses each.
        let place = (pid % 4096 * 16 + number % 16) * 4;
        let of = |host| {
            format!("198.{}.{}.{}", 18 + (place >> 16), place >> 8 & 255, place & 255 | host)
        };
        let wire = Self { address: of(1), name };
        let (near, far) = (wire.end('a'), wire.end('b'));
        wire.ip(&format!("netns add {}", wire.name));
        wire.ip(&format!("link add {near} type veth peer name {far} netns {}", wire.name));
        wire.ip(&format!("addr add {}/30 dev {near}", of(1)));
        wire.ip(&format!("link set {near} up"));
        wire.ip(&format!("-n {} addr add {}/30 dev {far}", wire.name, of(2)));
        wire.ip(&format!("-n {} link set {far} up", wire.name));
        wire
    }

    fn end(&self, letter: char) -> String {
        format!("{}{letter}", self.name)
    }

    /// From now on nothing arrives.
    pub fn cut(&self) {
        self.ip(&format!("link set {} down", self.end('a')));
    }

    pub fn fix(&self) {
        self.ip(&format!("link set {} up", self.end('a')));
    }

    /// A program that has no network but this one.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Returns once the program has given up every connection.
    pub async fn until_given_up(&self) {
        let begun = Instant::now();
        loop {
            let mut open = self.command("ss");
            let open =
                open.args(["-Htn", "state", "established"]).output().expect("ss is installed");
            if open.stdout.is_empty() {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "connections are still trusted");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn ip(&self, words: &str) {
        let output = Command::new("ip").args(words.split(' ')).output().expect("ip is installed");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "ip {words}, which needs root: {said}");
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // The interfaces go with it.
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}
