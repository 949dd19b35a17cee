//! Whom a run tells how it ended: addresses of web servers, and what is sent to them. A path or a query
//! can be a secret, so an address is never shown with them.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use super::conninfo::Secret;
use super::environment::Environment;
use super::interpolation;
use super::layers::Origin;
use super::resolve::Reader;
use super::setting::Setting;
use super::value;

/// Who is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// Hears the start and the exit status of each run.
    pub ping: Option<WebAddress>,
    pub webhook: Option<Webhook>,
}

/// Where figures for Prometheus go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetricsSettings {
    /// Is written after each run.
    pub file: Option<PathBuf>,
    /// Is served between runs, too.
    pub listen: Option<SocketAddr>,
    /// Whether each table has figures when there are many.
    pub every_table: bool,
}

/// Hears the result of runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    pub address: WebAddress,
    /// Signs what is sent.
    pub secret: Option<Secret>,
    /// Never empty.
    pub occasions: Vec<Occasion>,
    pub format: WebhookFormat,
}

/// After which runs a webhook is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    Always,
    /// Something is not in sync.
    Failure,
    /// Rows of the target were changed.
    Change,
    /// The first success after failures.
    Recovery,
}

/// What a webhook is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WebhookFormat {
    /// The object that `-json` prints.
    #[default]
    Json,
    /// A sentence for people, where chat programs look for it.
    Text,
}

/// An `http` or `https` URL.
#[derive(Clone, PartialEq, Eq)]
pub struct WebAddress(String);

impl WebAddress {
    /// What is wrong is said without the text.
    ///
    /// # Errors
    /// Anything that is no such URL.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_plain = text.chars().all(|c| c.is_ascii_graphic());
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        match rest {
            Some(rest) if is_plain && !authority(rest).is_empty() => Ok(Self(text.to_owned())),
            _ => Err("is no URL such as https://example.com/path".to_owned()),
        }
    }

    /// The whole URL, which can hold secrets.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// Whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }
}

/// For people: without user, password, path and query.
impl fmt::Display for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or_default();
        write!(f, "{scheme}://{}", authority(rest))
    }
}

impl fmt::Debug for WebAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Host and port of what follows the scheme.
fn authority(rest: &str) -> &str {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let whole = &rest[..end];
    whole.rsplit_once('@').map_or(whole, |(_, host)| host)
}

impl Reader {
    pub(super) fn messages(&mut self, environment: &Environment) -> Messages {
        let ping = self.address(Setting::Ping, environment);
        let secret = self.followed(Setting::WebhookSecret, environment).map(Secret::new);
        let (occasions, format) = (self.occasions(), self.webhook_format());
        let address = self.address(Setting::Webhook, environment);
        let webhook = |address| Webhook { address, secret, occasions, format };
        Messages { ping, webhook: address.map(webhook) }
    }

    pub(super) fn metrics(&mut self) -> MetricsSettings {
        let listen = self.read(Setting::Listen, value::socket_address);
        if let (Some(_), None, Some(origin)) =
            (listen, self.origin(Setting::Every), self.origin(Setting::Listen))
        {
            self.problem(Setting::Listen, &origin, "needs -every: nobody can ask one run");
        }
        let file = self.text(Setting::Metrics).map(PathBuf::from);
        let is_read = |file: &PathBuf| file.extension().is_some_and(|end| end == "prom");
        if let (Some(false), Some(origin)) =
            (file.as_ref().map(is_read), self.origin(Setting::Metrics))
        {
            self.problem(
                Setting::Metrics,
                &origin,
                "must end in .prom: node_exporter reads no other file",
            );
        }
        MetricsSettings { file, listen, every_table: self.switch(Setting::MetricsTables, false) }
    }

    fn address(&mut self, setting: Setting, environment: &Environment) -> Option<WebAddress> {
        let text = self.followed(setting, environment)?;
        let origin = self.origin(setting)?;
        let parsed = WebAddress::parse(&text);
        parsed.map_err(|problem| self.problem(setting, &origin, &problem)).ok()
    }

    /// The value itself, or that of the variable or file that it names.
    fn followed(&mut self, setting: Setting, environment: &Environment) -> Option<String> {
        self.read(setting, |text| match interpolation::follow(text.trim(), environment) {
            Ok(text) if text.is_empty() => Err("is empty".to_owned()),
            followed => followed,
        })
    }

    fn origin(&self, setting: Setting) -> Option<Origin> {
        self.layer.get(&setting).map(|given| given.origin.clone())
    }

    fn webhook_format(&mut self) -> WebhookFormat {
        self.read(Setting::WebhookFormat, value::webhook_format).unwrap_or_default()
    }

    fn occasions(&mut self) -> Vec<Occasion> {
        let texts = self.list(Setting::WebhookOn);
        let mut occasions = Vec::new();
        for text in texts {
            match (value::occasion(&text), self.origin(Setting::WebhookOn)) {
                (Ok(occasion), _) => occasions.push(occasion),
                (Err(problem), Some(origin)) => self.problem(Setting::WebhookOn, &origin, &problem),
                (Err(_), None) => {}
            }
        }
        if let ([Occasion::Recovery], None, Some(origin)) =
            (&occasions[..], self.origin(Setting::Every), self.origin(Setting::WebhookOn))
        {
            let what = "recovery needs -every: one run does not know how the last one ended";
            self.problem(Setting::WebhookOn, &origin, what);
        }
        if occasions.is_empty() {
            occasions.push(Occasion::Always);
        }
        occasions
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        let cases = [
            ("https://hc-ping.com/0123-4567?create=1", "https://hc-ping.com"),
            ("http://user:pass@example.com:8080/path", "http://example.com:8080"),
            ("https://[::1]:9?token=t", "https://[::1]:9"),
            ("https://host#f", "https://host"),
        ];
        for (text, shown) in cases {
            let address = WebAddress::parse(text).expect("a URL");
            assert_eq!((address.to_string(), format!("{address:?}")), (shown.into(), shown.into()));
            assert_eq!(address.secret(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_told_without_its_text() {
        for text in [
            "",
            "hc-ping.com/s3cret",
            "ftp://h/s3cret",
            "https:///s3cret",
            "http://h/ s3cret",
            "https://u@/s3cret",
        ] {
            let problem = WebAddress::parse(text).expect_err("no URL");
            assert_eq!(problem, "is no URL such as https://example.com/path", "{text}");
        }
    }
}
