//! The requests of `-ping`: the form of healthchecks.io, which many speak; that of Uptime Kuma where the
//! address has its `status`. Pure.

use super::Message;
use super::http::{Body, Request};
use crate::config::WebAddress;

/// What healthchecks.io keeps of a body.
const LONGEST: usize = 100_000;

/// A run begins. `rid` is a UUID that ties the two ends together.
pub fn started(address: &WebAddress, rid: &str) -> Option<Request> {
    (!is_kuma(address)).then(|| Request { url: url(address, "/start", rid), body: None })
}

/// A run ended.
pub fn ended(address: &WebAddress, rid: &str, message: &Message) -> Request {
    if is_kuma(address) {
        return Request { url: kuma_url(address, message), body: None };
    }
    let suffix = match message.exit_status {
        0 => String::new(),
        status => format!("/{status}"),
    };
    let mut end = message.summary.len().min(LONGEST);
    while !message.summary.is_char_boundary(end) {
        end -= 1;
    }
    let text = message.summary[..end].to_owned();
    let body = Body { content_type: "text/plain; charset=utf-8", text, signature: None };
    Request { url: url(address, &suffix, rid), body: Some(body) }
}

/// An address without its fragment: what stands before `?`, and behind it.
struct Parts<'a> {
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(address: &'a WebAddress) -> Self {
        let whole = address.secret();
        let whole = whole.split_once('#').map_or(whole, |(before, _)| before);
        match whole.split_once('?') {
            Some((path, query)) => Self { path, query: Some(query) },
            None => Self { path: whole, query: None },
        }
    }
}

fn url(address: &WebAddress, suffix: &str, rid: &str) -> String {
    let Parts { path, query } = Parts::of(address);
    let query = query.filter(|query| !query.is_empty());
    let query = query.map(|query| format!("{query}&")).unwrap_or_default();
    format!("{}{suffix}?{query}rid={rid}", path.trim_end_matches('/'))
}

fn is_kuma(address: &WebAddress) -> bool {
    Parts::of(address).query.unwrap_or_default().split('&').any(|pair| pair.starts_with("status="))
}

fn kuma_url(address: &WebAddress, message: &Message) -> String {
    let Parts { path, query } = Parts::of(address);
    let state = if message.exit_status == 0 { "up" } else { "down" };
    let own = |pair: &&str| !["status=", "msg="].iter().any(|name| pair.starts_with(name));
    let kept = query.unwrap_or_default().split('&').filter(own).map(str::to_owned);
    let told = [format!("status={state}"), format!("msg={}", encoded(&message.verdict))];
    format!("{path}?{}", kept.chain(told).collect::<Vec<_>>().join("&"))
}

fn encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let one =
        |byte: u8| if is_plain(byte) { char::from(byte).into() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(exit_status: u8, summary: &str) -> Message {
        Message {
            exit_status,
            has_changes: false,
            is_recovery: false,
            verdict: "in sync: 1 table".into(),
            summary: summary.into(),
            sentence: String::new(),
            object: String::new(),
        }
    }

    #[test]
    fn the_start_the_success_and_the_exit_status_have_addresses_of_their_own() {
        let cases = [
            ("https://hc/uuid", 0, "https://hc/uuid/start?rid=r", "https://hc/uuid?rid=r"),
            ("https://hc/uuid/", 1, "https://hc/uuid/start?rid=r", "https://hc/uuid/1?rid=r"),
            (
                "https://hc/k/n?create=1#x",
                143,
                "https://hc/k/n/start?create=1&rid=r",
                "https://hc/k/n/143?create=1&rid=r",
            ),
        ];
        for (text, status, start, end) in cases {
            let address = WebAddress::parse(text).expect("a URL");
            assert_eq!(started(&address, "r").map(|request| request.url).as_deref(), Some(start));
            assert_eq!(ended(&address, "r", &message(status, "")).url, end);
        }
    }

    #[test]
    fn uptime_kuma_hears_up_or_down_and_no_start() {
        let address =
            WebAddress::parse("https://kuma/api/push/t?status=up&msg=OK&ping=").expect("a URL");
        assert!(started(&address, "r").is_none());
        let url = |status| ended(&address, "r", &message(status, "")).url;
        assert_eq!(url(0), "https://kuma/api/push/t?ping=&status=up&msg=in%20sync%3A%201%20table");
        assert_eq!(
            url(1),
            "https://kuma/api/push/t?ping=&status=down&msg=in%20sync%3A%201%20table"
        );
    }

    #[test]
    fn a_long_summary_is_cut_between_two_characters() {
        let address = WebAddress::parse("https://hc/uuid").expect("a URL");
        let body = ended(&address, "r", &message(0, &"é".repeat(60_000))).body.expect("a POST");
        assert_eq!(body.text, "é".repeat(50_000));
        let body = ended(&address, "r", &message(0, &("x".to_owned() + &"é".repeat(60_000)))).body;
        assert_eq!(body.expect("a POST").text.len(), 99_999);
    }
}
