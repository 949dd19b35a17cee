//! Tells web servers that a run began and how it ended. A server that cannot be reached is a warning,
//! and never more: nothing here changes what a run does or how it ends. No text that leaves this module
//! holds the path or the query of an address.

mod http;
mod ping;
mod webhook;

use tokio::task::{AbortHandle, JoinHandle};

use crate::config::{Messages, WebAddress};
use http::Client;

/// What is told of the end of a run.
#[derive(Clone, Debug)]
pub struct Message {
    pub exit_status: u8,
    /// Whether rows of the target were changed.
    pub has_changes: bool,
    /// Whether it is the first success after failures.
    pub is_recovery: bool,
    /// One line.
    pub verdict: String,
    /// All that people are told.
    pub summary: String,
    /// Between the two: for a chat.
    pub sentence: String,
    /// For programs: JSON.
    pub object: String,
}

/// Tells those whom the settings name.
pub struct Notifier {
    messages: Messages,
    client: Client,
    /// The start that is being told, and the UUID that its end will have, too.
    started: Option<(AbortHandle, String)>,
}

impl Notifier {
    /// Connects to nothing yet. `None` where nobody is to be told.
    pub fn new(messages: &Messages) -> Option<Self> {
        let webhook = messages.webhook.as_ref().map(|webhook| &webhook.address);
        let addresses = || messages.ping.iter().chain(webhook);
        addresses().next()?;
        let client = Client::new(addresses().any(WebAddress::is_https));
        Some(Self { messages: messages.clone(), client, started: None })
    }

    /// Tells that a run begins; nobody waits for that.
    pub fn begin(&mut self) {
        let Some(address) = &self.messages.ping else { return };
        let rid = uuid();
        let Some(request) = ping::started(address, &rid) else { return };
        // If it cannot be told, the end will not be either, and that is a warning.
        let telling = tokio::spawn(self.client.clone().deliver(request));
        self.started = Some((telling.abort_handle(), rid));
    }

    /// Tells how a run ended. The task gives a warning per server that could not be told.
    pub fn end(&mut self, message: &Message) -> JoinHandle<Vec<String>> {
        let started = self.started.take();
        if let Some((telling, _)) = &started {
            telling.abort();
        }
        let rid = started.map_or_else(uuid, |(_, rid)| rid);
        let ping = self.messages.ping.clone().map(|address| {
            let request = ping::ended(&address, &rid, message);
            (format!("-ping {address}"), request)
        });
        let webhook = self.messages.webhook.as_ref().and_then(|webhook| {
            let request = webhook::ended(webhook, message)?;
            Some((format!("-webhook {}", webhook.address), request))
        });
        let client = self.client.clone();
        let deliver = move |(name, request): (String, http::Request)| {
            let told = client.clone().deliver(request);
            async move { told.await.err().map(|why| format!("{name}: {why}")) }
        };
        let told = futures_util::future::join_all(ping.into_iter().chain(webhook).map(deliver));
        tokio::spawn(async { told.await.into_iter().flatten().collect() })
    }
}

/// A random one, version 4.
fn uuid() -> String {
    use std::hash::{BuildHasher, RandomState};
    let random = || u128::from(RandomState::new().hash_one(()));
    let bits = random() << 64 | random();
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
    let hex = format!("{bits:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_random_and_says_so() {
        let uuid = uuid();
        assert_eq!(uuid.len(), 36);
        assert_eq!((&uuid[14..15], uuid[19..20].contains(['8', '9', 'a', 'b'])), ("4", true));
        assert_ne!(uuid, super::uuid());
    }
}
